#include "common/transfer/upload_note.h"

#include "common/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_MAX = 8 << 20 };

void nb_upload_note_free(nb_upload_note *note)
{
    if (note) {
        free(note->head);
        nb_strings_free(&note->etags);
        *note = (nb_upload_note){0};
    }
}

/* A note ends every line with a newline, so that a line cut short by a crash is seen and left out. */
nb_status nb_upload_note_read(nb_upload_note *out, const char *path, nb_error *err)
{
    char *text = NULL;
    size_t len = 0;
    nb_status status = NB_OK;
    *out = (nb_upload_note){0};
    if (!path || nb_file_owner(path) != NB_OWNER_OURS || nb_file_read(path, NOTE_MAX, &text, &len, NULL) != NB_OK) {
        return NB_OK;
    }
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (!out->head) {
            out->head = strdup(line);
            status = out->head ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for '%s'", path);
        } else {
            status = nb_strings_push(&out->etags, line, strlen(line), err);
        }
        if (status != NB_OK) {
            break;
        }
    }
    free(text);
    return status;
}

static nb_status upload_note_append_line(const char *path, bool more, const char *line, nb_error *err)
{
    int fd = -1;
    nb_status status = path ? nb_file_open_own(&fd, path, err) : NB_OK;
    if (!path || status != NB_OK) {
        return status;
    }
    bool wrote = (more ? lseek(fd, 0, SEEK_END) >= 0 : ftruncate(fd, 0) == 0) && dprintf(fd, "%s\n", line) > 0;
    wrote = close(fd) == 0 && wrote;
    return wrote ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
}

nb_status nb_upload_note_begin(nb_upload_note *note, const char *path, const char *head, nb_error *err)
{
    nb_upload_note_free(note);
    note->head = strdup(head);
    return note->head ? upload_note_append_line(path, false, head, err)
                      : nb_fail(err, NB_ERR_LIMIT, "out of memory for a note");
}

nb_status nb_upload_note_add(nb_upload_note *note, const char *path, const char *etag, nb_error *err)
{
    nb_status status = nb_strings_push(&note->etags, etag, strlen(etag), err);
    return status == NB_OK ? upload_note_append_line(path, true, etag, err) : status;
}
