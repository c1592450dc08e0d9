#include "common/base/file.h"
#include "scoring/report/report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes value over. */
static nb_status report_json_set(json_t *object, const char *key, json_t *value, nb_error *err)
{
    return json_object_set_new(object, key, value) == 0
               ? NB_OK
               : nb_fail(err, NB_ERR_LIMIT, "cannot put '%s' into the report: no memory or no UTF-8", key);
}

/* Which part of a figure is written. */
typedef enum part { VALUE, DEVIATION, INTERVAL } part;

static json_t *report_json_figure(const nb_figure *f, part what)
{
    if (what == INTERVAL) {
        return json_pack("[f, f]", f->low, f->high);
    }
    return json_real(what == VALUE ? f->value : f->deviation);
}

static bool report_json_is_finite(const nb_figure *f, part what)
{
    return what == INTERVAL ? isfinite(f->low) && isfinite(f->high) : isfinite(what == VALUE ? f->value : f->deviation);
}

static nb_status report_json_set_line(const nb_report *r, size_t line, part what, json_t *object, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t k = 0; status == NB_OK && k < NB_METRIC_COUNT; k++) {
        const nb_figure *f = nb_report_figure(r, line, k);
        if (!report_json_is_finite(f, what)) {
            return nb_fail(err, NB_ERR_NUMERIC, "%s of '%s' is not a finite number", nb_metric_key(k),
                           nb_report_name(r, line));
        }
        status = report_json_set(object, nb_metric_key(k), report_json_figure(f, what), err);
    }
    return status;
}

/* A group's sets by name. */
static json_t *report_json_members(const nb_report *r, size_t group)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->set_count; i++) {
        if (r->group_of[i] == group) {
            json_array_append_new(list, json_string(nb_strings_get(&r->names, i)));
        }
    }
    return list;
}

/* datasets, groups, mean and id_accuracy of one part of the figures. */
static nb_status report_json_set_figures(const nb_report *r, part what, json_t *root, nb_error *err)
{
    json_t *datasets = json_object();
    json_t *groups = NULL;
    nb_status status;
    NB_TRY(report_json_set(root, "datasets", datasets, err));
    if (r->group_count) {
        groups = json_object();
        NB_TRY(report_json_set(root, "groups", groups, err));
    }
    for (size_t l = 0; l < r->line_count; l++) {
        json_t *line = json_object();
        nb_line_kind kind = nb_report_kind(r, l);
        json_t *parent = kind == NB_LINE_SET ? datasets : kind == NB_LINE_GROUP ? groups : root;
        NB_TRY(report_json_set(parent, nb_report_name(r, l), line, err));
        if (kind == NB_LINE_GROUP && what == VALUE) {
            NB_TRY(report_json_set(line, "datasets", report_json_members(r, l - r->set_count), err));
        }
        NB_TRY(report_json_set_line(r, l, what, line, err));
    }
    NB_TRY(report_json_set(
        root, "id_accuracy",
        report_json_is_finite(&r->accuracy, what) ? report_json_figure(&r->accuracy, what) : json_null(), err));
done:
    return status;
}

static nb_status report_json_set_runs(const nb_report *r, json_t *root, nb_error *err)
{
    json_t *runs = json_array();
    nb_status status;
    NB_TRY(report_json_set(root, "runs", runs, err));
    for (size_t i = 0; i < r->run_count; i++) {
        json_t *run = json_object();
        json_t *datasets = json_object();
        json_array_append_new(runs, run);
        NB_TRY(report_json_set(run, "datasets", datasets, err));
        for (size_t l = 0; l < r->line_count; l++) {
            if (nb_report_kind(r, l) == NB_LINE_GROUP) {
                continue;
            }
            json_t *line = json_object();
            NB_TRY(report_json_set(l < r->set_count ? datasets : run, nb_report_name(r, l), line, err));
            for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
                double value = nb_metric_get(&r->runs[i * r->line_count + l], k);
                NB_TRY(report_json_set(line, nb_metric_key(k), json_real(value), err));
            }
        }
        NB_TRY(report_json_set(run, "id_accuracy", isnan(r->accuracies[i]) ? json_null() : json_real(r->accuracies[i]),
                               err));
    }
done:
    return status;
}

static nb_status report_json_set_images(const nb_report *r, json_t *root, nb_error *err)
{
    json_t *images = json_object();
    nb_status status;
    NB_TRY(report_json_set(root, "images", images, err));
    for (size_t i = 0; i < r->set_count; i++) {
        json_t *counts =
            json_pack("{s:I, s:I}", "id", (json_int_t)r->id_images[i], "ood", (json_int_t)r->ood_images[i]);
        NB_TRY(report_json_set(images, nb_strings_get(&r->names, i), counts, err));
    }
done:
    return status;
}

static nb_status report_json_set_intervals(const nb_report *r, json_t *root, nb_error *err)
{
    json_t *intervals = json_pack("{s:f, s:I, s:I}", "confidence", r->confidence, "resamples", (json_int_t)r->resamples,
                                  "seed", (json_int_t)r->seed);
    nb_status status = report_json_set(root, "intervals", intervals, err);
    return status == NB_OK ? report_json_set_figures(r, INTERVAL, intervals, err) : status;
}

/* The published figures there are, in the shape of ours. */
static nb_status report_json_set_published(const nb_report *r, json_t *root, nb_error *err)
{
    json_t *published = json_object();
    json_t *datasets = json_object();
    json_t *groups = json_object();
    nb_status status;
    NB_TRY(report_json_set(root, "published", published, err));
    NB_TRY(report_json_set(published, "source", r->published_from ? json_string(r->published_from) : json_null(), err));
    NB_TRY(report_json_set(published, "datasets", datasets, err));
    NB_TRY(report_json_set(published, "groups", groups, err));
    for (size_t l = 0; l < r->line_count; l++) {
        json_t *line = json_object();
        nb_line_kind kind = nb_report_kind(r, l);
        json_t *parent = kind == NB_LINE_SET ? datasets : kind == NB_LINE_GROUP ? groups : published;
        NB_TRY(report_json_set(parent, nb_report_name(r, l), line, err));
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            double value = nb_report_published(r, l, k);
            if (!isnan(value)) {
                NB_TRY(report_json_set(line, nb_metric_key(k), json_real(value), err));
            }
        }
    }
done:
    return status;
}

static json_t *report_json_metrics(const nb_metrics *m)
{
    json_t *object = json_object();
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        json_object_set_new(object, nb_metric_key(k), json_real(nb_metric_get(m, k)));
    }
    return object;
}

static json_t *report_json_texts(const nb_strings *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->count; i++) {
        json_array_append_new(list, json_string(nb_strings_get(texts, i)));
    }
    return list;
}

static nb_status report_json_set_leaks(const nb_report *r, json_t *root, nb_error *err)
{
    json_t *leakage = json_object();
    nb_status status;
    NB_TRY(report_json_set(root, "leakage", leakage, err));
    for (size_t i = 0; i < r->leak_count; i++) {
        const nb_leak *leak = &r->leaks[i];
        json_t *set = json_object();
        NB_TRY(report_json_set(leakage, nb_strings_get(&r->names, leak->set), set, err));
        NB_TRY(report_json_set(set, "names", json_integer((json_int_t)leak->names), err));
        NB_TRY(report_json_set(set, "equal", report_json_texts(&leak->equal), err));
        NB_TRY(report_json_set(set, "whole", report_json_metrics(&leak->with), err));
        NB_TRY(report_json_set(set, "without_equal", report_json_metrics(&leak->without_equal), err));
        if (leak->embedded) {
            NB_TRY(report_json_set(set, "nearest", report_json_texts(&leak->nearest), err));
            NB_TRY(report_json_set(set, "without_either", report_json_metrics(&leak->without_either), err));
        }
    }
done:
    return status;
}

nb_status nb_report_json(const nb_report *r, const char *provenance, const char *path, bool force, nb_error *err)
{
    json_t *root = json_object();
    char *text = NULL;
    nb_buffer out = {0};
    nb_status status;
    NB_TRY(report_json_set_figures(r, VALUE, root, err));
    if (r->id_images[0]) {
        NB_TRY(report_json_set_images(r, root, err));
    }
    if (r->run_count > 1) {
        json_t *deviation = json_object();
        NB_TRY(report_json_set(root, "deviation", deviation, err));
        NB_TRY(report_json_set_figures(r, DEVIATION, deviation, err));
        NB_TRY(report_json_set_runs(r, root, err));
    }
    if (r->resamples) {
        NB_TRY(report_json_set_intervals(r, root, err));
    }
    if (r->published) {
        NB_TRY(report_json_set_published(r, root, err));
    }
    if (r->leak_count) {
        NB_TRY(report_json_set_leaks(r, root, err));
    }
    if (provenance) {
        NB_TRY(report_json_set(root, "provenance", json_loads(provenance, 0, NULL), err));
    }
    text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (!text) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for the report '%s'", path);
        goto done;
    }
    NB_TRY(nb_buffer_printf(&out, err, "%s\n", text));
    NB_TRY(nb_file_write(path, force, out.data, out.len, err));
done:
    nb_buffer_free(&out);
    free(text);
    json_decref(root);
    return status;
}
