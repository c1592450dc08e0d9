/* clang-format off */
/* The embedding store (.nbe): embeddings of texts or images, with what is needed to use them again and again.
 *
 * Format 1, an HDF5 file behind a seal (common/store/seal.h) of kind "embedding store":
 *
 *   embeddings      f16 or f32 [N, d]   L2-normalised rows, contiguous: the seal's hole, covered by `tiles`
 *   norms           f32 [N]             Euclidean norms of the rows before normalising, contiguous
 *   tiles/rows      u64 [1]             rows a tile; the last tile may be shorter
 *   tiles/checksum  u64 [T]             XXH3-64 of the tile's norms, seeded by that of its bytes in `embeddings` (1 for
 *                                       0); 0 while the tile is not done; contiguous
 *   names/...       strings [N]         the texts, or the image names (common/store/hdf5/h5.h has the layout of strings)
 *   tags            u8 [N]              nb_tag of every text (stores of texts)
 *   labels          i32 [N]             ID class number of every image, -1 unknown (stores of images)
 *   classes/...     strings [C]         class names behind the numbers, where known
 *   provenance      text                JSON (common/store/provenance.h)
 *
 * names, tags, labels and classes are zstd chunks where they are over 1 KiB (filter 32015).
 *
 * Half precision keeps the bits of a half-precision source that was normalised already; whoever computes with rows
 * normalises them again in double precision, so either precision serves.
 *
 * Nothing here is collective: one process creates and seals a store, any number write tiles and read. */
/* clang-format on */
#ifndef NB_STORE_EMBEDDINGS_H
#define NB_STORE_EMBEDDINGS_H

#include "common/base/file.h"
#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"

/** The version of the format, and the most elements a row has. */
enum { NB_STORE_FORMAT = 1, NB_STORE_WIDTH_MAX = 1 << 20 };
/** The kind in the seal and in the root attributes. */
#define NB_STORE_KIND "embedding store"

/* ---- making ---- */

/** The columns of a store beside its rows, in the order of the file: the names' bytes and offsets, tags, labels. */
enum { NB_STORE_NAME_BYTES, NB_STORE_NAME_OFFSETS, NB_STORE_TAGS, NB_STORE_LABELS, NB_STORE_COLUMNS };

/** Columns whose packed chunks (common/store/hdf5/h5_chunks.h) are put into the file by others. Each column has over
 * NB_H5_SMALL bytes. */
typedef struct nb_store_chunks {
    uint64_t count[NB_STORE_COLUMNS]; /**< elements; 0: there is no such column */
    uint64_t *at;                     /**< [all chunks, column by column] their bytes; becomes where they belong */
} nb_store_chunks;

/** What a store will hold; all of it is borrowed. */
typedef struct nb_store_spec {
    size_t count, width;           /**< rows, and elements of one */
    size_t tile_rows;              /**< rows a tile */
    bool half;                     /**< half precision */
    const nb_strings *names;       /**< [count] */
    const uint8_t *tags;           /**< [count]; NULL for images */
    const int32_t *labels;         /**< [count]; NULL for texts */
    const nb_store_chunks *chunks; /**< instead of names, tags and labels; NULL: they are given */
    const nb_strings *classes;     /**< NULL or empty: no names are known */
    const char *provenance;        /**< JSON */
} nb_store_spec;

/** The name of a column of a store; NB_STORE_... Not collective. */
const char *nb_store_column_name(size_t column);

/** Bytes of an element of a column of a store. */
size_t nb_store_column_width(size_t column);

/** The type of a column's elements in the file, which is not to be closed. */
hid_t nb_store_column_type(size_t column);

/** Where a store's rows go. Plain numbers: one process makes it, all may use it. */
typedef struct nb_store_plan {
    uint64_t count, width, tile_rows;               /**< as in nb_store_spec */
    uint64_t tile_count;                            /**< tiles; the last one may be shorter */
    uint64_t half;                                  /**< 1: half precision */
    uint64_t embeddings_at, norms_at, checksums_at; /**< byte offsets in the file */
    uint64_t resumed;                               /**< 1: the file may hold tiles of an interrupted run */
} nb_store_plan;

/** Creates the file with everything but its rows, and but the chunks that others write. By one process.
 *
 * @param plan where the rows go
 * @param path created, or replaced
 * @param spec what the store will hold
 * @return NB_OK, NB_ERR_INPUT when there is nothing to store, NB_ERR_LIMIT for rows over NB_STORE_WIDTH_MAX, a dataset
 * over 1 TiB or when memory is out, or NB_ERR_IO. */
NB_CHECKED nb_status nb_store_create(nb_store_plan *plan, const char *path, const nb_store_spec *spec, nb_error *err);

/** Writes a tile, and marks it as done. Any process, any order.
 *
 * @param fd    of the file, open for writing
 * @param plan  of the store
 * @param tile  its number
 * @param rows  [n, width] already normalised, n the tile's rows; rounded where the store is of half precision
 * @param norms [n] before normalising
 * @return NB_OK, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_store_write_tile(int fd, const nb_store_plan *plan, size_t tile, const float *rows,
                                         const float *norms, nb_error *err);

/** nb_store_write_tile of a store of half precision, from its own bits.
 *
 * @param fd    of the file, open for writing
 * @param plan  of the store
 * @param tile  its number
 * @param rows  [n, width] bits
 * @param norms [n] before normalising
 * @return NB_OK, or NB_ERR_IO. */
NB_CHECKED nb_status nb_store_write_tile_half(int fd, const nb_store_plan *plan, size_t tile, const uint16_t *rows,
                                              const float *norms, nb_error *err);

/** An existing file that need not be sealed, or whose tiles are not done: what a run continues. {0}: none. */
typedef struct nb_store_standing {
    hid_t file;
    nb_store_plan plan;
    nb_h5_vector column[NB_STORE_COLUMNS]; /**< those that are there */
    nb_strings classes;
    char *provenance; /**< JSON */
} nb_store_standing;

/** Opens such a file.
 *
 * @param out  closed by the caller with nb_store_standing_close; {0} on failure
 * @param path the file
 * @return as nb_store_open; nothing is verified. */
NB_CHECKED nb_status nb_store_standing_open(nb_store_standing *out, const char *path, nb_error *err);

/** Closes `standing`, which becomes {0}. Harmless on {0}. */
void nb_store_standing_close(nb_store_standing *standing);

/** The provenance of a file that need not be sealed.
 *
 * @param path the file
 * @param text freed by the caller; NULL on failure
 * @return as nb_h5_open and nb_h5_get_text. */
NB_CHECKED nb_status nb_store_provenance(const char *path, char **text, nb_error *err);

/** Whether a file holds a tile whole: one that an interrupted run finished.
 *
 * @param fd   of the file, open for reading
 * @param plan of the store
 * @param tile its number
 * @param done set to whether it does
 * @return NB_OK, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_store_tile_done(int fd, const nb_store_plan *plan, size_t tile, bool *done, nb_error *err);

/** How many tiles are not marked as done, whether or not those that are are whole.
 *
 * @param fd   of the file, open for reading
 * @param plan of the store
 * @param left their number
 * @return NB_OK, or NB_ERR_IO. */
NB_CHECKED nb_status nb_store_tiles_left(int fd, const nb_store_plan *plan, size_t *left, nb_error *err);

/** Seals the file once all tiles are written and synced. By one process.
 *
 * @param path   the file
 * @param plan   of the store
 * @param digest of the sealed store
 * @return as nb_seal_write. */
NB_CHECKED nb_status nb_store_seal(const char *path, const nb_store_plan *plan, nb_digest *digest, nb_error *err);

/** The first row of `tile` in a store of that `plan`. */
size_t nb_store_tile_begin(const nb_store_plan *plan, size_t tile);

/** Rows of `tile` in a store of that `plan`. */
size_t nb_store_tile_rows(const nb_store_plan *plan, size_t tile);

/** Bytes of a row as a store of that `plan` keeps it: half-precision bits or floats. */
size_t nb_store_row_bytes(const nb_store_plan *plan);

/* ---- reading ---- */

/** An open store. What is as long as the store is held whole or, when it was opened with nb_store_open_parts, read part
 * by part; its rows are mapped either way. Every tile's checksum is verified when it is read first, so a store serves
 * one thread at a time. */
typedef struct nb_store {
    char *path;
    nb_store_plan plan;
    nb_seal seal;
    nb_strings names;                                 /**< [count]; empty when read in parts */
    nb_strings classes;                               /**< class names; empty where none are known */
    uint8_t *tags;                                    /**< [count] or NULL */
    int32_t *labels;                                  /**< [count] or NULL */
    float *norms;                                     /**< [count] or NULL when read in parts */
    char *provenance;                                 /**< JSON */
    unsigned char *tile_seen;                         /**< [tile_count] 1: its checksum was verified */
    nb_map map;                                       /**< the whole file */
    hid_t file;                                       /**< open only for reading in parts */
    nb_h5_vector name_bytes, name_offsets, tag_bytes; /**< of reading in parts */
} nb_store;

/** Opens a store for reading.
 *
 * @param out    closed by the caller; {0} on failure
 * @param path   the file
 * @param verify recompute the seal's digest (one process of a job is enough)
 * @return NB_OK, NB_ERR_INPUT when it is missing, of another kind or damaged in a way that is no matter of bytes,
 *         NB_ERR_VERIFY when its bytes are not those that were sealed, NB_ERR_IO, or NB_ERR_LIMIT when memory is out.
 */
NB_CHECKED nb_status nb_store_open(nb_store *out, const char *path, bool verify, nb_error *err);

/** nb_store_open in memory that does not grow with the store (but for a byte a tile): names, tags and norms stay in the
 * file; labels are not read.
 *
 * @param out    closed by the caller; {0} on failure
 * @param path   the file
 * @param verify recompute the seal's digest
 * @return as nb_store_open. */
NB_CHECKED nb_status nb_store_open_parts(nb_store *out, const char *path, bool verify, nb_error *err);

/** Closes `store`, which becomes {0}. Takes NULL and {0}. */
void nb_store_close(nb_store *store);

/** Names and tags of rows [begin, begin + count), which exist; either way of opening.
 *
 * @param store an open store
 * @param begin the first row
 * @param count how many
 * @param names [count], freed by the caller; {0} on failure
 * @param tags  [count], NB_TAG_NONE where the store has none; may be NULL
 * @return NB_OK, NB_ERR_INPUT when they are damaged, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_store_names(nb_store *store, size_t begin, size_t count, nb_strings *names, uint8_t *tags,
                                    nb_error *err);

/** The norms before normalising of rows [`begin`, `begin` + `count`) of `store`, which exist, into `out` [count]. */
void nb_store_norms(const nb_store *store, size_t begin, size_t count, float *out);

/** The rows themselves where they are mapped, after checking them.
 *
 * @param store an open store
 * @param begin the first row
 * @param count how many
 * @param rows  [count, row bytes], not aligned; valid while the store is open
 * @return NB_OK, NB_ERR_VERIFY when a tile's checksum does not match, or NB_ERR_INTERNAL for rows beyond the end. */
NB_CHECKED nb_status nb_store_mapped_rows(nb_store *store, size_t begin, size_t count, const unsigned char **rows,
                                          nb_error *err);

/** Where row `row` of `store`, which exists, is mapped; its tile's checksum is not looked at, so that no neighbour is
 * read: for rows that were verified before, by any process. */
const unsigned char *nb_store_unverified_row(const nb_store *store, size_t row);

/** Refuses a row whose norm is zero or not finite.
 *
 * @param store an open store
 * @param row   its number
 * @param norm  its norm
 * @return NB_ERR_NUMERIC naming it */
nb_status nb_store_refuse_row(nb_store *store, size_t row, double norm, nb_error *err);

/** Rows [begin, begin + count) as stored, as doubles normalised again.
 *
 * @param store an open store
 * @param begin the first row
 * @param count how many
 * @param out   [count, width]
 * @return as nb_store_mapped_rows; NB_ERR_NUMERIC when a row is zero or not finite, NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_store_rows(nb_store *store, size_t begin, size_t count, double *out, nb_error *err);

/** Rows as stored, bit for bit.
 *
 * @param store an open store
 * @param ids   [count] their numbers
 * @param count how many
 * @param out   [count, row bytes]
 * @return as nb_store_mapped_rows. */
NB_CHECKED nb_status nb_store_raw_rows(nb_store *store, const size_t *ids, size_t count, void *out, nb_error *err);

/** Rows [begin, begin + count) as stored, as floats.
 *
 * @param store an open store
 * @param begin the first row
 * @param count how many
 * @param out   [count, width]
 * @return as nb_store_mapped_rows. */
NB_CHECKED nb_status nb_store_rows_float(nb_store *store, size_t begin, size_t count, float *out, nb_error *err);

#endif
