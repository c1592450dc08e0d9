#include "mining/embed/prompts.h"

#include <string.h>

/* The templates of a set; NB_ERR_USAGE when there is none of that name. */
static nb_status prompts_push_set(nb_strings *out, const char *name, const char *fallback, nb_error *err)
{
    nb_buffer known = {0};
    nb_status status = NB_OK;
    for (const nb_prompt_set *set = nb_prompt_sets; set->name; set++) {
        if (strcmp(set->name, name) == 0) {
            for (size_t i = 0; status == NB_OK && i < set->count; i++) {
                status = nb_strings_push(out, set->templates[i], strlen(set->templates[i]), err);
            }
            goto done;
        }
        NB_TRY(nb_buffer_printf(&known, err, "%s%s", known.len ? ", " : "", set->name));
    }
    nb_fail(err, NB_ERR_USAGE, "prompt '%s' has no {}, and there is no set of that name", name);
    status = nb_hint(err, "{} is where the text goes, as in '%s'; sets are %s", fallback, known.data);
done:
    nb_buffer_free(&known);
    return status;
}

static nb_status prompts_copy(nb_strings *out, const nb_strings *given, const char *fallback, nb_error *err)
{
    if (!given || !given->count) {
        return nb_strings_push(out, fallback, strlen(fallback), err);
    }
    for (size_t i = 0; i < given->count; i++) {
        const char *prompt = nb_strings_get(given, i);
        nb_status status = strstr(prompt, "{}") ? nb_strings_push(out, prompt, strlen(prompt), err)
                                                : prompts_push_set(out, prompt, fallback, err);
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
