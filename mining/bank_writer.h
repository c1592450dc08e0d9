/* Writes a bank. The format is described where it is read: scoring/bank.h. */
#ifndef NB_MINING_BANK_WRITER_H
#define NB_MINING_BANK_WRITER_H

#include "common/base/digest.h"
#include "common/base/memory.h"

/* Rows as they are to be stored: half-precision bits or floats. */
typedef struct nb_bank_rows {
    const void *data; /* uint16_t [count, d] when half, else float [count, d] */
    bool half;
} nb_bank_rows;

/* Negatives that have no text: V pseudo words inverted from images. */
typedef struct nb_bank_visual {
    const nb_strings *names; /* [V] */
    const float *rows;       /* [V, d] */
    const double *criterion; /* [V] */
} nb_bank_visual;

/* All borrowed. */
typedef struct nb_bank_content {
    size_t d;
    const nb_strings *labels, *negatives;
    nb_bank_rows label_rows, negative_rows;
    const float *prototypes;      /* [C, d] or NULL */
    const double *criterion;      /* [M] */
    const uint8_t *tags;          /* [M] */
    const uint64_t *ids;          /* [M] */
    const nb_bank_visual *visual; /* or NULL */
    const char *suggested;        /* JSON */
    const char *provenance;       /* JSON */
} nb_bank_content;

/* Writes and seals the bank through a partial file. Not collective. */
nb_status nb_bank_write(const char *path, bool force, const nb_bank_content *content, nb_digest *digest, nb_error *err);

#endif
