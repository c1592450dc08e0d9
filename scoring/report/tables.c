#include "scoring/report/tables.h"

#include "common/base/file.h"
#include "scoring/report/escape.h"

#include <math.h>
#include <string.h>

/* What a cell of the table on screen says. */
typedef enum part { VALUE, DEVIATION, INTERVAL } part;

enum { INTERVAL_WIDTH = 13 }; /* "100.00-100.00" */

static void tables_print_name(FILE *out, const char *name, size_t width)
{
    fputs(name, out);
    for (size_t i = nb_display_width(name); i < width; i++) {
        fputc(' ', out);
    }
}

/* Room for the title and for "100.00", or for an interval. */
static int tables_column_width(size_t k, part what)
{
    int title = (int)strlen(nb_metric_title(k));
    int least = what == INTERVAL ? INTERVAL_WIDTH : 6;
    return title < least ? least : title;
}

static void tables_print_figure(FILE *out, const nb_figure *f, part what, int width)
{
    char text[64];
    if (what == INTERVAL) {
        snprintf(text, sizeof text, "%.2f-%.2f", 100 * f->low, 100 * f->high);
    } else {
        snprintf(text, sizeof text, "%.2f", 100 * (what == VALUE ? f->value : f->deviation));
    }
    fprintf(out, "  %*s", width, text);
}

static void tables_print_block(const nb_report *r, FILE *out, const char *corner, part what)
{
    static const char accuracy[] = "ID accuracy";
    size_t width = sizeof accuracy - 1;
    width = strlen(corner) > width ? strlen(corner) : width;
    for (size_t l = 0; l < r->line_count; l++) {
        size_t own = nb_display_width(nb_report_name(r, l));
        width = own > width ? own : width;
    }
    tables_print_name(out, corner, width);
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        fprintf(out, "  %*s", tables_column_width(k, what), nb_metric_title(k));
    }
    fputc('\n', out);
    for (size_t l = 0; l < r->line_count; l++) {
        tables_print_name(out, nb_report_name(r, l), width);
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            tables_print_figure(out, nb_report_figure(r, l, k), what, tables_column_width(k, what));
        }
        fputc('\n', out);
    }
    tables_print_name(out, accuracy, width);
    if (isnan(r->accuracy.value)) {
        fputs("  unknown (no labels)", out);
    } else {
        tables_print_figure(out, &r->accuracy, what, what == INTERVAL ? INTERVAL_WIDTH : 6);
    }
    fputc('\n', out);
}

/* Whether a column (or, with the column SIZE_MAX, a row) has a published figure. */
static bool tables_is_published(const nb_report *r, size_t line, size_t metric)
{
    for (size_t l = 0; l < r->line_count; l++) {
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            bool asked = metric == SIZE_MAX ? l == line : k == metric;
            if (asked && !isnan(nb_report_published(r, l, k))) {
                return true;
            }
        }
    }
    return false;
}

enum { PUBLISHED_WIDTH = 17 }; /* "100.00 (+100.00)", and the longest title */

/* What a paper reports, and how far our figures are from it. */
static void tables_print_published(const nb_report *r, FILE *out)
{
    char text[64];
    size_t width = strlen("percent");
    for (size_t l = 0; l < r->line_count; l++) {
        size_t own = tables_is_published(r, l, SIZE_MAX) ? nb_display_width(nb_report_name(r, l)) : 0;
        width = own > width ? own : width;
    }
    fprintf(out, "\npublished%s%s; in brackets: ours less that\n", r->published_from ? ": " : "",
            r->published_from ? r->published_from : "");
    tables_print_name(out, "percent", width);
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        if (tables_is_published(r, SIZE_MAX, k)) {
            fprintf(out, "  %*s", PUBLISHED_WIDTH, nb_metric_title(k));
        }
    }
    fputc('\n', out);
    for (size_t l = 0; l < r->line_count; l++) {
        if (!tables_is_published(r, l, SIZE_MAX)) {
            continue;
        }
        tables_print_name(out, nb_report_name(r, l), width);
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            double theirs = 100 * nb_report_published(r, l, k), ours = 100 * nb_report_figure(r, l, k)->value;
            snprintf(text, sizeof text, isnan(theirs) ? "-" : "%.2f (%+.2f)", theirs, ours - theirs);
            if (tables_is_published(r, SIZE_MAX, k)) {
                fprintf(out, "  %*s", PUBLISHED_WIDTH, text);
            }
        }
        fputc('\n', out);
    }
}

enum { LEAK_METRICS = 3, LEAK_WIDTH = 30 }; /* AUROC and both FPR95; the first column */

/* A line of the table of leakage. */
static void tables_print_leak(const char *what, size_t lost, const nb_metrics *m, FILE *out)
{
    char text[64];
    if (lost) {
        snprintf(text, sizeof text, "  without %zu %s", lost, what);
    } else {
        snprintf(text, sizeof text, "  %s", what);
    }
    tables_print_name(out, text, LEAK_WIDTH);
    for (size_t k = 0; k < LEAK_METRICS; k++) {
        fprintf(out, "  %*.2f", tables_column_width(k, VALUE), 100 * nb_metric_get(m, k));
    }
    fputc('\n', out);
}

/* Of every set whose classes were named: figures by the whole bank, and without the negatives that name them. */
static void tables_print_leaks(const nb_report *r, FILE *out)
{
    fputs("\nleakage: the bank without negatives that are classes of the OOD set\n", out);
    tables_print_name(out, "percent", LEAK_WIDTH);
    for (size_t k = 0; k < LEAK_METRICS; k++) {
        fprintf(out, "  %*s", tables_column_width(k, VALUE), nb_metric_title(k));
    }
    fputc('\n', out);
    for (size_t i = 0; i < r->leak_count; i++) {
        const nb_leak *leak = &r->leaks[i];
        fprintf(out, "%s, %zu names\n", nb_strings_get(&r->names, leak->set), leak->names);
        tables_print_leak("whole bank", 0, &leak->with, out);
        tables_print_leak(leak->equal.count ? "equal" : "none is equal", leak->equal.count, &leak->without_equal, out);
        if (leak->embedded) {
            tables_print_leak(leak->nearest.count ? "equal or nearest" : "none is nearest either",
                              leak->equal.count + leak->nearest.count, &leak->without_either, out);
        }
    }
}

nb_status nb_report_table(const nb_report *r, FILE *out, nb_error *err)
{
    tables_print_block(r, out, "percent", VALUE);
    if (r->run_count > 1) {
        fprintf(out, "\nstandard deviation over %zu runs\n", r->run_count);
        tables_print_block(r, out, "percent", DEVIATION);
    }
    if (r->resamples) {
        fprintf(out, "\n%g %% intervals, %zu resamples of the images, seed %llu\n", 100 * r->confidence, r->resamples,
                (unsigned long long)r->seed);
        tables_print_block(r, out, "percent", INTERVAL);
    }
    if (r->published) {
        tables_print_published(r, out);
    }
    if (r->leak_count) {
        tables_print_leaks(r, out);
    }
    return fflush(out) == 0 && !ferror(out) ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write the table");
}

/* What stands under the table of a file: how many runs, what the brackets are. */
static nb_status tables_explain(const nb_report *r, nb_buffer *b, const char *percent, nb_error *err)
{
    nb_status status = NB_OK;
    if (isnan(r->accuracy.value)) {
        NB_TRY(nb_buffer_printf(b, err, "ID accuracy unknown (no labels)."));
    } else {
        NB_TRY(nb_buffer_printf(b, err, "ID accuracy %.2f%s.", 100 * r->accuracy.value, percent));
    }
    if (r->run_count > 1) {
        NB_TRY(nb_buffer_printf(b, err, " Mean and standard deviation over %zu runs.", r->run_count));
    }
    if (r->resamples) {
        NB_TRY(nb_buffer_printf(b, err,
                                " In brackets: %g%s bootstrap intervals, %zu resamples of the images, seed %llu.",
                                100 * r->confidence, percent, r->resamples, (unsigned long long)r->seed));
    }
done:
    return status;
}

static nb_status tables_markdown_row(const nb_report *r, size_t line, nb_buffer *b, nb_error *err)
{
    const char *strong = nb_report_kind(r, line) == NB_LINE_SET ? "" : "**";
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "| %s", strong));
    NB_TRY(nb_escape_markdown(b, nb_report_name(r, line), err));
    NB_TRY(nb_buffer_printf(b, err, "%s |", strong));
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        const nb_figure *f = nb_report_figure(r, line, k);
        NB_TRY(nb_buffer_printf(b, err, " %s%.2f%s", strong, 100 * f->value, strong));
        if (r->run_count > 1) {
            NB_TRY(nb_buffer_printf(b, err, " \xC2\xB1 %.2f", 100 * f->deviation));
        }
        if (r->resamples) {
            NB_TRY(nb_buffer_printf(b, err, " [%.2f, %.2f]", 100 * f->low, 100 * f->high));
        }
        NB_TRY(nb_buffer_printf(b, err, " |"));
    }
    NB_TRY(nb_buffer_printf(b, err, "\n"));
done:
    return status;
}

nb_status nb_report_markdown(const nb_report *r, const char *path, bool force, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&b, err, "| OOD set, percent |"));
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        NB_TRY(nb_buffer_printf(&b, err, " %s |", nb_metric_title(k)));
    }
    NB_TRY(nb_buffer_printf(&b, err, "\n|:--|"));
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        NB_TRY(nb_buffer_printf(&b, err, "--:|"));
    }
    NB_TRY(nb_buffer_printf(&b, err, "\n"));
    for (size_t l = 0; l < r->line_count; l++) {
        NB_TRY(tables_markdown_row(r, l, &b, err));
    }
    NB_TRY(nb_buffer_printf(&b, err, "\n"));
    NB_TRY(tables_explain(r, &b, " %", err));
    NB_TRY(nb_buffer_printf(&b, err, "\n"));
    NB_TRY(nb_file_write(path, force, b.data, b.len, err));
done:
    nb_buffer_free(&b);
    return status;
}

static nb_status tables_latex_row(const nb_report *r, size_t line, nb_buffer *b, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_escape_latex(b, nb_report_name(r, line), err));
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        const nb_figure *f = nb_report_figure(r, line, k);
        NB_TRY(nb_buffer_printf(b, err, " & %.2f", 100 * f->value));
        if (r->run_count > 1) {
            NB_TRY(nb_buffer_printf(b, err, " {\\scriptsize $\\pm$\\,%.2f}", 100 * f->deviation));
        }
        if (r->resamples) {
            NB_TRY(nb_buffer_printf(b, err, " {\\scriptsize [%.2f, %.2f]}", 100 * f->low, 100 * f->high));
        }
    }
    NB_TRY(nb_buffer_printf(b, err, " \\\\\n"));
done:
    return status;
}

nb_status nb_report_latex(const nb_report *r, const char *path, bool force, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&b, err, "%% \\usepackage{booktabs}; percent. "));
    NB_TRY(tables_explain(r, &b, " percent", err));
    NB_TRY(nb_buffer_printf(&b, err, "\n\\begin{tabular}{l"));
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        NB_TRY(nb_buffer_printf(&b, err, "r"));
    }
    NB_TRY(nb_buffer_printf(&b, err, "}\n\\toprule\nOOD set"));
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        NB_TRY(nb_buffer_printf(&b, err, " & %s", nb_metric_title(k)));
    }
    NB_TRY(nb_buffer_printf(&b, err, " \\\\\n\\midrule\n"));
    for (size_t l = 0; l < r->line_count; l++) {
        if (l == r->set_count) {
            NB_TRY(nb_buffer_printf(&b, err, "\\midrule\n"));
        }
        NB_TRY(tables_latex_row(r, l, &b, err));
    }
    NB_TRY(nb_buffer_printf(&b, err, "\\bottomrule\n\\end{tabular}\n"));
    NB_TRY(nb_file_write(path, force, b.data, b.len, err));
done:
    nb_buffer_free(&b);
    return status;
}

/* An empty field for a number there is not. */
static nb_status tables_csv_number(nb_buffer *b, double value, nb_error *err)
{
    return isnan(value) ? nb_buffer_printf(b, err, ",") : nb_buffer_printf(b, err, ",%.17g", value);
}

/* The first fields of a row. */
typedef struct csv_words {
    const char *kind, *name, *group, *metric;
} csv_words;

static nb_status tables_csv_row(nb_buffer *b, csv_words w, const nb_figure *f, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "%s,", w.kind));
    NB_TRY(nb_escape_csv(b, w.name, err));
    NB_TRY(nb_buffer_printf(b, err, ","));
    NB_TRY(nb_escape_csv(b, w.group, err));
    NB_TRY(nb_buffer_printf(b, err, ",%s", w.metric));
    NB_TRY(tables_csv_number(b, f->value, err));
    NB_TRY(tables_csv_number(b, f->deviation, err));
    NB_TRY(tables_csv_number(b, f->low, err));
    NB_TRY(tables_csv_number(b, f->high, err));
done:
    return status;
}

nb_status nb_report_csv(const nb_report *r, const char *path, bool force, nb_error *err)
{
    static const char *const kinds[] = {"dataset", "group", "mean"};
    nb_buffer b = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&b, err, "kind,name,group,metric,value,deviation,low,high,id_images,ood_images\n"));
    for (size_t l = 0; l < r->line_count; l++) {
        bool set = l < r->set_count;
        const char *group = set && r->group_of[l] != SIZE_MAX ? nb_strings_get(&r->groups, r->group_of[l]) : "";
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            NB_TRY(tables_csv_row(
                &b, (csv_words){kinds[nb_report_kind(r, l)], nb_report_name(r, l), group, nb_metric_key(k)},
                nb_report_figure(r, l, k), err));
            if (set && r->id_images[l]) {
                NB_TRY(nb_buffer_printf(&b, err, ",%zu,%zu\n", r->id_images[l], r->ood_images[l]));
            } else {
                NB_TRY(nb_buffer_printf(&b, err, ",,\n"));
            }
        }
    }
    NB_TRY(tables_csv_row(&b, (csv_words){"id", "", "", "id_accuracy"}, &r->accuracy, err));
    NB_TRY(nb_buffer_printf(&b, err, ",,\n"));
    NB_TRY(nb_file_write(path, force, b.data, b.len, err));
done:
    nb_buffer_free(&b);
    return status;
}
