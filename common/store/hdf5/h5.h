/* Checked HDF5: the few shapes of data our files use. Not collective: one process writes, any number read.
 *
 * Files are made with fixed library versions and without times, so that the same content gives the same bytes. HDF5's
 * own error text is forwarded. Strings are byte datasets: NAME/bytes (each string NUL-terminated) and NAME/offsets. */
#ifndef NB_COMMON_STORE_HDF5_H5_H
#define NB_COMMON_STORE_HDF5_H5_H

#include "common/base/memory.h"

#include <hdf5.h>

/* Bytes in front of what is HDF5's: room for the seal (common/store/seal.h), which HDF5 passes over. */
enum { NB_H5_USER_BLOCK = 512 };

/* Creates `path` with room for the seal and the root attributes `kind`, `format` and `producer`. What is put into it
 * lies in memory until nb_h5_save (common/store/hdf5/h5_memory.h says why); room that was reserved and not written
 * takes none. */
nb_status nb_h5_create(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err);
/* Opens for reading. NB_ERR_INPUT when the root attributes do not name this kind, or a format over `format`. */
nb_status nb_h5_open(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err);
/* Writes a file made by nb_h5_create to its path and closes it. */
nb_status nb_h5_save(hid_t *file, const char *path, nb_error *err);
/* Closes an opened file, or drops one made by nb_h5_create; *file may be 0 or negative (nothing to close). */
void nb_h5_close(hid_t *file);

/* The type of half precision in file and memory; the caller closes it with H5Tclose. */
hid_t nb_h5_half_type(void);

typedef enum nb_h5_layout { NB_H5_CONTIGUOUS, NB_H5_ZSTD } nb_h5_layout;
enum { NB_H5_SMALL = 1024 };

/* Writes a whole dataset of `rank` dimensions from memory of type `mem_type`, stored as `file_type`. NB_H5_ZSTD cuts
 * it into chunks of whole rows of about 1 MiB and compresses them (filter 32015), shuffled when elements are wide; what
 * has at most NB_H5_SMALL bytes is stored as it is: packing gains nothing there. */
nb_status nb_h5_put(hid_t file, const char *name, hid_t file_type, hid_t mem_type, size_t rank, const hsize_t *dims,
                    const void *data, nb_h5_layout layout, nb_error *err);
/* As nb_h5_put for a vector. */
nb_status nb_h5_put_vector(hid_t file, const char *name, hid_t file_type, hid_t mem_type, size_t count,
                           const void *data, nb_h5_layout layout, nb_error *err);
/* Makes a contiguous dataset without writing it; *offset is where its bytes lie in the file. */
nb_status nb_h5_reserve(hid_t file, const char *name, hid_t file_type, size_t rank, const hsize_t *dims,
                        uint64_t *offset, nb_error *err);

bool nb_h5_has(hid_t file, const char *name);
/* True when a dataset of that name holds elements of exactly this type. */
bool nb_h5_has_type(hid_t file, const char *name, hid_t type);
/* Bytes a dataset takes in the file, packed; 0 for one that is not there. */
uint64_t nb_h5_stored_bytes(hid_t file, const char *name);
/* The dimensions of a dataset that must have `rank` of them. *is_half (may be NULL): stored as half precision;
 * NB_ERR_INPUT when it is neither that nor single precision. */
nb_status nb_h5_dims(hid_t file, const char *name, size_t rank, hsize_t *dims, bool *is_half, nb_error *err);
/* Where a contiguous dataset's bytes lie in the file. */
nb_status nb_h5_offset(hid_t file, const char *name, uint64_t *offset, nb_error *err);
/* Reads a whole dataset whose dimensions are exactly dims into *data, which the caller frees. NB_ERR_INPUT when its
 * elements are not of mem_type, or it is not stored whole in this file as nb_h5_put stores it. */
nb_status nb_h5_get(hid_t file, const char *name, hid_t mem_type, size_t mem_size, size_t rank, const hsize_t *dims,
                    void **data, nb_error *err);

/* One text as a scalar string; get returns it NUL-terminated, freed by the caller. */
nb_status nb_h5_put_text(hid_t file, const char *name, const char *text, nb_error *err);
nb_status nb_h5_get_text(hid_t file, const char *name, char **text, nb_error *err);
/* The names of all datasets, "negatives/tags", in bytewise order
 * within each group. NB_ERR_INPUT over NB_H5_DATASETS_MAX of them. The caller frees them. */
enum { NB_H5_DATASETS_MAX = 1000 };
nb_status nb_h5_names(hid_t file, nb_strings *names, nb_error *err);
/* All elements of a dataset as they are stored, unpacked: *bytes of them in *data, freed by the caller. NB_ERR_INPUT
 * for elements that are no plain numbers or text, and when it is not stored whole in this file. */
nb_status nb_h5_get_raw(hid_t file, const char *name, void **data, size_t *bytes, nb_error *err);
nb_status nb_h5_put_strings(hid_t file, const char *name, const nb_strings *strings, nb_error *err);
nb_status nb_h5_get_strings(hid_t file, const char *name, nb_strings *strings, nb_error *err);

/* A vector read part by part, for what is too long to be held whole. */
typedef struct nb_h5_vector {
    hid_t dataset, type; /* 0: not open */
    const char *name;    /* borrowed */
    size_t count, element;
    size_t chunk_rows, checked; /* 0: contiguous; the chunk looked at last, from 1 */
    uint64_t file_bytes;
} nb_h5_vector;

/* As nb_h5_get as to what is refused, chunks as they are read; the file stays open meanwhile. */
nb_status nb_h5_vector_open(nb_h5_vector *out, hid_t file, const char *name, hid_t mem_type, size_t mem_size,
                            nb_error *err);
/* Elements [begin, begin + count) into out; they exist. */
nb_status nb_h5_vector_read(nb_h5_vector *vector, size_t begin, size_t count, void *out, nb_error *err);
/* Harmless on {0}. */
void nb_h5_vector_close(nb_h5_vector *vector);

/* Strings [begin, begin + count) of the list stored as `bytes` and `offsets`, into *strings (freed by the caller). */
nb_status nb_h5_strings_read(nb_h5_vector *bytes, nb_h5_vector *offsets, size_t begin, size_t count,
                             nb_strings *strings, nb_error *err);

#endif
