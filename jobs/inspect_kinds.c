#include "jobs/inspect_kinds.h"

#include "jobs/inspect_bank.h"

#include "common/base/tag.h"
#include "common/store/embeddings.h"
#include "mining/corpus/file.h"
#include "scoring/bank.h"

#include <stdlib.h>
#include <string.h>

static json_t *tag_counts(const uint8_t *tags, size_t count)
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

static void set_json(json_t *about, const char *key, const char *text)
{
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;
    json_object_set_new(about, key, value ? value : json_null());
}

static nb_status copy_strings(nb_strings *out, const nb_strings *in, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < in->count && status == NB_OK; i++) {
        status = nb_strings_push(out, nb_strings_get(in, i), nb_strings_len(in, i), err);
    }
    return status;
}

static nb_status describe_corpus(const char *path, json_t *about, nb_error *err)
{
    nb_corpus corpus = {0};
    nb_corpus_about details = {0};
    nb_status status;
    NB_TRY(nb_corpus_file_read(&corpus, NULL, path, err));
    NB_TRY(nb_corpus_file_about(&details, path, err));
    json_object_set_new(about, "texts", json_integer((json_int_t)corpus.count));
    json_object_set_new(about, "tags", tag_counts(corpus.tags, corpus.count));
    set_json(about, "lines", details.counts);
    set_json(about, "provenance", details.provenance);
done:
    nb_corpus_about_free(&details);
    nb_corpus_free(&corpus);
    return status;
}

static nb_status export_corpus(const char *path, nb_exported *out, nb_error *err)
{
    nb_corpus corpus = {0};
    nb_status status = nb_corpus_file_read(&corpus, NULL, path, err);
    if (status == NB_OK) {
        status = copy_strings(&out->texts, &corpus.texts, err);
    }
    nb_corpus_free(&corpus);
    return status;
}

/* Every row once: the seal leaves the embeddings to the checksums of their tiles. */
static nb_status check_tiles(nb_store *store, nb_error *err)
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

static nb_status describe_store(const char *path, json_t *about, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, false, err);
    if (status == NB_OK) {
        status = check_tiles(&store, err);
    }
    if (status != NB_OK) {
        nb_store_close(&store);
        return status;
    }
    json_object_set_new(about, "rows", json_integer((json_int_t)store.plan.count));
    json_object_set_new(about, "width", json_integer((json_int_t)store.plan.width));
    json_object_set_new(about, "precision", json_string(store.plan.half ? "fp16" : "fp32"));
    json_object_set_new(about, "tile_rows", json_integer((json_int_t)store.plan.tile_rows));
    if (store.tags) {
        json_object_set_new(about, "tags", tag_counts(store.tags, (size_t)store.plan.count));
    }
    if (store.labels) {
        int32_t top = -1;
        json_int_t labelled = 0;
        for (size_t i = 0; i < store.plan.count; i++) {
            top = store.labels[i] > top ? store.labels[i] : top;
            labelled += store.labels[i] >= 0;
        }
        json_object_set_new(about, "labelled", json_integer(labelled));
        json_object_set_new(about, "classes", json_integer((json_int_t)top + 1));
    }
    set_json(about, "provenance", store.provenance);
    nb_store_close(&store);
    return NB_OK;
}

static nb_status export_store(const char *path, nb_exported *out, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, false, err);
    if (status != NB_OK) {
        return status;
    }
    out->width = (size_t)store.plan.width;
    NB_TRY(copy_strings(&out->texts, &store.names, err));
    NB_TRY_NEW(out->rows, (size_t)store.plan.count * out->width);
    NB_TRY(nb_store_rows_float(&store, 0, (size_t)store.plan.count, out->rows, err));
done:
    nb_store_close(&store);
    return status;
}

static nb_status describe_bank(const char *path, json_t *about, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    if (status != NB_OK) {
        return status;
    }
    json_object_set_new(about, "labels", json_integer((json_int_t)bank.label_count));
    json_object_set_new(about, "negatives", json_integer((json_int_t)bank.negative_count));
    json_object_set_new(about, "width", json_integer((json_int_t)bank.d));
    nb_describe_bank(&bank, about);
    set_json(about, "provenance", bank.provenance);
    nb_bank_close(&bank);
    return NB_OK;
}

static nb_status export_bank(const char *path, nb_exported *out, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    if (status != NB_OK) {
        return status;
    }
    out->width = bank.d;
    NB_TRY(copy_strings(&out->texts, &bank.negatives, err));
    NB_TRY_NEW(out->rows, bank.negative_count * bank.d);
    for (size_t i = 0; i < bank.negative_count * bank.d; i++) {
        out->rows[i] = (float)bank.negative_rows[i];
    }
done:
    nb_bank_close(&bank);
    return status;
}

static const nb_file_kind kinds[] = {
    {NB_CORPUS_KIND, describe_corpus, export_corpus},
    {NB_STORE_KIND, describe_store, export_store},
    {NB_BANK_KIND, describe_bank, export_bank},
};

nb_status nb_file_kind_open(const nb_file_kind **kind, nb_seal *seal, const char *path, nb_error *err)
{
    nb_status status = nb_seal_verify(seal, path, NULL, err);
    for (size_t i = 0; status == NB_OK && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, seal->kind) == 0) {
            *kind = &kinds[i];
            return NB_OK;
        }
    }
    return status == NB_OK ? nb_fail(err, NB_ERR_INPUT, "'%s' is a negbank '%s', which this version does not know",
                                     path, seal->kind)
                           : status;
}

void nb_exported_free(nb_exported *e)
{
    if (e) {
        nb_strings_free(&e->texts);
        free(e->rows);
        *e = (nb_exported){0};
    }
}
