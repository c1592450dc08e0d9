/** @file
 * Visual negatives at mining time: wild images that the bank is sure are out-of-distribution, inverted into the text
 * space (common/clip/inversion/visual_negatives.h), the best kept.
 *
 * Tiles of NB_INVERT_TILE confident images are dealt to ranks, so the result has the same bits for any number of them.
 */
#ifndef NB_MINING_VISUAL_WILD_INVERSION_H
#define NB_MINING_VISUAL_WILD_INVERSION_H

#include "common/clip/model/model.h"
#include "mining/criteria/criterion.h"

/** What is mined, and of which bank. */
typedef struct nb_visual_plan {
    size_t count;  /**< kept at most */
    double theta;  /**< an image whose score is below is a confident OOD image; InterNeg: 0.35 */
    size_t groups; /**< of the score: NegLabel's, 5 groups at temperature 0.01 in InterNeg */
    double temperature;
    uint64_t seed;
    const double *negatives; /**< [negative_count, d] normalised: the mined bank in its order; borrowed */
    size_t negative_count;
} nb_visual_plan;

/** The plan InterNeg's release uses, without negatives. Not collective.
 * @param count visual negatives kept at most
 * @return the plan */
nb_visual_plan nb_visual_plan_default(size_t count);

/** Visual negatives, the best first: margins fall, images of equal margin in their order. */
typedef struct nb_visual {
    size_t count;
    float *rows;      /**< [count, d], normalised */
    double *margins;  /**< [count] */
    uint64_t *images; /**< [count] numbers among the wild images */
    size_t confident; /**< images under theta */
    size_t rejected;  /**< inverted features that InterNeg's rule rejects */
} nb_visual;

/** Mines visual negatives. Collective: the same result and status on all ranks.
 * @param out freed by the caller with nb_visual_free; {0} on failure
 * @param evidence with prototypes and wild images
 * @param clip the model whose text tower takes the inverted features; of the evidence's width
 * @param plan the same on all ranks
 * @return NB_OK; NB_ERR_USAGE when there are more groups than negatives, or the temperature is not positive;
 * NB_ERR_INPUT when the model's vocabulary has no token for '$'; NB_ERR_NUMERIC when an inverted feature or a loss is
 * not finite, or a row cannot be normalised; NB_ERR_IO or NB_ERR_VERIFY when wild images cannot be read; NB_ERR_LIMIT
 * without memory. */
nb_status nb_visual_mine(nb_visual *out, const nb_evidence *evidence, const nb_clip *clip, const nb_visual_plan *plan,
                         nb_error *err);

/** Frees visual negatives. Not collective.
 * @param visual what nb_visual_mine gave, or {0}; may be NULL */
void nb_visual_free(nb_visual *visual);

#endif
