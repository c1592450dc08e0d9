#include "mining/corpus/formats/parquet/pages.h"

#include "common/base/text.h"
#include "mining/corpus/formats/parquet/encodings.h"
#include "mining/corpus/formats/parquet/thrift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A head holds the least and the greatest value of its page, so it may be long. */
enum { HEAD_FIRST = 1 << 10, HEAD_MAX = 16 << 20, NAME_SHOWN = 80 };

enum { DATA_PAGE = 0, DICTIONARY_PAGE = 2, DATA_PAGE_V2 = 3, LEVELS_RLE = 3 };

/* The head of a page, of any kind. */
typedef struct page_head {
    int64_t kind, bytes, packed, crc;
    int64_t values, encoding, level_encoding, level_bytes, repetition_bytes;
    bool has_crc, packed_values, described;
} page_head;

nb_status nb_parquet_bytes_reserve(nb_parquet_bytes *b, size_t bytes, nb_error *err)
{
    if (bytes + NB_PARQUET_PADDING > b->cap) {
        free(b->at);
        *b = (nb_parquet_bytes){.at = nb_grow(NULL, bytes + NB_PARQUET_PADDING, 1, err)};
        if (!b->at) {
            return NB_ERR_LIMIT;
        }
        b->cap = bytes + NB_PARQUET_PADDING;
    }
    memset(b->at + bytes, 0, NB_PARQUET_PADDING);
    return NB_OK;
}

nb_status nb_parquet_pages_refuse(const nb_parquet_pages *p, const char *why, nb_error *err)
{
    char name[NAME_SHOWN];
    snprintf(name, sizeof name, "%.*s", p->column->len < NAME_SHOWN ? (int)p->column->len : NAME_SHOWN,
             p->column->name);
    nb_text_sanitise(name);
    return nb_fail(err, NB_ERR_INPUT, "'%s', column '%s', row group %zu, page at byte %llu: %s", p->path, name,
                   p->group + 1, (unsigned long long)p->page_at, why);
}

nb_status nb_parquet_pages_begin(nb_parquet_pages *p, const nb_parquet_chunk *chunk, size_t group, nb_error *err)
{
    p->chunk = *chunk;
    p->group = group;
    p->at = p->page_at = chunk->begin;
    const char *refused = chunk->rows ? nb_parquet_codec_refused(chunk->codec) : NULL;
    if (refused) {
        nb_parquet_pages_refuse(p, refused, err);
        return nb_hint(err, "write it anew with snappy, gzip, zstd or lz4_raw");
    }
    return NB_OK;
}

void nb_parquet_pages_close(nb_parquet_pages *p)
{
    free(p->head.at);
    free(p->packed.at);
    free(p->page.at);
    nb_parquet_codec_close(&p->decompressor);
    *p = (nb_parquet_pages){0};
}

/* ---- the head ---- */

/* Of each kind of page, the field that describes it, and what is wanted of its fields. */
static void pages_read_description(nb_thrift *t, int kind, page_head *h)
{
    nb_thrift_field field = {0};
    while (nb_thrift_next(t, &field)) {
        if (field.id == 1) {
            h->values = nb_thrift_int(t, &field);
        } else if (field.id == (kind == DATA_PAGE_V2 ? 4 : 2)) {
            h->encoding = nb_thrift_int(t, &field);
        } else if (kind == DATA_PAGE && field.id == 3) {
            h->level_encoding = nb_thrift_int(t, &field);
        } else if (kind == DATA_PAGE_V2 && field.id == 5) {
            h->level_bytes = nb_thrift_int(t, &field);
        } else if (kind == DATA_PAGE_V2 && field.id == 6) {
            h->repetition_bytes = nb_thrift_int(t, &field);
        } else if (kind == DATA_PAGE_V2 && field.id == 7) {
            h->packed_values = nb_thrift_bool(t, &field);
        } else {
            nb_thrift_skip(t, field.type);
        }
    }
    h->described = true;
}

static page_head pages_parse_head(nb_thrift *t)
{
    page_head h = {.kind = -1, .packed_values = true};
    nb_thrift_field field = {0};
    while (nb_thrift_next(t, &field)) {
        /* fields 5, 7 and 8 describe pages of kind 0, 2 and 3, and stand behind the kind */
        int64_t kind = field.id == 5 ? DATA_PAGE : field.id == 7 ? DICTIONARY_PAGE : field.id == 8 ? DATA_PAGE_V2 : -1;
        if (kind >= 0 && kind == h.kind && field.type == NB_THRIFT_STRUCT) {
            pages_read_description(t, (int)kind, &h);
        } else if (field.id == 1) {
            h.kind = nb_thrift_int(t, &field);
        } else if (field.id == 2) {
            h.bytes = nb_thrift_int(t, &field);
        } else if (field.id == 3) {
            h.packed = nb_thrift_int(t, &field);
        } else if (field.id == 4) {
            h.crc = nb_thrift_int(t, &field);
            h.has_crc = true;
        } else {
            nb_thrift_skip(t, field.type);
        }
    }
    return h;
}

static const char *pages_check_head(const page_head *h, uint64_t room)
{
    if (h->bytes < 0 || h->packed < 0 || (uint64_t)h->packed > room) {
        return "its size goes beyond the column";
    }
    if (h->bytes > NB_PARQUET_PAGE_MAX || h->packed > NB_PARQUET_PAGE_MAX) {
        return "it is over the limit of 256 MiB";
    }
    if (h->kind > DATA_PAGE_V2 || h->kind == DATA_PAGE + 1) {
        return NULL; /* it is passed over */
    }
    if (h->kind < 0 || !h->described || h->values < 0 || h->level_bytes < 0 || h->repetition_bytes < 0) {
        return "its head is damaged";
    }
    return NULL;
}

/* Reads the head of the page at p->at and goes behind it; a longer part of the file is tried while it ends too early.
 */
static nb_status pages_read_head(nb_parquet_pages *p, page_head *h, nb_error *err)
{
    uint64_t room = p->chunk.end - p->at;
    nb_status status = NB_OK;
    p->page_at = p->at;
    if (!room) {
        return nb_parquet_pages_refuse(p, "the column ends before all its values", err);
    }
    for (size_t len = HEAD_FIRST;; len *= 8) {
        len = len < room ? len : (size_t)room;
        NB_TRY(nb_parquet_bytes_reserve(&p->head, len, err));
        NB_TRY(nb_byte_stream_read_at(p->in, p->at, (char *)p->head.at, len, err));
        nb_thrift t = {.at = p->head.at, .end = p->head.at + len};
        *h = pages_parse_head(&t);
        if (t.wrong && t.cut && len < room && len < HEAD_MAX) {
            continue;
        }
        p->at += (uint64_t)(t.at - p->head.at);
        const char *wrong = t.wrong ? t.wrong : pages_check_head(h, p->chunk.end - p->at);
        return wrong ? nb_parquet_pages_refuse(p, wrong, err) : NB_OK;
    }
done:
    return status;
}

/* ---- the body ---- */

static nb_status pages_read_body(nb_parquet_pages *p, const page_head *h, nb_error *err)
{
    /* version 2 keeps its levels uncompressed in front */
    uint64_t front = (uint64_t)h->level_bytes + (uint64_t)h->repetition_bytes;
    bool packed = p->chunk.codec != NB_PARQUET_UNCOMPRESSED && h->packed_values;
    nb_parquet_bytes *raw = packed ? &p->packed : &p->page;
    nb_status status;
    if (front > (uint64_t)h->packed || front > (uint64_t)h->bytes || (!packed && h->packed != h->bytes)) {
        return nb_parquet_pages_refuse(p, "its sizes do not fit", err);
    }
    NB_TRY(nb_parquet_bytes_reserve(raw, (size_t)h->packed, err));
    NB_TRY(nb_byte_stream_read_at(p->in, p->at, (char *)raw->at, (size_t)h->packed, err));
    p->at += (uint64_t)h->packed;
    if (h->has_crc && (uint32_t)crc32_z(0, raw->at, (size_t)h->packed) != (uint32_t)h->crc) {
        status = nb_parquet_pages_refuse(p, "it is damaged: its checksum does not match", err);
        goto done;
    }
    if (packed) {
        NB_TRY(nb_parquet_bytes_reserve(&p->page, (size_t)h->bytes, err));
        memcpy(p->page.at, raw->at, front);
        const nb_parquet_packed page = {.bytes = raw->at + front,
                                        .len = (size_t)h->packed - front,
                                        .out = p->page.at + front,
                                        .out_len = (size_t)h->bytes - front};
        /* some writers compress nothing to nothing */
        const char *wrong =
            page.len || page.out_len ? nb_parquet_decompress(&p->decompressor, p->chunk.codec, &page) : NULL;
        status = wrong ? nb_parquet_pages_refuse(p, wrong, err) : NB_OK;
    }
done:
    return status;
}

/* Where levels and values of a page in memory lie. */
static const char *pages_cut(const nb_parquet_pages *p, const page_head *h, nb_parquet_page *page)
{
    const unsigned char *at = p->page.at, *end = at + h->bytes;
    *page = (nb_parquet_page){.dictionary = h->kind == DICTIONARY_PAGE,
                              .values = (uint64_t)h->values,
                              .encoding = h->encoding,
                              .at = at,
                              .end = end};
    if (page->dictionary) {
        return NULL;
    }
    if (h->kind == DATA_PAGE_V2) {
        if (h->repetition_bytes) {
            return "it repeats values, though its column is flat";
        }
        page->at = at + h->level_bytes;
        page->levels = p->column->optional ? at : NULL;
        page->levels_end = page->at;
        return NULL;
    }
    if (p->column->optional) {
        uint32_t len = 0;
        if (h->level_encoding != LEVELS_RLE) {
            return "its levels are in the old bit-packed encoding, which is not read";
        }
        if (end - at < 4) {
            return "its levels are missing";
        }
        memcpy(&len, at, sizeof len);
        if (len > (size_t)(end - at) - 4) {
            return "its levels go beyond the page";
        }
        page->levels = at + 4;
        page->levels_end = page->at = at + 4 + len;
    }
    return NULL;
}

nb_status nb_parquet_pages_next(nb_parquet_pages *p, nb_parquet_page *page, nb_error *err)
{
    page_head h = {0};
    nb_status status;
    for (;;) {
        NB_TRY(pages_read_head(p, &h, err));
        if (h.kind == DATA_PAGE || h.kind == DICTIONARY_PAGE || h.kind == DATA_PAGE_V2) {
            break;
        }
        p->at += (uint64_t)h.packed; /* an index, or a kind to come, which the format says to pass over */
    }
    NB_TRY(pages_read_body(p, &h, err));
    const char *wrong = pages_cut(p, &h, page);
    status = wrong ? nb_parquet_pages_refuse(p, wrong, err) : NB_OK;
done:
    return status;
}
