/** @file
 * Writes a bank. Nothing here is collective. The format is described where it is read: scoring/bank/bank.h. */
#ifndef NB_MINING_BANK_BANK_WRITER_H
#define NB_MINING_BANK_BANK_WRITER_H

#include "common/base/digest.h"
#include "common/base/memory.h"
#include "scoring/bank/bank_texts.h"

/** Negatives that have no text: V pseudo words inverted from images. */
typedef struct nb_bank_visual {
    const nb_strings *names; /**< [V] */
    const float *rows;       /**< [V, d] */
    const double *criterion; /**< [V] */
} nb_bank_visual;

/** Finds a threshold with the bank as everybody will read it; called once. */
typedef nb_status (*nb_bank_measure)(void *state, const nb_bank *bank, nb_bank_threshold *out, nb_error *err);

/** What a bank is made of. All borrowed. Rows are L2-normalised. With NB_BANK_FP32 all are stored in single precision;
 * else labels, prototypes and the map of the proxies in half precision (which keeps the bits of rows that came from
 * half precision), negatives and measured proxies as told. Vectors of the proxies are stored in single precision. */
typedef struct nb_bank_content {
    size_t d; /**< width of the rows */
    nb_bank_precision precision;
    const nb_strings *labels, *negatives;
    const float *label_rows;          /**< [C, d] */
    const float *negative_rows;       /**< [M, d] */
    const float *prototypes;          /**< [C, d] or NULL */
    const double *criterion;          /**< [M] */
    const uint8_t *tags;              /**< [M] */
    const uint64_t *ids;              /**< [M] */
    const nb_bank_visual *visual;     /**< or NULL */
    const nb_bank_proxies *proxies;   /**< or NULL: none, and the format is 1; they need prototypes */
    const nb_bank_findings *findings; /**< written beside proxies; or NULL */
    nb_bank_suggestion suggestion;
    nb_bank_source source;
    const char *provenance;  /**< JSON */
    nb_bank_measure measure; /**< NULL: no threshold */
    void *measure_state;
} nb_bank_content;

/** Writes and seals a bank through a partial file, which is read back, and measured with where that was asked for,
 * before it gets its name: what is written opens. Not collective.
 * @param path the file
 * @param force replace a file that is there
 * @param content what it holds
 * @param digest becomes the file's SHA-256
 * @return NB_OK; NB_ERR_NUMERIC for a row that is zero or not finite, or another value of the proxies that is not
 * finite; NB_ERR_USAGE when the file is there and `force`
 * is not given; NB_ERR_IO when it cannot be written; NB_ERR_LIMIT without memory; what `measure` returned; and as
 * nb_bank_open. */
nb_status nb_bank_write(const char *path, bool force, const nb_bank_content *content, nb_digest *digest, nb_error *err);

#endif
