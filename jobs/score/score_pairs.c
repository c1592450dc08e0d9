#include "jobs/score/score_pairs.h"

#include "jobs/score/score_images.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Whether the bank's labels were embedded by the mean of raw features: so are the pairs then. */
static bool score_pairs_mean_is_raw(const nb_bank *bank)
{
    json_t *run = bank->provenance ? json_loads(bank->provenance, 0, NULL) : NULL;
    const char *mean = json_string_value(json_object_get(json_object_get(run, "options"), "prompt-mean"));
    bool raw = mean && strcmp(mean, "raw") == 0;
    json_decref(run);
    return raw;
}

/* The slot of a key, or the empty one where it belongs. */
static size_t score_pairs_slot(const nb_score_pairs *p, uint64_t key)
{
    size_t slot = (size_t)(key * 0x9e3779b97f4a7c15U >> 20) & (p->capacity - 1);
    while (p->keys[slot] && p->keys[slot] != key) {
        slot = (slot + 1) & (p->capacity - 1);
    }
    return slot;
}

/* Counts a text that is longer than the context under one of its prompts. */
static nb_status score_pairs_check_length(nb_score_pairs *p, const char *text, size_t len, nb_error *err)
{
    size_t context = p->clip->config.context, count = 0;
    nb_buffer filled = {0};
    int32_t *ids;
    nb_status status;
    NB_TRY_NEW(ids, context + 1);
    for (size_t i = 0; i < p->prompts.nouns.count && count <= context; i++) {
        nb_buffer_clear(&filled);
        NB_TRY(nb_prompt_fill(&filled, nb_strings_get(&p->prompts.nouns, i), text, len, err));
        NB_TRY(nb_tokenizer_encode(p->clip->tokenizer, filled.data, filled.len, (nb_token_array){ids, context + 1},
                                   &count, err));
    }
    p->cut += count > context;
done:
    nb_buffer_free(&filled);
    free(ids);
    return status;
}

static nb_status score_pairs_fill(nb_score_pairs *p, size_t label, size_t negative, float *row, nb_error *err)
{
    nb_buffer text = {0};
    float norm;
    nb_status status;
    NB_TRY(nb_buffer_printf(&text, err, "%s and %s", nb_strings_get(&p->bank->labels, label),
                            nb_strings_get(&p->bank->negatives, negative)));
    NB_TRY(score_pairs_check_length(p, text.data, text.len, err));
    nb_strings_free(&p->text);
    NB_TRY(nb_strings_push(&p->text, text.data, text.len, err));
    NB_TRY(nb_text_embedder_tile(&p->embedder, 0, 1, row, &norm, err));
    NB_TRY(nb_score_normalise(row, 1, p->bank->d, 0, text.data, err));
    p->embedded++;
done:
    nb_buffer_free(&text);
    return status;
}

static nb_status score_pairs_embed(void *self, size_t label, size_t negative, const float **row, nb_error *err)
{
    nb_score_pairs *p = self;
    uint64_t key = 1 + (uint64_t)label * p->bank->negative_count + negative;
    if (p->count * 2 > p->capacity) {
        memset(p->keys, 0, p->capacity * sizeof *p->keys);
        p->count = 0;
    }
    size_t slot = score_pairs_slot(p, key);
    float *out = p->rows + slot * p->bank->d;
    *row = out;
    if (p->keys[slot]) {
        return NB_OK;
    }
    nb_status status = score_pairs_fill(p, label, negative, out, err);
    if (status == NB_OK) {
        p->keys[slot] = key;
        p->count++;
    }
    return status;
}

static nb_status score_pairs_make_room(nb_score_pairs *p, nb_error *err)
{
    size_t bytes = p->bank->d * sizeof *p->rows;
    nb_status status;
    p->capacity = 64;
    while (p->capacity * 2 * bytes <= NB_SCORE_PAIRS_BYTES) {
        p->capacity *= 2;
    }
    NB_TRY_NEW(p->keys, p->capacity);
    NB_TRY_NEW(p->rows, p->capacity * p->bank->d);
done:
    return status;
}

nb_status nb_score_pairs_open(nb_score_pairs *p, nb_job *job, const char *model, bool allow, nb_scorer *scorer,
                              nb_error *err)
{
    const nb_bank *bank = scorer->bank;
    nb_status status;
    *p = (nb_score_pairs){.bank = bank};
    if (!scorer->rule->image || !scorer->rule->image->pairs) {
        return NB_OK;
    }
    if (!model) {
        nb_fail(err, NB_ERR_USAGE, "the score %s embeds texts of two labels: it needs the checkpoint",
                scorer->rule->name);
        return nb_hint(err, "--model DIR, that of the bank's texts");
    }
    if (bank->labels.count != bank->label_count || bank->negatives.count != bank->negative_count) {
        return nb_fail(err, NB_ERR_INPUT, "the bank has no names of its labels and negatives to make texts of");
    }
    NB_TRY(nb_clip_open(&p->clip, model, err));
    NB_TRY(nb_score_check_checkpoint(job, bank, model, &p->clip->digest, allow, err));
    if (p->clip->config.projection != bank->d) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' embeds to width %zu, the bank's embeddings are %zu wide", model,
                         p->clip->config.projection, bank->d);
        goto done;
    }
    NB_TRY(nb_prompts_create(&p->prompts, &bank->text_prompts, NULL, err));
    p->prompts.raw = score_pairs_mean_is_raw(bank);
    NB_TRY(nb_text_embedder_create(&p->embedder, p->clip, &p->prompts, &p->text, NULL, err));
    NB_TRY(score_pairs_make_room(p, err));
    p->pairs = (nb_pair_texts){.embed = score_pairs_embed, .self = p};
    scorer->pairs = &p->pairs;
    nb_log_info(&job->log, "pairs of labels are embedded under %zu prompts, '%s'%s", p->prompts.nouns.count,
                nb_strings_get(&p->prompts.nouns, 0),
                bank->text_prompts.count ? "" : ", the default: the bank does not name its own");
done:
    return status;
}

void nb_score_pairs_tell(const nb_score_pairs *p, const nb_log *log)
{
    if (p->pairs.self) {
        nb_log_info(log, "%zu texts of two labels were embedded", p->embedded);
    }
    if (p->cut) {
        nb_log_warn(log, "%zu of them are longer than the checkpoint's context of %zu tokens: what is behind it is cut",
                    p->cut, p->clip->config.context);
    }
}

void nb_score_pairs_close(nb_score_pairs *p)
{
    nb_text_embedder_destroy(&p->embedder);
    nb_prompts_destroy(&p->prompts);
    nb_strings_free(&p->text);
    nb_clip_close(p->clip);
    free(p->keys);
    free(p->rows);
    *p = (nb_score_pairs){0};
}
