#include "mining/embed/prompts.h"

#include <string.h>

static nb_status prompts_copy(nb_strings *out, const nb_strings *given, const char *fallback, nb_error *err)
{
    if (!given || !given->count) {
        return nb_strings_push(out, fallback, strlen(fallback), err);
    }
    for (size_t i = 0; i < given->count; i++) {
        const char *prompt = nb_strings_get(given, i);
        if (!strstr(prompt, "{}")) {
            nb_fail(err, NB_ERR_USAGE, "prompt '%s' has no {}", prompt);
            return nb_hint(err, "{} is where the text goes, as in '%s'", fallback);
        }
        nb_status status = nb_strings_push(out, prompt, strlen(prompt), err);
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

nb_status nb_prompts_create(nb_prompts *out, const nb_strings *nouns, const nb_strings *adjectives, nb_error *err)
{
    *out = (nb_prompts){0};
    nb_status status = prompts_copy(&out->nouns, nouns, NB_PROMPT_DEFAULT, err);
    if (status == NB_OK) {
        status = prompts_copy(&out->adjectives, adjectives, NB_PROMPT_ADJ_DEFAULT, err);
    }
    if (status != NB_OK) {
        nb_prompts_destroy(out);
    }
    return status;
}

void nb_prompts_destroy(nb_prompts *prompts)
{
    if (prompts) {
        nb_strings_free(&prompts->nouns);
        nb_strings_free(&prompts->adjectives);
    }
}

nb_status nb_prompt_fill(nb_buffer *out, const char *prompt, const char *text, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    while (status == NB_OK) {
        const char *hole = strstr(prompt, "{}");
        if (!hole) {
            return nb_buffer_append(out, prompt, strlen(prompt), err);
        }
        NB_TRY(nb_buffer_append(out, prompt, (size_t)(hole - prompt), err));
        NB_TRY(nb_buffer_append(out, text, len, err));
        prompt = hole + 2;
    }
done:
    return status;
}
