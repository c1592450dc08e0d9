#include "mining/corpus/corpus.h"

#include <stdlib.h>

enum { HEADER = 3 * sizeof(uint64_t), PER_TEXT = sizeof(uint64_t) + 2 * sizeof(uint32_t) + 1 };
static const uint64_t magic = 0x314b434150434e42; /* "BNCPACK1" in memory, low byte first */

static char *put(char *at, const void *bytes, size_t len)
{
    if (len) {
        memcpy(at, bytes, len);
    }
    return at + len;
}

nb_status nb_corpus_pack(const nb_corpus *c, char **block, size_t *len, nb_error *err)
{
    size_t n = c->count, text_bytes = 0;
    *block = NULL;
    *len = 0;
    for (size_t i = 0; i < n; i++) {
        size_t bytes = nb_strings_len(&c->texts, i);
        if (bytes > UINT32_MAX) {
            return nb_fail(err, NB_ERR_LIMIT, "text %zu has %zu bytes, too many to send", i, bytes);
        }
        text_bytes += bytes;
    }
    size_t total = HEADER + n * PER_TEXT + text_bytes; /* less than the corpus itself takes */
    char *out = nb_alloc(total, 1, err);
    if (!out) {
        return NB_ERR_LIMIT;
    }
    char *at = put(out, (const uint64_t[]){magic, n, text_bytes}, HEADER);
    at = put(at, c->line, n * sizeof *c->line);
    at = put(at, c->source, n * sizeof *c->source);
    for (size_t i = 0; i < n; i++) {
        uint32_t bytes = (uint32_t)nb_strings_len(&c->texts, i);
        at = put(at, &bytes, sizeof bytes);
    }
    at = put(at, c->tags, n);
    for (size_t i = 0; i < n; i++) {
        at = put(at, nb_strings_get(&c->texts, i), nb_strings_len(&c->texts, i));
    }
    *block = out;
    *len = total;
    return NB_OK;
}

nb_status nb_corpus_unpack(nb_corpus *c, const char *block, size_t len, nb_error *err)
{
    uint64_t header[3] = {0};
    nb_status status = NB_OK;
    *c = (nb_corpus){0};
    if (len >= HEADER) {
        memcpy(header, block, HEADER);
    }
    if (header[0] != magic || header[1] > (len - HEADER) / PER_TEXT ||
        header[2] != len - HEADER - header[1] * PER_TEXT) {
        return nb_fail(err, NB_ERR_INPUT, "a block of %zu bytes is no packed corpus", len);
    }
    size_t n = (size_t)header[1];
    const char *lines = block + HEADER;
    const char *sources = lines + n * sizeof(uint64_t);
    const char *lengths = sources + n * sizeof(uint32_t);
    const char *tags = lengths + n * sizeof(uint32_t);
    const char *text = tags + n;
    size_t left = (size_t)header[2];
    for (size_t i = 0; i < n; i++) {
        uint64_t line;
        uint32_t source, bytes;
        memcpy(&line, lines + i * sizeof line, sizeof line);
        memcpy(&source, sources + i * sizeof source, sizeof source);
        memcpy(&bytes, lengths + i * sizeof bytes, sizeof bytes);
        uint8_t tag = (uint8_t)tags[i];
        if (bytes > left || tag >= NB_TAG_COUNT) {
            status = nb_fail(err, NB_ERR_INPUT, "text %zu of a packed corpus has %u bytes of %zu left and tag %u", i,
                             bytes, left, tag);
            goto done;
        }
        NB_TRY(nb_corpus_push(c, text, bytes, tag, source, line, err));
        text += bytes;
        left -= bytes;
    }
    if (left) {
        status = nb_fail(err, NB_ERR_INPUT, "a packed corpus has %zu bytes behind its last text", left);
    }
done:
    if (status != NB_OK) {
        nb_corpus_free(c);
    }
    return status;
}
