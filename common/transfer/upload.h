/* Uploads: whole by PUT; large ones block by block where that is possible, so that a broken connection costs one block.
 *
 * S3: a multipart upload above `whole_up_to` bytes. Other servers: blocks with Content-Range (partial PUT), tried above
 * the same size and given up for one whole PUT when the server refuses it or does not put the blocks together. What was
 * accepted is noted in a file (common/transfer/upload_note.h), so that a later process goes on there; a note of another
 * file or address never matches, since its name holds both digests. In the end the size the server has is compared. */
#ifndef NB_COMMON_TRANSFER_UPLOAD_H
#define NB_COMMON_TRANSFER_UPLOAD_H

#include "common/transfer/http.h"

/** What goes where; all of it is borrowed. */
typedef struct nb_upload {
    const nb_url *url;
    const void *bytes; /**< [len] */
    size_t len;
    const char *type;   /**< Content-Type */
    size_t block;       /**< bytes of a part; S3 itself wants at least 5 MiB and at most 10000 parts. 0: all go whole */
    size_t whole_up_to; /**< bytes; larger ones go in blocks */
    const char *note;   /**< path of the note, NULL: none is kept */
    const char *if_match; /**< "If-Match: ..." or "If-None-Match: *", NULL without */
} nb_upload;

/** What became of it. */
typedef struct nb_uploaded {
    size_t kept;    /**< bytes an earlier process had brought over */
    size_t sent;    /**< bytes accepted by this one */
    bool in_blocks; /**< it went block by block */
    bool lost_race; /**< the condition of if_match did not hold: nothing was changed */
} nb_uploaded;

/** Uploads bytes. Not collective.
 *
 * @param http   the connection
 * @param what   bytes and address; the note's file is removed at the end
 * @param result set; where `lost_race` is true nothing was changed and the status is NB_OK
 * @return NB_OK, NB_ERR_NETWORK when the server refuses, cannot be reached or has another size in the end, NB_STOPPED
 *         when the options say so, NB_ERR_IO when the note cannot be written, NB_ERR_USAGE for half of a pair of S3
 *         keys, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_upload_run(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err);

#endif
