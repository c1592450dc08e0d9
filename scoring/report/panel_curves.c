#include "scoring/report/panel_curves.h"

#include "scoring/report/chart.h"
#include "scoring/report/escape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BINS_MIN = 16, BINS_MAX = 64 };

/* ---- histograms ---- */

static int panel_curves_ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The range that holds all finite keys but the outermost 0.1 % on each side. */
static nb_status panel_curves_range_of(const nb_evaluation *e, double *low, double *high, nb_error *err)
{
    double *all = NULL;
    size_t capacity = 0;
    size_t count = 0;
    nb_status status;
    size_t per_run = e->sample_count / e->run_count;
    for (size_t i = 0; i < per_run; i++) {
        capacity += e->samples[i].scores.count;
    }
    NB_TRY_NEW(all, capacity);
    for (size_t i = 0; i < per_run; i++) {
        for (size_t k = 0; k < e->samples[i].scores.count; k++) {
            if (isfinite(e->samples[i].keys[k])) {
                all[count++] = e->samples[i].keys[k];
            }
        }
    }
    *low = -1;
    *high = 1;
    if (count) {
        qsort(all, count, sizeof *all, panel_curves_ascending);
        *low = all[count / 1000];
        *high = all[count - 1 - count / 1000];
    }
    if (!(*high - *low > 1e-9 * (fabs(*low) + fabs(*high)))) {
        double middle = *low;
        double margin = fabs(middle) > 1 ? 0.1 * fabs(middle) : 0.5;
        *low = middle - margin;
        *high = middle + margin;
    }
    double margin = 0.02 * (*high - *low);
    *low -= margin;
    *high += margin;
done:
    free(all);
    return status;
}

/* As many bins as the smaller sample can fill: 2.5 n^(1/3). */
static size_t panel_curves_bins_for(size_t a, size_t b)
{
    double bins = 2.5 * cbrt((double)(a < b ? a : b));
    return bins < BINS_MIN ? BINS_MIN : bins > BINS_MAX ? BINS_MAX : (size_t)bins;
}

/* The outline of the histogram of a sample in percent, 2 points a bin; returns its highest value. Keys beyond the range
 * count in the outermost bins. */
static double panel_curves_outline(const nb_sample *s, double low, double high, size_t bins, nb_point *points)
{
    size_t counts[BINS_MAX] = {0};
    double width = (high - low) / (double)bins;
    double most = 0;
    for (size_t i = 0; i < s->scores.count; i++) {
        double at = floor((s->keys[i] - low) / width);
        counts[at >= (double)bins ? bins - 1 : at > 0 ? (size_t)at : 0]++;
    }
    for (size_t i = 0; i < bins; i++) {
        double share = 100 * (double)counts[i] / (double)s->scores.count;
        points[2 * i] = (nb_point){low + (double)i * width, share};
        points[2 * i + 1] = (nb_point){low + (double)(i + 1) * width, share};
        most = share > most ? share : most;
    }
    return most;
}

static const char *panel_curves_key_label(const nb_evaluation *e)
{
    return e->log_odds      ? "score (log-odds)"
           : e->odds        ? "log-odds of the score: ln(score) \xE2\x88\x92 ln(1 \xE2\x88\x92 score)"
           : e->as_released ? "score (single precision)"
                            : "score";
}

/* range: from its x to its y. */
static nb_status panel_curves_draw_histogram(nb_panels *out, const nb_evaluation *e, const nb_report *r, size_t set,
                                             nb_point range, nb_error *err)
{
    double low = range.x, high = range.y;
    const nb_sample *id = &e->samples[e->pairs[set].id];
    const nb_sample *ood = &e->samples[e->pairs[set].ood];
    const char *name = nb_strings_get(&r->names, set);
    nb_point points[2][2 * BINS_MAX];
    size_t bins = panel_curves_bins_for(id->scores.count, ood->scores.count);
    char file[160];
    nb_buffer title = {0};
    double threshold;
    nb_status status;
    snprintf(file, sizeof file, "scores-%zu-%.100s", set + 1, name);
    nb_panel *panel = nb_panels_add(out, NB_SECTION_SCORES, file, err);
    status = panel ? NB_OK : NB_ERR_LIMIT;
    NB_TRY(status);
    NB_TRY(nb_buffer_printf(&title, err, "Scores: ID against "));
    NB_TRY(nb_shorten(&title, name, 32, err));
    NB_TRY(nb_key_at_recall(id->keys, id->scores.count, 0.95, &threshold, err));
    double most = panel_curves_outline(id, low, high, bins, points[0]);
    double other = panel_curves_outline(ood, low, high, bins, points[1]);
    most = other > most ? other : most;
    const nb_series series[] = {
        {.name = "ID images", .ink = NB_INK_ID, .shape = NB_SHAPE_AREA, .points = points[0], .count = 2 * bins},
        {.name = name, .ink = nb_ink_of_set(set), .shape = NB_SHAPE_AREA, .points = points[1], .count = 2 * bins},
    };
    const nb_chart chart = {.title = title.data,
                            .x = {.label = panel_curves_key_label(e), .low = low, .high = high},
                            .y = {.label = "share of the images (%)", .low = 0, .high = most * 1.18},
                            .series = series,
                            .series_count = 2,
                            .mark = threshold,
                            .mark_label = "95 % of ID above"};
    NB_TRY(nb_chart_draw(&chart, &panel->drawing, err));
    NB_TRY(nb_panel_caption(panel, err, "%zu ID images, %zu OOD images.", id->scores.count, ood->scores.count));
done:
    nb_buffer_free(&title);
    return status;
}

nb_status nb_panels_scores(nb_panels *out, const nb_evaluation *e, const nb_report *r, nb_error *err)
{
    double low, high;
    nb_status status;
    NB_TRY(panel_curves_range_of(e, &low, &high, err));
    for (size_t set = 0; set < e->set_count; set++) {
        NB_TRY(panel_curves_draw_histogram(out, e, r, set, (nb_point){low, high}, err));
    }
done:
    return status;
}

/* ---- curves ---- */

typedef enum curve { ROC, PRECISION_IN, PRECISION_OUT } curve;

/* One point of a curve, in percent, from how many of each kind lie beyond a threshold. */
static nb_point panel_curves_point_of(curve kind, double positive, double negative, double positives, double negatives)
{
    if (kind == ROC) {
        return (nb_point){100 * negative / negatives, 100 * positive / positives};
    }
    double beyond = positive + negative;
    return (nb_point){100 * positive / positives, beyond > 0 ? 100 * positive / beyond : 100};
}

/* Keeps what moves by more than a third of a pixel or so, and the ends. */
static size_t panel_curves_thin(nb_point *points, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool end = i == 0 || i + 1 == count;
        if (end || fabs(points[i].x - points[kept - 1].x) > 0.1 || fabs(points[i].y - points[kept - 1].y) > 0.1) {
            points[kept++] = points[i];
        }
    }
    return kept;
}

static nb_status panel_curves_trace(curve kind, const nb_ranking *ranking, nb_point **out, size_t *count, nb_error *err)
{
    nb_step *steps = NULL;
    double positive = 0;
    double negative = 0;
    size_t n = ranking->step_count;
    bool down = kind != PRECISION_OUT;
    double positives = (double)(down ? ranking->id_count : ranking->ood_count);
    double negatives = (double)(down ? ranking->ood_count : ranking->id_count);
    nb_status status;
    NB_TRY_NEW(*out, n + 1);
    NB_TRY_NEW(steps, n);
    nb_ranking_count(ranking, NULL, NULL, steps);
    (*out)[0] = panel_curves_point_of(kind, 0, 0, positives, negatives);
    for (size_t i = 0; i < n; i++) {
        const nb_step *s = &steps[down ? i : n - 1 - i];
        positive += (double)(down ? s->id : s->ood);
        negative += (double)(down ? s->ood : s->id);
        (*out)[i + 1] = panel_curves_point_of(kind, positive, negative, positives, negatives);
    }
    *count = panel_curves_thin(*out, n + 1);
done:
    free(steps);
    return status;
}

static const struct {
    const char *file, *title, *x, *y, *caption;
    size_t metric;
} curves[] = {
    {"roc", "ROC", "OOD images accepted (%)", "ID images accepted (%)",
     "Every threshold gives one point; the further to the upper left, the better.", 0},
    {"precision-recall-in", "Precision and recall, ID positive", "recall: ID images accepted (%)",
     "precision: ID among accepted (%)", "Depends on how many images of each kind there are.", 3},
    {"precision-recall-out", "Precision and recall, OOD positive", "recall: OOD images rejected (%)",
     "precision: OOD among rejected (%)", "Depends on how many images of each kind there are.", 4},
};

static nb_status panel_curves_draw_curves(nb_panels *out, curve kind, const nb_ranking *rankings, const nb_report *r,
                                          nb_error *err)
{
    size_t sets = r->set_count;
    nb_series *series = NULL;
    nb_point **points = NULL;
    nb_panel *panel = nb_panels_add(out, NB_SECTION_CURVES, curves[kind].file, err);
    nb_status status = panel ? NB_OK : NB_ERR_LIMIT;
    NB_TRY(status);
    NB_TRY_NEW(series, sets);
    NB_TRY_NEW(points, sets);
    for (size_t set = 0; set < sets; set++) {
        size_t count;
        NB_TRY(panel_curves_trace(kind, &rankings[set], &points[set], &count, err));
        series[set] = (nb_series){.name = nb_strings_get(&r->names, set),
                                  .ink = nb_ink_of_set(set),
                                  .points = points[set],
                                  .count = count,
                                  .width = set < 4 ? 4 - 0.8 * (double)set : 1.4, /* equal curves show as rims */
                                  .dashed = set >= NB_INK_SERIES};
    }
    const nb_chart chart = {.title = curves[kind].title,
                            .x = {.label = curves[kind].x, .low = 0, .high = 100},
                            .y = {.label = curves[kind].y, .low = 0, .high = 100},
                            .series = series,
                            .series_count = sets,
                            .mark = (double)NAN};
    NB_TRY(nb_chart_draw(&chart, &panel->drawing, err));
    NB_TRY(nb_panel_caption(panel, err, "%s", curves[kind].caption));
done:
    for (size_t set = 0; points && set < sets; set++) {
        free(points[set]);
    }
    free(points);
    free(series);
    return status;
}

nb_status nb_panels_curves(nb_panels *out, const nb_evaluation *e, const nb_report *r, nb_error *err)
{
    nb_ranking *rankings = NULL;
    nb_status status;
    NB_TRY_NEW(rankings, e->set_count);
    for (size_t set = 0; set < e->set_count; set++) {
        const nb_sample *id = &e->samples[e->pairs[set].id];
        const nb_sample *ood = &e->samples[e->pairs[set].ood];
        NB_TRY(nb_ranking_create(&rankings[set], id->keys, id->scores.count, ood->keys, ood->scores.count, err));
    }
    for (size_t kind = ROC; kind <= PRECISION_OUT; kind++) {
        NB_TRY(panel_curves_draw_curves(out, (curve)kind, rankings, r, err));
    }
done:
    for (size_t set = 0; rankings && set < e->set_count; set++) {
        nb_ranking_destroy(&rankings[set]);
    }
    free(rankings);
    return status;
}
