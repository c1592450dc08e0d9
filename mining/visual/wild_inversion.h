/* Visual negatives at mining time: wild images that the bank is sure are out-of-distribution, inverted into the text
 * space (common/clip/inversion/visual_negatives.h), the best kept.
 *
 * Tiles of NB_INVERT_TILE confident images are dealt to ranks, so the result has the same bits for any number of them.
 */
#ifndef NB_MINING_VISUAL_WILD_INVERSION_H
#define NB_MINING_VISUAL_WILD_INVERSION_H

#include "common/clip/model/model.h"
#include "mining/criteria/criterion.h"

typedef struct nb_visual_plan {
    size_t count;  /* kept at most */
    double theta;  /* an image whose score is below is a confident OOD image; InterNeg: 0.35 */
    size_t groups; /* of the score: NegLabel's, 5 groups at temperature 0.01 in InterNeg */
    double temperature;
    uint64_t seed;
} nb_visual_plan;

/* The plan InterNeg's release uses. */
nb_visual_plan nb_visual_plan_default(size_t count);

/* The best first: margins fall, images of equal margin in their order. */
typedef struct nb_visual {
    size_t count;
    float *rows;      /* [count, d], normalised */
    double *margins;  /* [count] */
    uint64_t *images; /* [count] numbers among the wild images */
    size_t confident; /* images under theta */
    size_t rejected;  /* inverted features that InterNeg's rule rejects */
} nb_visual;

/* Collective; the same on all ranks. The evidence needs prototypes and wild images; negatives [negative_count, d],
 * normalised, are the mined bank in its order. NB_ERR_USAGE when there are more groups than negatives. */
nb_status nb_visual_mine(nb_visual *out, const nb_evidence *evidence, const nb_clip *clip, const double *negatives,
                         size_t negative_count, const nb_visual_plan *plan, nb_error *err);
void nb_visual_free(nb_visual *visual);

#endif
