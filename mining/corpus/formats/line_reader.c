#include "mining/corpus/formats/line_reader.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18, CAP = NB_LINE_BYTES_MAX + 1 + BLOCK };

static nb_status line_reader_fill(nb_line_reader *r, nb_error *err)
{
    size_t got = 0;
    if (r->at) {
        memmove(r->buffer, r->buffer + r->at, r->len - r->at);
        r->len -= r->at;
        r->at = 0;
    }
    nb_status status = nb_byte_stream_read(r->in, r->buffer + r->len, BLOCK, &got, err);
    r->len += got;
    r->ended = got == 0;
    return status;
}

/* Passes over bytes up to and with the next LF; *found is false when there is none before place `stop`. */
static nb_status line_reader_skip_line(nb_line_reader *r, uint64_t stop, bool *found, nb_error *err)
{
    nb_status status = NB_OK;
    *found = false;
    while (!*found && r->line < stop) {
        if (r->at == r->len) {
            NB_TRY(line_reader_fill(r, err));
            if (r->ended) {
                break;
            }
        }
        const char *from = r->buffer + r->at;
        const char *end = memchr(from, '\n', r->len - r->at);
        size_t step = end ? (size_t)(end - from) + 1 : r->len - r->at;
        r->at += step;
        r->line += step;
        *found = end != NULL;
    }
done:
    return status;
}

nb_status nb_line_reader_open(nb_line_reader *r, nb_byte_stream *in, uint64_t begin, uint64_t end, nb_error *err)
{
    nb_status status = NB_OK;
    bool found = true;
    *r = (nb_line_reader){.in = in, .line = nb_line_start(begin), .end = end};
    NB_TRY_NEW(r->buffer, CAP);
    if (begin) {
        NB_TRY(line_reader_skip_line(r, end, &found, err));
    } else {
        while (r->len < 3 && !r->ended) {
            NB_TRY(line_reader_fill(r, err));
        }
        /* the first line begins at the mark */
        r->mark = r->len >= 3 && memcmp(r->buffer, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        r->at = r->mark;
    }
    if (!found) {
        r->end = 0;
    }
done:
    if (status != NB_OK) {
        nb_line_reader_close(r);
    }
    return status;
}

void nb_line_reader_close(nb_line_reader *r)
{
    free(r->buffer);
    *r = (nb_line_reader){0};
}

nb_status nb_line_next(nb_line_reader *r, const char **line, size_t *len, bool *too_long, nb_error *err)
{
    nb_status status = NB_OK;
    size_t searched = 0;
    const char *end = NULL;
    *line = NULL;
    *len = 0;
    *too_long = false;
    if (r->line >= r->end) {
        return NB_OK;
    }
    for (;;) {
        size_t left = r->len - r->at;
        end = memchr(r->buffer + r->at + searched, '\n', left - searched);
        if (end || r->ended || left > NB_LINE_BYTES_MAX) {
            break;
        }
        searched = left;
        NB_TRY(line_reader_fill(r, err));
    }
    const char *from = r->buffer + r->at;
    size_t size = end ? (size_t)(end - from) : r->len - r->at;
    if (!end && !size) {
        r->end = 0;
        return NB_OK;
    }
    r->number++;
    r->line += r->mark;
    r->mark = 0;
    *line = from;
    if (!end && !r->ended) { /* over the limit, and its end not seen yet */
        bool found;
        *too_long = true;
        NB_TRY(line_reader_skip_line(r, UINT64_MAX, &found, err));
        *line = "";
        return NB_OK;
    }
    r->at += size + (end ? 1 : 0);
    r->line += size + (end ? 1 : 0);
    *too_long = size > NB_LINE_BYTES_MAX;
    if (!*too_long) {
        *len = size && from[size - 1] == '\r' ? size - 1 : size;
    }
done:
    return status;
}
