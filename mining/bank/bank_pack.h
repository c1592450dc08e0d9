/** @file
 * Eight-bit codes for the rows of a bank (scoring/bank/bank.h has the formula).
 *
 * CLIP's embeddings share a large common part, and a few coordinates are far larger than the others: the centre and a
 * scale a coordinate take both away, and the codes of what remains use their range. Rounding is the rest of the error.
 * A score adds up many cosines and compares small differences of them, so what counts is the error along the directions
 * images lie in, not its length: every coordinate is rounded up or down so that the error summed so far along given
 * directions stays small (error feedback). Nothing here is collective. */
#ifndef NB_MINING_BANK_BANK_PACK_H
#define NB_MINING_BANK_BANK_PACK_H

#include "common/base/memory.h"

/** The largest code, and directions used at most. At 90 a code takes 6.9 bits once packed; 127 would take 7.4 and halve
 * no error that scores see. */
enum { NB_PACK_CODE_MAX = 90, NB_PACK_DIRECTIONS = 64 };

/** Packed rows; row i, column j is about centre[j] + scales[i] * columns[j] * codes[i, j]. */
typedef struct nb_packed_rows {
    int8_t *codes;  /**< [rows, width] */
    float *scales;  /**< [rows] */
    float *centre;  /**< [width] */
    float *columns; /**< [width] */
} nb_packed_rows;

/** What is packed. All borrowed. */
typedef struct nb_pack_source {
    const float *rows; /**< [count, width] finite, L2-normalised */
    size_t count, width;
    const float *directions; /**< [direction_count, width] in which errors are to cancel; NULL without any */
    size_t direction_count;  /**< at most NB_PACK_DIRECTIONS of them are used, evenly spaced */
} nb_pack_source;

/** Packs rows, in count * width * directions steps.
 * @param out freed by the caller with nb_packed_rows_free; {0} on failure
 * @param from the rows
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_pack_rows(nb_packed_rows *out, const nb_pack_source *from, nb_error *err);

/** Frees packed rows.
 * @param packed what nb_pack_rows gave, or {0}; may be NULL */
void nb_packed_rows_free(nb_packed_rows *packed);

#endif
