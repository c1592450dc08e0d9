/* Is this checkpoint the one it looks like, and does it compute: cosines that published CLIPs are known to give, and
 * sanity for any. */
#ifndef NB_JOBS_CHECK_KNOWN_ANSWERS_H
#define NB_JOBS_CHECK_KNOWN_ANSWERS_H

#include "common/clip/model/model.h"

/* Two prompts and the cosine of their text embeddings. */
typedef struct nb_known_pair {
    const char *first, *second;
    double cosine;
} nb_known_pair;

/* Answers of one published checkpoint. */
typedef struct nb_known_answers {
    const char *model;
    double tolerance; /* of a cosine */
    const nb_known_pair *pairs;
    size_t count;
} nb_known_answers;

/* Those for a checkpoint of this shape, NULL when there are none. Another training of the same shape gives others. */
const nb_known_answers *nb_known_answers_for(const nb_clip_config *config);

/* cosines [answers->count] of this checkpoint; *worst: the largest distance to the known ones. */
nb_status nb_known_answers_compare(const nb_clip *clip, const nb_known_answers *answers, double *cosines, double *worst,
                                   nb_error *err);

enum { NB_SANITY_IMAGES = 4 };

/* NB_ERR_NUMERIC saying what is wrong with a checkpoint that opens but is no working CLIP: a logit scale outside
 * (0, ln 200], a text that does not come back from its tokens, an embedding that is not finite, zero or the same for
 * all inputs. Images are noise. *texts: how many were embedded. */
nb_status nb_check_sanity(const nb_clip *clip, size_t *texts, nb_error *err);

/* Embeds prompts, or noise images, over and over for about `seconds` on this core; items a second. */
nb_status nb_check_text_speed(const nb_clip *clip, double seconds, double *rate, nb_error *err);
nb_status nb_check_image_speed(const nb_clip *clip, double seconds, double *rate, nb_error *err);

#endif
