#include "scoring/report/bootstrap.h"

#include "common/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All that a resample needs. */
typedef struct work {
    const nb_evaluation *e;
    const nb_bootstrap *how;
    const nb_report *report;
    nb_ranking *rankings; /* [run_count, set_count] */
    uint32_t *id_weight, *ood_weight;
    nb_step *steps;
    nb_metrics *rows, *lines; /* [set_count], [line_count] */
    double *samples;          /* [figure_count, resamples] */
    size_t figure_count;      /* of all lines, and the accuracy */
} work;

/* Two draws from each random number: 32 bits times a count below 2^32 are biased by less than count / 2^32. */
void nb_bootstrap_draw(uint32_t *weight, const uint32_t *order, size_t count, uint64_t seed, uint64_t stream,
                       uint64_t resample)
{
    uint64_t at = resample << 32;
    memset(weight, 0, count * sizeof *weight);
    for (size_t i = 0; i < count; i += 2) {
        uint64_t bits = nb_random_u64(seed, stream, at++);
        weight[order[(uint64_t)(uint32_t)bits * count >> 32]]++;
        if (i + 1 < count) {
            weight[order[(bits >> 32) * count >> 32]]++;
        }
    }
}

double nb_bootstrap_quantile(const double *sorted, size_t count, double q)
{
    double place = q * (double)(count - 1);
    size_t low = (size_t)floor(place);
    size_t high = low + 1 < count ? low + 1 : low;
    double part = place - (double)low;
    return sorted[low] + part * (sorted[high] - sorted[low]);
}

/* Accuracy of resampled ID images; NaN when none with a label was drawn. */
static double bootstrap_accuracy(const nb_scores *s, const uint32_t *weight)
{
    uint64_t known = 0;
    uint64_t right = 0;
    for (size_t i = 0; i < s->count; i++) {
        known += s->labels[i] >= 0 ? weight[i] : 0;
        right += s->labels[i] >= 0 && s->classes[i] == s->labels[i] ? weight[i] : 0;
    }
    return known ? (double)right / (double)known : (double)NAN;
}

/* One run of one resample, its share of every figure's mean over the runs added. */
static void bootstrap_resample_run(work *w, size_t resample, size_t run)
{
    const nb_evaluation *e = w->e;
    const nb_pairing *pairs = e->pairs + run * e->set_count;
    double runs = (double)e->run_count;
    double share = 0;
    for (size_t set = 0; set < e->set_count; set++) {
        const nb_sample *id = &e->samples[pairs[set].id];
        const nb_sample *ood = &e->samples[pairs[set].ood];
        const nb_ranking *ranking = &w->rankings[run * e->set_count + set];
        if (set == 0 || pairs[set].id != pairs[set - 1].id) {
            nb_bootstrap_draw(w->id_weight, id->by_name, id->scores.count, w->how->seed, 0, resample);
        }
        nb_bootstrap_draw(w->ood_weight, ood->by_name, ood->scores.count, w->how->seed, 1 + set, resample);
        nb_ranking_count(ranking, w->id_weight, w->ood_weight, w->steps);
        nb_metrics_of_steps(&w->rows[set], w->steps, ranking->step_count);
        share += bootstrap_accuracy(&id->scores, w->id_weight) / (double)e->set_count;
    }
    nb_report_lines(w->report, w->rows, w->lines);
    for (size_t f = 0; f + 1 < w->figure_count; f++) {
        w->samples[f * w->how->resamples + resample] +=
            nb_metric_get(&w->lines[f / NB_METRIC_COUNT], f % NB_METRIC_COUNT) / runs;
    }
    w->samples[(w->figure_count - 1) * w->how->resamples + resample] += share / runs;
}

static int bootstrap_ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bootstrap_settle(work *w, nb_report *report)
{
    size_t n = w->how->resamples;
    double tail = (1 - w->how->confidence) / 2;
    for (size_t f = 0; f < w->figure_count; f++) {
        bool last = f + 1 == w->figure_count;
        nb_figure *figure = last ? &report->accuracy : &report->figures[f];
        double *samples = w->samples + f * n;
        size_t known = 0;
        for (size_t i = 0; i < n; i++) {
            if (!isnan(samples[i])) {
                samples[known++] = samples[i];
            }
        }
        if (known) {
            qsort(samples, known, sizeof *samples, bootstrap_ascending);
            figure->low = nb_bootstrap_quantile(samples, known, tail);
            figure->high = nb_bootstrap_quantile(samples, known, 1 - tail);
        }
    }
    report->resamples = n;
    report->confidence = w->how->confidence;
    report->seed = w->how->seed;
}

static nb_status bootstrap_prepare(work *w, nb_error *err)
{
    const nb_evaluation *e = w->e;
    size_t most_id = 0, most_ood = 0, most_steps = 0, figures;
    nb_status status;
    NB_TRY_NEW(w->rankings, e->run_count * e->set_count);
    for (size_t i = 0; i < e->run_count * e->set_count; i++) {
        const nb_sample *id = &e->samples[e->pairs[i].id];
        const nb_sample *ood = &e->samples[e->pairs[i].ood];
        NB_TRY(nb_ranking_create(&w->rankings[i], id->keys, id->scores.count, ood->keys, ood->scores.count, err));
        most_id = id->scores.count > most_id ? id->scores.count : most_id;
        most_ood = ood->scores.count > most_ood ? ood->scores.count : most_ood;
        most_steps = w->rankings[i].step_count > most_steps ? w->rankings[i].step_count : most_steps;
    }
    NB_TRY_NEW(w->id_weight, most_id);
    NB_TRY_NEW(w->ood_weight, most_ood);
    NB_TRY_NEW(w->steps, most_steps);
    NB_TRY_NEW(w->rows, e->set_count);
    NB_TRY_NEW(w->lines, w->report->line_count);
    w->figure_count = w->report->line_count * NB_METRIC_COUNT + 1;
    if (!nb_mul_size(w->figure_count, w->how->resamples, &figures)) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu resamples are too many", w->how->resamples);
        goto done;
    }
    NB_TRY_NEW(w->samples, figures);
done:
    return status;
}

nb_status nb_bootstrap_intervals(const nb_evaluation *e, const nb_bootstrap *how, nb_report *report, nb_error *err)
{
    work w = {.e = e, .how = how, .report = report};
    nb_status status = bootstrap_prepare(&w, err);
    for (size_t b = 0; status == NB_OK && b < how->resamples; b++) {
        for (size_t run = 0; run < e->run_count; run++) {
            bootstrap_resample_run(&w, b, run);
        }
    }
    if (status == NB_OK) {
        bootstrap_settle(&w, report);
    }
    for (size_t i = 0; w.rankings && i < e->run_count * e->set_count; i++) {
        nb_ranking_destroy(&w.rankings[i]);
    }
    free(w.rankings);
    free(w.id_weight);
    free(w.ood_weight);
    free(w.steps);
    free(w.rows);
    free(w.lines);
    free(w.samples);
    return status;
}
