/* The note of an upload in blocks: which ones the server has accepted, kept in a file so that a later process goes on
 * there. Nothing here is collective. */
#ifndef NB_COMMON_TRANSFER_UPLOAD_NOTE_H
#define NB_COMMON_TRANSFER_UPLOAD_NOTE_H

#include "common/base/memory.h"

/** What was accepted. Start from {0}; free with nb_upload_note_free. */
typedef struct nb_upload_note {
    char *head;       /**< S3's upload id, "put" of other servers; NULL: there is none yet */
    nb_strings etags; /**< block i was answered with etag i */
} nb_upload_note;

/** Reads a note.
 *
 * @param out  the note, empty where the file is absent or not to be read; a last line that was cut short is left out
 * @param path the file; NULL: none is kept
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_upload_note_read(nb_upload_note *out, const char *path, nb_error *err);

/** Begins a new note in place of what is there.
 *
 * @param note what it held is freed
 * @param path the file; NULL: none is kept
 * @param head its first line
 * @return NB_OK, NB_ERR_IO when the file cannot be written, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_upload_note_begin(nb_upload_note *note, const char *path, const char *head, nb_error *err);

/** Adds an accepted block to the note and its file.
 *
 * @param note a note that was begun
 * @param path the file; NULL: none is kept
 * @param etag what the server answered
 * @return as nb_upload_note_begin. */
NB_CHECKED nb_status nb_upload_note_add(nb_upload_note *note, const char *path, const char *etag, nb_error *err);

/** Frees what `note` holds; the file stays. Takes NULL. */
void nb_upload_note_free(nb_upload_note *note);

#endif
