/** @file
 * Inversion that starts from words and keeps away from the ID prototypes (TINS, arXiv 2605.10756).
 *
 * With s_b the embedding of "a photo of a b." of every word b of a bank, an image f starts from the word with the
 * smallest 1 - cos(s_b, f) + lambda mean_c (1 + cos(s_b, p_c)), p the class prototypes. The one thing trained is the
 * embedding of the word's last token; all before it is the same for all images that start there, and computed once. The
 * loss is 1 - cos(t, f) + lambda mean_c (1 + cos(t, p_c)), t the text; steps and rates are those of
 * common/clip/inversion/invert.h, each image as if alone (the released code divides gradients by the number of images
 * inverted together, which AdamW's epsilon notices). Nothing here is collective; for one thread at a time. */
#ifndef NB_COMMON_CLIP_INVERSION_WORD_INVERSION_H
#define NB_COMMON_CLIP_INVERSION_WORD_INVERSION_H

#include "common/clip/inversion/invert.h"

/** The default of lambda, and of the steps. */
#define NB_WORD_INVERSION_LAMBDA "0.3"
#define NB_WORD_INVERSION_STEPS  "30"

/** What inverts. Owns what it points to but for the checkpoint. */
typedef struct nb_word_inversion {
    const nb_clip *clip;
    size_t d, count;     /**< width of embeddings; words */
    size_t steps;        /**< of training */
    double lambda;       /**< weight of the distance to the prototypes */
    nb_strings texts;    /**< [count] "a photo of a b." */
    size_t *places;      /**< [count] the token of each that is trained, the start token being 0 */
    float *starts;       /**< [count, d] s_b, of unit length */
    double *regulariser; /**< [count] mean_c (1 + cos(s_b, p_c)) */
    float *away;         /**< [d] lambda mean_c p_c */
} nb_word_inversion;

/** How images are inverted. */
typedef struct nb_word_inversion_plan {
    const nb_strings *words;  /**< of the bank */
    const double *prototypes; /**< [classes, d], of unit length */
    size_t classes;           /**< C */
    double lambda;            /**< not negative */
    size_t steps;             /**< 1 to NB_INVERT_STEPS_MAX */
} nb_word_inversion_plan;

/** Embeds the words.
 * @param out destroyed with nb_word_inversion_destroy, also after a failure
 * @param clip the checkpoint, fp32; borrowed, must stay
 * @param plan borrowed for this call
 * @return NB_OK, NB_ERR_USAGE without words or for steps out of bounds, NB_ERR_INPUT for a word that the tokenizer
 * refuses, NB_ERR_NUMERIC for one whose embedding is zero or not finite, or NB_ERR_LIMIT without memory */
nb_status nb_word_inversion_create(nb_word_inversion *out, const nb_clip *clip, const nb_word_inversion_plan *plan,
                                   nb_error *err);

/** Frees the memory. Takes {0}.
 * @param inversion emptied */
void nb_word_inversion_destroy(nb_word_inversion *inversion);

/** The word an image starts from; the lowest number among equals.
 * @param inversion the words
 * @param image [d], of unit length
 * @return the number of the word */
size_t nb_word_inversion_start(const nb_word_inversion *inversion, const float *image);

/** Images and what becomes of them. */
typedef struct nb_word_inverted {
    const float *images; /**< [count, d], of unit length */
    size_t count;        /**< at most NB_INVERT_TILE */
    size_t *starts;      /**< [count] out: the words they start from */
    float *features;     /**< [count, d] out: the text after the last step, of unit length */
    float *words;        /**< [count, text width] out: the trained tokens; NULL: not wanted */
    double *losses;      /**< [count, steps] out: the loss before each step; NULL: not wanted */
} nb_word_inverted;

/** Inverts images.
 * @param inversion the words
 * @param inverted images in, all else out
 * @return NB_OK, or as nb_inverter_run and nb_word_templates_of_texts fail */
nb_status nb_word_inversion_run(const nb_word_inversion *inversion, nb_word_inverted *inverted, nb_error *err);

#endif
