#include "jobs/publish/publication.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_LABELS_MAX = 64 << 10 };

nb_status nb_publication_read(nb_publication *p, const char *metrics, nb_error *err)
{
    json_error_t at;
    p->provenance = json_loads(p->bank->provenance ? p->bank->provenance : "{}", 0, NULL);
    if (!metrics) {
        return NB_OK;
    }
    p->metrics = json_load_file(metrics, JSON_REJECT_DUPLICATES, &at);
    if (!p->metrics) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %d is not JSON: %s", metrics, at.line, at.text);
    }
    if (!json_is_object(json_object_get(p->metrics, "datasets")) || !isfinite(nb_publication_mean(p, "auroc"))) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is no evaluation: it lacks \"datasets\" or \"mean\"", metrics);
        return nb_hint(err, "'negbank eval -o M.json' writes one");
    }
    return NB_OK;
}

void nb_publication_free(nb_publication *p)
{
    json_decref(p->provenance);
    json_decref(p->metrics);
    *p = (nb_publication){0};
}

double nb_publication_mean(const nb_publication *p, const char *figure)
{
    const json_t *value = json_object_get(json_object_get(p->metrics, "mean"), figure);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *nb_publication_input(const nb_publication *p, const char *role)
{
    size_t i;
    const json_t *input, *inputs = json_object_get(p->provenance, "inputs");
    json_array_foreach((json_t *)(uintptr_t)inputs, i, input)
    {
        if (strcmp(nb_index_text_of(input, "role"), role) == 0) {
            return nb_index_text_of(input, "sha256");
        }
    }
    return "";
}

char *nb_publication_option(const nb_publication *p, const char *name)
{
    const json_t *value = json_object_get(json_object_get(p->provenance, "options"), name);
    if (json_is_string(value)) {
        return strdup(json_string_value(value));
    }
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) : NULL;
    return text ? text : strdup("");
}

/* ---- the entry ---- */

static bool publication_set_text(json_t *entry, const char *key, const char *text)
{
    return !text || !*text || json_object_set_new(entry, key, json_string(text)) == 0;
}

static bool publication_set_count(json_t *entry, const char *key, size_t count)
{
    return json_object_set_new(entry, key, json_integer((json_int_t)count)) == 0;
}

/* Six digits: an index is for choosing, the card has the rest. */
static bool publication_set_quality(json_t *entry, const nb_publication *p)
{
    static const char *const names[][2] = {
        {"auroc", "auroc"}, {"fpr95", "fpr95_id_positive"}, {"fpr95_ood_positive", "fpr95_ood_positive"}};
    json_t *quality = json_object();
    bool fine = quality != NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && fine; i++) {
        double value = nb_publication_mean(p, names[i][1]);
        fine = !isfinite(value) || json_object_set_new(quality, names[i][0], json_real(round(value * 1e6) / 1e6)) == 0;
    }
    if (fine && json_object_size(quality)) {
        fine = json_object_set(entry, "quality", quality) == 0;
    }
    json_decref(quality);
    return fine;
}

static bool publication_set_labels(json_t *entry, const nb_bank *bank)
{
    json_t *labels = json_array();
    size_t bytes = 0;
    bool fine = labels && json_object_set_new(entry, "labels", labels) == 0;
    for (size_t i = 0; i < bank->label_count && fine; i++) {
        bytes += nb_strings_len(&bank->labels, i);
        if (bytes > LISTED_LABELS_MAX) {
            break;
        }
        fine = json_array_append_new(labels, json_string(nb_strings_get(&bank->labels, i))) == 0;
    }
    return fine;
}

nb_status nb_entry_make(json_t **out, const nb_publication *p, nb_error *err)
{
    const nb_bank *bank = p->bank;
    char now[32], beside[512];
    char *criterion = nb_publication_option(p, "criterion");
    json_t *e = json_object();
    nb_clock_iso(now);
    bool fine = criterion && e && publication_set_text(e, "name", p->name) &&
                publication_set_text(e, "version", p->version) && publication_set_text(e, "file", p->file) &&
                publication_set_count(e, "bytes", p->bytes) && publication_set_text(e, "sha256", p->digest.hex);
    if (fine && p->public_key) {
        snprintf(beside, sizeof beside, "%s.minisig", p->file);
        fine = publication_set_text(e, "signature", beside);
    }
    snprintf(beside, sizeof beside, "%s.md", p->file);
    fine = fine && publication_set_text(e, "card", beside) && publication_set_text(e, "published", now) &&
           publication_set_labels(e, bank) && publication_set_count(e, "label_count", bank->label_count) &&
           publication_set_count(e, "negatives", bank->negative_count) &&
           publication_set_count(e, "dimensions", bank->d) && publication_set_text(e, "criterion", criterion) &&
           publication_set_text(e, "score", bank->score) &&
           publication_set_text(e, "checkpoint", nb_publication_input(p, "model")) &&
           publication_set_text(e, "corpus", p->corpus) && publication_set_text(e, "licence", p->licence) &&
           publication_set_quality(e, p);
    free(criterion);
    if (!fine) {
        json_decref(e);
        return nb_fail(err, NB_ERR_LIMIT, "out of memory, or a text that is not UTF-8, for the entry of '%s'", p->file);
    }
    *out = e;
    return NB_OK;
}
