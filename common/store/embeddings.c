#include "common/store/embeddings_internal.h"

#include "common/linear/reference/half.h"
#include "common/linear/reference/kernels.h"
#include "common/store/hdf5/h5_chunks.h"
#include "common/store/hdf5/zstd_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

_Static_assert((int)NB_SEAL_BYTES == (int)NB_H5_USER_BLOCK, "the seal fills the user block");

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

static nb_status embeddings_put_rows_room(hid_t file, nb_store_plan *plan, nb_error *err)
{
    hsize_t matrix[2] = {plan->count, plan->width}, rows = plan->count, tiles = plan->tile_count;
    hid_t half = nb_h5_half_type();
    nb_status status;
    const nb_h5_array embeddings = {.stored = plan->half ? half : H5T_IEEE_F32LE, .rank = 2, .dims = matrix};
    const nb_h5_array norms = {.stored = H5T_IEEE_F32LE, .rank = 1, .dims = &rows};
    const nb_h5_array checksums = {.stored = H5T_STD_U64LE, .rank = 1, .dims = &tiles};
    const nb_h5_values tile_rows = {H5T_STD_U64LE, H5T_NATIVE_UINT64, 1, &plan->tile_rows};
    NB_TRY(nb_h5_reserve(file, "embeddings", &embeddings, &plan->embeddings_at, err));
    NB_TRY(nb_h5_reserve(file, "norms", &norms, &plan->norms_at, err));
    NB_TRY(nb_h5_put_vector(file, "tiles/rows", tile_rows, NB_H5_CONTIGUOUS, err));
    NB_TRY(nb_h5_reserve(file, "tiles/checksum", &checksums, &plan->checksums_at, err));
done:
    H5Tclose(half);
    return status;
}

static const char *const column_names[NB_STORE_COLUMNS] = {"names/bytes", "names/offsets", "tags", "labels"};
static const size_t column_widths[NB_STORE_COLUMNS] = {1, 8, 1, 4};

const char *nb_store_column_name(size_t column)
{
    return column_names[column];
}

size_t nb_store_column_width(size_t column)
{
    return column_widths[column];
}

hid_t nb_store_column_type(size_t column)
{
    return column == NB_STORE_NAME_OFFSETS ? H5T_STD_U64LE : column == NB_STORE_LABELS ? H5T_STD_I32LE : H5T_STD_U8LE;
}

static nb_status embeddings_place_chunks(hid_t file, const char *path, const nb_store_chunks *chunks, nb_error *err)
{
    uint64_t *at = chunks->at;
    nb_status status = NB_OK;
    for (size_t c = 0; c < NB_STORE_COLUMNS && status == NB_OK; c++) {
        const nb_h5_chunking chunking = {nb_store_column_type(c), chunks->count[c], NB_ZSTD_LEVEL};
        hid_t dataset;
        if (!chunks->count[c]) {
            continue;
        }
        NB_TRY(nb_h5_chunked(&dataset, file, column_names[c], &chunking, err));
        uint64_t elements = nb_h5_chunk_elements(chunks->count[c], column_widths[c]);
        for (uint64_t k = 0; k * elements < chunks->count[c] && status == NB_OK; k++, at++) {
            const nb_h5_chunk chunk = {dataset, k, (size_t)*at};
            status = nb_h5_place(file, path, &chunk, at, err);
        }
        H5Dclose(dataset);
    }
done:
    return status;
}

static nb_status embeddings_put_columns(hid_t file, const nb_store_spec *spec, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_h5_put_strings(file, "names", spec->names, err));
    if (spec->tags) {
        const nb_h5_values tags = {H5T_STD_U8LE, H5T_NATIVE_UINT8, spec->count, spec->tags};
        NB_TRY(nb_h5_put_vector(file, "tags", tags, NB_H5_ZSTD, err));
    }
    if (spec->labels) {
        const nb_h5_values labels = {H5T_STD_I32LE, H5T_NATIVE_INT32, spec->count, spec->labels};
        NB_TRY(nb_h5_put_vector(file, "labels", labels, NB_H5_ZSTD, err));
    }
done:
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
    NB_TRY(embeddings_put_rows_room(file, plan, err));
    NB_TRY(spec->chunks ? embeddings_place_chunks(file, path, spec->chunks, err)
                        : embeddings_put_columns(file, spec, err));
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

static nb_status embeddings_write_at(int fd, const void *bytes, size_t len, uint64_t at, nb_error *err)
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

uint64_t nb_store_tile_checksum(const nb_store_plan *plan, size_t tile, const void *rows, const void *norms)
{
    size_t count = nb_store_tile_rows(plan, tile);
    uint64_t sum =
        XXH3_64bits_withSeed(norms, count * sizeof(float), XXH3_64bits(rows, count * nb_store_row_bytes(plan)));
    return sum ? sum : 1; /* 0 says "not done" */
}

static nb_status embeddings_write_tile(int fd, const nb_store_plan *plan, size_t tile, const void *rows,
                                       const float *norms, nb_error *err)
{
    size_t begin = nb_store_tile_begin(plan, tile), count = nb_store_tile_rows(plan, tile);
    uint64_t checksum = nb_store_tile_checksum(plan, tile, rows, norms);
    nb_status status;
    NB_TRY(embeddings_write_at(fd, rows, count * nb_store_row_bytes(plan),
                               plan->embeddings_at + begin * nb_store_row_bytes(plan), err));
    NB_TRY(embeddings_write_at(fd, norms, count * sizeof *norms, plan->norms_at + begin * sizeof *norms, err));
    NB_TRY(embeddings_write_at(fd, &checksum, sizeof checksum, plan->checksums_at + tile * sizeof checksum, err));
done:
    return status;
}

nb_status nb_store_write_tile_half(int fd, const nb_store_plan *plan, size_t tile, const uint16_t *rows,
                                   const float *norms, nb_error *err)
{
    return embeddings_write_tile(fd, plan, tile, rows, norms, err);
}

nb_status nb_store_write_tile(int fd, const nb_store_plan *plan, size_t tile, const float *rows, const float *norms,
                              nb_error *err)
{
    if (!plan->half) {
        return embeddings_write_tile(fd, plan, tile, rows, norms, err);
    }
    size_t elements = nb_store_tile_rows(plan, tile) * (size_t)plan->width;
    uint16_t *half = nb_alloc(elements, sizeof *half, err);
    if (!half) {
        return NB_ERR_LIMIT;
    }
    for (size_t i = 0; i < elements; i++) {
        half[i] = nb_float_to_half(rows[i]);
    }
    nb_status status = embeddings_write_tile(fd, plan, tile, half, norms, err);
    free(half);
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

static nb_status embeddings_read_at(int fd, void *bytes, size_t len, uint64_t at, nb_error *err)
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
    NB_TRY(embeddings_read_at(fd, &checksum, sizeof checksum, plan->checksums_at + tile * sizeof checksum, err));
    if (!checksum) {
        return NB_OK;
    }
    NB_TRY_NEW(rows, bytes);
    NB_TRY_NEW(norms, count);
    NB_TRY(embeddings_read_at(fd, rows, bytes, plan->embeddings_at + begin * nb_store_row_bytes(plan), err));
    NB_TRY(embeddings_read_at(fd, norms, count * sizeof *norms, plan->norms_at + begin * sizeof *norms, err));
    *done = nb_store_tile_checksum(plan, tile, rows, norms) == checksum;
done:
    free(rows);
    free(norms);
    return status;
}

nb_status nb_store_tiles_left(int fd, const nb_store_plan *plan, size_t *left, nb_error *err)
{
    uint64_t block[1024] = {0};
    const size_t many = sizeof block / sizeof *block;
    nb_status status = NB_OK;
    *left = 0;
    for (size_t begin = 0; begin < plan->tile_count; begin += many) {
        size_t count = plan->tile_count - begin < many ? (size_t)plan->tile_count - begin : many;
        NB_TRY(embeddings_read_at(fd, block, count * sizeof *block, plan->checksums_at + begin * sizeof *block, err));
        for (size_t i = 0; i < count; i++) {
            *left += block[i] == 0;
        }
    }
done:
    return status;
}

nb_status nb_store_seal(const char *path, const nb_store_plan *plan, nb_digest *digest, nb_error *err)
{
    uint64_t end = plan->embeddings_at + plan->count * nb_store_row_bytes(plan);
    return nb_seal_write(path, NB_STORE_KIND, plan->embeddings_at, end, digest, err);
}
