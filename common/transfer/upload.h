/* Uploads: whole by PUT; large ones block by block where that is possible, so that a broken connection costs one block.
 *
 * S3: a multipart upload above `whole_up_to` bytes. Other servers: blocks with Content-Range (partial PUT), tried above
 * the same size and given up for one whole PUT when the server refuses it or does not put the blocks together. What was
 * accepted is noted in a file, so that a later process goes on there; a note of another file or address never matches,
 * since its name holds both digests. In the end the size the server has is compared. */
#ifndef NB_TRANSFER_UPLOAD_H
#define NB_TRANSFER_UPLOAD_H

#include "common/base/file.h"
#include "common/transfer/http.h"

typedef struct nb_upload {
    const nb_url *url;
    const void *bytes; /* [len] */
    size_t len;
    const char *type;     /* Content-Type */
    size_t block;         /* bytes of a part; S3 itself wants at least 5 MiB and at most 10000 parts */
    size_t whole_up_to;   /* bytes; larger ones go in blocks */
    const char *note;     /* path of the note, NULL: none is kept */
    const char *if_match; /* "If-Match: ..." or "If-None-Match: *", NULL without */
} nb_upload;

typedef struct nb_uploaded {
    size_t kept; /* bytes an earlier process had brought over */
    size_t sent; /* bytes accepted by this one */
    bool in_blocks;
    bool lost_race; /* the condition of if_match did not hold: nothing was changed */
} nb_uploaded;

nb_status nb_upload_run(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err);

/* Of S3, by upload.c. */
nb_status nb_s3_upload(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err);

/* ---- the note of blocks that were accepted ---- */

/* Block i was answered with etag[i]. */
typedef struct nb_upload_note {
    char *head; /* S3's upload id */
    nb_strings etags;
} nb_upload_note;

/* Reads a note; an absent or damaged one is empty. */
nb_status nb_upload_note_read(nb_upload_note *out, const char *path, nb_error *err);
/* Begins a new note. */
nb_status nb_upload_note_begin(nb_upload_note *note, const char *path, const char *head, nb_error *err);
/* Adds an accepted block, to the note and its file. */
nb_status nb_upload_note_add(nb_upload_note *note, const char *path, const char *etag, nb_error *err);
void nb_upload_note_free(nb_upload_note *note);

#endif
