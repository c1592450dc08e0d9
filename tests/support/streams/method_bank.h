/* The synthetic bank and images of golden/methods in memory, for tests of scores and streams. */
#ifndef NB_TESTS_SUPPORT_STREAMS_METHOD_BANK_H
#define NB_TESTS_SUPPORT_STREAMS_METHOD_BANK_H

#include "scoring/bank/bank.h"

/* Bank and images; closed by method_bank_close. */
typedef struct method_bank {
    nb_bank bank;
    float *images; /* [count, d] normalised; those of OOD sets behind the ID ones */
    size_t count;
    double *texts; /* [text_count, d] the corpus, normalised */
    size_t text_count;
} method_bank;

/* Rows [*rows, *width] of the golden file NAME as doubles; freed by the caller. */
double *golden_rows(const char *name, size_t *rows, size_t *width);

/* Rows as floats, normalised; freed by the caller. */
float *golden_floats(const char *name, size_t *rows, size_t *width);

/* All floats [*count] of a golden file of any number of dimensions; freed by the caller. */
float *golden_array(const char *name, size_t *count);

/* Integers [*count] of the golden file NAME; freed by the caller. */
size_t *golden_numbers(const char *name, size_t *count);

void method_bank_open(method_bank *m);
void method_bank_close(method_bank *m);

#endif
