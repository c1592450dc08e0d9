/* NumPy's .npy files of numbers, of one or two dimensions: versions 1 to 3, both byte orders, C and Fortran order.
 * Written are version 1, little-endian, C order. Nothing here is collective. */
#ifndef NB_COMMON_STORE_NPY_H
#define NB_COMMON_STORE_NPY_H

#include "common/base/file.h"

/** Types of elements: f2, f4, f8, i4, i8, u1, i1, i2, u2, u4, u8, b1. The first six are written. */
typedef enum nb_npy_type {
    NB_NPY_F16,
    NB_NPY_F32,
    NB_NPY_F64,
    NB_NPY_I32,
    NB_NPY_I64,
    NB_NPY_U8,
    NB_NPY_I8,
    NB_NPY_I16,
    NB_NPY_U16,
    NB_NPY_U32,
    NB_NPY_U64,
    NB_NPY_BOOL
} nb_npy_type;

/** A file opened for reading. */
typedef struct nb_npy {
    nb_map map;                /**< the whole file */
    const unsigned char *data; /**< the elements, unaligned */
    bool swapped;              /**< big-endian */
    bool by_columns;           /**< Fortran order */
    nb_npy_type type;          /**< of the elements */
    size_t rank;               /**< dimensions: 1 or 2 */
    size_t rows;
    size_t columns; /**< 1 for a vector */
} nb_npy;

/** The shape of an array that is written: [planes, rows, columns] without those that are 0. */
typedef struct nb_npy_shape {
    size_t planes; /**< 0: a matrix or a vector */
    size_t rows;
    size_t columns; /**< 0, and planes too: a vector */
} nb_npy_shape;

/** Maps and checks a file: header, type, and that the data are all there.
 *
 * @param out  closed by the caller; {0} on failure
 * @param path the file
 * @return NB_OK, NB_ERR_INPUT for a file that is missing or of another form, or NB_ERR_IO when it cannot be mapped. */
NB_CHECKED nb_status nb_npy_open(nb_npy *out, const char *path, nb_error *err);

/** Closes `npy`. Takes NULL and {0}. */
void nb_npy_close(nb_npy *npy);

/** Element `i` (row-major) of `npy` as a number; it exists. */
double nb_npy_at(const nb_npy *npy, size_t i);

/** Writes an array.
 *
 * @param path  the file
 * @param force replace one that is there
 * @param type  of the elements in the file
 * @param shape of the array
 * @param data  row-major; floats for NB_NPY_F16, else of the file's type
 * @return as nb_file_write. */
NB_CHECKED nb_status nb_npy_write(const char *path, bool force, nb_npy_type type, nb_npy_shape shape, const void *data,
                                  nb_error *err);

#endif
