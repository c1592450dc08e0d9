#include "scoring/bank/bank_summary.h"

#include "common/base/json.h"

#include <math.h>
#include <string.h>

static json_t *bank_summary_number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* "score", "temperature", "groups", "seed", "tau" as an object. */
static json_t *bank_summary_suggestion_json(const nb_bank_suggestion *s)
{
    return json_pack("{s:s, s:f, s:I, s:o, s:o}", "score", s->score, "temperature", s->temperature, "groups",
                     (json_int_t)s->groups, "seed", s->seeded ? json_integer((json_int_t)s->seed) : json_null(), "tau",
                     bank_summary_number_or_null(s->tau));
}

static json_t *bank_summary_list(const nb_strings *strings)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < strings->count; i++) {
        if (json_array_append_new(array, json_string(nb_strings_get(strings, i))) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *bank_summary_threshold_json(const nb_bank_threshold *t)
{
    return json_pack("{s:f, s:o, s:f, s:f, s:I, s:o}", "threshold", t->score, "ood_score",
                     bank_summary_number_or_null(t->ood_score), "recall", t->recall, "measured", t->measured, "images",
                     (json_int_t)t->images, "suggested", bank_summary_suggestion_json(&t->suggestion));
}

static json_t *bank_summary_proxies_json(const nb_bank_proxies *p)
{
    return p ? json_pack("{s:I}", "measured", (json_int_t)p->measured_count) : json_null();
}

/* The bank's record of how it was made; null where that is more than is shown, or memory is out: then not *whole. */
static json_t *bank_summary_provenance(const nb_bank *b, bool *whole)
{
    json_t *value = NULL;
    nb_status status = NB_OK;
    if (b->provenance) {
        status = nb_json_parse(&value, b->provenance, strlen(b->provenance), 0, NULL, NULL);
    }
    *whole = status != NB_ERR_LIMIT;
    return status == NB_OK && value ? value : json_null();
}

void nb_describe_bank(const nb_bank *b, json_t *info)
{
    nb_bank_suggestion suggestion = nb_bank_suggested(b);
    json_object_set_new(info, "precision", json_string(nb_bank_precision_name(b->precision)));
    json_object_set_new(info, "bytes_per_negative",
                        json_real(round(10.0 * (double)b->negative_bytes / (double)b->negative_count) / 10));
    json_object_set_new(info, "visual", json_integer((json_int_t)b->visual_count));
    json_object_set_new(info, "prototypes", json_boolean(b->prototypes != NULL));
    json_object_set_new(info, "proxies", bank_summary_proxies_json(b->proxies));
    json_object_set_new(info, "findings", b->findings.candidates ? nb_bank_findings_json(&b->findings) : json_null());
    json_object_set_new(info, "suggested", bank_summary_suggestion_json(&suggestion));
    json_object_set_new(info, "calibration",
                        b->threshold.images ? bank_summary_threshold_json(&b->threshold) : json_null());
    json_object_set_new(
        info, "source",
        json_pack("{s:o, s:o, s:o, s:o}", "checkpoint", b->checkpoint ? json_string(b->checkpoint) : json_null(),
                  "label_prompts", bank_summary_list(&b->label_prompts), "text_prompts",
                  bank_summary_list(&b->text_prompts), "adjective_prompts", bank_summary_list(&b->adjective_prompts)));
    json_object_set_new(info, "content", b->content.hex[0] ? json_string(b->content.hex) : json_null());
}

bool nb_summarise_bank(const nb_bank *b, json_t *info)
{
    enum { KEYS = 14 }; /* those set here and above: one is missing where memory was out */
    size_t before = json_object_size(info);
    bool whole;
    json_object_set_new(info, "labels", json_integer((json_int_t)b->label_count));
    json_object_set_new(info, "negatives", json_integer((json_int_t)b->negative_count));
    json_object_set_new(info, "width", json_integer((json_int_t)b->d));
    nb_describe_bank(b, info);
    json_object_set_new(info, "provenance", bank_summary_provenance(b, &whole));
    return whole && json_object_size(info) == before + KEYS;
}
