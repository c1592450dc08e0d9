#include "scoring/metrics.h"

#include "common/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RECALL = 0.95;

/* One image among those of both sets. */
typedef struct place {
    double key;
    uint32_t image; /* ID images first, then OOD images */
} place;

static int metrics_descending(const void *a, const void *b)
{
    double x = ((const place *)a)->key;
    double y = ((const place *)b)->key;
    return (x < y) - (x > y);
}

static nb_status metrics_check_keys(const double *keys, size_t count, const char *what, nb_error *err)
{
    if (!count) {
        return nb_fail(err, NB_ERR_INPUT, "no %s images: metrics need both ID and OOD images", what);
    }
    for (size_t i = 0; i < count; i++) {
        if (isnan(keys[i])) {
            return nb_fail(err, NB_ERR_NUMERIC, "the score of %s row %zu (counted from 1) is not a number", what,
                           i + 1);
        }
    }
    return NB_OK;
}

static nb_status metrics_check_counts(size_t id_count, size_t ood_count, nb_error *err)
{
    uint64_t pairs;
    if (id_count > UINT32_MAX - 1 || ood_count > UINT32_MAX - 1 - id_count) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu ID and %zu OOD images: at most 2^32 - 2 in all are ranked", id_count,
                       ood_count);
    }
    if (__builtin_mul_overflow((uint64_t)id_count, (uint64_t)ood_count, &pairs) || pairs > UINT64_MAX / 2) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu ID times %zu OOD images are too many pairs to count in 64 bits",
                       id_count, ood_count);
    }
    return NB_OK;
}

nb_status nb_ranking_create(nb_ranking *r, const double *id, size_t id_count, const double *ood, size_t ood_count,
                            nb_error *err)
{
    place *places = NULL;
    size_t count = id_count + ood_count;
    nb_status status;
    *r = (nb_ranking){.id_count = id_count, .ood_count = ood_count};
    NB_TRY(metrics_check_keys(id, id_count, "ID", err));
    NB_TRY(metrics_check_keys(ood, ood_count, "OOD", err));
    NB_TRY(metrics_check_counts(id_count, ood_count, err));
    NB_TRY_NEW(places, count);
    NB_TRY_NEW(r->keys, count);
    NB_TRY_NEW(r->id_step, id_count);
    NB_TRY_NEW(r->ood_step, ood_count);
    for (size_t i = 0; i < count; i++) {
        places[i] = (place){i < id_count ? id[i] : ood[i - id_count], (uint32_t)i};
    }
    qsort(places, count, sizeof *places, metrics_descending);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || places[i].key != places[i - 1].key) {
            r->keys[r->step_count++] = places[i].key;
        }
        uint32_t step = (uint32_t)(r->step_count - 1);
        size_t image = places[i].image;
        (image < id_count ? &r->id_step[image] : &r->ood_step[image - id_count])[0] = step;
    }
done:
    free(places);
    if (status != NB_OK) {
        nb_ranking_destroy(r);
    }
    return status;
}

void nb_ranking_destroy(nb_ranking *r)
{
    if (r) {
        free(r->keys);
        free(r->id_step);
        free(r->ood_step);
        *r = (nb_ranking){0};
    }
}

void nb_ranking_count(const nb_ranking *r, const uint32_t *id_weight, const uint32_t *ood_weight, nb_step *steps)
{
    memset(steps, 0, r->step_count * sizeof *steps);
    for (size_t i = 0; i < r->id_count; i++) {
        steps[r->id_step[i]].id += id_weight ? id_weight[i] : 1;
    }
    for (size_t i = 0; i < r->ood_count; i++) {
        steps[r->ood_step[i]].ood += ood_weight ? ood_weight[i] : 1;
    }
}

/* Images of the positive and the negative class at or beyond one threshold, and in all. */
typedef struct walk {
    size_t positive, negative, positives, negatives;
} walk;

/* Precision over recall as both areas sum it up: by trapezoids, and as steps. */
typedef struct areas {
    double doubled, steps, before;
} areas;

static void metrics_add_precision(areas *a, const walk *w, size_t gained)
{
    double gain = (double)gained;
    double precision = (double)w->positive / ((double)w->positive + (double)w->negative);
    a->doubled += gain * (a->before + precision);
    a->steps += gain * precision;
    a->before = precision;
}

static double metrics_trapezoids(const areas *a, const walk *w)
{
    return a->doubled / (2.0 * (double)w->positives);
}

static double metrics_recall(const walk *w)
{
    return (double)w->positive / (double)w->positives;
}

static double metrics_false_positives(const walk *w)
{
    return (double)w->negative / (double)w->negatives;
}

/* ID positive, from the highest key down. Twice the number of pairs in the right order, ties counting one, stays an
 * exact integer. The nearest recall is sought up to the first threshold that accepts all ID images, the lowest
 * threshold winning among equals; the original also appends a point (recall 1, no negatives) behind the strictest one,
 * which can never win. */
static void metrics_walk_in(nb_metrics *m, const nb_step *steps, size_t count, walk w)
{
    uint64_t twice = 0;
    areas a = {.before = 1};
    double nearest = INFINITY;
    bool all = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t beaten = w.negatives - w.negative;
        w.positive += steps[i].id;
        w.negative += steps[i].ood;
        twice += steps[i].id * (beaten + (w.negatives - w.negative));
        metrics_add_precision(&a, &w, steps[i].id);
        double distance = fabs(metrics_recall(&w) - RECALL);
        if (!all && distance <= nearest) {
            nearest = distance;
            m->fpr95_id_positive = metrics_false_positives(&w);
        }
        all = all || w.positive == w.positives;
    }
    m->auroc = (double)twice / (2.0 * (double)w.positives * (double)w.negatives);
    m->aupr_in = metrics_trapezoids(&a, &w);
    m->average_precision_in = a.steps / (double)w.positives;
}

/* OOD positive, from the lowest key up. An inner point whose steps before and behind are the same is one that
 * roc_curve drops. */
static void metrics_walk_out(nb_metrics *m, const nb_step *steps, size_t count, walk w)
{
    areas a = {.before = 1};
    bool reached = false;
    for (size_t i = count; i-- > 0;) {
        w.positive += steps[i].ood;
        w.negative += steps[i].id;
        metrics_add_precision(&a, &w, steps[i].ood);
        bool straight = i > 0 && i + 1 < count && steps[i].id == steps[i - 1].id && steps[i].ood == steps[i - 1].ood;
        if (!reached && !straight && metrics_recall(&w) >= RECALL) {
            reached = true;
            m->fpr95_ood_positive = metrics_false_positives(&w);
        }
    }
    m->aupr_out = metrics_trapezoids(&a, &w);
    m->average_precision_out = a.steps / (double)w.positives;
}

void nb_metrics_of_steps(nb_metrics *out, nb_step *steps, size_t count)
{
    nb_step all = {0};
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (steps[i].id || steps[i].ood) {
            all.id += steps[i].id;
            all.ood += steps[i].ood;
            steps[kept++] = steps[i];
        }
    }
    metrics_walk_in(out, steps, kept, (walk){.positives = all.id, .negatives = all.ood});
    metrics_walk_out(out, steps, kept, (walk){.positives = all.ood, .negatives = all.id});
}

nb_status nb_metrics_compute(nb_metrics *out, const double *id, size_t id_count, const double *ood, size_t ood_count,
                             nb_error *err)
{
    nb_ranking ranking;
    nb_step *steps = NULL;
    nb_status status = nb_ranking_create(&ranking, id, id_count, ood, ood_count, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY_NEW(steps, ranking.step_count);
    nb_ranking_count(&ranking, NULL, NULL, steps);
    nb_metrics_of_steps(out, steps, ranking.step_count);
done:
    free(steps);
    nb_ranking_destroy(&ranking);
    return status;
}

static const struct {
    const char *key, *title;
    size_t offset;
} fields[NB_METRIC_COUNT] = {
    {"auroc", "AUROC", offsetof(nb_metrics, auroc)},
    {"fpr95_id_positive", "FPR95 id-positive", offsetof(nb_metrics, fpr95_id_positive)},
    {"fpr95_ood_positive", "FPR95 ood-positive", offsetof(nb_metrics, fpr95_ood_positive)},
    {"aupr_in", "AUPR-in", offsetof(nb_metrics, aupr_in)},
    {"aupr_out", "AUPR-out", offsetof(nb_metrics, aupr_out)},
    {"average_precision_in", "AP-in", offsetof(nb_metrics, average_precision_in)},
    {"average_precision_out", "AP-out", offsetof(nb_metrics, average_precision_out)},
};

const char *nb_metric_key(size_t i)
{
    return fields[i].key;
}

const char *nb_metric_title(size_t i)
{
    return fields[i].title;
}

double nb_metric_get(const nb_metrics *m, size_t i)
{
    double value;
    memcpy(&value, (const char *)m + fields[i].offset, sizeof value);
    return value;
}

void nb_metric_set(nb_metrics *m, size_t i, double value)
{
    memcpy((char *)m + fields[i].offset, &value, sizeof value);
}

void nb_metrics_mean(nb_metrics *out, const nb_metrics *rows, size_t count)
{
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += nb_metric_get(&rows[i], k);
        }
        nb_metric_set(out, k, count ? sum / (double)count : (double)NAN);
    }
}
