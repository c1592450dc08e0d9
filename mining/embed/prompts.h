/* Prompt templates: what stands around a word before it is embedded. "{}" is where the word goes. Nothing here is
 * collective. */
#ifndef NB_MINING_EMBED_PROMPTS_H
#define NB_MINING_EMBED_PROMPTS_H

#include "common/base/memory.h"

#include <stdbool.h>

/* NegLabel's templates, by tag. */
#define NB_PROMPT_DEFAULT     "The nice {}."
#define NB_PROMPT_ADJ_DEFAULT "This is a {} photo"

/** Templates by tag, one or more each. */
typedef struct nb_prompts {
    nb_strings nouns; /**< for nouns and untagged texts */
    nb_strings adjectives;
    bool raw; /**< several: the mean is of the tower's features as they come, else of normalised ones */
} nb_prompts;

/** Templates that go by a name. */
typedef struct nb_prompt_set {
    const char *name;
    const char *const *templates; /**< [count] */
    size_t count;
} nb_prompt_set;

/** Those of configs/prompts, a name of NULL behind the last. */
extern const nb_prompt_set nb_prompt_sets[];

/** The row of --prompt-mean, a text in a member of `settings`. */
#define NB_PROMPT_MEAN_OPTION(MEMBER)                                                                                  \
    OPT_CHOICE("prompt-mean", MEMBER, "HOW", "normalised", "normalised|raw",                                           \
               "several prompts: the mean of their normalised features, or of the features as they come")

/** The user's templates, or the defaults where a list is empty.
 *
 * @param out        destroyed by the caller; {0} on failure
 * @param nouns      copied, a set's name giving its templates; NULL or empty: NB_PROMPT_DEFAULT
 * @param adjectives likewise; NULL or empty: NB_PROMPT_ADJ_DEFAULT
 * @return NB_OK, NB_ERR_USAGE for a template without "{}" that is no set's name, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_prompts_create(nb_prompts *out, const nb_strings *nouns, const nb_strings *adjectives,
                                       nb_error *err);

/** Frees what `prompts` holds. Takes NULL and {0}. */
void nb_prompts_destroy(nb_prompts *prompts);

/** Appends a template with every "{}" replaced by a text.
 *
 * @param out    the buffer
 * @param prompt the template
 * @param text   [len]
 * @param len    its bytes
 * @return as nb_buffer_append. */
NB_CHECKED nb_status nb_prompt_fill(nb_buffer *out, const char *prompt, const char *text, size_t len, nb_error *err);

#endif
