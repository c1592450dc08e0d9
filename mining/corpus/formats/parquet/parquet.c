/* Parquet: a flat column of texts. A row is numbered from 1 in the file; one that is null counts as missing.
 *
 * The pieces of a file are runs of row groups: group g of G counts as lying at byte g * size / G, and is of the piece
 * in whose bytes that is, so that pieces are cut like those of any other file. */
#include "mining/corpus/formats/source.h"

#include "mining/corpus/formats/parquet/values.h"

#include <stdlib.h>
#include <strings.h>

enum { FEW_PIECES = 8 };

/* What is kept while the row groups of a piece are read. */
typedef struct reader {
    nb_source_piece *piece;
    const nb_candidate_sink *sink;
    nb_parquet_footer footer;
    nb_parquet_chunk *chunks; /* [footer.group_count] */
    nb_parquet_pages pages;
    nb_parquet_dictionary dictionary;
    nb_parquet_values values;
} reader;

static nb_status parquet_take_row(reader *r, nb_error *err)
{
    const char *text, *wrong;
    size_t len;
    nb_status status = nb_parquet_values_next(&r->values, &text, &len, &wrong, err);
    if (status != NB_OK) {
        return status;
    }
    if (wrong) {
        return nb_parquet_pages_refuse(&r->pages, wrong, err);
    }
    bool too_long = len > NB_LINE_BYTES_MAX;
    return r->sink->take(r->sink->state, too_long ? NB_DROP_LONG : NB_KEPT, text, too_long ? 0 : len, ++r->piece->lines,
                         err);
}

static nb_status parquet_take_page(reader *r, const nb_parquet_page *page, nb_error *err)
{
    nb_parquet_runs levels = {0};
    uint32_t level = 1;
    nb_status status = NB_OK;
    const char *wrong = nb_parquet_values_begin(&r->values, page, &r->dictionary);
    if (wrong) {
        return nb_parquet_pages_refuse(&r->pages, wrong, err);
    }
    if (page->levels) {
        nb_parquet_runs_open(&levels, page->levels, page->levels_end, 1);
    }
    for (uint64_t i = 0; i < page->values; i++) {
        if (page->levels && !nb_parquet_runs_next(&levels, &level)) {
            status = nb_parquet_pages_refuse(&r->pages, "its levels are damaged", err);
            goto done;
        }
        if (level) {
            NB_TRY(parquet_take_row(r, err));
        } else {
            NB_TRY(r->sink->take(r->sink->state, NB_DROP_MISSING, "", 0, ++r->piece->lines, err));
        }
    }
done:
    return status;
}

static nb_status parquet_read_group(reader *r, size_t group, nb_error *err)
{
    const nb_parquet_chunk *chunk = &r->chunks[group];
    nb_parquet_page page;
    const char *wrong;
    nb_status status;
    r->dictionary.there = false;
    NB_TRY(nb_parquet_pages_begin(&r->pages, chunk, group, err));
    for (uint64_t rows = 0; rows < chunk->rows; rows += page.dictionary ? 0 : page.values) {
        NB_TRY(nb_parquet_pages_next(&r->pages, &page, err));
        if (page.dictionary) {
            NB_TRY(nb_parquet_dictionary_load(&r->dictionary, &page, &wrong, err));
            if (wrong) {
                status = nb_parquet_pages_refuse(&r->pages, wrong, err);
                goto done;
            }
            continue;
        }
        if (page.values > chunk->rows - rows) {
            status = nb_parquet_pages_refuse(&r->pages, "it has more values than its row group", err);
            goto done;
        }
        NB_TRY(parquet_take_page(r, &page, err));
    }
done:
    return status;
}

/* Where a row group counts as lying. */
static uint64_t parquet_place(const nb_parquet_footer *f, size_t group)
{
    uint64_t groups = f->group_count;
    return f->size / groups * group + f->size % groups * group / groups;
}

static nb_status parquet_read(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    const nb_source *source = piece->source;
    reader r = {.piece = piece, .sink = sink};
    nb_status status;
    NB_TRY(nb_parquet_footer_read(&r.footer, piece->in, source->path, err));
    if (source->column >= r.footer.column_count || r.footer.columns[source->column].refused) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has changed since it was first looked at", source->path);
        goto done;
    }
    NB_TRY_NEW(r.chunks, r.footer.group_count);
    NB_TRY(nb_parquet_find_chunks(&r.footer, source->column, r.chunks, err));
    r.pages.in = piece->in;
    r.pages.path = source->path;
    r.pages.column = &r.footer.columns[source->column];
    for (size_t g = 0; g < r.footer.group_count; g++) {
        uint64_t place = parquet_place(&r.footer, g);
        if (place >= piece->begin && place < piece->end) {
            NB_TRY(parquet_read_group(&r, g, err));
        }
    }
done:
    nb_parquet_values_close(&r.values);
    nb_parquet_dictionary_free(&r.dictionary);
    nb_parquet_pages_close(&r.pages);
    free(r.chunks);
    nb_parquet_footer_free(&r.footer);
    return status;
}

static bool parquet_detect(const char *base, const char *head, size_t len)
{
    const char *dot = strrchr(base, '.');
    bool named = dot && (strcasecmp(dot, ".parquet") == 0 || strcasecmp(dot, ".pq") == 0);
    return named || (len >= 4 && (memcmp(head, "PAR1", 4) == 0 || memcmp(head, "PARE", 4) == 0));
}

static nb_status parquet_prepare(nb_source *source, const nb_source_choice *choice, const nb_source_head *head,
                                 nb_error *err)
{
    nb_parquet_footer footer = {0};
    nb_parquet_chunk *chunks = NULL;
    size_t column;
    nb_status status;
    if (source->packing != NB_PACKING_NONE) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is a Parquet file packed whole, and Parquet is read from its end",
                source->path);
        return nb_hint(err, "decompress it: its pages are compressed inside");
    }
    NB_TRY(nb_parquet_footer_read(&footer, head->in, source->path, err));
    NB_TRY(nb_parquet_find_column(&footer, choice->column, &column, err));
    NB_TRY_NEW(chunks, footer.group_count);
    NB_TRY(nb_parquet_find_chunks(&footer, column, chunks, err));
    source->column = column;
    /* every piece reads the footer: in all about as much as the file has bytes */
    uint64_t room = FEW_PIECES + footer.size / (footer.size - footer.begin);
    source->units = footer.group_count < room ? footer.group_count : room;
    source->splits = source->units > 0;
done:
    free(chunks);
    nb_parquet_footer_free(&footer);
    return status;
}

const nb_source_format nb_format_parquet = {
    .name = "parquet", .uses_column = true, .detect = parquet_detect, .prepare = parquet_prepare, .read = parquet_read};
