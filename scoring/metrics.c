#include "scoring/metrics.h"

#include "common/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RECALL = 0.95;

/* Images at one distinct key. */
typedef struct bin {
    size_t id, ood;
} bin;

/* Images of the positive and the negative class at or beyond one threshold. */
typedef struct point {
    size_t positive, negative;
} point;

/* One point a distinct key, from the strictest threshold on; the last holds all images. */
typedef struct curve {
    point *points;
    size_t count, positives, negatives;
} curve;

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x < y) - (x > y);
}

static nb_status sorted_copy(double **out, const double *keys, size_t count, const char *what, nb_error *err)
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
    nb_status status = NB_OK;
    double *copy = NULL;
    NB_TRY_NEW(copy, count);
    memcpy(copy, keys, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, descending);
    *out = copy;
done:
    return status;
}

/* Merges two descending lists into one bin a distinct key, highest first; returns the number of bins. */
static size_t count_bins(bin *bins, const double *id, size_t id_count, const double *ood, size_t ood_count)
{
    size_t i = 0;
    size_t o = 0;
    size_t n = 0;
    while (i < id_count || o < ood_count) {
        double key = o == ood_count || (i < id_count && id[i] > ood[o]) ? id[i] : ood[o];
        bin here = {0};
        for (; i < id_count && id[i] == key; i++) {
            here.id++;
        }
        for (; o < ood_count && ood[o] == key; o++) {
            here.ood++;
        }
        bins[n++] = here;
    }
    return n;
}

static void curve_in(curve *c, const bin *bins)
{
    point sum = {0};
    for (size_t i = 0; i < c->count; i++) {
        sum.positive += bins[i].id;
        sum.negative += bins[i].ood;
        c->points[i] = sum;
    }
    c->positives = sum.positive;
    c->negatives = sum.negative;
}

static void curve_out(curve *c, const bin *bins)
{
    point sum = {0};
    for (size_t i = 0; i < c->count; i++) {
        sum.positive += bins[c->count - 1 - i].ood;
        sum.negative += bins[c->count - 1 - i].id;
        c->points[i] = sum;
    }
    c->positives = sum.positive;
    c->negatives = sum.negative;
}

static double recall_at(const curve *c, size_t i)
{
    return (double)c->points[i].positive / (double)c->positives;
}

static double fpr_at(const curve *c, size_t i)
{
    return (double)c->points[i].negative / (double)c->negatives;
}

/* Twice the number of pairs in the right order, ties counting one, stays an exact integer. */
static double area_under_roc(const curve *c)
{
    uint64_t twice = 0;
    point before = {0};
    for (size_t i = 0; i < c->count; i++) {
        point now = c->points[i];
        uint64_t twice_beaten = (uint64_t)(c->negatives - before.negative) + (c->negatives - now.negative);
        twice += (now.positive - before.positive) * twice_beaten;
        before = now;
    }
    return (double)twice / (2.0 * (double)c->positives * (double)c->negatives);
}

/* The original appends a point (recall 1, no negatives) behind the strictest threshold. It can never be the first
 * nearest one, because the walk starts at recall 1, so it is left out here. */
static double fpr_nearest_recall(const curve *c)
{
    size_t i = 0;
    while (c->points[i].positive < c->positives) {
        i++;
    }
    size_t best = i;
    double distance = fabs(recall_at(c, i) - RECALL);
    while (i-- > 0) {
        double d = fabs(recall_at(c, i) - RECALL);
        if (d < distance) {
            distance = d;
            best = i;
        }
    }
    return fpr_at(c, best);
}

/* An inner point whose steps before and behind are the same: roc_curve drops it. */
static bool on_straight_run(const curve *c, size_t i)
{
    if (i == 0 || i + 1 == c->count) {
        return false;
    }
    point a = c->points[i - 1];
    point b = c->points[i];
    point d = c->points[i + 1];
    return b.positive - a.positive == d.positive - b.positive && b.negative - a.negative == d.negative - b.negative;
}

static double fpr_reaching_recall(const curve *c)
{
    size_t i = 0;
    while (recall_at(c, i) < RECALL || on_straight_run(c, i)) {
        i++;
    }
    return fpr_at(c, i);
}

static void precision_areas(const curve *c, double *trapezoid, double *average)
{
    double doubled = 0;
    double steps = 0;
    double precision_before = 1;
    size_t before = 0;
    for (size_t i = 0; i < c->count; i++) {
        point p = c->points[i];
        double gain = (double)(p.positive - before);
        double precision = (double)p.positive / ((double)p.positive + (double)p.negative);
        doubled += gain * (precision_before + precision);
        steps += gain * precision;
        precision_before = precision;
        before = p.positive;
    }
    *trapezoid = doubled / (2.0 * (double)c->positives);
    *average = steps / (double)c->positives;
}

nb_status nb_metrics_compute(nb_metrics *out, const double *id, size_t id_count, const double *ood, size_t ood_count,
                             nb_error *err)
{
    nb_status status = NB_OK;
    double *id_sorted = NULL;
    double *ood_sorted = NULL;
    bin *bins = NULL;
    curve c = {0};
    uint64_t pairs;
    NB_TRY(sorted_copy(&id_sorted, id, id_count, "ID", err));
    NB_TRY(sorted_copy(&ood_sorted, ood, ood_count, "OOD", err));
    if (__builtin_mul_overflow((uint64_t)id_count, (uint64_t)ood_count, &pairs) || pairs > UINT64_MAX / 2) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu ID times %zu OOD images are too many pairs to count in 64 bits",
                         id_count, ood_count);
        goto done;
    }
    NB_TRY_NEW(bins, id_count + ood_count);
    c.count = count_bins(bins, id_sorted, id_count, ood_sorted, ood_count);
    NB_TRY_NEW(c.points, c.count);

    nb_metrics m;
    curve_in(&c, bins);
    m.auroc = area_under_roc(&c);
    m.fpr95_id_positive = fpr_nearest_recall(&c);
    precision_areas(&c, &m.aupr_in, &m.average_precision_in);
    curve_out(&c, bins);
    m.fpr95_ood_positive = fpr_reaching_recall(&c);
    precision_areas(&c, &m.aupr_out, &m.average_precision_out);
    *out = m;
done:
    free(c.points);
    free(bins);
    free(ood_sorted);
    free(id_sorted);
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

void nb_metrics_mean(nb_metrics *out, const nb_metrics *rows, size_t count)
{
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += nb_metric_get(&rows[i], k);
        }
        double mean = count ? sum / (double)count : (double)NAN;
        memcpy((char *)out + fields[k].offset, &mean, sizeof mean);
    }
}
