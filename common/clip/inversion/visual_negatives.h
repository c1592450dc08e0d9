/** @file
 * Visual negatives (InterNeg, CVPR 2026): confident OOD images inverted into the text space and judged like any other
 * candidate. For mining, over stored wild images, and for scoring, along a stream.
 *
 * With q_c the label texts, p_c the classes' image prototypes and a_c = cos(q_c, p_c): a feature u is rejected when
 * cos(u, p_c) >= a_c for any class; its margin is mean_c (a_c - cos(u, p_c)), the larger the better.
 *
 * Nothing here is collective. A source is for one thread at a time. */
#ifndef NB_COMMON_CLIP_INVERSION_VISUAL_NEGATIVES_H
#define NB_COMMON_CLIP_INVERSION_VISUAL_NEGATIVES_H

#include "common/clip/inversion/invert.h"

/** The ID classes as texts and as images see them; borrows both. */
typedef struct nb_visual_classes {
    const double *labels;     /**< [count, projection] label texts, normalised */
    const double *prototypes; /**< [count, projection] image prototypes, normalised */
    size_t count;
} nb_visual_classes;

/** Makes visual negatives. */
typedef struct nb_visual_source {
    nb_inverter *inverter;
    const double *prototypes; /**< [label_count, d], borrowed */
    double *reference;        /**< [label_count] a_c */
    size_t label_count, d;    /**< d: the model's projection */
    uint64_t seed;            /**< of the inversion */
    float *images;            /**< [NB_INVERT_TILE, d] */
    double *row;              /**< [d] */
} nb_visual_source;

/** One row for every image. */
typedef struct nb_visual_features {
    float *features; /**< [count, projection], normalised */
    double *margins; /**< [count], -INFINITY for what the rule rejects */
} nb_visual_features;

/** Makes a source with CLIP's 80 templates and NB_INVERT_STEPS steps.
 * @param[out] out freed by nb_visual_source_destroy; {0} on failure
 * @param clip borrowed for the source's life; in fp32
 * @param classes its prototypes are borrowed for the source's life
 * @return NB_OK, or NB_ERR_INPUT when the vocabulary has no token for '$' or the context is too short for a template,
 * NB_ERR_LIMIT without memory */
nb_status nb_visual_source_create(nb_visual_source *out, const nb_clip *clip, const nb_visual_classes *classes,
                                  uint64_t seed, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}. */
void nb_visual_source_destroy(nb_visual_source *source);

/** Inverts images and judges what comes of them.
 * @param images [count, projection]
 * @param ids [count] the images' numbers
 * @param count up to NB_INVERT_TILE
 * @param[out] out rows for `count` images, the caller's memory
 * @return NB_OK, or NB_ERR_NUMERIC as nb_inverter_run */
nb_status nb_visual_source_run(nb_visual_source *source, const double *images, const uint64_t *ids, size_t count,
                               const nb_visual_features *out, nb_error *err);

#endif
