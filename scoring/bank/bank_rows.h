/* Matrices of a bank as they are read: whatever they are stored as becomes normalised doubles. Used by bank.c alone. */
#ifndef NB_SCORING_BANK_BANK_ROWS_H
#define NB_SCORING_BANK_BANK_ROWS_H

#include "scoring/bank/bank.h"

#include <hdf5.h>
#include <jansson.h>

/* A bank being read. */
typedef struct nb_bank_reader {
    hid_t file;
    const json_t *digests;
    bool strict; /* every dataset must have a digest */
    size_t checked;
    uint64_t file_bytes;
    nb_error *err;
} nb_bank_reader;

/* Notes that a dataset was read, and compares it with its digest. */
nb_status nb_bank_check(nb_bank_reader *r, const char *name, const void *data, size_t bytes);

/* A dataset unpacks to what the file can hold (scoring/bank/bank.h has the bound). */
nb_status nb_bank_check_size(nb_bank_reader *r, const char *name, size_t rank, size_t element);

/* A vector of exactly `count` elements, checked; freed by the caller. */
nb_status nb_bank_read_vector(nb_bank_reader *r, const char *name, hid_t type, size_t element, size_t count,
                              void **data);

/* The matrix GROUP/NAME as doubles [rows, *width], normalised; *width 0 takes the file's. int8 is read only where
 * `precision` is given, which then says how it is stored. Freed by the caller. */
nb_status nb_bank_read_rows(nb_bank_reader *r, const char *group, const char *name, size_t rows, size_t *width,
                            nb_bank_precision *precision, double **out);

#endif
