#include "mining/embed/metadata.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "mining/corpus/formats/parquet/footer.h"
#include "mining/corpus/formats/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names of one file while they are read. */
typedef struct reader {
    nb_metadata_names *out;
    nb_normaliser normaliser;
    bool texts;
    size_t rows; /* read of this file */
} reader;

/* Whether a folder is one of those that clip-retrieval puts beside its metadata. */
static bool metadata_is_beside(const char *folder)
{
    static const char *const names[] = {"img_emb", "text_emb"};
    size_t len = strlen(folder);
    while (len && folder[len - 1] == '/') {
        len--;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]);
        if (len >= n && memcmp(folder + len - n, names[i], n) == 0 && (len == n || folder[len - n - 1] == '/')) {
            return true;
        }
    }
    return false;
}

nb_status nb_metadata_list(nb_strings *out, const char *embeddings, nb_error *err)
{
    nb_buffer folder = {0};
    nb_status status = NB_OK;
    if (!nb_file_is_directory(embeddings)) {
        return NB_OK;
    }
    NB_TRY(nb_buffer_printf(&folder, err, "%s/metadata", embeddings));
    if (!nb_file_is_directory(folder.data) && metadata_is_beside(embeddings)) {
        nb_buffer_clear(&folder);
        NB_TRY(nb_buffer_printf(&folder, err, "%s/../metadata", embeddings));
    }
    if (nb_file_is_directory(folder.data)) {
        status = nb_embedding_files_list_parts(out, folder.data, ".parquet", err);
    }
done:
    nb_buffer_free(&folder);
    return status;
}

bool nb_metadata_of_texts(const char *path)
{
    return strncmp(nb_path_base(path), "text_emb", strlen("text_emb")) == 0;
}

/* The first of the usual columns that a file has; NULL: none. */
static nb_status metadata_find_column(const char **column, const char *path, bool texts, nb_error *err)
{
    static const char *const of_images[] = {"image_path", "url", "URL", "key", "__key__", NULL};
    static const char *const of_texts[] = {"caption", "text", "TEXT", NULL};
    nb_byte_stream *in = NULL;
    nb_parquet_footer footer = {0};
    nb_status status;
    *column = NULL;
    NB_TRY(nb_byte_stream_open(&in, path, 0, err));
    NB_TRY(nb_parquet_footer_read(&footer, in, path, err));
    for (const char *const *usual = texts ? of_texts : of_images; *usual && !*column; usual++) {
        for (size_t i = 0; i < footer.column_count; i++) {
            const nb_parquet_column *c = &footer.columns[i];
            if (!c->refused && c->len == strlen(*usual) && memcmp(c->name, *usual, c->len) == 0) {
                *column = *usual;
            }
        }
    }
    if (!*column) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has no column of names: %s", path,
                texts ? "caption, text or TEXT" : "image_path, url, URL, key or __key__");
        status = nb_hint(err, "name another with --column, or give --names");
    }
done:
    nb_parquet_footer_free(&footer);
    nb_byte_stream_close(in);
    return status;
}

/* A row: its name, or its number in all files where its value is none. */
static nb_status metadata_take(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err)
{
    reader *r = state;
    char number[24];
    (void)line;
    r->rows++;
    if (known == NB_KEPT && r->texts && nb_normalise(&r->normaliser, bytes, len, false) == NB_KEPT) {
        return nb_strings_push(&r->out->names, r->normaliser.text, r->normaliser.len, err);
    }
    if (known == NB_KEPT && !r->texts && len && nb_text_printable(bytes, len)) {
        return nb_strings_push(&r->out->names, bytes, len, err);
    }
    int digits = snprintf(number, sizeof number, "%zu", r->out->names.count);
    r->out->unnamed++;
    return nb_strings_push(&r->out->names, number, (size_t)digits, err);
}

static nb_status metadata_read_file(reader *r, const char *path, const char *column, nb_error *err)
{
    const nb_source_choice choice = {.format = "parquet", .tag = "none", .column = column};
    const nb_candidate_sink sink = {.state = r, .take = metadata_take};
    nb_source source = {0};
    nb_source_piece piece = {.source = &source};
    nb_status status;
    r->rows = 0;
    NB_TRY(nb_source_open(&source, path, &choice, err));
    NB_TRY(nb_byte_stream_open(&piece.in, path, 0, err));
    piece.end = source.bytes;
    status = source.format->read(&piece, &sink, err);
done:
    nb_byte_stream_close(piece.in);
    return status;
}

nb_status nb_metadata_read_names(nb_metadata_names *out, const nb_strings *paths, const nb_embedding_files *rows,
                                 const char *column, bool texts, nb_error *err)
{
    reader r = {.out = out, .texts = texts};
    nb_status status;
    NB_TRY(nb_normaliser_open(&r.normaliser, NB_TEXT_BYTES_MAX, err));
    if (paths->count != rows->count) {
        status = nb_fail(err, NB_ERR_INPUT, "%zu files of metadata, '%s' among them, for %zu of embeddings",
                         paths->count, nb_strings_get(paths, 0), rows->count);
        goto done;
    }
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = nb_strings_get(paths, i), *found = column;
        size_t want = rows->begin[i + 1] - rows->begin[i];
        if (!column) {
            NB_TRY(metadata_find_column(&found, path, texts, err));
        }
        NB_TRY(metadata_read_file(&r, path, found, err));
        if (r.rows != want) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' has %zu rows for %zu embeddings", path, r.rows, want);
            goto done;
        }
    }
done:
    nb_normaliser_close(&r.normaliser);
    return status;
}
