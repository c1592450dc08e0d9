/* NumPy's .npy files: little-endian, C order, up to two dimensions. */
#ifndef NB_STORE_NPY_H
#define NB_STORE_NPY_H

#include "common/base/file.h"

typedef enum nb_npy_type { NB_NPY_F16, NB_NPY_F32, NB_NPY_F64, NB_NPY_I32, NB_NPY_I64, NB_NPY_U8 } nb_npy_type;

typedef struct nb_npy {
    nb_map map;
    const unsigned char *data; /* [rows, columns], unaligned */
    nb_npy_type type;
    size_t rank, rows, columns; /* columns is 1 for a vector */
} nb_npy;

/* Maps and checks a file: header, type, and that the data are all there. The caller closes it. */
nb_status nb_npy_open(nb_npy *out, const char *path, nb_error *err);
void nb_npy_close(nb_npy *npy);

/* Element i (row-major) as a number. */
double nb_npy_at(const nb_npy *npy, size_t i);

/* Writes an array of floats or int32 (`type` NB_NPY_F32, NB_NPY_F16 from float; NB_NPY_I32; NB_NPY_F64 from double).
 * columns 0 makes a vector, planes > 0 a [planes, rows, columns] array. */
nb_status nb_npy_write(const char *path, bool force, nb_npy_type type, size_t planes, size_t rows, size_t columns,
                       const void *data, nb_error *err);

#endif
