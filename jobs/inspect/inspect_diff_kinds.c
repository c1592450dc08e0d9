#include "jobs/inspect/inspect_diff.h"
#include "jobs/inspect/inspect_kinds.h"

#include "common/store/embeddings.h"
#include "mining/corpus/file/corpus_file.h"
#include "scoring/bank/bank_summary.h"
#include "scoring/files/predictions.h"
#include "scoring/files/score_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 256 };

static nb_status inspect_diff_kinds_add_sides(json_t *info, const char *key, const nb_diff_list *a,
                                              const nb_diff_list *b, bool *same, nb_error *err)
{
    json_t *found;
    nb_status status = nb_diff_sides(a, b, &found, same, err);
    json_object_set_new(info, key, found);
    return status;
}

/* What a bank says of itself but for what depends on its file. */
static void inspect_diff_kinds_diff_parameters(const nb_bank *a, const nb_bank *b, json_t *info, bool *same)
{
    static const char *const of_the_file[] = {"bytes_per_negative", "content"};
    json_t *of_a = json_object(), *of_b = json_object(), *found = json_object();
    nb_describe_bank(a, of_a);
    nb_describe_bank(b, of_b);
    for (size_t i = 0; i < 2; i++) {
        json_object_del(of_a, of_the_file[i]);
        json_object_del(of_b, of_the_file[i]);
    }
    json_object_set_new(of_a, "width", json_integer((json_int_t)a->d));
    json_object_set_new(of_b, "width", json_integer((json_int_t)b->d));
    nb_diff_objects(found, "", of_a, of_b);
    *same = *same && !json_object_size(found);
    json_object_set_new(info, "parameters", found);
    json_decref(of_a);
    json_decref(of_b);
}

static nb_status inspect_diff_kinds_diff_prototypes(const nb_bank *a, const nb_bank *b, size_t d, json_t *info,
                                                    bool *same, nb_error *err)
{
    if (!a->prototypes || !b->prototypes) {
        return NB_OK; /* the parameters say so */
    }
    nb_diff_list of_a = {.texts = &a->labels, .rows = a->prototypes, .d = d};
    nb_diff_list of_b = {.texts = &b->labels, .rows = b->prototypes, .d = d};
    return inspect_diff_kinds_add_sides(info, "prototypes", &of_a, &of_b, same, err);
}

static nb_status inspect_diff_kinds_diff_visual(const nb_bank *a, const nb_bank *b, size_t d, json_t *info, bool *same,
                                                nb_error *err)
{
    if (!a->visual_count || !b->visual_count) {
        return NB_OK;
    }
    nb_diff_list of_a = {.texts = &a->visual_names, .rows = a->visual_rows, .d = d, .values = a->visual_criterion};
    nb_diff_list of_b = {.texts = &b->visual_names, .rows = b->visual_rows, .d = d, .values = b->visual_criterion};
    return inspect_diff_kinds_add_sides(info, "visual_negatives", &of_a, &of_b, same, err);
}

/* The negatives with a measured proxy. */
typedef struct measured {
    nb_strings texts;
    uint8_t *tags;
    double *evidence;
} measured;

static void inspect_diff_kinds_measured_free(measured *m)
{
    nb_strings_free(&m->texts);
    free(m->tags);
    free(m->evidence);
}

static nb_status inspect_diff_kinds_find_measured(measured *out, const nb_bank *b, nb_error *err)
{
    const nb_bank_proxies *p = b->proxies;
    nb_status status;
    NB_TRY_NEW(out->tags, p->measured_count);
    NB_TRY_NEW(out->evidence, p->measured_count);
    for (size_t i = 0; i < p->measured_count; i++) {
        size_t at = p->measured[i];
        NB_TRY(nb_strings_push(&out->texts, nb_strings_get(&b->negatives, at), nb_strings_len(&b->negatives, at), err));
        out->tags[i] = b->tags[at];
        out->evidence[i] = p->evidence[at];
    }
done:
    return status;
}

/* Two parts: all negatives with prior and imputed proxy, and those with a measured proxy. */
static nb_status inspect_diff_kinds_diff_proxies(const nb_bank *a, const nb_bank *b, size_t d, json_t *info, bool *same,
                                                 nb_error *err)
{
    measured of_a = {0}, of_b = {0};
    nb_status status;
    if (!a->proxies || !b->proxies) {
        return NB_OK; /* the parameters say so */
    }
    nb_diff_list all_a = {&a->negatives, a->tags, a->proxies->imputed_rows, d, a->proxies->log_prior, NULL};
    nb_diff_list all_b = {&b->negatives, b->tags, b->proxies->imputed_rows, d, b->proxies->log_prior, NULL};
    NB_TRY(inspect_diff_kinds_add_sides(info, "proxies", &all_a, &all_b, same, err));
    NB_TRY(inspect_diff_kinds_find_measured(&of_a, a, err));
    NB_TRY(inspect_diff_kinds_find_measured(&of_b, b, err));
    nb_diff_list some_a = {&of_a.texts, of_a.tags, a->proxies->measured_rows, d, of_a.evidence, NULL};
    nb_diff_list some_b = {&of_b.texts, of_b.tags, b->proxies->measured_rows, d, of_b.evidence, NULL};
    NB_TRY(inspect_diff_kinds_add_sides(info, "measured_proxies", &some_a, &some_b, same, err));
done:
    inspect_diff_kinds_measured_free(&of_a);
    inspect_diff_kinds_measured_free(&of_b);
    return status;
}

nb_status nb_diff_banks(const char *path_a, const char *path_b, json_t *info, bool *same, nb_error *err)
{
    nb_bank a = {0}, b = {0};
    nb_status status;
    NB_TRY(nb_bank_open(&a, path_a, err));
    NB_TRY(nb_bank_open(&b, path_b, err));
    size_t d = a.d == b.d ? a.d : 0;
    nb_diff_list labels_a = {.texts = &a.labels, .rows = a.label_rows, .d = d};
    nb_diff_list labels_b = {.texts = &b.labels, .rows = b.label_rows, .d = d};
    nb_diff_list of_a = {&a.negatives, a.tags, a.negative_rows, d, a.criterion, a.ids};
    nb_diff_list of_b = {&b.negatives, b.tags, b.negative_rows, d, b.criterion, b.ids};
    inspect_diff_kinds_diff_parameters(&a, &b, info, same);
    NB_TRY(inspect_diff_kinds_add_sides(info, "labels", &labels_a, &labels_b, same, err));
    NB_TRY(inspect_diff_kinds_diff_prototypes(&a, &b, d, info, same, err));
    NB_TRY(inspect_diff_kinds_add_sides(info, "negatives", &of_a, &of_b, same, err));
    NB_TRY(inspect_diff_kinds_diff_visual(&a, &b, d, info, same, err));
    NB_TRY(inspect_diff_kinds_diff_proxies(&a, &b, d, info, same, err));
    json_object_set_new(info, "provenance",
                        json_string(strcmp(a.provenance, b.provenance) == 0 ? "identical" : "different"));
done:
    nb_bank_close(&a);
    nb_bank_close(&b);
    return status;
}

nb_status nb_diff_corpora(const char *path_a, const char *path_b, json_t *info, bool *same, nb_error *err)
{
    nb_corpus a = {0}, b = {0};
    json_int_t origins = 0;
    nb_status status;
    NB_TRY(nb_corpus_file_read(&a, NULL, path_a, err));
    NB_TRY(nb_corpus_file_read(&b, NULL, path_b, err));
    nb_diff_list of_a = {.texts = &a.texts, .tags = a.tags}, of_b = {.texts = &b.texts, .tags = b.tags};
    NB_TRY(inspect_diff_kinds_add_sides(info, "texts", &of_a, &of_b, same, err));
    for (size_t i = 0; *same && i < a.count; i++) {
        origins += a.source[i] != b.source[i] || a.line[i] != b.line[i];
    }
    if (*same) { /* else they do not compare */
        json_object_set_new(info, "origins_differing", json_integer(origins));
    }
    *same = *same && !origins;
done:
    nb_corpus_free(&a);
    nb_corpus_free(&b);
    return status;
}

/* Rows that differ, and the first of them. */
typedef struct rows_found {
    json_int_t differing, first;
} rows_found;

static void inspect_diff_kinds_count_row(rows_found *f, size_t row, bool differs)
{
    if (differs && !f->differing++) {
        f->first = (json_int_t)row;
    }
}

static void inspect_diff_kinds_add_found(json_t *info, const char *key, const rows_found *f, bool *same)
{
    json_t *found = json_pack("{s:I, s:o}", "rows_differing", f->differing, "first",
                              f->differing ? json_integer(f->first) : json_null());
    json_object_set_new(info, key, found);
    *same = *same && !f->differing;
}

static bool inspect_diff_kinds_same_string(const nb_strings *a, const nb_strings *b, size_t i)
{
    return nb_strings_len(a, i) == nb_strings_len(b, i) &&
           memcmp(nb_strings_get(a, i), nb_strings_get(b, i), nb_strings_len(a, i)) == 0;
}

static nb_status inspect_diff_kinds_diff_rows(nb_store *a, nb_store *b, size_t count, json_t *info, bool *same,
                                              nb_error *err)
{
    size_t d = (size_t)a->plan.width;
    rows_found found = {0};
    float *x = NULL, *y = NULL;
    double largest = 0;
    nb_status status;
    NB_TRY_NEW(x, BLOCK_ROWS * d);
    NB_TRY_NEW(y, BLOCK_ROWS * d);
    for (size_t at = 0; at < count; at += BLOCK_ROWS) {
        size_t block = count - at < BLOCK_ROWS ? count - at : BLOCK_ROWS;
        NB_TRY(nb_store_rows_float(a, at, block, x, err));
        NB_TRY(nb_store_rows_float(b, at, block, y, err));
        for (size_t r = 0; r < block; r++) {
            double gap = 0;
            for (size_t k = 0; k < d; k++) {
                gap = fmax(gap, fabs((double)x[r * d + k] - (double)y[r * d + k]));
            }
            inspect_diff_kinds_count_row(&found, at + r, memcmp(x + r * d, y + r * d, d * sizeof *x) != 0);
            largest = fmax(largest, gap);
        }
    }
    inspect_diff_kinds_add_found(info, "embeddings", &found, same);
    json_object_set_new(json_object_get(info, "embeddings"), "largest_difference", json_real(largest));
done:
    free(x);
    free(y);
    return status;
}

/* The numbers that two files have beside each other, as {"a", "b"}. */
static void inspect_diff_kinds_add_counts(json_t *info, const char *key, size_t a, size_t b, bool *same)
{
    json_object_set_new(info, key, json_pack("{s:I, s:I}", "a", (json_int_t)a, "b", (json_int_t)b));
    *same = *same && a == b;
}

nb_status nb_diff_stores(const char *path_a, const char *path_b, json_t *info, bool *same, nb_error *err)
{
    nb_store a = {0}, b = {0};
    rows_found names = {0}, tags = {0}, labels = {0};
    nb_status status;
    NB_TRY(nb_store_open(&a, path_a, true, err));
    NB_TRY(nb_store_open(&b, path_b, true, err));
    size_t count = (size_t)(a.plan.count < b.plan.count ? a.plan.count : b.plan.count);
    inspect_diff_kinds_add_counts(info, "rows", (size_t)a.plan.count, (size_t)b.plan.count, same);
    inspect_diff_kinds_add_counts(info, "width", (size_t)a.plan.width, (size_t)b.plan.width, same);
    json_object_set_new(
        info, "precision",
        json_pack("{s:s, s:s}", "a", a.plan.half ? "fp16" : "fp32", "b", b.plan.half ? "fp16" : "fp32"));
    *same = *same && a.plan.half == b.plan.half && !a.tags == !b.tags && !a.labels == !b.labels;
    for (size_t i = 0; i < count; i++) {
        inspect_diff_kinds_count_row(&names, i, !inspect_diff_kinds_same_string(&a.names, &b.names, i));
        inspect_diff_kinds_count_row(&tags, i, a.tags && b.tags && a.tags[i] != b.tags[i]);
        inspect_diff_kinds_count_row(&labels, i, a.labels && b.labels && a.labels[i] != b.labels[i]);
    }
    inspect_diff_kinds_add_found(info, "names", &names, same);
    inspect_diff_kinds_add_found(info, "tags", &tags, same);
    inspect_diff_kinds_add_found(info, "labels", &labels, same);
    if (a.plan.width == b.plan.width) {
        NB_TRY(inspect_diff_kinds_diff_rows(&a, &b, count, info, same, err));
    }
done:
    nb_store_close(&a);
    nb_store_close(&b);
    return status;
}

static bool inspect_diff_kinds_same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

nb_status nb_diff_scores(const char *path_a, const char *path_b, json_t *info, bool *same, nb_error *err)
{
    nb_scores a = {0}, b = {0};
    rows_found images = {0}, labels = {0}, classes = {0}, scores = {0};
    double largest = 0;
    nb_status status;
    NB_TRY(nb_predictions_read_any(&a, path_a, err));
    NB_TRY(nb_predictions_read_any(&b, path_b, err));
    inspect_diff_kinds_add_counts(info, "rows", a.count, b.count, same);
    for (size_t i = 0; i < a.count && i < b.count; i++) {
        inspect_diff_kinds_count_row(&images, i, !inspect_diff_kinds_same_string(&a.images, &b.images, i));
        inspect_diff_kinds_count_row(&labels, i, a.labels[i] != b.labels[i]);
        inspect_diff_kinds_count_row(&classes, i, a.classes[i] != b.classes[i]);
        inspect_diff_kinds_count_row(
            &scores, i, a.score[i] != b.score[i] || !inspect_diff_kinds_same_number(a.ood_score[i], b.ood_score[i]));
        largest = fmax(largest, fabs(a.score[i] - b.score[i]));
    }
    inspect_diff_kinds_add_found(info, "images", &images, same);
    inspect_diff_kinds_add_found(info, "labels", &labels, same);
    inspect_diff_kinds_add_found(info, "classes", &classes, same);
    inspect_diff_kinds_add_found(info, "scores", &scores, same);
    json_object_set_new(json_object_get(info, "scores"), "largest_difference", json_real(largest));
done:
    nb_scores_free(&a);
    nb_scores_free(&b);
    return status;
}
