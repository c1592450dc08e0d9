/* Is this checkpoint the one it looks like, and does it compute: cosines that published CLIPs are known to give, and
 * sanity for any. */
#ifndef NB_JOBS_CHECK_KNOWN_ANSWERS_H
#define NB_JOBS_CHECK_KNOWN_ANSWERS_H

#include "common/clip/model/model.h"

/** Two prompts and the cosine of their text embeddings. */
typedef struct nb_known_pair {
    const char *first, *second;
    double cosine;
} nb_known_pair;

/** Answers of one published checkpoint. */
typedef struct nb_known_answers {
    const char *model;
    double tolerance; /**< of a cosine */
    const nb_known_pair *pairs;
    size_t count;
} nb_known_answers;

/** The answers for a checkpoint of this shape. Another training of the same shape gives others. Not collective.
 * @param config of the checkpoint: widths, layers, patch, vocabulary
 * @return NULL when there are none */
const nb_known_answers *nb_known_answers_for(const nb_clip_config *config);

/** Computes the cosines of the known pairs. Not collective.
 * @param clip    the checkpoint, open
 * @param answers of a checkpoint of its shape
 * @param cosines [answers->count] receives those of this checkpoint
 * @param worst   receives the largest distance to the known ones
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_known_answers_compare(const nb_clip *clip, const nb_known_answers *answers, double *cosines, double *worst,
                                   nb_error *err);

enum { NB_SANITY_IMAGES = 4 };

/** Whether a checkpoint that opens is a working CLIP; images are noise. Not collective.
 * @param clip  the checkpoint, open
 * @param texts receives how many were embedded
 * @return NB_OK; NB_ERR_NUMERIC naming what is wrong: a logit scale outside (0, ln 200], a text that does not come back
 *         from its tokens (of a sentencepiece tokenizer: tokens that do not come back from their text), an embedding
 * that is not finite, zero or the same for all inputs; NB_ERR_LIMIT without memory */
nb_status nb_check_sanity(const nb_clip *clip, size_t *texts, nb_error *err);

/** Embeds prompts over and over on this core. Not collective.
 * @param clip    the checkpoint, open
 * @param seconds about how long; at least one batch is embedded
 * @param rate    receives texts a second
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_check_text_speed(const nb_clip *clip, double seconds, double *rate, nb_error *err);

/** As nb_check_text_speed, for images of noise. Not collective.
 * @param clip    the checkpoint, open
 * @param seconds about how long; at least one batch is embedded
 * @param rate    receives images a second
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_check_image_speed(const nb_clip *clip, double seconds, double *rate, nb_error *err);

#endif
