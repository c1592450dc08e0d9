/** @file
 * Visual negatives at mining time: wild images that the bank is sure are out-of-distribution, inverted into the text
 * space (common/clip/inversion/visual_negatives.h), the best kept.
 *
 * Tiles of NB_INVERT_TILE confident images are assigned to ranks round-robin, so the result has the same bits for any
 * number of them.
 */
#ifndef NB_MINING_VISUAL_WILD_INVERSION_H
#define NB_MINING_VISUAL_WILD_INVERSION_H

#include "common/clip/model/model.h"
#include "mining/criteria/evidence.h"

/** What to make. */
typedef struct nb_visual_plan {
    const double *negatives; /**< [negative_count, d] the mined bank in its order, of unit length; borrowed */
    size_t negative_count;   /**< of the bank */
    size_t count;            /**< visual negatives kept at most */
    double theta;            /**< an image whose score is below is a confident OOD image; InterNeg: 0.35, TINS: 0.3 */
    size_t groups;           /**< of the score: NegLabel's (with words: TINS') at temperature 0.01; InterNeg, TINS: 5 */
    const nb_strings *words; /**< [negative_count] its texts: images are inverted from them, as TINS does; NULL: from
                                random words, as InterNeg does; borrowed */
    uint64_t seed;           /**< of the random draws */
} nb_visual_plan;

/** The best first: margins fall, images of equal margin in their order. */
typedef struct nb_visual {
    size_t count;     /**< V */
    float *rows;      /**< [V, d], of unit length */
    double *margins;  /**< [V] */
    uint64_t *images; /**< [V] numbers among the wild images */
    size_t confident; /**< images under theta */
    size_t rejected;  /**< inverted features that the rejection rule rejects */
} nb_visual;

/** Makes the visual negatives. Collective; the same on all ranks.
 * @param out      freed with nb_visual_free; empty after a failure
 * @param evidence with prototypes and wild images
 * @param clip     the checkpoint the embeddings come from
 * @param plan what to make
 * @return NB_OK, NB_ERR_USAGE when there are more groups than negatives, or an error of reading images or of the
 *         inversion; the same on all ranks */
nb_status nb_visual_mine(nb_visual *out, const nb_evidence *evidence, const nb_clip *clip, const nb_visual_plan *plan,
                         nb_error *err);

/** Takes NULL and {0}. Not collective.
 * @param visual emptied */
void nb_visual_free(nb_visual *visual);

#endif
