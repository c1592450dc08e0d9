/* Inversion of images into the text space, the second half of InterNeg (CVPR 2026): an image becomes a pseudo word.
 *
 * A word is one token embedding that stands in a prompt template. Steps of AdamW (Adam's rate 2e-2, decay 0.01, betas
 * 0.9 and 0.999, epsilon 1e-8) on the word alone minimise 1 - cos(e(prompt(word)), f(image)) through the frozen text
 * tower, a template a step. What stands before the word in a template is the same for all images and sees nothing of
 * the word (the tower is causal): its keys and values are computed once, and no gradient goes there.
 *
 * Many images are computed at once. An image's result depends on the image, its number and the seed; on the company it
 * is computed in to rounding only, so fixed tiles give the same bits. */
#ifndef NB_COMMON_CLIP_INVERSION_INVERT_H
#define NB_COMMON_CLIP_INVERSION_INVERT_H

#include "common/clip/model/model.h"

enum { NB_INVERT_STEPS = 10, NB_INVERT_STEPS_MAX = 1000, NB_INVERT_TILE = 64 };

typedef struct nb_inverter nb_inverter;

/* Up to `batch` images at once through `steps` steps. templates NULL: CLIP's 80 (common/clip/inversion/templates.h).
 * NB_ERR_INPUT for a template without exactly one {}, or so long that word and end token do not fit the context;
 * NB_ERR_USAGE for no template or no step. `clip` is borrowed. */
nb_status nb_inverter_create(nb_inverter **out, const nb_clip *clip, const nb_strings *templates, size_t steps,
                             size_t batch, nb_error *err);
/* Takes NULL. */
void nb_inverter_destroy(nb_inverter *inverter);

/* What chance decides for image `id`: its first word [text width], normal with deviation 0.02 as token embeddings start
 * in CLIP's training, and its template at every step, choices [steps]. Depends on (seed, id) alone. */
void nb_inverter_draw(const nb_inverter *inverter, uint64_t seed, uint64_t id, float *word, uint32_t *choices);

/* images [count, projection], any length but 0; words [count, text width] go from the first word to the last; choices
 * [count, steps], each the number of a template. features [count, projection], normalised: the text embedding of the
 * last word in the last step's template. losses [count, steps] or NULL: the loss before each step. NB_ERR_NUMERIC where
 * a number stops being finite. */
nb_status nb_inverter_run(nb_inverter *inverter, const float *images, float *words, const uint32_t *choices,
                          size_t count, float *features, double *losses, nb_error *err);

/* Draw and run in one, for images numbered ids [count]. */
nb_status nb_inverter_images(nb_inverter *inverter, uint64_t seed, const uint64_t *ids, const float *images,
                             size_t count, float *features, nb_error *err);

#endif
