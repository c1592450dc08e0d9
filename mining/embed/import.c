#include "mining/embed/import.h"

#include "common/base/tag.h"
#include "common/linear/reference/kernels.h"
#include "mining/embed/embedding_files.h"
#include "mining/embed/metadata.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TILE_ROWS = 1024, NAME_BYTES_MAX = 1 << 16 };

/* Rounding d half-precision elements of a unit vector moves its norm by far less than this. */
static const double half_norm_slack = 2e-3;

typedef struct input {
    nb_embedding_files rows;
    nb_strings names;
    int32_t *labels;
    uint8_t *tags;
    float *norms; /* [N] */
    bool half;    /* keep the bits */
} input;

static nb_status import_check_count(size_t have, size_t want, const char *path, nb_error *err)
{
    return have == want ? NB_OK
                        : nb_fail(err, NB_ERR_INPUT, "'%s' has %zu entries for %zu embeddings", path, have, want);
}

static nb_status import_read_names(input *in, const char *path, nb_error *err)
{
    nb_status status = NB_OK;
    if (path) {
        NB_TRY(nb_file_lines(path, NAME_BYTES_MAX, &in->names, err));
        NB_TRY(import_check_count(in->names.count, in->rows.rows, path, err));
    }
    for (size_t i = 0; !path && i < in->rows.rows; i++) {
        char number[24];
        int len = snprintf(number, sizeof number, "%zu", i);
        NB_TRY(nb_strings_push(&in->names, number, (size_t)len, err));
    }
done:
    return status;
}

/* Of clip-retrieval's metadata, where there are any. */
static nb_status import_read_metadata(input *in, const nb_import *import, const char *first, nb_error *err)
{
    nb_strings files = {0};
    nb_metadata_names found = {0};
    nb_status status;
    NB_TRY(nb_metadata_list(&files, import->embeddings, err));
    if (!files.count) {
        status = import->column
                     ? nb_fail(err, NB_ERR_USAGE, "--column '%s', but '%s' has no metadata of clip-retrieval",
                               import->column, import->embeddings)
                     : import_read_names(in, NULL, err);
        goto done;
    }
    NB_TRY(nb_metadata_read_names(&found, &files, &in->rows, import->column, nb_metadata_of_texts(first), err));
    if (found.unnamed && import->log) {
        nb_log_warn(import->log,
                    "%zu rows of the metadata have no name, or one that is no text: their number is their name",
                    found.unnamed);
    }
    in->names = found.names;
    found.names = (nb_strings){0};
done:
    nb_strings_free(&found.names);
    nb_strings_free(&files);
    return status;
}

static nb_status import_read_labels(input *in, const char *path, nb_error *err)
{
    nb_npy labels;
    nb_status status = nb_npy_open(&labels, path, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY(import_check_count(labels.rows * labels.columns, in->rows.rows, path, err));
    NB_TRY_NEW(in->labels, in->rows.rows);
    for (size_t i = 0; i < in->rows.rows; i++) {
        double value = nb_npy_at(&labels, i);
        if (!(value >= -1 && value <= INT32_MAX) || value != floor(value)) {
            status =
                nb_fail(err, NB_ERR_INPUT, "'%s': label %zu is %g, a class number or -1 is needed", path, i, value);
            goto done;
        }
        in->labels[i] = (int32_t)value;
    }
done:
    nb_npy_close(&labels);
    return status;
}

static nb_status import_read_tags(input *in, const char *path, nb_error *err)
{
    nb_strings lines = {0};
    nb_status status;
    NB_TRY(nb_file_lines(path, 64, &lines, err));
    NB_TRY(import_check_count(lines.count, in->rows.rows, path, err));
    NB_TRY_NEW(in->tags, lines.count);
    for (size_t i = 0; i < lines.count; i++) {
        nb_tag tag;
        if (!nb_tag_parse(nb_strings_get(&lines, i), &tag)) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: '%s' is none of none, noun, adj", path, i + 1,
                             nb_strings_get(&lines, i));
            goto done;
        }
        in->tags[i] = (uint8_t)tag;
    }
done:
    nb_strings_free(&lines);
    return status;
}

/* Norms of all rows, and whether half-precision bits can stay as they are. */
static nb_status import_measure(input *in, const char *path, nb_error *err)
{
    size_t d = in->rows.columns;
    double *row = NULL;
    nb_status status;
    NB_TRY_NEW(in->norms, in->rows.rows);
    NB_TRY_NEW(row, d);
    in->half = in->rows.half;
    for (size_t r = 0; r < in->rows.rows; r++) {
        nb_embedding_files_row(&in->rows, r, row);
        double norm = nb_normalise_row(row, row, d);
        if (!(norm > 0) || !isfinite(norm)) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' row %zu has norm %g: it cannot be normalised", path, r, norm);
            goto done;
        }
        in->norms[r] = (float)norm;
        in->half = in->half && fabs(norm - 1) < half_norm_slack;
    }
done:
    free(row);
    return status;
}

static nb_status import_write_rows(const input *in, const char *path, const nb_store_plan *plan, nb_error *err)
{
    size_t d = in->rows.columns;
    float *rows = NULL;
    double *row = NULL;
    nb_status status = NB_OK;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", path);
    }
    NB_TRY_NEW(rows, (size_t)plan->tile_rows * d);
    NB_TRY_NEW(row, d);
    for (size_t t = 0; t < plan->tile_count; t++) {
        size_t begin = nb_store_tile_begin(plan, t), count = nb_store_tile_rows(plan, t);
        if (in->half) {
            uint16_t *bits = (uint16_t *)(void *)rows;
            for (size_t r = 0; r < count; r++) {
                nb_embedding_files_bits(&in->rows, begin + r, bits + r * d);
            }
            NB_TRY(nb_store_write_tile_half(fd, plan, t, (const uint16_t *)(const void *)rows, in->norms + begin, err));
            continue;
        }
        for (size_t r = 0; r < count; r++) {
            nb_embedding_files_row(&in->rows, begin + r, row);
            nb_normalise_row(row, row, d);
            for (size_t i = 0; i < d; i++) {
                rows[r * d + i] = (float)row[i];
            }
        }
        NB_TRY(nb_store_write_tile(fd, plan, t, rows, in->norms + begin, err));
    }
done:
    if (status == NB_ERR_IO) {
        nb_context(err, "'%s'", path);
    }
    close(fd);
    free(rows);
    free(row);
    return status;
}

static nb_status import_read_all(input *in, const nb_import *import, nb_error *err)
{
    nb_strings paths = {0};
    nb_status status;
    if (import->names && import->column) {
        return nb_fail(err, NB_ERR_USAGE, "--names and --column are both given: names come from one of them");
    }
    NB_TRY(nb_embedding_files_list(&paths, import->embeddings, err));
    NB_TRY(nb_embedding_files_open(&in->rows, &paths, err));
    NB_TRY(import->names ? import_read_names(in, import->names, err)
                         : import_read_metadata(in, import, nb_strings_get(&paths, 0), err));
    if (import->labels) {
        NB_TRY(import_read_labels(in, import->labels, err));
    }
    if (import->tags) {
        NB_TRY(import_read_tags(in, import->tags, err));
    }
    NB_TRY(import_measure(in, import->embeddings, err));
done:
    nb_strings_free(&paths);
    return status;
}

nb_status nb_import_store(const nb_import *import, const char *path, bool force, nb_digest *digest, size_t *count,
                          nb_error *err)
{
    input in = {0};
    nb_output out = {0};
    nb_store_plan plan;
    nb_status status;
    NB_TRY(nb_output_begin(&out, path, force, err));
    NB_TRY(import_read_all(&in, import, err));
    nb_store_spec spec = {.count = in.rows.rows,
                          .width = in.rows.columns,
                          .tile_rows = TILE_ROWS,
                          .half = in.half,
                          .names = &in.names,
                          .tags = in.tags,
                          .labels = in.labels,
                          .provenance = import->provenance};
    NB_TRY(nb_store_create(&plan, out.partial, &spec, err));
    NB_TRY(import_write_rows(&in, out.partial, &plan, err));
    NB_TRY(nb_store_seal(out.partial, &plan, digest, err));
    NB_TRY(nb_output_commit(&out, err));
    *count = in.rows.rows;
done:
    nb_output_end(&out);
    nb_embedding_files_close(&in.rows);
    nb_strings_free(&in.names);
    free(in.labels);
    free(in.tags);
    free(in.norms);
    return status;
}
