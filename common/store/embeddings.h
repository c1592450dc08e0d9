/* The embedding store (.nbe): embeddings of texts or images, with what is needed to use them again and again.
 *
 * Format 1, an HDF5 file behind a seal (common/store/seal.h) of kind "embedding store":
 *
 *   embeddings     f16 or f32 [N, d]  L2-normalised rows, contiguous: the seal's hole, covered by `tiles`
 *   norms          f32 [N]            Euclidean norms of the rows before normalising
 *   tiles/rows     u64 [1]            rows a tile; the last tile may be shorter
 *   tiles/checksum u64 [T]            XXH3-64 of the tile's norms, seeded by that of its bytes in `embeddings`; 0 while
 * the tile is not done names/...      strings [N]        the texts, or the image names (common/store/hdf5/h5.h has the
 * layout of strings) tags           u8 [N]             nb_tag of every text (stores of texts) labels         i32 [N] ID
 * class number of every image, -1 unknown (stores of images) classes/...    strings [C]        class names behind the
 * numbers, where known provenance     text               JSON (common/store/provenance.h)
 *
 * Half precision keeps the bits of a half-precision source that was normalised already; whoever computes with rows
 * normalises them again in double precision, so either precision serves. */
#ifndef NB_STORE_EMBEDDINGS_H
#define NB_STORE_EMBEDDINGS_H

#include "common/base/file.h"
#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"

enum { NB_STORE_FORMAT = 1, NB_STORE_WIDTH_MAX = 1 << 20 };
#define NB_STORE_KIND "embedding store"

/* What a store will hold; borrowed while it is created. */
typedef struct nb_store_spec {
    size_t count, width, tile_rows;
    bool half;
    const nb_strings *names;
    const uint8_t *tags;       /* NULL for images */
    const int32_t *labels;     /* NULL for texts */
    const nb_strings *classes; /* may be NULL */
    const char *provenance;
} nb_store_spec;

/* Where a store's rows go. Plain numbers: one process makes it, all may use it. */
typedef struct nb_store_plan {
    uint64_t count, width, tile_rows, tile_count, half;
    uint64_t embeddings_at, norms_at, checksums_at; /* byte offsets in the file */
    uint64_t resumed;                               /* 1: the file holds tiles of an interrupted run */
} nb_store_plan;

/* Creates the file with everything but its rows. By one process. */
nb_status nb_store_create(nb_store_plan *plan, const char *path, const nb_store_spec *spec, nb_error *err);

/* Writes tile `tile` through a file descriptor open for writing: rows [n, width] already normalised, norms [n], n the
 * tile's row count. Any process, any order. */
nb_status nb_store_write_tile(int fd, const nb_store_plan *plan, size_t tile, const float *rows, const float *norms,
                              nb_error *err);
/* As nb_store_write_tile from the file's own half-precision bits. */
nb_status nb_store_write_tile_half(int fd, const nb_store_plan *plan, size_t tile, const uint16_t *rows,
                                   const float *norms, nb_error *err);

/* True when the file `old` was created for the same store as `fresh`: the same bytes outside the seal (a run may have
 * ended just behind it) and the rows, norms and checksums that `plan` (of both) places. */
nb_status nb_store_same_plan(const nb_store_plan *plan, const char *fresh, const char *old, bool *same, nb_error *err);
/* The provenance of a file that need not be sealed, freed by the caller. */
nb_status nb_store_provenance(const char *path, char **text, nb_error *err);
/* True when the file holds tile `tile` whole: a tile that an interrupted run finished. */
nb_status nb_store_tile_done(int fd, const nb_store_plan *plan, size_t tile, bool *done, nb_error *err);

/* How many tiles are not marked as done, whether or not those that are are whole. */
nb_status nb_store_tiles_left(int fd, const nb_store_plan *plan, size_t *left, nb_error *err);

/* Seals the file once all tiles are written and synced. By one process. */
nb_status nb_store_seal(const char *path, const nb_store_plan *plan, nb_digest *digest, nb_error *err);

size_t nb_store_tile_begin(const nb_store_plan *plan, size_t tile);
size_t nb_store_tile_rows(const nb_store_plan *plan, size_t tile);

/* An open store. What is as long as the store is held whole or, when it was opened with nb_store_open_parts, read part
 * by part; its rows are mapped either way. */
typedef struct nb_store {
    char *path;
    nb_store_plan plan;
    nb_seal seal;
    nb_strings names, classes; /* names: empty when read in parts */
    uint8_t *tags;             /* [count] or NULL */
    int32_t *labels;           /* [count] or NULL */
    float *norms;              /* [count] or NULL when read in parts */
    char *provenance;
    unsigned char *tile_seen; /* [tile_count] */
    nb_map map;
    hid_t file; /* open only for reading in parts */
    nb_h5_vector name_bytes, name_offsets, tag_bytes;
} nb_store;

/* Opens for reading. With `verify` the seal's digest is recomputed (one process of a job is enough). Every tile's
 * checksum is verified when it is read first. */
nb_status nb_store_open(nb_store *out, const char *path, bool verify, nb_error *err);
/* As nb_store_open, in memory that does not grow with the store (but for a byte a tile): names, tags and norms stay in
 * the file; labels are not read. */
nb_status nb_store_open_parts(nb_store *out, const char *path, bool verify, nb_error *err);
void nb_store_close(nb_store *store);

/* Names of rows [begin, begin + count) into *names (freed by the caller) and their tags into tags [count] (may be NULL;
 * NB_TAG_NONE where the store has none). Either way of opening. */
nb_status nb_store_names(nb_store *store, size_t begin, size_t count, nb_strings *names, uint8_t *tags, nb_error *err);
/* The norms before normalising of rows [begin, begin + count) into out. */
void nb_store_norms(const nb_store *store, size_t begin, size_t count, float *out);
/* The rows themselves where they are mapped, after checking them: half-precision bits or floats, not aligned. */
nb_status nb_store_mapped_rows(nb_store *store, size_t begin, size_t count, const unsigned char **rows, nb_error *err);
/* NB_ERR_NUMERIC naming the row: its norm is zero or not finite. */
nb_status nb_store_refuse_row(nb_store *store, size_t row, double norm, nb_error *err);

/* Rows [begin, begin + count) as stored, as doubles normalised again, into out [count, width]. NB_ERR_VERIFY when a
 * checksum does not match, NB_ERR_NUMERIC when a row is zero or not finite. */
nb_status nb_store_rows(nb_store *store, size_t begin, size_t count, double *out, nb_error *err);
/* Bytes of a row as stored (half-precision bits or floats). */
size_t nb_store_row_bytes(const nb_store_plan *plan);
/* The rows `ids` [count] as stored, bit for bit, into out [count, nb_store_row_bytes]. */
nb_status nb_store_raw_rows(nb_store *store, const size_t *ids, size_t count, void *out, nb_error *err);
/* The same rows as stored, as floats. */
nb_status nb_store_rows_float(nb_store *store, size_t begin, size_t count, float *out, nb_error *err);

#endif
