/** @file
 * Templates of the inversion, tokenised and computed up to the word. */
#ifndef NB_COMMON_CLIP_INVERSION_INVERT_TEMPLATES_H
#define NB_COMMON_CLIP_INVERSION_INVERT_TEMPLATES_H

#include "common/clip/gradients/backward.h"
#include "common/clip/model/model.h"

/** One template. */
typedef struct nb_word_template {
    nb_tape_prefix prefix; /**< before the word: into the list's keys */
    size_t rows;           /**< word, what follows, end token */
    const int32_t *tokens; /**< [rows], into the list's tokens; the first is the word's place */
} nb_word_template;

/** A list of templates, all of one model; read-only once made. */
typedef struct nb_word_templates {
    nb_word_template *list; /**< [count] */
    size_t count;           /**< templates */
    size_t rows_max;        /**< of a template */
    int32_t *tokens;        /**< [count, context] */
    float *keys;            /**< keys and values of all prefixes */
} nb_word_templates;

/** Tokenises templates and computes what stands before the word. Not collective.
 * @param[out] out freed by nb_word_templates_destroy; {0} on failure
 * @param clip only used in the call
 * @param templates NULL: CLIP's 80
 * @return NB_OK, or as nb_inverter_create of templates and memory */
nb_status nb_word_templates_create(nb_word_templates *out, const nb_clip *clip, const nb_strings *templates,
                                   nb_error *err);

/** Tokenises texts of which one token each is the word, and computes what stands before it. Not collective.
 * @param[out] out freed by nb_word_templates_destroy; {0} on failure
 * @param clip only used in the call
 * @param texts the texts
 * @param places [texts->count] the numbers of the words' tokens, the start token being 0
 * @return NB_OK, or NB_ERR_INPUT for a text that nb_tokenizer_encode refuses, NB_ERR_LIMIT without memory */
nb_status nb_word_templates_of_texts(nb_word_templates *out, const nb_clip *clip, const nb_strings *texts,
                                     const size_t *places, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param templates as nb_word_templates_create left them, or {0} */
void nb_word_templates_destroy(nb_word_templates *templates);

#endif
