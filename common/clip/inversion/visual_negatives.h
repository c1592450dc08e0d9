/** @file
 * Visual negatives (InterNeg, CVPR 2026): confident OOD images inverted into the text space and judged like any other
 * candidate, by the margin and the rejection rule of common/linear/exact/inter_modal.h. For mining, over stored wild
 * images, and for scoring, along a stream. */
#ifndef NB_COMMON_CLIP_INVERSION_VISUAL_NEGATIVES_H
#define NB_COMMON_CLIP_INVERSION_VISUAL_NEGATIVES_H

#include "common/clip/inversion/invert.h"
#include "common/clip/inversion/word_inversion.h"
#include "common/linear/exact/inter_modal.h"

/** The classes that inverted images are judged by. Rows are of unit length; all borrowed. */
typedef struct nb_visual_classes {
    const double *labels;     /**< [count, d] label texts */
    const double *prototypes; /**< [count, d] image prototypes */
    size_t count;             /**< C */
} nb_visual_classes;

/** Makes visual negatives. */
typedef struct nb_visual_source {
    nb_inverter *inverter;         /**< owned; NULL with words */
    nb_word_inversion words;       /**< owned; {0} without: count 0 */
    size_t starts[NB_INVERT_TILE]; /**< with words: those that the images of the last batch started from */
    nb_inter_modal margins;        /**< owned */
    size_t d;                      /**< width of the embeddings */
    uint64_t seed;                 /**< of the random draws */
    float *images;                 /**< [NB_INVERT_TILE, d] scratch */
    double *row;                   /**< [d] scratch */
} nb_visual_source;

/** A batch of images and what becomes of them. */
typedef struct nb_visual_batch {
    const double *images; /**< [count, d], of unit length */
    const uint64_t *ids;  /**< [count] numbers of the images, which their random draws depend on */
    size_t count;         /**< at most NB_INVERT_TILE */
    float *features;      /**< [count, d] out: inverted, of unit length */
    double *margins;      /**< [count] out: margins, -INFINITY for what the rule rejects */
} nb_visual_batch;

/** Prepares a source with the 80 templates and NB_INVERT_STEPS steps. Not collective.
 * @param out destroyed with nb_visual_source_destroy
 * @param clip    borrowed; its projection is d
 * @param classes borrowed for this call
 * @param seed of the random draws
 * @return NB_OK, or as nb_inverter_create of CLIP's 80 templates: NB_ERR_INPUT for a model whose tokenizer or context
 * does not do for them, NB_ERR_LIMIT without memory; nothing is left to destroy then */
nb_status nb_visual_source_create(nb_visual_source *out, const nb_clip *clip, const nb_visual_classes *classes,
                                  uint64_t seed, nb_error *err);

/** Prepares a source that inverts from words and away from the prototypes, as TINS does
 * (common/clip/inversion/word_inversion.h). Not collective.
 * @param out destroyed with nb_visual_source_destroy
 * @param clip    borrowed; its projection is d
 * @param classes borrowed for this call
 * @param words   of the bank; with weight and steps; its classes are those above; borrowed for this call
 * @return NB_OK, or as nb_word_inversion_create; nothing is left to destroy then */
nb_status nb_visual_source_create_words(nb_visual_source *out, const nb_clip *clip, const nb_visual_classes *classes,
                                        const nb_word_inversion_plan *words, nb_error *err);

/** Takes {0}. Not collective.
 * @param source emptied */
void nb_visual_source_destroy(nb_visual_source *source);

/** Inverts and judges a batch. The result of an image depends on it, its number and the seed alone. Not collective.
 * @param source made by nb_visual_source_create
 * @param batch images in, features and margins out
 * @return as nb_inverter_images, or nb_word_inversion_run */
nb_status nb_visual_source_run(nb_visual_source *source, const nb_visual_batch *batch, nb_error *err);

#endif
