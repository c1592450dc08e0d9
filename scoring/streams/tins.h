/**
 * @file
 * TINS' score without its stream, and draws that come from elsewhere, for comparisons with other code.
 */
#ifndef NB_SCORING_STREAMS_TINS_H
#define NB_SCORING_STREAMS_TINS_H

#include "scoring/scores/score.h"

/** TINS' score of an image alone, against a bank that does not grow; no score of the table. */
extern const nb_score_rule nb_score_tins_alone;

/** What permutes in place of the seed. */
typedef struct nb_tins_draws {
    /** Permutes the numbers 0 to count - 1, which order [count] holds: of the negatives before they are grouped, or of
     * the pool that a full buffer is drawn from. */
    void (*permute)(void *self, size_t count, bool buffer, size_t *order);
    void *self;
} nb_tins_draws;

#endif
