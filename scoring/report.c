#include "scoring/report.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static nb_status need_rows(const nb_report *report, nb_error *err)
{
    return report->count ? NB_OK : nb_fail(err, NB_ERR_INPUT, "no OOD set to report on");
}

nb_status nb_report_add(nb_report *report, const char *name, const nb_metrics *metrics, nb_error *err)
{
    size_t len = strlen(name);
    if (!len || !nb_utf8_valid(name, len)) {
        return nb_fail(err, NB_ERR_INPUT, "the name '%s' of an OOD set is %s", name, len ? "not UTF-8" : "empty");
    }
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(nb_strings_get(&report->names, i), name) == 0) {
            nb_fail(err, NB_ERR_INPUT, "the OOD set '%s' is given twice", name);
            return nb_hint(err, "give each its own NAME=FILE");
        }
    }
    nb_metrics *rows = nb_grow(report->rows, report->count + 1, sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    report->rows = rows;
    nb_status status = nb_strings_push(&report->names, name, len, err);
    if (status != NB_OK) {
        return status;
    }
    rows[report->count++] = *metrics;
    nb_metrics_mean(&report->mean, rows, report->count);
    return NB_OK;
}

void nb_report_free(nb_report *report)
{
    if (report) {
        nb_strings_free(&report->names);
        free(report->rows);
        *report = (nb_report){.id_accuracy = (double)NAN};
    }
}

/* Terminal columns of valid UTF-8: wide characters take two, combining marks none. */
static size_t display_width(const char *text)
{
    size_t width = 0;
    utf8proc_int32_t point = 0;
    for (utf8proc_ssize_t step; *text; text += step) {
        step = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &point);
        if (step < 1) {
            step = 1;
            point = '?';
        }
        width += (size_t)utf8proc_charwidth(point);
    }
    return width;
}

static void print_name(FILE *out, const char *name, size_t width)
{
    size_t own = display_width(name);
    fputs(name, out);
    for (size_t i = own; i < width; i++) {
        fputc(' ', out);
    }
}

/* Room for the title and for "100.00". */
static int column_width(size_t k)
{
    int title = (int)strlen(nb_metric_title(k));
    return title < 6 ? 6 : title;
}

static void print_row(FILE *out, const char *name, size_t width, const nb_metrics *m)
{
    print_name(out, name, width);
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        fprintf(out, "  %*.2f", column_width(k), 100 * nb_metric_get(m, k));
    }
    fputc('\n', out);
}

nb_status nb_report_table(const nb_report *report, FILE *out, nb_error *err)
{
    static const char corner[] = "percent";
    static const char accuracy[] = "ID accuracy";
    nb_status status = need_rows(report, err);
    if (status != NB_OK) {
        return status;
    }
    size_t width = sizeof accuracy - 1;
    for (size_t i = 0; i < report->count; i++) {
        size_t own = display_width(nb_strings_get(&report->names, i));
        width = own > width ? own : width;
    }
    print_name(out, corner, width);
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        fprintf(out, "  %*s", column_width(k), nb_metric_title(k));
    }
    fputc('\n', out);
    for (size_t i = 0; i < report->count; i++) {
        print_row(out, nb_strings_get(&report->names, i), width, &report->rows[i]);
    }
    print_row(out, "mean", width, &report->mean);
    print_name(out, accuracy, width);
    if (isnan(report->id_accuracy)) {
        fputs("  unknown (no labels)\n", out);
    } else {
        fprintf(out, "  %6.2f\n", 100 * report->id_accuracy);
    }
    return fflush(out) == 0 && !ferror(out) ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write the table");
}

/* Takes value over. */
static nb_status set(json_t *object, const char *key, json_t *value, nb_error *err)
{
    return json_object_set_new(object, key, value) == 0
               ? NB_OK
               : nb_fail(err, NB_ERR_LIMIT, "cannot put '%s' into the report: no memory or no UTF-8", key);
}

/* Puts a metrics object under `name` into `parent`. */
static nb_status set_metrics(json_t *parent, const char *name, const nb_metrics *m, nb_error *err)
{
    json_t *object = json_object();
    nb_status status = set(parent, name, object, err);
    for (size_t k = 0; status == NB_OK && k < NB_METRIC_COUNT; k++) {
        double value = nb_metric_get(m, k);
        if (!isfinite(value)) {
            return nb_fail(err, NB_ERR_NUMERIC, "%s of '%s' is not a finite number", nb_metric_key(k), name);
        }
        status = set(object, nb_metric_key(k), json_real(value), err);
    }
    return status;
}

nb_status nb_report_json(const nb_report *report, const char *path, bool force, nb_error *err)
{
    nb_status status = need_rows(report, err);
    if (status != NB_OK) {
        return status;
    }
    json_t *root = json_object();
    json_t *datasets = json_object();
    char *text = NULL;
    nb_buffer out = {0};
    NB_TRY(set(root, "datasets", datasets, err));
    for (size_t i = 0; i < report->count; i++) {
        NB_TRY(set_metrics(datasets, nb_strings_get(&report->names, i), &report->rows[i], err));
    }
    NB_TRY(set_metrics(root, "mean", &report->mean, err));
    NB_TRY(set(root, "id_accuracy", isnan(report->id_accuracy) ? json_null() : json_real(report->id_accuracy), err));
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
