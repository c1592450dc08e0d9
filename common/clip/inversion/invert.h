/** @file
 * Inversion of images into the text space, the second half of InterNeg (CVPR 2026): an image becomes a pseudo word.
 *
 * A word is one token embedding that stands in a prompt template. Steps of AdamW (Adam's rate 2e-2, decay 0.01, betas
 * 0.9 and 0.999, epsilon 1e-8) on the word alone minimise 1 - cos(e(prompt(word)), f(image)) through the frozen text
 * tower, a template a step. What stands before the word in a template is the same for all images and sees nothing of
 * the word (the tower is causal): its keys and values are computed once, and no gradient goes there.
 *
 * Many images are computed at once. An image's result depends on the image, its number and the seed; on the
 * other images of its batch to rounding only, so fixed tiles give the same bits. Nothing here is collective. An
 * inverter is for one thread at a time. */
#ifndef NB_COMMON_CLIP_INVERSION_INVERT_H
#define NB_COMMON_CLIP_INVERSION_INVERT_H

#include "common/clip/model/model.h"

enum {
    NB_INVERT_STEPS = 10,       /**< InterNeg's */
    NB_INVERT_STEPS_MAX = 1000, /**< most steps */
    NB_INVERT_TILE = 64         /**< images that mining and scoring invert together */
};

/** Inverts images; holds the memory for a batch. */
typedef struct nb_inverter nb_inverter;

/** Images with their numbers; borrows both. */
typedef struct nb_numbered_images {
    const float *rows;   /**< [count, projection] embeddings of any length but 0 */
    const uint64_t *ids; /**< [count] numbers of the images, which their random draws depend on */
    size_t count;        /**< images */
} nb_numbered_images;

/** Images and the words they are inverted to; borrows all. */
typedef struct nb_inversion {
    const float *images;     /**< [count, projection] embeddings of any length but 0 */
    size_t count;            /**< images */
    float *words;            /**< [count, text width] the first words, then the last */
    const uint32_t *choices; /**< [count, steps] the number of a template for every step */
    const float *away;       /**< [projection] what the text is to keep away from: its dot product with the text's unit
                                  vector, and `away_loss`, are added to the loss; NULL: nothing */
    double away_loss;        /**< a constant of the loss */
} nb_inversion;

/** Makes an inverter of up to `batch` images at once through `steps` steps.
 * @param[out] out freed by nb_inverter_destroy; NULL on failure
 * @param clip borrowed for the inverter's life; in fp32
 * @param templates prompts with one {} each; NULL: CLIP's 80 (common/clip/inversion/templates.h)
 * @param steps 1 to NB_INVERT_STEPS_MAX
 * @param batch most images of a call
 * @return NB_OK, or NB_ERR_USAGE for no template, no step, too many steps or no batch, NB_ERR_INPUT for a template
 * without exactly one {}, one with another '$' token, one so long that word and end token do not fit the context, one
 * that nb_tokenizer_encode refuses, or a vocabulary without a token for '$', NB_ERR_LIMIT without memory */
nb_status nb_inverter_create(nb_inverter **out, const nb_clip *clip, const nb_strings *templates, size_t steps,
                             size_t batch, nb_error *err);

struct nb_word_templates; /* common/clip/inversion/invert_templates.h */

/** nb_inverter_create with templates that are made already.
 * @param[out] out freed by nb_inverter_destroy; NULL on failure
 * @param clip borrowed for the inverter's life; in fp32
 * @param templates taken over, also on failure: {0} afterwards
 * @param steps 1 to NB_INVERT_STEPS_MAX
 * @param batch most images of a call
 * @return as nb_inverter_create */
nb_status nb_inverter_create_with(nb_inverter **out, const nb_clip *clip, struct nb_word_templates *templates,
                                  size_t steps, size_t batch, nb_error *err);

/** Frees an inverter. Takes NULL.
 * @param inverter no longer of use afterwards */
void nb_inverter_destroy(nb_inverter *inverter);

/** The random draws for an image, from (seed, id) alone.
 * @param inverter decides the width, the number of steps and the number of templates
 * @param seed of the run
 * @param id the image's number
 * @param[out] word [text width] its first word, normal with deviation 0.02 as token embeddings start in CLIP's training
 * @param[out] choices [steps] its template at every step */
void nb_inverter_draw(const nb_inverter *inverter, uint64_t seed, uint64_t id, float *word, uint32_t *choices);

/** Inverts images from given words with given templates.
 * @param inverter its memory is used
 * @param inversion up to the batch; its words are changed
 * @param[out] features [count, projection], normalised: the text embedding of the last word in the last step's template
 * @param[out] losses [count, steps] the loss before each step; NULL: not wanted
 * @return NB_OK, or NB_ERR_NUMERIC where a loss or a feature is not finite, or a feature is zero */
nb_status nb_inverter_run(nb_inverter *inverter, const nb_inversion *inversion, float *features, double *losses,
                          nb_error *err);

/** Draws for images by their numbers and inverts them.
 * @param inverter its memory is used
 * @param seed as nb_inverter_draw gets it
 * @param images up to the batch
 * @param[out] features [count, projection], as nb_inverter_run gives them
 * @return as nb_inverter_run */
nb_status nb_inverter_images(nb_inverter *inverter, uint64_t seed, const nb_numbered_images *images, float *features,
                             nb_error *err);

#endif
