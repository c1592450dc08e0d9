/**
 * @file
 * Matrices of a bank as they are read: whatever they are stored as becomes normalised doubles. Used by bank.c alone;
 * not for several threads at once, as HDF5 is not.
 */
#ifndef NB_SCORING_BANK_BANK_ROWS_H
#define NB_SCORING_BANK_BANK_ROWS_H

#include "scoring/bank/bank.h"

#include <hdf5.h>
#include <jansson.h>

/** A bank being read. */
typedef struct nb_bank_reader {
    hid_t file;
    const json_t *digests; /**< of the datasets by name; borrowed */
    bool strict;           /**< every dataset must have a digest */
    size_t checked;        /**< datasets so far */
    uint64_t file_bytes;
    nb_error *err; /**< of every function here */
} nb_bank_reader;

/** Notes that a dataset was read, and compares it with its digest.
 * @param r the bank
 * @param name the dataset's
 * @param data [bytes] as stored, after unpacking
 * @param bytes of it
 * @return NB_OK, or NB_ERR_VERIFY when they do not match or a digest is missing that must be there */
nb_status nb_bank_check(nb_bank_reader *r, const char *name, const void *data, size_t bytes);

/** Checks that a dataset unpacks to what the file can hold (scoring/bank/bank.h has the bound).
 * @param r the bank
 * @param name the dataset's
 * @param rank its dimensions, 1 or 2
 * @param element bytes of an element
 * @return NB_OK, NB_ERR_LIMIT when it is larger, or as nb_h5_dims fails when it is missing or of another rank */
nb_status nb_bank_check_size(nb_bank_reader *r, const char *name, size_t rank, size_t element);

/** Reads a vector of exactly `count` elements and checks it.
 * @param r the bank
 * @param name the dataset's
 * @param type of the elements in memory
 * @param element bytes of one
 * @param count elements
 * @param data [count], freed by the caller, also after a failure
 * @return NB_OK, NB_ERR_INPUT for a vector that is missing or of another shape or type, NB_ERR_VERIFY as nb_bank_check,
 * NB_ERR_LIMIT when it is too large or memory is out, or NB_ERR_IO */
nb_status nb_bank_read_vector(nb_bank_reader *r, const char *name, hid_t type, size_t element, size_t count,
                              void **data);

/** The matrix GROUP/NAME of so many rows. */
typedef struct nb_bank_matrix {
    const char *group, *name;
    size_t rows;
} nb_bank_matrix;

/** Reads a matrix as normalised doubles and checks it.
 * @param r the bank
 * @param matrix which, and its rows
 * @param width the width it must have; 0 becomes the file's
 * @param precision becomes how it is stored; NULL: int8 is refused
 * @param out [rows, *width], freed by the caller, also after a failure
 * @return as nb_bank_read_vector, and NB_ERR_INPUT for a row that is zero or not finite */
nb_status nb_bank_read_rows(nb_bank_reader *r, const nb_bank_matrix *matrix, size_t *width,
                            nb_bank_precision *precision, double **out);

/** Reads a matrix of single or half precision as it is, without normalising, and checks it.
 * @param r the bank
 * @param matrix which, and its rows
 * @param width the width it must have
 * @param out [rows, width], freed by the caller, also after a failure
 * @return as nb_bank_read_vector, and NB_ERR_INPUT for an element that is not finite */
nb_status nb_bank_read_plain(nb_bank_reader *r, const nb_bank_matrix *matrix, size_t width, double **out);

/** Reads and checks the proxies of a bank whose labels and negatives are read, and imputes those of its texts; does
 * nothing where the file has none.
 * @param bank its proxies are set; closed by the caller, also after a failure
 * @param r the bank
 * @return as nb_bank_read_vector, and NB_ERR_INPUT for values that cannot be, or without prototypes */
nb_status nb_bank_read_proxies(nb_bank *bank, nb_bank_reader *r);

#endif
