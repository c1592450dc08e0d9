/* Prompt templates: what stands around a word before it is embedded. "{}" is where the word goes. */
#ifndef NB_MINING_EMBED_PROMPTS_H
#define NB_MINING_EMBED_PROMPTS_H

#include "common/base/memory.h"

/* NegLabel's templates, by tag. */
#define NB_PROMPT_DEFAULT     "The nice {}."
#define NB_PROMPT_ADJ_DEFAULT "This is a {} photo"

typedef struct nb_prompts {
    nb_strings nouns; /* for nouns and untagged texts */
    nb_strings adjectives;
} nb_prompts;

/* The user's templates, or the defaults where a list is empty. NB_ERR_USAGE for one without "{}". */
nb_status nb_prompts_create(nb_prompts *out, const nb_strings *nouns, const nb_strings *adjectives, nb_error *err);
void nb_prompts_destroy(nb_prompts *prompts);

/* Appends the template with every "{}" replaced by the text. */
nb_status nb_prompt_fill(nb_buffer *out, const char *prompt, const char *text, size_t len, nb_error *err);

#endif
