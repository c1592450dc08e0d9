/* Reading embedding stores; common/store/embeddings.c writes them. */
#include "common/base/tag.h"
#include "common/linear/reference/half.h"
#include "common/linear/reference/kernels.h"
#include "common/store/embeddings_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nb_status embeddings_read_shape(nb_store_plan *plan, hid_t file, nb_error *err)
{
    hsize_t dims[2], one = 1;
    bool half;
    uint64_t *tile_rows = NULL;
    nb_status status;
    NB_TRY(nb_h5_dims(file, "embeddings", 2, dims, &half, err));
    const nb_h5_array number = {.memory = H5T_NATIVE_UINT64, .rank = 1, .dims = &one};
    NB_TRY(nb_h5_get(file, "tiles/rows", &number, (void **)&tile_rows, err));
    *plan = (nb_store_plan){.count = dims[0], .width = dims[1], .tile_rows = *tile_rows, .half = half};
    free(tile_rows);
    if (!dims[0] || !dims[1] || !plan->tile_rows || dims[1] > NB_STORE_WIDTH_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "it holds %llu rows of width %llu in tiles of %llu",
                       (unsigned long long)dims[0], (unsigned long long)dims[1], (unsigned long long)plan->tile_rows);
    }
    plan->tile_count = (dims[0] - 1) / plan->tile_rows + 1;
    NB_TRY(nb_h5_offset(file, "embeddings", &plan->embeddings_at, err));
    NB_TRY(nb_h5_offset(file, "norms", &plan->norms_at, err));
    NB_TRY(nb_h5_offset(file, "tiles/checksum", &plan->checksums_at, err));
done:
    return status;
}

static nb_status embeddings_read_read_plan(nb_store *s, hid_t file, nb_error *err)
{
    nb_status status;
    NB_TRY(embeddings_read_shape(&s->plan, file, err));
    if (s->plan.embeddings_at != s->seal.hole_begin ||
        (s->seal.hole_end - s->seal.hole_begin) / nb_store_row_bytes(&s->plan) != s->plan.count) {
        return nb_fail(err, NB_ERR_VERIFY, "its embeddings are not where its seal says");
    }
done:
    return status;
}

/* Norms and checksums are read where they are mapped. */
static nb_status embeddings_read_check_places(const nb_store *s, nb_error *err)
{
    uint64_t end = s->map.len, norms = s->plan.count * sizeof(float), sums = s->plan.tile_count * sizeof(uint64_t);
    if (s->map.len != s->seal.size) {
        return nb_fail(err, NB_ERR_IO, "its size changed while it was opened");
    }
    if (norms > end || s->plan.norms_at > end - norms || sums > end || s->plan.checksums_at > end - sums) {
        return nb_fail(err, NB_ERR_INPUT, "its norms or checksums lie beyond its end");
    }
    return NB_OK;
}

static nb_status embeddings_read_check_dimension(hid_t file, const char *name, uint64_t want, nb_error *err)
{
    hsize_t have;
    nb_status status = nb_h5_dims(file, name, 1, &have, NULL, err);
    if (status == NB_OK && have != want) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' has %llu elements, %llu belong there", name,
                         (unsigned long long)have, (unsigned long long)want);
    }
    return status;
}

static nb_status embeddings_read_check_tags(const uint8_t *tags, size_t begin, size_t count, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (tags[i] >= NB_TAG_COUNT) {
            return nb_fail(err, NB_ERR_INPUT, "row %zu has tag %u, which is none", begin + i, tags[i]);
        }
    }
    return NB_OK;
}

static nb_status embeddings_read_check_counts(const nb_store *s, size_t names, nb_error *err)
{
    return names == s->plan.count
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT, "it has %zu names for %llu rows", names, (unsigned long long)s->plan.count);
}

static nb_status embeddings_read_read_columns(nb_store *s, hid_t file, nb_error *err)
{
    hsize_t rows = s->plan.count;
    nb_h5_array want = {.memory = H5T_NATIVE_FLOAT, .rank = 1, .dims = &rows};
    nb_status status;
    NB_TRY(nb_h5_get(file, "norms", &want, (void **)&s->norms, err));
    NB_TRY(nb_h5_get_strings(file, "names", &s->names, err));
    if (nb_h5_has(file, "tags")) {
        want.memory = H5T_NATIVE_UINT8;
        NB_TRY(nb_h5_get(file, "tags", &want, (void **)&s->tags, err));
        NB_TRY(embeddings_read_check_tags(s->tags, 0, rows, err));
    }
    if (nb_h5_has(file, "labels")) {
        want.memory = H5T_NATIVE_INT32;
        NB_TRY(nb_h5_get(file, "labels", &want, (void **)&s->labels, err));
    }
    for (size_t i = 0; s->labels && i < rows; i++) {
        if (s->labels[i] < -1) {
            return nb_fail(err, NB_ERR_INPUT, "row %zu has label %d, which is none", i, s->labels[i]);
        }
    }
    NB_TRY(embeddings_read_check_counts(s, s->names.count, err));
done:
    return status;
}

static nb_status embeddings_read_open_columns(nb_store *s, hid_t file, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_h5_vector_open(&s->name_bytes, file, "names/bytes", H5T_NATIVE_UCHAR, 1, err));
    NB_TRY(nb_h5_vector_open(&s->name_offsets, file, "names/offsets", H5T_NATIVE_UINT64, 8, err));
    NB_TRY(embeddings_read_check_counts(s, s->name_offsets.count ? s->name_offsets.count - 1 : 0, err));
    if (nb_h5_has(file, "tags")) {
        NB_TRY(nb_h5_vector_open(&s->tag_bytes, file, "tags", H5T_NATIVE_UINT8, 1, err));
        NB_TRY(embeddings_read_check_dimension(file, "tags", s->plan.count, err));
    }
done:
    return status;
}

static nb_status embeddings_read_open_store(nb_store *s, const char *path, bool verify, bool parts, nb_error *err)
{
    hid_t file = -1;
    *s = (nb_store){0};
    nb_status status =
        verify ? nb_seal_verify(&s->seal, path, NB_STORE_KIND, err) : nb_seal_read(&s->seal, path, NB_STORE_KIND, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY_NEW(s->path, strlen(path) + 1);
    memcpy(s->path, path, strlen(path) + 1);
    NB_TRY(nb_h5_open(&file, path, NB_STORE_KIND, NB_STORE_FORMAT, err));
    NB_TRY(embeddings_read_read_plan(s, file, err));
    NB_TRY(embeddings_read_check_dimension(file, "norms", s->plan.count, err));
    NB_TRY(embeddings_read_check_dimension(file, "tiles/checksum", s->plan.tile_count, err));
    NB_TRY(parts ? embeddings_read_open_columns(s, file, err) : embeddings_read_read_columns(s, file, err));
    if (nb_h5_has(file, "classes")) {
        NB_TRY(nb_h5_get_strings(file, "classes", &s->classes, err));
    }
    NB_TRY(nb_h5_get_text(file, "provenance", &s->provenance, err));
    NB_TRY_NEW(s->tile_seen, (size_t)s->plan.tile_count);
    NB_TRY(nb_map_open(&s->map, path, err));
    NB_TRY(embeddings_read_check_places(s, err));
    if (parts) {
        s->file = file;
        file = -1;
    }
done:
    nb_h5_close(&file);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        nb_store_close(s);
    }
    return status;
}

nb_status nb_store_open(nb_store *s, const char *path, bool verify, nb_error *err)
{
    return embeddings_read_open_store(s, path, verify, false, err);
}

nb_status nb_store_open_parts(nb_store *s, const char *path, bool verify, nb_error *err)
{
    return embeddings_read_open_store(s, path, verify, true, err);
}

void nb_store_close(nb_store *s)
{
    if (!s) {
        return;
    }
    nb_map_close(&s->map);
    nb_h5_vector_close(&s->name_bytes);
    nb_h5_vector_close(&s->name_offsets);
    nb_h5_vector_close(&s->tag_bytes);
    nb_h5_close(&s->file);
    nb_strings_free(&s->names);
    nb_strings_free(&s->classes);
    free(s->path);
    free(s->tags);
    free(s->labels);
    free(s->norms);
    free(s->provenance);
    free(s->tile_seen);
    *s = (nb_store){0};
}

/* ---- what a run continues ---- */

nb_status nb_store_standing_open(nb_store_standing *s, const char *path, nb_error *err)
{
    nb_status status;
    *s = (nb_store_standing){0};
    NB_TRY(nb_h5_open(&s->file, path, NB_STORE_KIND, NB_STORE_FORMAT, err));
    NB_TRY(embeddings_read_shape(&s->plan, s->file, err));
    NB_TRY(embeddings_read_check_dimension(s->file, "norms", s->plan.count, err));
    NB_TRY(embeddings_read_check_dimension(s->file, "tiles/checksum", s->plan.tile_count, err));
    for (size_t c = 0; c < NB_STORE_COLUMNS; c++) {
        const char *name = nb_store_column_name(c);
        if (nb_h5_has(s->file, name)) {
            NB_TRY(nb_h5_vector_open(&s->column[c], s->file, name, nb_store_column_type(c), nb_store_column_width(c),
                                     err));
        }
    }
    if (nb_h5_has(s->file, "classes")) {
        NB_TRY(nb_h5_get_strings(s->file, "classes", &s->classes, err));
    }
    NB_TRY(nb_h5_get_text(s->file, "provenance", &s->provenance, err));
done:
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        nb_store_standing_close(s);
    }
    return status;
}

void nb_store_standing_close(nb_store_standing *s)
{
    for (size_t c = 0; c < NB_STORE_COLUMNS; c++) {
        nb_h5_vector_close(&s->column[c]);
    }
    nb_h5_close(&s->file);
    nb_strings_free(&s->classes);
    free(s->provenance);
    *s = (nb_store_standing){0};
}

/* The rows exist, and the tiles they lie in match their checksums. */
static nb_status embeddings_read_check_rows(nb_store *s, size_t begin, size_t count, nb_error *err)
{
    if (begin > s->plan.count || count > s->plan.count - begin) {
        return nb_fail(err, NB_ERR_INTERNAL, "rows %zu + %zu of '%s' are beyond its %llu", begin, count, s->path,
                       (unsigned long long)s->plan.count);
    }
    for (size_t t = begin / s->plan.tile_rows; count && t <= (begin + count - 1) / s->plan.tile_rows; t++) {
        if (s->tile_seen[t]) {
            continue;
        }
        size_t first = nb_store_tile_begin(&s->plan, t);
        const unsigned char *at = s->map.data + s->plan.embeddings_at + first * nb_store_row_bytes(&s->plan);
        const unsigned char *norms = s->map.data + s->plan.norms_at + first * sizeof(float);
        uint64_t want;
        memcpy(&want, s->map.data + s->plan.checksums_at + t * sizeof want, sizeof want);
        if (nb_store_tile_checksum(&s->plan, t, at, norms) != want) {
            nb_fail(err, NB_ERR_VERIFY, "'%s' is damaged: rows %zu to %zu do not match their checksum", s->path,
                    nb_store_tile_begin(&s->plan, t),
                    nb_store_tile_begin(&s->plan, t) + nb_store_tile_rows(&s->plan, t));
            return nb_hint(err, "make the store again");
        }
        s->tile_seen[t] = 1;
    }
    return NB_OK;
}

nb_status nb_store_mapped_rows(nb_store *s, size_t begin, size_t count, const unsigned char **rows, nb_error *err)
{
    *rows = s->map.data + s->plan.embeddings_at + begin * nb_store_row_bytes(&s->plan);
    return embeddings_read_check_rows(s, begin, count, err);
}

const unsigned char *nb_store_unverified_row(const nb_store *s, size_t row)
{
    return s->map.data + s->plan.embeddings_at + row * nb_store_row_bytes(&s->plan);
}

void nb_store_norms(const nb_store *s, size_t begin, size_t count, float *out)
{
    memcpy(out, s->map.data + s->plan.norms_at + begin * sizeof *out, count * sizeof *out);
}

nb_status nb_store_names(nb_store *s, size_t begin, size_t count, nb_strings *names, uint8_t *tags, nb_error *err)
{
    nb_status status = NB_OK;
    *names = (nb_strings){0};
    if (tags) {
        memset(tags, NB_TAG_NONE, count);
    }
    if (s->file > 0) {
        NB_TRY(nb_h5_strings_read(&s->name_bytes, &s->name_offsets, begin, count, names, err));
        if (tags && s->tag_bytes.dataset > 0) {
            NB_TRY(nb_h5_vector_read(&s->tag_bytes, begin, count, tags, err));
            NB_TRY(embeddings_read_check_tags(tags, begin, count, err));
        }
    } else {
        for (size_t i = begin; i < begin + count; i++) {
            NB_TRY(nb_strings_push(names, nb_strings_get(&s->names, i), nb_strings_len(&s->names, i), err));
        }
        if (tags && s->tags) {
            memcpy(tags, s->tags + begin, count);
        }
    }
done:
    if (status != NB_OK) {
        nb_context(err, "'%s'", s->path);
        nb_strings_free(names);
    }
    return status;
}

nb_status nb_store_refuse_row(nb_store *s, size_t row, double norm, nb_error *err)
{
    nb_strings name = {0};
    nb_error ignored = {0};
    bool named = nb_store_names(s, row, 1, &name, NULL, &ignored) == NB_OK;
    nb_fail(err, NB_ERR_NUMERIC, "row %zu of '%s' ('%.80s') has norm %g: it cannot be normalised", row, s->path,
            named ? nb_strings_get(&name, 0) : "?", norm);
    nb_strings_free(&name);
    return NB_ERR_NUMERIC;
}

nb_status nb_store_rows_float(nb_store *s, size_t begin, size_t count, float *out, nb_error *err)
{
    nb_status status = embeddings_read_check_rows(s, begin, count, err);
    if (status != NB_OK) {
        return status;
    }
    const unsigned char *at = s->map.data + s->plan.embeddings_at + begin * nb_store_row_bytes(&s->plan);
    size_t elements = count * (size_t)s->plan.width;
    if (!s->plan.half) {
        memcpy(out, at, elements * sizeof *out);
        return NB_OK;
    }
    for (size_t i = 0; i < elements; i++) {
        uint16_t bits;
        memcpy(&bits, at + 2 * i, 2);
        out[i] = nb_half_to_float(bits);
    }
    return NB_OK;
}

nb_status nb_store_raw_rows(nb_store *s, const size_t *ids, size_t count, void *out, nb_error *err)
{
    size_t bytes = nb_store_row_bytes(&s->plan);
    for (size_t i = 0; i < count; i++) {
        nb_status status = embeddings_read_check_rows(s, ids[i], 1, err);
        if (status != NB_OK) {
            return status;
        }
        memcpy((char *)out + i * bytes, s->map.data + s->plan.embeddings_at + ids[i] * bytes, bytes);
    }
    return NB_OK;
}

nb_status nb_store_rows(nb_store *s, size_t begin, size_t count, double *out, nb_error *err)
{
    size_t width = (size_t)s->plan.width;
    float *raw = nb_alloc(count * width, sizeof *raw, err);
    if (!raw) {
        return NB_ERR_LIMIT;
    }
    nb_status status;
    NB_TRY(nb_store_rows_float(s, begin, count, raw, err));
    for (size_t r = 0; r < count; r++) {
        double *row = out + r * width;
        for (size_t i = 0; i < width; i++) {
            row[i] = (double)raw[r * width + i];
        }
        double norm = nb_normalise_row(row, row, width);
        if (!(norm > 0) || !isfinite(norm)) {
            status = nb_store_refuse_row(s, begin + r, norm, err);
            goto done;
        }
    }
done:
    free(raw);
    return status;
}
