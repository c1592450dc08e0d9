#include "common/clip/inversion/invert_templates.h"

#include "common/clip/inversion/templates.h"

#include <stdlib.h>
#include <string.h>

/* InterNeg's: with blanks around it, so that it is a word of its own beside a full stop too. */
static const char placeholder[] = " $ ";

/* CLIP's own list, unless templates are given. */
static nb_status invert_templates_collect(nb_strings *out, const nb_strings *given, nb_error *err)
{
    size_t count;
    const char *const *published = nb_clip_templates(&count);
    nb_status status = NB_OK;
    count = given ? given->count : count;
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        const char *text = given ? nb_strings_get(given, i) : published[i];
        const char *hole = strstr(text, "{}");
        if (!hole || strstr(hole + 2, "{}")) {
            nb_fail(err, NB_ERR_INPUT, "template '%.200s' needs exactly one {}", text);
            return nb_hint(err, "{} is where the pseudo word goes, as in 'a photo of a {}.'");
        }
        nb_buffer filled = {0};
        status = nb_buffer_append(&filled, text, (size_t)(hole - text), err);
        if (status == NB_OK) {
            status = nb_buffer_printf(&filled, err, "%s%s", placeholder, hole + 2);
        }
        if (status == NB_OK) {
            status = nb_strings_push(out, filled.data, filled.len, err);
        }
        nb_buffer_free(&filled);
    }
    return status == NB_OK && !out->count ? nb_fail(err, NB_ERR_USAGE, "inversion needs at least one template")
                                          : status;
}

static nb_status invert_templates_tokenise(const nb_clip *m, const char *text, int32_t *ids, size_t *count,
                                           nb_error *err)
{
    return nb_tokenizer_encode(m->tokenizer, text, strlen(text), (nb_token_array){ids, m->config.context}, count, err);
}

/* Tokenises template i and finds the word in it; prefix.keys waits. */
static nb_status invert_templates_cut(nb_word_templates *t, const nb_clip *m, size_t i, const char *text, int32_t word,
                                      nb_error *err)
{
    int32_t *ids = t->tokens + i * m->config.context;
    size_t count, at = 0, words = 0;
    nb_status status = invert_templates_tokenise(m, text, ids, &count, err);
    if (status != NB_OK) {
        return nb_context(err, "template '%.200s'", text);
    }
    for (size_t k = 0; k < count; k++) {
        if (ids[k] == word) {
            at = k;
            words++;
        }
    }
    if (words != 1 || count == m->config.context) {
        nb_fail(err, NB_ERR_INPUT, "template '%.200s' %s", text,
                words > 1 ? "holds a '$' beside the pseudo word's" : "does not fit the text tower's context");
        return nb_hint(err, "the context has %zu tokens, start and end included", m->config.context);
    }
    t->list[i] = (nb_word_template){.prefix = {.before = at}, .rows = count - at, .tokens = ids + at};
    t->rows_max = count - at > t->rows_max ? count - at : t->rows_max;
    return NB_OK;
}

/* Keys and values of every layer of the tokens before the word, which begin a row of t->tokens. */
static void invert_templates_compute_prefix(nb_tape *tape, const nb_clip *m, const int32_t *tokens, size_t before,
                                            float *keys)
{
    size_t w = m->config.text.width;
    float *x = nb_tape_input(tape);
    for (size_t r = 0; r < before; r++) {
        tape->vector->add(x + r * w, m->token_embedding + (size_t)tokens[r] * w, m->text_position + r * w, w);
    }
    nb_tape_forward(tape, &before, NULL, 1);
    for (size_t layer = 0; layer < m->config.text.layers; layer++) {
        nb_tape_keys(tape, layer, keys + layer * before * 2 * w);
    }
}

static nb_status invert_templates_compute_prefixes(nb_word_templates *t, const nb_clip *m, nb_error *err)
{
    const nb_tower_config *c = &m->config.text;
    nb_tape tape = {0};
    size_t rows = 0, context = m->config.context;
    nb_status status;
    for (size_t i = 0; i < t->count; i++) {
        rows += t->list[i].prefix.before;
    }
    NB_TRY_NEW(t->keys, rows * c->layers * 2 * c->width);
    const nb_tape_size size = {.rows = context, .longest = context, .causal = true};
    NB_TRY(nb_tape_create(&tape, c, m->text_blocks, &size, err));
    float *keys = t->keys;
    for (size_t i = 0; i < t->count; i++) {
        nb_tape_prefix *p = &t->list[i].prefix;
        invert_templates_compute_prefix(&tape, m, t->tokens + i * context, p->before, keys);
        p->keys = keys;
        keys += p->before * c->layers * 2 * c->width;
    }
done:
    nb_tape_destroy(&tape);
    return status;
}

nb_status nb_word_templates_create(nb_word_templates *t, const nb_clip *m, const nb_strings *templates, nb_error *err)
{
    nb_strings texts = {0};
    int32_t *alone = NULL;
    size_t tokens;
    nb_status status;
    *t = (nb_word_templates){0};
    NB_TRY(invert_templates_collect(&texts, templates, err));
    NB_TRY_NEW(alone, m->config.context);
    NB_TRY(invert_templates_tokenise(m, placeholder, alone, &tokens, err));
    if (tokens != 3) {
        status = nb_fail(err, NB_ERR_INPUT, "the vocabulary has no token of its own for '$'");
        goto done;
    }
    t->count = texts.count;
    NB_TRY_NEW(t->list, t->count);
    NB_TRY_NEW(t->tokens, t->count * m->config.context);
    for (size_t i = 0; i < t->count; i++) {
        NB_TRY(invert_templates_cut(t, m, i, nb_strings_get(&texts, i), alone[1], err));
    }
    NB_TRY(invert_templates_compute_prefixes(t, m, err));
done:
    nb_strings_free(&texts);
    free(alone);
    if (status != NB_OK) {
        nb_word_templates_destroy(t);
    }
    return status;
}

nb_status nb_word_templates_of_texts(nb_word_templates *t, const nb_clip *m, const nb_strings *texts,
                                     const size_t *places, nb_error *err)
{
    size_t context = m->config.context;
    nb_status status;
    *t = (nb_word_templates){.count = texts->count};
    NB_TRY_NEW(t->list, t->count);
    NB_TRY_NEW(t->tokens, t->count * context);
    for (size_t i = 0; i < t->count; i++) {
        int32_t *ids = t->tokens + i * context;
        size_t count, at = places[i];
        NB_TRY(invert_templates_tokenise(m, nb_strings_get(texts, i), ids, &count, err));
        at = at + 1 < count ? at : count - 2; /* a text that was cut keeps its end token */
        t->list[i] = (nb_word_template){.prefix = {.before = at}, .rows = count - at, .tokens = ids + at};
        t->rows_max = count - at > t->rows_max ? count - at : t->rows_max;
    }
    NB_TRY(invert_templates_compute_prefixes(t, m, err));
done:
    if (status != NB_OK) {
        nb_word_templates_destroy(t);
    }
    return status;
}

void nb_word_templates_destroy(nb_word_templates *t)
{
    free(t->list);
    free(t->tokens);
    free(t->keys);
    *t = (nb_word_templates){0};
}
