/* Templates of the inversion, tokenised and computed up to the word. */
#ifndef NB_COMMON_CLIP_INVERSION_INVERT_TEMPLATES_H
#define NB_COMMON_CLIP_INVERSION_INVERT_TEMPLATES_H

#include "common/clip/gradients/backward.h"
#include "common/clip/model/model.h"

typedef struct nb_word_template {
    nb_tape_prefix prefix; /* before the word: into the set's keys */
    size_t rows;           /* word, what follows, end token */
    const int32_t *tokens; /* [rows]; the first is the word's place */
} nb_word_template;

typedef struct nb_word_templates {
    nb_word_template *list; /* [count] */
    size_t count;
    size_t rows_max; /* of a template */
    int32_t *tokens; /* [count, context] */
    float *keys;     /* of all prefixes */
} nb_word_templates;

/* templates NULL: CLIP's 80. Errors as of nb_inverter_create. */
nb_status nb_word_templates_create(nb_word_templates *out, const nb_clip *clip, const nb_strings *templates,
                                   nb_error *err);
/* Takes {0}. */
void nb_word_templates_destroy(nb_word_templates *templates);

#endif
