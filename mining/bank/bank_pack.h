/* Eight-bit codes for the rows of a bank (scoring/bank/bank.h has the formula).
 *
 * CLIP's embeddings share a large common part, and a few coordinates are far larger than the others: the centre and a
 * scale a coordinate take both away, and the codes of what remains use their range. Rounding is the rest of the error.
 * A score adds up many cosines and compares small differences of them, so what counts is the error along the directions
 * images lie in, not its length: every coordinate is rounded up or down so that the error summed so far along given
 * directions stays small (error feedback). */
#ifndef NB_MINING_BANK_BANK_PACK_H
#define NB_MINING_BANK_BANK_PACK_H

#include "common/base/memory.h"

/* The largest code: at 90 a code takes 6.9 bits once packed; 127 would take 7.4 and halve no error that scores see. */
enum { NB_PACK_CODE_MAX = 90, NB_PACK_DIRECTIONS = 64 };

typedef struct nb_packed {
    int8_t *codes;  /* [rows, width] */
    float *scales;  /* [rows] */
    float *centre;  /* [width] */
    float *columns; /* [width] */
} nb_packed;

/* rows [count, width] finite, L2-normalised; directions [direction_count, width] (at most NB_PACK_DIRECTIONS of them
 * are used, evenly spaced) in which errors are to cancel. Takes count * width * directions steps. */
nb_status nb_pack_rows(nb_packed *out, const float *rows, size_t count, size_t width, const float *directions,
                       size_t direction_count, nb_error *err);
void nb_packed_free(nb_packed *packed);

#endif
