#include "common/store/embeddings.h"

#include "common/base/tag.h"
#include "common/linear/half.h"
#include "common/linear/kernels.h"
#include "common/store/h5.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

size_t nb_store_tile_begin(const nb_store_plan *plan, size_t tile)
{
    return tile * (size_t)plan->tile_rows;
}

size_t nb_store_tile_rows(const nb_store_plan *plan, size_t tile)
{
    size_t left = (size_t)plan->count - nb_store_tile_begin(plan, tile);
    return left < plan->tile_rows ? left : (size_t)plan->tile_rows;
}

size_t nb_store_row_bytes(const nb_store_plan *plan)
{
    return (size_t)plan->width * (plan->half ? 2 : 4);
}

static nb_status put_rows_room(hid_t file, nb_store_plan *plan, nb_error *err)
{
    hsize_t matrix[2] = {plan->count, plan->width}, rows = plan->count, tiles = plan->tile_count;
    hid_t half = nb_h5_half_type();
    nb_status status;
    NB_TRY(nb_h5_reserve(file, "embeddings", plan->half ? half : H5T_IEEE_F32LE, 2, matrix, &plan->embeddings_at, err));
    NB_TRY(nb_h5_reserve(file, "norms", H5T_IEEE_F32LE, 1, &rows, &plan->norms_at, err));
    NB_TRY(nb_h5_put_vector(file, "tiles/rows", H5T_STD_U64LE, H5T_NATIVE_UINT64, 1, &plan->tile_rows, NB_H5_CONTIGUOUS,
                            err));
    NB_TRY(nb_h5_reserve(file, "tiles/checksum", H5T_STD_U64LE, 1, &tiles, &plan->checksums_at, err));
done:
    H5Tclose(half);
    return status;
}

nb_status nb_store_create(nb_store_plan *plan, const char *path, const nb_store_spec *spec, nb_error *err)
{
    hid_t file = -1;
    nb_status status;
    *plan =
        (nb_store_plan){.count = spec->count, .width = spec->width, .tile_rows = spec->tile_rows, .half = spec->half};
    if (!spec->count || !spec->width || !spec->tile_rows) {
        return nb_fail(err, NB_ERR_INPUT, "nothing to store in '%s': %zu rows of width %zu", path, spec->count,
                       spec->width);
    }
    if (spec->width > NB_STORE_WIDTH_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "embeddings of width %zu, at most %d are accepted", spec->width,
                       NB_STORE_WIDTH_MAX);
    }
    plan->tile_count = (spec->count + spec->tile_rows - 1) / spec->tile_rows;
    NB_TRY(nb_h5_create(&file, path, NB_STORE_KIND, NB_STORE_FORMAT, err));
    NB_TRY(put_rows_room(file, plan, err));
    NB_TRY(nb_h5_put_strings(file, "names", spec->names, err));
    if (spec->tags) {
        NB_TRY(
            nb_h5_put_vector(file, "tags", H5T_STD_U8LE, H5T_NATIVE_UINT8, spec->count, spec->tags, NB_H5_ZSTD, err));
    }
    if (spec->labels) {
        NB_TRY(nb_h5_put_vector(file, "labels", H5T_STD_I32LE, H5T_NATIVE_INT32, spec->count, spec->labels, NB_H5_ZSTD,
                                err));
    }
    if (spec->classes && spec->classes->count) {
        NB_TRY(nb_h5_put_strings(file, "classes", spec->classes, err));
    }
    NB_TRY(nb_h5_put_text(file, "provenance", spec->provenance, err));
done:
    if (status == NB_OK) {
        return nb_h5_save(&file, path, err);
    }
    nb_h5_close(&file);
    return status;
}

static nb_status write_at(int fd, const void *bytes, size_t len, uint64_t at, nb_error *err)
{
    const char *p = bytes;
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            nb_fail_errno(err, NB_ERR_IO, "cannot write a tile of %zu bytes at %llu", len, (unsigned long long)at);
            return nb_hint(err, "is the disk full?");
        }
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return NB_OK;
}

static uint64_t tile_checksum(const nb_store_plan *plan, size_t tile, const void *rows, const float *norms)
{
    size_t count = nb_store_tile_rows(plan, tile);
    uint64_t sum =
        XXH3_64bits_withSeed(norms, count * sizeof *norms, XXH3_64bits(rows, count * nb_store_row_bytes(plan)));
    return sum ? sum : 1; /* 0 says "not done" */
}

static nb_status write_tile(int fd, const nb_store_plan *plan, size_t tile, const void *rows, const float *norms,
                            nb_error *err)
{
    size_t begin = nb_store_tile_begin(plan, tile), count = nb_store_tile_rows(plan, tile);
    uint64_t checksum = tile_checksum(plan, tile, rows, norms);
    nb_status status;
    NB_TRY(write_at(fd, rows, count * nb_store_row_bytes(plan), plan->embeddings_at + begin * nb_store_row_bytes(plan),
                    err));
    NB_TRY(write_at(fd, norms, count * sizeof *norms, plan->norms_at + begin * sizeof *norms, err));
    NB_TRY(write_at(fd, &checksum, sizeof checksum, plan->checksums_at + tile * sizeof checksum, err));
done:
    return status;
}

nb_status nb_store_write_tile_half(int fd, const nb_store_plan *plan, size_t tile, const uint16_t *rows,
                                   const float *norms, nb_error *err)
{
    return write_tile(fd, plan, tile, rows, norms, err);
}

nb_status nb_store_write_tile(int fd, const nb_store_plan *plan, size_t tile, const float *rows, const float *norms,
                              nb_error *err)
{
    if (!plan->half) {
        return write_tile(fd, plan, tile, rows, norms, err);
    }
    size_t elements = nb_store_tile_rows(plan, tile) * (size_t)plan->width;
    uint16_t *half = nb_alloc(elements, sizeof *half, err);
    if (!half) {
        return NB_ERR_LIMIT;
    }
    for (size_t i = 0; i < elements; i++) {
        half[i] = nb_float_to_half(rows[i]);
    }
    nb_status status = write_tile(fd, plan, tile, half, norms, err);
    free(half);
    return status;
}

/* Bytes [begin, end) of both maps are the same. */
static bool same_range(const nb_map *a, const nb_map *b, uint64_t begin, uint64_t end)
{
    return memcmp(a->data + begin, b->data + begin, (size_t)(end - begin)) == 0;
}

nb_status nb_store_same_plan(const nb_store_plan *plan, const char *fresh, const char *old, bool *same, nb_error *err)
{
    nb_map a = {0}, b = {0};
    nb_status status;
    *same = false;
    NB_TRY(nb_map_open(&a, fresh, err));
    NB_TRY(nb_map_open(&b, old, err));
    if (a.len == b.len) {
        uint64_t at = 0;
        uint64_t parts[3][2] = {{plan->embeddings_at, plan->count * nb_store_row_bytes(plan)},
                                {plan->norms_at, plan->count * sizeof(float)},
                                {plan->checksums_at, plan->tile_count * sizeof(uint64_t)}};
        *same = true;
        for (int done = 0; done < 3; done++) { /* the parts in the order of the file */
            int next = 0;
            for (int i = 1; i < 3; i++) {
                next = parts[i][0] < parts[next][0] ? i : next;
            }
            *same = *same && same_range(&a, &b, at, parts[next][0]);
            at = parts[next][0] + parts[next][1];
            parts[next][0] = UINT64_MAX;
        }
        *same = *same && same_range(&a, &b, at, a.len);
    }
done:
    nb_map_close(&a);
    nb_map_close(&b);
    return status;
}

nb_status nb_store_provenance(const char *path, char **text, nb_error *err)
{
    hid_t file = -1;
    nb_status status;
    *text = NULL;
    NB_TRY(nb_h5_open(&file, path, NB_STORE_KIND, NB_STORE_FORMAT, err));
    NB_TRY(nb_h5_get_text(file, "provenance", text, err));
done:
    nb_h5_close(&file);
    return status;
}

static nb_status read_at(int fd, void *bytes, size_t len, uint64_t at, nb_error *err)
{
    char *p = bytes;
    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot read back a tile of %zu bytes", len);
        }
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return NB_OK;
}

nb_status nb_store_tile_done(int fd, const nb_store_plan *plan, size_t tile, bool *done, nb_error *err)
{
    size_t begin = nb_store_tile_begin(plan, tile), count = nb_store_tile_rows(plan, tile);
    size_t bytes = count * nb_store_row_bytes(plan);
    uint64_t checksum;
    char *rows = NULL;
    float *norms = NULL;
    nb_status status;
    *done = false;
    NB_TRY(read_at(fd, &checksum, sizeof checksum, plan->checksums_at + tile * sizeof checksum, err));
    if (!checksum) {
        return NB_OK;
    }
    NB_TRY_NEW(rows, bytes);
    NB_TRY_NEW(norms, count);
    NB_TRY(read_at(fd, rows, bytes, plan->embeddings_at + begin * nb_store_row_bytes(plan), err));
    NB_TRY(read_at(fd, norms, count * sizeof *norms, plan->norms_at + begin * sizeof *norms, err));
    *done = tile_checksum(plan, tile, rows, norms) == checksum;
done:
    free(rows);
    free(norms);
    return status;
}

nb_status nb_store_seal(const char *path, const nb_store_plan *plan, nb_digest *digest, nb_error *err)
{
    uint64_t end = plan->embeddings_at + plan->count * nb_store_row_bytes(plan);
    return nb_seal_write(path, NB_STORE_KIND, plan->embeddings_at, end, digest, err);
}

static nb_status read_plan(nb_store *s, hid_t file, nb_error *err)
{
    hsize_t dims[2], one = 1;
    bool half;
    uint64_t *tile_rows = NULL;
    nb_status status;
    NB_TRY(nb_h5_dims(file, "embeddings", 2, dims, &half, err));
    NB_TRY(nb_h5_get(file, "tiles/rows", H5T_NATIVE_UINT64, 8, 1, &one, (void **)&tile_rows, err));
    s->plan = (nb_store_plan){.count = dims[0], .width = dims[1], .tile_rows = *tile_rows, .half = half};
    free(tile_rows);
    if (!dims[0] || !dims[1] || !s->plan.tile_rows || dims[1] > NB_STORE_WIDTH_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "it holds %llu rows of width %llu in tiles of %llu",
                       (unsigned long long)dims[0], (unsigned long long)dims[1], (unsigned long long)s->plan.tile_rows);
    }
    s->plan.tile_count = (dims[0] - 1) / s->plan.tile_rows + 1;
    NB_TRY(nb_h5_offset(file, "embeddings", &s->plan.embeddings_at, err));
    NB_TRY(nb_h5_offset(file, "norms", &s->plan.norms_at, err));
    NB_TRY(nb_h5_offset(file, "tiles/checksum", &s->plan.checksums_at, err));
    if (s->plan.embeddings_at != s->seal.hole_begin ||
        (s->seal.hole_end - s->seal.hole_begin) / nb_store_row_bytes(&s->plan) != s->plan.count) {
        return nb_fail(err, NB_ERR_VERIFY, "its embeddings are not where its seal says");
    }
done:
    return status;
}

static nb_status read_columns(nb_store *s, hid_t file, nb_error *err)
{
    hsize_t rows = s->plan.count, tiles = s->plan.tile_count;
    nb_status status;
    NB_TRY(nb_h5_get(file, "norms", H5T_NATIVE_FLOAT, 4, 1, &rows, (void **)&s->norms, err));
    NB_TRY(nb_h5_get(file, "tiles/checksum", H5T_NATIVE_UINT64, 8, 1, &tiles, (void **)&s->checksums, err));
    NB_TRY(nb_h5_get_strings(file, "names", &s->names, err));
    if (nb_h5_has(file, "tags")) {
        NB_TRY(nb_h5_get(file, "tags", H5T_NATIVE_UINT8, 1, 1, &rows, (void **)&s->tags, err));
    }
    for (size_t i = 0; s->tags && i < rows; i++) {
        if (s->tags[i] >= NB_TAG_COUNT) {
            return nb_fail(err, NB_ERR_INPUT, "row %zu has tag %u, which is none", i, s->tags[i]);
        }
    }
    if (nb_h5_has(file, "labels")) {
        NB_TRY(nb_h5_get(file, "labels", H5T_NATIVE_INT32, 4, 1, &rows, (void **)&s->labels, err));
    }
    for (size_t i = 0; s->labels && i < rows; i++) {
        if (s->labels[i] < -1) {
            return nb_fail(err, NB_ERR_INPUT, "row %zu has label %d, which is none", i, s->labels[i]);
        }
    }
    if (nb_h5_has(file, "classes")) {
        NB_TRY(nb_h5_get_strings(file, "classes", &s->classes, err));
    }
    NB_TRY(nb_h5_get_text(file, "provenance", &s->provenance, err));
    if (s->names.count != s->plan.count) {
        status = nb_fail(err, NB_ERR_INPUT, "it has %zu names for %llu rows", s->names.count,
                         (unsigned long long)s->plan.count);
    }
done:
    return status;
}

nb_status nb_store_open(nb_store *s, const char *path, bool verify, nb_error *err)
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
    NB_TRY(read_plan(s, file, err));
    NB_TRY(read_columns(s, file, err));
    NB_TRY_NEW(s->tile_seen, (size_t)s->plan.tile_count);
    NB_TRY(nb_map_open(&s->map, path, err));
    if (s->map.len != s->seal.size) {
        status = nb_fail(err, NB_ERR_IO, "its size changed while it was opened");
    }
done:
    nb_h5_close(&file);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        nb_store_close(s);
    }
    return status;
}

void nb_store_close(nb_store *s)
{
    if (!s) {
        return;
    }
    nb_map_close(&s->map);
    nb_strings_free(&s->names);
    nb_strings_free(&s->classes);
    free(s->path);
    free(s->tags);
    free(s->labels);
    free(s->norms);
    free(s->provenance);
    free(s->checksums);
    free(s->tile_seen);
    *s = (nb_store){0};
}

/* The rows exist, and the tiles they lie in match their checksums. */
static nb_status check_rows(nb_store *s, size_t begin, size_t count, nb_error *err)
{
    if (begin > s->plan.count || count > s->plan.count - begin) {
        return nb_fail(err, NB_ERR_INTERNAL, "rows %zu + %zu of '%s' are beyond its %llu", begin, count, s->path,
                       (unsigned long long)s->plan.count);
    }
    for (size_t t = begin / s->plan.tile_rows; count && t <= (begin + count - 1) / s->plan.tile_rows; t++) {
        if (s->tile_seen[t]) {
            continue;
        }
        const unsigned char *at =
            s->map.data + s->plan.embeddings_at + nb_store_tile_begin(&s->plan, t) * nb_store_row_bytes(&s->plan);
        if (tile_checksum(&s->plan, t, at, s->norms + nb_store_tile_begin(&s->plan, t)) != s->checksums[t]) {
            nb_fail(err, NB_ERR_VERIFY, "'%s' is damaged: rows %zu to %zu do not match their checksum", s->path,
                    nb_store_tile_begin(&s->plan, t),
                    nb_store_tile_begin(&s->plan, t) + nb_store_tile_rows(&s->plan, t));
            return nb_hint(err, "make the store again");
        }
        s->tile_seen[t] = 1;
    }
    return NB_OK;
}

nb_status nb_store_rows_float(nb_store *s, size_t begin, size_t count, float *out, nb_error *err)
{
    nb_status status = check_rows(s, begin, count, err);
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
        nb_status status = check_rows(s, ids[i], 1, err);
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
            status = nb_fail(err, NB_ERR_NUMERIC, "row %zu of '%s' ('%.80s') has norm %g: it cannot be normalised",
                             begin + r, s->path, nb_strings_get(&s->names, begin + r), norm);
            goto done;
        }
    }
done:
    free(raw);
    return status;
}
