#include "scoring/bank/bank_texts.h"

#include "common/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPTS_MAX = 10000, GROUPS_MAX = 1 << 30 };

static nb_status bank_texts_finish(json_t *root, char **text, nb_error *err)
{
    *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return *text ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for a text of the bank");
}

static json_t *bank_texts_number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* An object of exactly these keys. */
static bool bank_texts_has_keys(const json_t *root, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!json_object_get(root, keys[i])) {
            return false;
        }
    }
    return json_is_object(root) && json_object_size(root) == count;
}

static nb_status bank_texts_refuse(const char *name, const char *text, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' does not say what it should: %.200s", name, text);
    return nb_hint(err, "a newer version may have written this bank, or it is damaged");
}

static json_t *bank_texts_suggestion_json(const nb_bank_suggestion *s)
{
    return json_pack("{s:s, s:f, s:I, s:o, s:o}", "score", s->score, "temperature", s->temperature, "groups",
                     (json_int_t)s->groups, "seed", s->seeded ? json_integer((json_int_t)s->seed) : json_null(), "tau",
                     bank_texts_number_or_null(s->tau));
}

nb_status nb_bank_suggestion_text(const nb_bank_suggestion *s, char **text, nb_error *err)
{
    return bank_texts_finish(bank_texts_suggestion_json(s), text, err);
}

/* A word of small letters, digits and dashes: it stands in messages and on command lines. */
static bool bank_texts_is_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return len && len < NB_BANK_SCORE_BYTES && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool bank_texts_get_suggestion(nb_bank_suggestion *out, const json_t *root, bool old)
{
    const char *name = json_string_value(json_object_get(root, "score"));
    const json_t *temperature = json_object_get(root, "temperature"), *groups = json_object_get(root, "groups"),
                 *seed = json_object_get(root, "seed"), *tau = json_object_get(root, "tau");
    *out = (nb_bank_suggestion){.temperature = json_number_value(temperature),
                                .seeded = json_is_integer(seed),
                                .tau = json_is_number(tau) ? json_number_value(tau) : (double)NAN};
    bool sound = bank_texts_is_name(name) && json_is_number(temperature) && out->temperature > 0 &&
                 isfinite(out->temperature) && json_is_integer(groups) && json_integer_value(groups) >= 1 &&
                 json_integer_value(groups) <= GROUPS_MAX &&
                 (json_is_null(seed) || (out->seeded && json_integer_value(seed) >= 0)) &&
                 (old || json_is_null(tau) || (out->tau > 0 && out->tau <= 1));
    if (sound) {
        memcpy(out->score, name, strlen(name));
        out->groups = (size_t)json_integer_value(groups);
        out->seed = (uint64_t)json_integer_value(seed);
    }
    return sound;
}

nb_status nb_bank_suggestion_parse(nb_bank_suggestion *out, const char *text, bool old, nb_error *err)
{
    static const char *const keys[] = {"score", "temperature", "groups", "seed", "tau"};
    json_t *root;
    nb_status status = nb_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, NULL, err);
    if (status != NB_OK) {
        return status;
    }
    bool sound = bank_texts_has_keys(root, keys, old ? 4 : 5) && bank_texts_get_suggestion(out, root, old);
    json_decref(root);
    return sound ? NB_OK : bank_texts_refuse("suggested", text, err);
}

nb_status nb_bank_threshold_text(const nb_bank_threshold *t, char **text, nb_error *err)
{
    return bank_texts_finish(json_pack("{s:o, s:f, s:f, s:I, s:f, s:o}", "suggested",
                                       bank_texts_suggestion_json(&t->suggestion), "recall", t->recall, "measured",
                                       t->measured, "images", (json_int_t)t->images, "threshold", t->score, "ood_score",
                                       bank_texts_number_or_null(t->ood_score)),
                             text, err);
}

static bool bank_texts_is_share(double value)
{
    return value > 0 && value <= 1;
}

static bool bank_texts_get_threshold(nb_bank_threshold *out, const json_t *root)
{
    json_int_t images = json_integer_value(json_object_get(root, "images"));
    const json_t *ood = json_object_get(root, "ood_score");
    *out = (nb_bank_threshold){.recall = json_number_value(json_object_get(root, "recall")),
                               .measured = json_number_value(json_object_get(root, "measured")),
                               .score = json_number_value(json_object_get(root, "threshold")),
                               .ood_score = json_is_number(ood) ? json_number_value(ood) : (double)NAN};
    if (images < 1 || !json_is_number(json_object_get(root, "threshold")) ||
        !bank_texts_get_suggestion(&out->suggestion, json_object_get(root, "suggested"), false)) {
        return false;
    }
    out->images = (size_t)images;
    if (json_is_null(ood)) {
        out->key = out->score;
        return bank_texts_is_share(out->recall) && bank_texts_is_share(out->measured);
    }
    out->key = log(out->score) - log(out->ood_score);
    return bank_texts_is_share(out->recall) && bank_texts_is_share(out->measured) && json_is_number(ood) &&
           out->score >= 0 && out->score <= 1 && out->ood_score >= 0 && out->ood_score <= 1 &&
           out->score + out->ood_score > 0;
}

nb_status nb_bank_threshold_parse(nb_bank_threshold *out, const char *text, nb_error *err)
{
    static const char *const keys[] = {"suggested", "recall", "measured", "images", "threshold", "ood_score"};
    json_t *root;
    nb_status status = nb_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, NULL, err);
    if (status != NB_OK) {
        return status;
    }
    bool sound = bank_texts_has_keys(root, keys, 6) && bank_texts_get_threshold(out, root);
    json_decref(root);
    if (!sound) {
        *out = (nb_bank_threshold){0};
    }
    return sound ? NB_OK : bank_texts_refuse("calibration", text, err);
}

/* NULL when memory is out. */
static json_t *bank_texts_string_list(const nb_strings *strings)
{
    json_t *list = json_array();
    for (size_t i = 0; list && strings && i < strings->count; i++) {
        if (json_array_append_new(list, json_stringn(nb_strings_get(strings, i), nb_strings_len(strings, i))) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

nb_status nb_bank_source_text(const nb_bank_source *s, char **text, nb_error *err)
{
    return bank_texts_finish(json_pack("{s:o, s:o, s:o, s:o}", "checkpoint",
                                       s->checkpoint ? json_string(s->checkpoint) : json_null(), "label_prompts",
                                       bank_texts_string_list(s->label_prompts), "text_prompts",
                                       bank_texts_string_list(s->text_prompts), "adjective_prompts",
                                       bank_texts_string_list(s->adjective_prompts)),
                             text, err);
}

static nb_status bank_texts_get_strings(nb_strings *out, const json_t *list, const char *text, nb_error *err)
{
    nb_status status =
        json_is_array(list) && json_array_size(list) <= PROMPTS_MAX ? NB_OK : bank_texts_refuse("source", text, err);
    for (size_t i = 0; status == NB_OK && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        status = json_is_string(item) ? nb_strings_push(out, json_string_value(item), json_string_length(item), err)
                                      : bank_texts_refuse("source", text, err);
    }
    return status;
}

static bool bank_texts_is_digest(const char *hex)
{
    return hex && strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64;
}

nb_status nb_bank_source_parse(nb_bank *b, const char *text, nb_error *err)
{
    static const char *const keys[] = {"checkpoint", "label_prompts", "text_prompts", "adjective_prompts"};
    json_t *root = NULL;
    nb_status status;
    NB_TRY(nb_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, NULL, err));
    const json_t *checkpoint = json_object_get(root, "checkpoint");
    bool sound = bank_texts_has_keys(root, keys, 4) &&
                 (json_is_null(checkpoint) || bank_texts_is_digest(json_string_value(checkpoint)));
    NB_TRY(sound ? NB_OK : bank_texts_refuse("source", text, err));
    NB_TRY(bank_texts_get_strings(&b->label_prompts, json_object_get(root, "label_prompts"), text, err));
    NB_TRY(bank_texts_get_strings(&b->text_prompts, json_object_get(root, "text_prompts"), text, err));
    NB_TRY(bank_texts_get_strings(&b->adjective_prompts, json_object_get(root, "adjective_prompts"), text, err));
    if (json_is_string(checkpoint)) {
        b->checkpoint = strdup(json_string_value(checkpoint));
        status = b->checkpoint ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for a text of the bank");
    }
done:
    json_decref(root);
    return status;
}
