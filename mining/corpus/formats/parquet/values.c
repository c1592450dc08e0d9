#include "mining/corpus/formats/parquet/values.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH = 4 }; /* bytes of a length in front of a text */

typedef enum encoding {
    PLAIN = 0,
    PLAIN_DICTIONARY = 2,
    DELTA_LENGTH = 6,
    DELTA = 7,
    RLE_DICTIONARY = 8,
    BYTE_STREAM_SPLIT = 9
} encoding;

/* A PLAIN text: its length and its bytes; *at goes behind it. */
static inline bool values_plain(const unsigned char **at, const unsigned char *end, const char **bytes, size_t *len)
{
    uint32_t size = 0;
    if (end - *at < LENGTH) {
        return false;
    }
    memcpy(&size, *at, sizeof size);
    if (size > (size_t)(end - *at) - LENGTH) {
        return false;
    }
    *bytes = (const char *)*at + LENGTH;
    *len = size;
    *at += LENGTH + size;
    return true;
}

nb_status nb_parquet_dictionary_load(nb_parquet_dictionary *d, const nb_parquet_page *page, const char **wrong,
                                     nb_error *err)
{
    size_t bytes = (size_t)(page->end - page->at), len;
    const char *text;
    nb_status status = NB_OK;
    *wrong = NULL;
    d->there = false;
    if (page->encoding != PLAIN && page->encoding != PLAIN_DICTIONARY) {
        *wrong = "its dictionary is in an encoding that is not read";
        return NB_OK;
    }
    if (page->values > bytes / LENGTH) {
        *wrong = "its dictionary is cut short";
        return NB_OK;
    }
    d->count = (size_t)page->values;
    if (d->count > d->cap) {
        free(d->entries);
        d->cap = 0;
        NB_TRY_NEW(d->entries, d->count);
        d->cap = d->count;
    }
    NB_TRY(nb_parquet_bytes_reserve(&d->bytes, bytes, err));
    memcpy(d->bytes.at, page->at, bytes);
    const unsigned char *at = d->bytes.at, *end = at + bytes;
    for (size_t i = 0; i < d->count; i++) {
        d->entries[i] = (uint32_t)(at - d->bytes.at) + LENGTH;
        if (!values_plain(&at, end, &text, &len)) {
            *wrong = "its dictionary is cut short";
            goto done;
        }
    }
    d->there = true;
done:
    return status;
}

void nb_parquet_dictionary_free(nb_parquet_dictionary *d)
{
    free(d->bytes.at);
    free(d->entries);
    *d = (nb_parquet_dictionary){0};
}

static const char *values_begin_dictionary(nb_parquet_values *v)
{
    if (!v->dictionary->there) {
        return "it refers to a dictionary that is missing";
    }
    if (v->at == v->end) { /* nothing but nulls */
        return nb_parquet_runs_open(&v->indexes, v->at, v->end, 0) ? NULL : "its indexes are damaged";
    }
    unsigned width = *v->at;
    return nb_parquet_runs_open(&v->indexes, v->at + 1, v->end, width) ? NULL : "its indexes are damaged";
}

/* Deltas whose bytes begin at v->at; it goes behind them. */
static bool values_begin_deltas(nb_parquet_values *v, nb_parquet_deltas *d)
{
    const unsigned char *end = nb_parquet_deltas_open(d, v->at, v->end) ? nb_parquet_deltas_end(d) : NULL;
    v->at = end ? end : v->at;
    return end != NULL;
}

const char *nb_parquet_values_begin(nb_parquet_values *v, const nb_parquet_page *page,
                                    const nb_parquet_dictionary *dictionary)
{
    v->encoding = page->encoding;
    v->dictionary = dictionary;
    v->at = page->at;
    v->end = page->end;
    v->len = 0;
    switch (v->encoding) {
    case PLAIN: return NULL;
    case PLAIN_DICTIONARY:
    case RLE_DICTIONARY: return values_begin_dictionary(v);
    case DELTA:
        if (v->at != v->end && !values_begin_deltas(v, &v->prefixes)) {
            return "the lengths of its texts are damaged";
        }
        /* fall through */
    case DELTA_LENGTH:
        if (v->at == v->end) { /* nothing but nulls, left out by some writers */
            v->lengths = v->prefixes = (nb_parquet_deltas){0};
            return NULL;
        }
        return values_begin_deltas(v, &v->lengths) ? NULL : "the lengths of its texts are damaged";
    case BYTE_STREAM_SPLIT: return "its texts are in the encoding BYTE_STREAM_SPLIT, which is not read";
    default: return "its texts are in an encoding that is not read";
    }
}

/* A text as long as the next length, of the bytes behind the lengths. */
static bool values_delta_length(nb_parquet_values *v, const char **bytes, size_t *len)
{
    int64_t size;
    if (!nb_parquet_deltas_next(&v->lengths, &size) || size < 0 || size > v->end - v->at) {
        return false;
    }
    *bytes = (const char *)v->at;
    *len = (size_t)size;
    v->at += size;
    return true;
}

/* The front of the text before it, and a new end. */
static nb_status values_delta(nb_parquet_values *v, const char **bytes, size_t *len, const char **wrong, nb_error *err)
{
    const char *end;
    size_t added;
    int64_t prefix;
    nb_status status = NB_OK;
    if (!nb_parquet_deltas_next(&v->prefixes, &prefix) || prefix < 0 || (uint64_t)prefix > v->len ||
        !values_delta_length(v, &end, &added)) {
        *wrong = "the lengths of its texts are damaged";
        return NB_OK;
    }
    size_t front = (size_t)prefix, size = front + added;
    if (size > NB_PARQUET_PAGE_MAX) {
        *wrong = "a text is over the limit of 256 MiB";
        return NB_OK;
    }
    if (size > v->text.cap) {
        nb_parquet_bytes more = {0};
        NB_TRY(nb_parquet_bytes_reserve(&more, 2 * size, err));
        if (front) {
            memcpy(more.at, v->text.at, front);
        }
        free(v->text.at);
        v->text = more;
    }
    if (added) {
        memcpy(v->text.at + front, end, added);
    }
    v->len = *len = size;
    *bytes = size ? (const char *)v->text.at : "";
done:
    return status;
}

nb_status nb_parquet_values_next(nb_parquet_values *v, const char **bytes, size_t *len, const char **wrong,
                                 nb_error *err)
{
    uint32_t index, size;
    *wrong = NULL;
    switch (v->encoding) {
    case PLAIN: *wrong = values_plain(&v->at, v->end, bytes, len) ? NULL : "its texts are cut short"; return NB_OK;
    case DELTA_LENGTH:
        *wrong = values_delta_length(v, bytes, len) ? NULL : "the lengths of its texts are damaged";
        return NB_OK;
    case DELTA: return values_delta(v, bytes, len, wrong, err);
    default:
        if (!nb_parquet_runs_next(&v->indexes, &index) || index >= v->dictionary->count) {
            *wrong = "its indexes go beyond the dictionary";
            return NB_OK;
        }
        const unsigned char *at = v->dictionary->bytes.at + v->dictionary->entries[index];
        memcpy(&size, at - LENGTH, sizeof size);
        *bytes = (const char *)at;
        *len = size;
        return NB_OK;
    }
}

void nb_parquet_values_close(nb_parquet_values *v)
{
    free(v->text.at);
    *v = (nb_parquet_values){0};
}
