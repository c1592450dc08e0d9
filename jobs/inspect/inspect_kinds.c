#include "jobs/inspect/inspect_kinds.h"

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/tag.h"
#include "common/base/text.h"
#include "common/store/embeddings.h"
#include "jobs/inspect/inspect_diff.h"
#include "mining/corpus/file/corpus_file.h"
#include "scoring/bank/bank_summary.h"
#include "scoring/files/predictions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *inspect_kinds_tag_counts(const uint8_t *tags, size_t count)
{
    json_int_t held[NB_TAG_COUNT] = {0};
    json_t *object = json_object();
    for (size_t i = 0; tags && i < count; i++) {
        held[tags[i] < NB_TAG_COUNT ? tags[i] : NB_TAG_NONE]++;
    }
    for (size_t t = 0; t < NB_TAG_COUNT; t++) {
        if (held[t]) {
            json_object_set_new(object, nb_tag_name((nb_tag)t), json_integer(held[t]));
        }
    }
    return object;
}

static void inspect_kinds_set_json(json_t *info, const char *key, const char *text)
{
    json_t *value = NULL;
    if (text && nb_json_parse(&value, text, strlen(text), 0, NULL, NULL) != NB_OK) {
        value = NULL; /* more than is shown */
    }
    json_object_set_new(info, key, value ? value : json_null());
}

static nb_status inspect_kinds_copy_strings(nb_strings *out, const nb_strings *in, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < in->count && status == NB_OK; i++) {
        status = nb_strings_push(out, nb_strings_get(in, i), nb_strings_len(in, i), err);
    }
    return status;
}

static nb_status inspect_kinds_describe_corpus(const char *path, json_t *info, nb_error *err)
{
    nb_corpus corpus = {0};
    nb_corpus_info details = {0};
    nb_status status;
    NB_TRY(nb_corpus_file_read(&corpus, NULL, path, err));
    NB_TRY(nb_corpus_file_info(&details, path, err));
    json_object_set_new(info, "texts", json_integer((json_int_t)corpus.count));
    json_object_set_new(info, "tags", inspect_kinds_tag_counts(corpus.tags, corpus.count));
    inspect_kinds_set_json(info, "lines", details.counts);
    inspect_kinds_set_json(info, "provenance", details.provenance);
done:
    nb_corpus_info_free(&details);
    nb_corpus_free(&corpus);
    return status;
}

static nb_status inspect_kinds_export_corpus(const char *path, nb_exported *out, nb_error *err)
{
    nb_corpus corpus = {0};
    nb_status status = nb_corpus_file_read(&corpus, NULL, path, err);
    if (status == NB_OK) {
        status = inspect_kinds_copy_strings(&out->texts, &corpus.texts, err);
    }
    nb_corpus_free(&corpus);
    return status;
}

/* Every row once: the seal leaves the embeddings to the checksums of their tiles. */
static nb_status inspect_kinds_check_tiles(nb_store *store, nb_error *err)
{
    nb_status status = NB_OK;
    void *row = nb_alloc(1, nb_store_row_bytes(&store->plan), err);
    for (size_t t = 0; row && t < store->plan.tile_count && status == NB_OK; t++) {
        size_t first = nb_store_tile_begin(&store->plan, t);
        status = nb_store_raw_rows(store, &first, 1, row, err);
    }
    free(row);
    return row ? status : NB_ERR_LIMIT;
}

static nb_status inspect_kinds_describe_store(const char *path, json_t *info, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, false, err);
    if (status == NB_OK) {
        status = inspect_kinds_check_tiles(&store, err);
    }
    if (status != NB_OK) {
        nb_store_close(&store);
        return status;
    }
    json_object_set_new(info, "rows", json_integer((json_int_t)store.plan.count));
    json_object_set_new(info, "width", json_integer((json_int_t)store.plan.width));
    json_object_set_new(info, "precision", json_string(store.plan.half ? "fp16" : "fp32"));
    json_object_set_new(info, "tile_rows", json_integer((json_int_t)store.plan.tile_rows));
    if (store.tags) {
        json_object_set_new(info, "tags", inspect_kinds_tag_counts(store.tags, (size_t)store.plan.count));
    }
    if (store.labels) {
        int32_t top = -1;
        json_int_t labelled = 0;
        for (size_t i = 0; i < store.plan.count; i++) {
            top = store.labels[i] > top ? store.labels[i] : top;
            labelled += store.labels[i] >= 0;
        }
        json_object_set_new(info, "labelled", json_integer(labelled));
        json_object_set_new(info, "classes", json_integer((json_int_t)top + 1));
    }
    inspect_kinds_set_json(info, "provenance", store.provenance);
    nb_store_close(&store);
    return NB_OK;
}

static nb_status inspect_kinds_export_store(const char *path, nb_exported *out, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, false, err);
    if (status != NB_OK) {
        return status;
    }
    out->width = (size_t)store.plan.width;
    NB_TRY(inspect_kinds_copy_strings(&out->texts, &store.names, err));
    NB_TRY_NEW(out->rows, (size_t)store.plan.count * out->width);
    NB_TRY(nb_store_rows_float(&store, 0, (size_t)store.plan.count, out->rows, err));
done:
    nb_store_close(&store);
    return status;
}

static nb_status inspect_kinds_describe_bank(const char *path, json_t *info, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    if (status != NB_OK) {
        return status;
    }
    nb_summarise_bank(&bank, info);
    nb_bank_close(&bank);
    return NB_OK;
}

static nb_status inspect_kinds_to_floats(float **out, const double *rows, size_t count, nb_error *err)
{
    *out = nb_alloc(count, sizeof **out, err);
    for (size_t i = 0; *out && i < count; i++) {
        (*out)[i] = (float)rows[i];
    }
    return *out ? NB_OK : NB_ERR_LIMIT;
}

static nb_status inspect_kinds_export_proxies(const nb_bank *bank, nb_exported *out, nb_error *err)
{
    const nb_bank_proxies *p = bank->proxies;
    size_t m = bank->negative_count, d = bank->d;
    nb_status status;
    NB_TRY_NEW(out->log_prior, m);
    NB_TRY_NEW(out->evidence, m);
    memcpy(out->log_prior, p->log_prior, m * sizeof *p->log_prior);
    memcpy(out->evidence, p->evidence, m * sizeof *p->evidence);
    NB_TRY(inspect_kinds_to_floats(&out->imputed, p->imputed_rows, m * d, err));
    NB_TRY_NEW(out->measured, m * d);
    for (size_t i = 0; i < m * d; i++) {
        out->measured[i] = NAN;
    }
    for (size_t i = 0; i < p->measured_count * d; i++) {
        out->measured[p->measured[i / d] * d + i % d] = (float)p->measured_rows[i];
    }
done:
    return status;
}

static nb_status inspect_kinds_export_bank(const char *path, nb_exported *out, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    if (status != NB_OK) {
        return status;
    }
    out->width = bank.d;
    NB_TRY(inspect_kinds_copy_strings(&out->texts, &bank.negatives, err));
    NB_TRY(inspect_kinds_copy_strings(&out->labels, &bank.labels, err));
    NB_TRY(inspect_kinds_to_floats(&out->rows, bank.negative_rows, bank.negative_count * bank.d, err));
    NB_TRY(inspect_kinds_to_floats(&out->label_rows, bank.label_rows, bank.label_count * bank.d, err));
    if (bank.prototypes) {
        NB_TRY(inspect_kinds_to_floats(&out->prototypes, bank.prototypes, bank.label_count * bank.d, err));
    }
    if (bank.proxies) {
        NB_TRY(inspect_kinds_export_proxies(&bank, out, err));
    }
done:
    nb_bank_close(&bank);
    return status;
}

static nb_status inspect_kinds_read_bank(const char *path, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    nb_bank_close(&bank);
    return status;
}

static nb_status inspect_kinds_read_corpus(const char *path, nb_error *err)
{
    nb_corpus corpus;
    nb_status status = nb_corpus_file_read(&corpus, NULL, path, err);
    nb_corpus_free(&corpus);
    return status;
}

static nb_status inspect_kinds_read_store(const char *path, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, false, err);
    nb_store_close(&store);
    return status;
}

static nb_status inspect_kinds_read_predictions(const char *path, nb_error *err)
{
    nb_scores s;
    nb_status status = nb_predictions_read(&s, path, err);
    nb_scores_free(&s);
    return status;
}

static nb_status inspect_kinds_describe_scores(const char *path, json_t *info, nb_error *err)
{
    nb_scores s = {0};
    json_int_t labelled = 0;
    double low = HUGE_VAL, high = -HUGE_VAL;
    nb_status status = nb_predictions_read_any(&s, path, err);
    if (status != NB_OK) {
        return status;
    }
    for (size_t i = 0; i < s.count; i++) {
        labelled += s.labels[i] >= 0;
        low = fmin(low, s.score[i]);
        high = fmax(high, s.score[i]);
    }
    json_t *comments = json_array();
    for (size_t i = 0; i < s.comments.count; i++) {
        json_array_append_new(comments, json_string(nb_strings_get(&s.comments, i)));
    }
    json_object_set_new(info, "rows", json_integer((json_int_t)s.count));
    json_object_set_new(info, "labelled", json_integer(labelled));
    json_object_set_new(info, "lowest", json_real(low));
    json_object_set_new(info, "highest", json_real(high));
    json_object_set_new(info, "odds", json_boolean(nb_scores_have_odds(&s)));
    json_object_set_new(info, "log_odds", json_boolean(s.log_odds));
    json_object_set_new(info, "comments", comments);
    nb_scores_free(&s);
    return NB_OK;
}

static nb_status inspect_kinds_export_scores(const char *path, nb_exported *out, nb_error *err)
{
    nb_scores s = {0};
    nb_status status = nb_predictions_read_any(&s, path, err);
    if (status == NB_OK) {
        status = inspect_kinds_copy_strings(&out->texts, &s.images, err);
    }
    nb_scores_free(&s);
    return status;
}

static const nb_file_kind kinds[] = {
    {NB_CORPUS_KIND, NB_CORPUS_FORMAT, inspect_kinds_describe_corpus, inspect_kinds_export_corpus,
     inspect_kinds_read_corpus, nb_diff_corpora},
    {NB_STORE_KIND, NB_STORE_FORMAT, inspect_kinds_describe_store, inspect_kinds_export_store, inspect_kinds_read_store,
     nb_diff_stores},
    {NB_BANK_KIND, NB_BANK_FORMAT, inspect_kinds_describe_bank, inspect_kinds_export_bank, inspect_kinds_read_bank,
     nb_diff_banks},
    {NB_PREDICTIONS_KIND, NB_PREDICTIONS_VERSION, inspect_kinds_describe_scores, inspect_kinds_export_scores,
     inspect_kinds_read_predictions, nb_diff_scores},
    {NB_SCORES_KIND, 0, inspect_kinds_describe_scores, inspect_kinds_export_scores, NULL, nb_diff_scores},
};

const nb_file_kind *nb_file_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

bool nb_looks_like_scores(const char *path)
{
    nb_error none = {0};
    nb_map map;
    bool found = false;
    if (nb_map_open(&map, path, &none) != NB_OK) {
        return false;
    }
    const char *at = (const char *)map.data, *end = at + map.len;
    while (at < end && *at == '#') {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        at = line ? line + 1 : end;
    }
    if (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((line ? line : end) - at);
        found = memchr(at, '\t', len) && memmem(at, len, "image", 5) && memmem(at, len, "score", 5);
    }
    nb_map_close(&map);
    return found;
}

static nb_status inspect_kinds_open_scores(nb_seal *seal, const char *path, nb_error *err)
{
    nb_map map;
    nb_status status = nb_map_open(&map, path, err);
    if (status == NB_OK) {
        *seal = (nb_seal){.kind = NB_SCORES_KIND, .size = map.len, .digest = nb_digest_bytes(map.data, map.len)};
        nb_map_close(&map);
    }
    return status;
}

nb_status nb_file_kind_open(const nb_file_kind **kind, nb_seal *seal, const char *path, nb_error *err)
{
    nb_status status =
        nb_looks_like_scores(path) ? inspect_kinds_open_scores(seal, path, err) : nb_seal_verify(seal, path, NULL, err);
    if (status != NB_OK) {
        return status;
    }
    *kind = nb_file_kind_find(seal->kind);
    return *kind ? NB_OK
                 : nb_fail(err, NB_ERR_INPUT, "'%s' is a negbank '%s', which this version does not know", path,
                           seal->kind);
}

void nb_exported_free(nb_exported *e)
{
    if (e) {
        nb_strings_free(&e->texts);
        nb_strings_free(&e->labels);
        free(e->rows);
        free(e->label_rows);
        free(e->prototypes);
        free(e->log_prior);
        free(e->evidence);
        free(e->imputed);
        free(e->measured);
        *e = (nb_exported){0};
    }
}

void nb_set_path(json_t *object, const char *key, const char *path)
{
    char *name = strdup(path);
    if (name) {
        nb_text_sanitise(name);
        json_object_set_new(object, key, json_string(name));
    }
    free(name);
}

/* A list of objects, one after the other. */
static bool inspect_kinds_is_table(const json_t *value)
{
    return json_is_object(json_array_get(value, 0));
}

/* Texts and keys come from files: what a terminal would take for a command becomes '?'. */
static void inspect_kinds_put(const char *text)
{
    for (const char *p = text; *p; p++) {
        size_t control = nb_text_control(p);
        putchar(control ? '?' : *p);
        p += control ? control - 1 : 0;
    }
}

static void inspect_kinds_put_key(const char *key, int indent)
{
    printf("%*s", indent, "");
    inspect_kinds_put(key);
}

static void inspect_kinds_print_text(const json_t *object, int indent)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_object(value)) {
            inspect_kinds_put_key(key, indent);
            printf(":\n");
            inspect_kinds_print_text(value, indent + 2);
            continue;
        }
        if (inspect_kinds_is_table(value)) {
            inspect_kinds_put_key(key, indent);
            printf(":\n");
            for (size_t i = 0; i < json_array_size(value); i++) {
                inspect_kinds_print_text(json_array_get(value, i), indent + 2);
            }
            continue;
        }
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        int width = (indent ? 1 : 14) - (int)strlen(key);
        inspect_kinds_put_key(key, indent);
        printf("%*s ", width > 0 ? width : 0, "");
        inspect_kinds_put(text ? text : json_is_string(value) ? json_string_value(value) : "");
        putchar('\n');
        free(text);
    }
}

/* JSON may hold control characters beyond U+001F as they are; a terminal may not. */
static void inspect_kinds_print_json(const char *text)
{
    for (const char *p = text; *p; p++) {
        size_t control = *p == '\n' ? 0 : nb_text_control(p);
        unsigned last = control ? (unsigned)(unsigned char)p[control - 1] : 0;
        if (control) {
            printf("\\u%04x", control == 3 ? 0x2028 + (last & 1) : last);
            p += control - 1;
        } else {
            putchar(*p);
        }
    }
    putchar('\n');
}

nb_status nb_print_info(const json_t *info, bool as_json, nb_error *err)
{
    char *text = as_json ? json_dumps(info, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15)) : NULL;
    if (as_json) {
        inspect_kinds_print_json(text ? text : "");
    } else {
        inspect_kinds_print_text(info, 0);
    }
    free(text);
    return fflush(stdout) == 0 ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
}
