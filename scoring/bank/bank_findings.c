#include "scoring/bank/bank_findings.h"

#include "common/base/json.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* The keys and where their values stand: counts, and shares that may be null. */
static const struct {
    const char *key;
    size_t offset;
} counts[] = {{"candidates", offsetof(nb_bank_findings, candidates)},
              {"id_images", offsetof(nb_bank_findings, id_images)},
              {"wild_images", offsetof(nb_bank_findings, wild_images)},
              {"with_evidence", offsetof(nb_bank_findings, with_evidence)},
              {"measured", offsetof(nb_bank_findings, measured)}},
  shares[] = {{"id_share", offsetof(nb_bank_findings, id_share)},
              {"covered", offsetof(nb_bank_findings, covered)},
              {"size_tolerance", offsetof(nb_bank_findings, tolerance)}};
enum { COUNTS = sizeof counts / sizeof *counts, SHARES = sizeof shares / sizeof *shares };

static json_t *bank_findings_share(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *bank_findings_sizes(const nb_bank_findings *f)
{
    json_t *sizes = json_array();
    for (size_t i = 0; sizes && i < f->size_count; i++) {
        const nb_size_step *step = &f->sizes[i];
        json_t *one =
            json_pack("{sIsoso}", "negatives", (json_int_t)step->count, "id_moves", bank_findings_share(step->id_moves),
                      "wild_moves", bank_findings_share(step->wild_moves));
        if (json_array_append_new(sizes, one) != 0) {
            json_decref(sizes);
            sizes = NULL;
        }
    }
    return sizes;
}

json_t *nb_bank_findings_json(const nb_bank_findings *f)
{
    json_t *root = json_object();
    bool whole = root != NULL;
    for (size_t i = 0; whole && i < COUNTS; i++) {
        const size_t *value = (const void *)((const char *)f + counts[i].offset);
        whole = json_object_set_new(root, counts[i].key, json_integer((json_int_t)*value)) == 0;
    }
    for (size_t i = 0; whole && i < SHARES; i++) {
        const double *value = (const void *)((const char *)f + shares[i].offset);
        whole = json_object_set_new(root, shares[i].key, bank_findings_share(*value)) == 0;
    }
    if (!whole || json_object_set_new(root, "sizes", bank_findings_sizes(f)) != 0) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool bank_findings_get_count(const json_t *value, size_t *out)
{
    json_int_t number = json_integer_value(value);
    *out = number > 0 ? (size_t)number : 0;
    return json_is_integer(value) && number >= 0;
}

/* A number from 0 to 1, or null: NaN. */
static bool bank_findings_get_share(const json_t *value, double *out)
{
    *out = json_is_null(value) ? (double)NAN : json_number_value(value);
    return json_is_null(value) || (json_is_number(value) && *out >= 0 && *out <= 1);
}

static bool bank_findings_get_sizes(const json_t *sizes, nb_bank_findings *f)
{
    f->size_count = json_array_size(sizes);
    bool sound = json_is_array(sizes) && f->size_count <= NB_SIZE_STEPS_MAX;
    for (size_t i = 0; sound && i < f->size_count; i++) {
        const json_t *one = json_array_get(sizes, i);
        nb_size_step *step = &f->sizes[i];
        sound = json_object_size(one) == 3 &&
                bank_findings_get_count(json_object_get(one, "negatives"), &step->count) && step->count &&
                (!i || step->count > step[-1].count) &&
                bank_findings_get_share(json_object_get(one, "id_moves"), &step->id_moves) &&
                bank_findings_get_share(json_object_get(one, "wild_moves"), &step->wild_moves);
    }
    return sound;
}

static bool bank_findings_get(const json_t *root, nb_bank_findings *f)
{
    bool sound = json_is_object(root) && json_object_size(root) == COUNTS + SHARES + 1;
    for (size_t i = 0; sound && i < COUNTS; i++) {
        sound = bank_findings_get_count(json_object_get(root, counts[i].key), (void *)((char *)f + counts[i].offset));
    }
    for (size_t i = 0; sound && i < SHARES; i++) {
        sound = bank_findings_get_share(json_object_get(root, shares[i].key), (void *)((char *)f + shares[i].offset));
    }
    return sound && f->candidates && bank_findings_get_sizes(json_object_get(root, "sizes"), f);
}

nb_status nb_bank_findings_parse(nb_bank_findings *out, const char *text, nb_error *err)
{
    json_t *root;
    nb_status status = nb_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, NULL, err);
    *out = (nb_bank_findings){0};
    if (status != NB_OK) {
        return status;
    }
    bool sound = bank_findings_get(root, out);
    json_decref(root);
    if (!sound) {
        *out = (nb_bank_findings){0};
        nb_fail(err, NB_ERR_INPUT, "'findings' does not say what it should: %.200s", text);
        return nb_hint(err, "a newer version may have written this bank, or it is damaged");
    }
    return NB_OK;
}
