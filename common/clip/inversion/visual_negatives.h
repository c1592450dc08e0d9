/* Visual negatives (InterNeg, CVPR 2026): confident OOD images inverted into the text space and judged like any other
 * candidate. For mining, over stored wild images, and for scoring, along a stream.
 *
 * With q_c the label texts, p_c the classes' image prototypes and a_c = cos(q_c, p_c): a feature u is rejected when
 * cos(u, p_c) >= a_c for any class; its margin is mean_c (a_c - cos(u, p_c)), the larger the better. */
#ifndef NB_COMMON_CLIP_INVERSION_VISUAL_NEGATIVES_H
#define NB_COMMON_CLIP_INVERSION_VISUAL_NEGATIVES_H

#include "common/clip/inversion/invert.h"

/* Makes visual negatives; everything but the memory is borrowed. */
typedef struct nb_visual_source {
    nb_inverter *inverter;
    const double *prototypes; /* [label_count, d] */
    double *reference;        /* [label_count] a_c */
    size_t label_count, d;
    uint64_t seed;
    float *images; /* [NB_INVERT_TILE, d] */
    double *row;   /* [d] */
} nb_visual_source;

/* labels, prototypes [label_count, projection]: normalised. The 80 templates, NB_INVERT_STEPS steps. */
nb_status nb_visual_source_create(nb_visual_source *out, const nb_clip *clip, const double *labels,
                                  const double *prototypes, size_t label_count, uint64_t seed, nb_error *err);
/* Takes {0}. */
void nb_visual_source_destroy(nb_visual_source *source);

/* Up to NB_INVERT_TILE images [count, d], numbered ids [count]: features [count, d], normalised, and margins [count],
 * -INFINITY for what the rule rejects. */
nb_status nb_visual_source_run(nb_visual_source *source, const double *images, const uint64_t *ids, size_t count,
                               float *features, double *margins, nb_error *err);

#endif
