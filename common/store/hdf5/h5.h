/* Checked HDF5: the few shapes of data our files use. Not collective: one process writes, any number read.
 *
 * Files are made with fixed library versions and without times, so that the same content gives the same bytes. HDF5's
 * own error text is forwarded. Strings are byte datasets: NAME/bytes (each string NUL-terminated) and NAME/offsets.
 *
 * A seal is no signature: whoever makes a file can seal it, so its content is as untrusted as any input. What is read
 * is refused, with NB_ERR_INPUT, when it is not stored whole in this file as the functions here store it. */
#ifndef NB_COMMON_STORE_HDF5_H5_H
#define NB_COMMON_STORE_HDF5_H5_H

#include "common/base/memory.h"

#include <hdf5.h>

/** Bytes in front of what is HDF5's: room for the seal (common/store/seal.h), which HDF5 passes over. */
enum { NB_H5_USER_BLOCK = 512 };

/* ---- files ---- */

/** Creates a file with a user block of NB_H5_USER_BLOCK bytes and the root attributes `kind`, `format` and `producer`.
 * What is put into it lies in memory until nb_h5_save (common/store/hdf5/h5_memory.h says why); room that was reserved
 * and not written takes none.
 *
 * @param file   the file, closed by nb_h5_save or nb_h5_close; -1, or open all the same, on failure
 * @param path   created, or emptied, at once
 * @param kind   what the file is
 * @param format the version of its format, from 1
 * @return NB_OK, NB_ERR_IO when `path` cannot be created or HDF5 fails, NB_ERR_LIMIT when memory is out, or
 *         NB_ERR_INTERNAL when HDF5 cannot be started. */
NB_CHECKED nb_status nb_h5_create(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err);

/** Opens a file for reading, once its structure was walked through (common/store/hdf5/structure.h).
 *
 * @param file   the file, closed by nb_h5_close; -1 on failure
 * @param path   where it is
 * @param kind   what its root attribute `kind` must say
 * @param format the newest version of the format that is read
 * @return NB_OK, NB_ERR_INPUT when it is missing, not stored as nb_h5_save stores it, of another kind or of a newer
 * format, NB_ERR_LIMIT when it unpacks to more than its size allows, over another limit or when memory is out,
 * NB_ERR_IO when it cannot be mapped, or NB_ERR_INTERNAL when HDF5 cannot be started. */
NB_CHECKED nb_status nb_h5_open(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err);

/** nb_h5_open for a file that holds nothing but texts and what belongs to them: where they are much alike, it may
 * unpack to far more than other files.
 *
 * @param file   as nb_h5_open
 * @param path   as nb_h5_open
 * @param kind   as nb_h5_open
 * @param format as nb_h5_open
 * @return as nb_h5_open. */
NB_CHECKED nb_status nb_h5_open_texts(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err);

/** Writes a file made by nb_h5_create to its path and closes it, also on failure. It is not synced.
 *
 * @param file set to -1
 * @param path as it was created
 * @return NB_OK, NB_ERR_IO when it cannot be written whole, or NB_ERR_LIMIT when HDF5 cannot finish it or memory is
 * out. */
NB_CHECKED nb_status nb_h5_save(hid_t *file, const char *path, nb_error *err);

/** Closes an opened file, or drops what was put into one made by nb_h5_create; *file becomes -1. 0 or negative: nothing
 * to close.
 *
 * @param file the file */
void nb_h5_close(hid_t *file);

/** The type of half precision in file and memory; the caller closes it with H5Tclose. */
hid_t nb_h5_half_type(void);

/* ---- writing ---- */

/** How a dataset is stored: as it is, or in zstd chunks (filter 32015). */
typedef enum nb_h5_layout { NB_H5_CONTIGUOUS, NB_H5_ZSTD } nb_h5_layout;
/** Bytes up to which a dataset is stored as it is even with NB_H5_ZSTD: packing gains nothing there. */
enum { NB_H5_SMALL = 1024 };

/** An array and the dataset it is for; all of it is borrowed. */
typedef struct nb_h5_array {
    hid_t stored;        /**< type of the elements in the file */
    hid_t memory;        /**< type of the elements in `data` */
    size_t rank;         /**< dimensions, at most 8; 0: one scalar */
    const hsize_t *dims; /**< [rank] */
    const void *data;    /**< row-major; NULL: the dataset is made, its bytes are written by others */
} nb_h5_array;

/** A vector and the dataset it is for; all of it is borrowed. */
typedef struct nb_h5_values {
    hid_t stored;     /**< type of the elements in the file */
    hid_t memory;     /**< type of the elements in `data` */
    size_t count;     /**< elements */
    const void *data; /**< [count] */
} nb_h5_values;

/** Writes a whole dataset, with the groups in front of its name. NB_H5_ZSTD cuts it into chunks of whole rows of about
 * 1 MiB and compresses them, shuffled when elements are wide.
 *
 * @param file   made by nb_h5_create
 * @param name   "negatives/tags"
 * @param array  what is written
 * @param layout how it is stored
 * @return NB_OK, NB_ERR_IO when HDF5 fails, or NB_ERR_LIMIT when it is over 1 TiB or memory is out. */
NB_CHECKED nb_status nb_h5_put(hid_t file, const char *name, const nb_h5_array *array, nb_h5_layout layout,
                               nb_error *err);

/** nb_h5_put of a vector.
 *
 * @param file   made by nb_h5_create
 * @param name   of the dataset
 * @param values what is written
 * @param layout how it is stored
 * @return as nb_h5_put. */
NB_CHECKED nb_status nb_h5_put_vector(hid_t file, const char *name, nb_h5_values values, nb_h5_layout layout,
                                      nb_error *err);

/** Makes a contiguous dataset without writing it.
 *
 * @param file   made by nb_h5_create
 * @param name   of the dataset
 * @param array  its stored type and dimensions; `memory` and `data` are not looked at
 * @param offset where its bytes lie in the file, from the file's begin
 * @return as nb_h5_put; NB_ERR_INPUT when HDF5 does not say where. */
NB_CHECKED nb_status nb_h5_reserve(hid_t file, const char *name, const nb_h5_array *array, uint64_t *offset,
                                   nb_error *err);

/** Bytes of a text with its NUL, at most: of any text, and of the provenance of a corpus, which lists its inputs. */
enum { NB_H5_TEXT_MAX = 1 << 20, NB_H5_LONG_TEXT_MAX = 1 << 26 };

/** Writes one text as a scalar string.
 *
 * @param file made by nb_h5_create
 * @param name of the dataset
 * @param text UTF-8
 * @return as nb_h5_put; NB_ERR_LIMIT also over NB_H5_TEXT_MAX. */
NB_CHECKED nb_status nb_h5_put_text(hid_t file, const char *name, const char *text, nb_error *err);

/** nb_h5_put_text up to NB_H5_LONG_TEXT_MAX.
 *
 * @param file made by nb_h5_create
 * @param name of the dataset
 * @param text UTF-8
 * @return as nb_h5_put_text. */
NB_CHECKED nb_status nb_h5_put_long_text(hid_t file, const char *name, const char *text, nb_error *err);

/** Writes a list of strings as NAME/bytes and NAME/offsets.
 *
 * @param file    made by nb_h5_create
 * @param name    NAME
 * @param strings the list
 * @return as nb_h5_put. */
NB_CHECKED nb_status nb_h5_put_strings(hid_t file, const char *name, const nb_strings *strings, nb_error *err);

/* ---- reading ---- */

/** True when the open `file` has something of that `name`. */
bool nb_h5_has(hid_t file, const char *name);

/** True when a dataset of that `name` in `file` holds elements of exactly this `type`. */
bool nb_h5_has_type(hid_t file, const char *name, hid_t type);

/** Bytes that the dataset `name` takes in `file`, packed; 0 for one that is not there. */
uint64_t nb_h5_stored_bytes(hid_t file, const char *name);

/** The dimensions of a dataset.
 *
 * @param file    an open file
 * @param name    of the dataset
 * @param rank    dimensions it must have
 * @param dims    [rank]
 * @param is_half set to whether it is stored as half precision, single otherwise; NULL: not asked
 * @return NB_OK, or NB_ERR_INPUT when there is no such dataset, it has another rank or, where is_half is asked, holds
 *         neither precision. */
NB_CHECKED nb_status nb_h5_dims(hid_t file, const char *name, size_t rank, hsize_t *dims, bool *is_half, nb_error *err);

/** Where a contiguous dataset's bytes lie.
 *
 * @param file   an open file
 * @param name   of the dataset
 * @param offset in bytes, from the file's begin
 * @return NB_OK, or NB_ERR_INPUT when there is no such dataset or it is stored otherwise. */
NB_CHECKED nb_status nb_h5_offset(hid_t file, const char *name, uint64_t *offset, nb_error *err);

/** Reads a whole dataset.
 *
 * @param file an open file
 * @param name of the dataset
 * @param want the type in memory and the dimensions it must have; `stored` and `data` are not looked at
 * @param data the elements, aligned to 64 bytes, freed by the caller; NULL on failure
 * @return NB_OK, NB_ERR_INPUT when it is missing, has other dimensions or another type, or is not stored whole as
 *         nb_h5_put stores it, or NB_ERR_LIMIT when it is over 1 TiB or memory is out. */
NB_CHECKED nb_status nb_h5_get(hid_t file, const char *name, const nb_h5_array *want, void **data, nb_error *err);

/** Reads a text that nb_h5_put_text wrote.
 *
 * @param file an open file
 * @param name of the dataset
 * @param text NUL-terminated, freed by the caller; NULL on failure
 * @return as nb_h5_get; NB_ERR_INPUT for what is no text, NB_ERR_LIMIT over NB_H5_TEXT_MAX. */
NB_CHECKED nb_status nb_h5_get_text(hid_t file, const char *name, char **text, nb_error *err);

/** nb_h5_get_text up to NB_H5_LONG_TEXT_MAX.
 *
 * @param file an open file
 * @param name of the dataset
 * @param text NUL-terminated, freed by the caller; NULL on failure
 * @return as nb_h5_get_text. */
NB_CHECKED nb_status nb_h5_get_long_text(hid_t file, const char *name, char **text, nb_error *err);

/** Reads a list that nb_h5_put_strings wrote.
 *
 * @param file    an open file
 * @param name    NAME
 * @param strings the list, freed by the caller; {0} on failure
 * @return as nb_h5_get; NB_ERR_INPUT also when offsets do not fit the bytes, or a string is not UTF-8 or holds a NUL.
 */
NB_CHECKED nb_status nb_h5_get_strings(hid_t file, const char *name, nb_strings *strings, nb_error *err);

/** Most datasets that nb_h5_names lists. */
enum { NB_H5_DATASETS_MAX = 1000 };

/** The names of all datasets, "negatives/tags", in bytewise order within each group.
 *
 * @param file  an open file
 * @param names freed by the caller; {0} on failure
 * @return NB_OK, NB_ERR_INPUT over NB_H5_DATASETS_MAX of them or for a link, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_h5_names(hid_t file, nb_strings *names, nb_error *err);

/** Reads all elements of a dataset as they are stored, unpacked.
 *
 * @param file  an open file
 * @param name  of the dataset
 * @param data  [*bytes], freed by the caller; NULL on failure
 * @param bytes their number
 * @return as nb_h5_get; NB_ERR_INPUT for elements that are no plain numbers or text. */
NB_CHECKED nb_status nb_h5_get_raw(hid_t file, const char *name, void **data, size_t *bytes, nb_error *err);

/* ---- reading in parts ---- */

/** Working memory for unpacking chunks. Start from {0}. */
typedef struct nb_h5_unpacker {
    unsigned char *packed;    /**< [packed_capacity] */
    unsigned char *shuffled;  /**< [shuffled_capacity] */
    size_t packed_capacity;   /**< bytes */
    size_t shuffled_capacity; /**< bytes */
} nb_h5_unpacker;

/** A vector read part by part, for what is too long to be held whole. The file stays open meanwhile. */
typedef struct nb_h5_vector {
    hid_t dataset, type; /**< 0: not open */
    const char *name;    /**< borrowed */
    size_t count;        /**< elements in all */
    size_t element;      /**< bytes of one in memory */
    size_t chunk_rows;   /**< elements a chunk; 0: contiguous */
    nb_h5_unpacker unpacker;
    unsigned char *chunk; /**< [chunk_rows] elements of the chunk read last */
    size_t loaded;        /**< which that is, from 1; 0: none */
    uint64_t file_bytes;  /**< of the whole file */
} nb_h5_vector;

/** Opens a vector; its chunks are looked at when they are read.
 *
 * @param out      closed by the caller; {0} on failure
 * @param file     an open file
 * @param name     of the dataset, borrowed
 * @param mem_type type of the elements
 * @param mem_size bytes of one
 * @return as nb_h5_get. */
NB_CHECKED nb_status nb_h5_vector_open(nb_h5_vector *out, hid_t file, const char *name, hid_t mem_type, size_t mem_size,
                                       nb_error *err);

/** Reads elements [begin, begin + count).
 *
 * @param vector an open vector
 * @param begin  the first
 * @param count  how many
 * @param out    [count]
 * @return NB_OK, NB_ERR_INPUT when they are beyond the end or not stored whole, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_h5_vector_read(nb_h5_vector *vector, size_t begin, size_t count, void *out, nb_error *err);

/** Closes `vector`, which becomes {0}. Harmless on {0}. */
void nb_h5_vector_close(nb_h5_vector *vector);

/** Reads strings [begin, begin + count) of a list.
 *
 * @param bytes   the open vector NAME/bytes
 * @param offsets the open vector NAME/offsets
 * @param begin   the first
 * @param count   how many
 * @param strings freed by the caller; {0} on failure
 * @return as nb_h5_get_strings and nb_h5_vector_read. */
NB_CHECKED nb_status nb_h5_strings_read(nb_h5_vector *bytes, nb_h5_vector *offsets, size_t begin, size_t count,
                                        nb_strings *strings, nb_error *err);

#endif
