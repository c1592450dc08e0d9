#include "scoring/report/report.h"

#include "common/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool report_has_control(const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return true;
        }
    }
    return false;
}

static nb_status report_check_name(const char *name, const char *what, nb_error *err)
{
    size_t len = strlen(name);
    const char *fault = !len                        ? "empty"
                        : !nb_utf8_valid(name, len) ? "not UTF-8"
                        : report_has_control(name)  ? "not printable: it holds a control character"
                                                    : NULL;
    return fault ? nb_fail(err, NB_ERR_INPUT, "the name '%s' of %s is %s", name, what, fault) : NB_OK;
}

static size_t report_find(const nb_strings *list, const char *name)
{
    size_t i = 0;
    while (i < list->count && strcmp(nb_strings_get(list, i), name) != 0) {
        i++;
    }
    return i;
}

static nb_status report_add_set(nb_report *r, const char *name, const char *group, nb_error *err)
{
    nb_status status;
    NB_TRY(report_check_name(name, "an OOD set", err));
    if (report_find(&r->names, name) < r->names.count) {
        nb_fail(err, NB_ERR_INPUT, "the OOD set '%s' is given twice", name);
        return nb_hint(err, "give each its own NAME=FILE");
    }
    size_t at = SIZE_MAX;
    if (*group) {
        NB_TRY(report_check_name(group, "a group of OOD sets", err));
        at = report_find(&r->groups, group);
        if (at == r->groups.count) {
            NB_TRY(nb_strings_push(&r->groups, group, strlen(group), err));
        }
    }
    r->group_of[r->names.count] = at;
    NB_TRY(nb_strings_push(&r->names, name, strlen(name), err));
done:
    return status;
}

nb_status nb_report_begin(nb_report *r, const nb_strings *names, const nb_strings *groups, nb_error *err)
{
    nb_status status;
    *r = (nb_report){.set_count = names->count, .accuracy = {NAN, NAN, NAN, NAN}};
    if (!names->count) {
        return nb_fail(err, NB_ERR_INPUT, "no OOD set to report on");
    }
    NB_TRY_NEW(r->group_of, names->count);
    NB_TRY_NEW(r->id_images, names->count);
    NB_TRY_NEW(r->ood_images, names->count);
    for (size_t i = 0; i < names->count; i++) {
        NB_TRY(report_add_set(r, nb_strings_get(names, i), nb_strings_get(groups, i), err));
    }
    r->group_count = r->groups.count;
    r->line_count = r->set_count + r->group_count + 1;
    NB_TRY_NEW(r->figures, r->line_count * NB_METRIC_COUNT);
done:
    if (status != NB_OK) {
        nb_report_free(r);
    }
    return status;
}

void nb_report_free(nb_report *r)
{
    if (r) {
        nb_strings_free(&r->names);
        nb_strings_free(&r->groups);
        free(r->group_of);
        free(r->runs);
        free(r->accuracies);
        free(r->figures);
        free(r->id_images);
        free(r->ood_images);
        free(r->published);
        for (size_t i = 0; i < r->leak_count; i++) {
            nb_strings_free(&r->leaks[i].equal);
            nb_strings_free(&r->leaks[i].nearest);
        }
        free(r->leaks);
        *r = (nb_report){0};
    }
}

size_t nb_report_find(const nb_report *r, const char *name)
{
    for (size_t l = 0; l < r->line_count; l++) {
        if (strcmp(nb_report_name(r, l), name) == 0) {
            return l;
        }
    }
    return SIZE_MAX;
}

nb_status nb_report_publish(nb_report *r, size_t line, size_t metric, double value, nb_error *err)
{
    size_t count = r->line_count * NB_METRIC_COUNT;
    nb_status status = NB_OK;
    if (!r->published) {
        NB_TRY_NEW(r->published, count);
        for (size_t i = 0; i < count; i++) {
            r->published[i] = (double)NAN;
        }
    }
    r->published[line * NB_METRIC_COUNT + metric] = value;
done:
    return status;
}

double nb_report_published(const nb_report *r, size_t line, size_t metric)
{
    return r->published ? r->published[line * NB_METRIC_COUNT + metric] : (double)NAN;
}

size_t nb_report_group_size(const nb_report *r, size_t group)
{
    size_t count = 0;
    for (size_t i = 0; i < r->set_count; i++) {
        count += r->group_of[i] == group;
    }
    return count;
}

void nb_report_lines(const nb_report *r, const nb_metrics *rows, nb_metrics *lines)
{
    memcpy(lines, rows, r->set_count * sizeof *rows);
    for (size_t g = 0; g < r->group_count; g++) {
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            double sum = 0;
            for (size_t i = 0; i < r->set_count; i++) {
                sum += r->group_of[i] == g ? nb_metric_get(&rows[i], k) : 0;
            }
            nb_metric_set(&lines[r->set_count + g], k, sum / (double)nb_report_group_size(r, g));
        }
    }
    nb_metrics_mean(&lines[r->line_count - 1], rows, r->set_count);
}

nb_status nb_report_add_run(nb_report *r, const nb_metrics *rows, double accuracy, nb_error *err)
{
    size_t runs = r->run_count + 1;
    nb_metrics *lines = nb_grow(r->runs, runs * r->line_count, sizeof *lines, err);
    r->runs = lines ? lines : r->runs;
    double *accuracies = lines ? nb_grow(r->accuracies, runs, sizeof *accuracies, err) : NULL;
    if (!accuracies) {
        return NB_ERR_LIMIT;
    }
    r->accuracies = accuracies;
    accuracies[r->run_count] = accuracy;
    nb_report_lines(r, rows, lines + r->run_count * r->line_count);
    r->run_count = runs;
    return NB_OK;
}

/* Over the runs: of a line, or behind the last line of the accuracy. */
static nb_figure report_summarise(const nb_report *r, size_t line, size_t metric)
{
    nb_figure f = {.deviation = (double)NAN, .low = (double)NAN, .high = (double)NAN};
    double runs = (double)r->run_count;
    double squares = 0;
    bool accuracy = line == r->line_count;
    for (size_t i = 0; i < r->run_count; i++) {
        f.value += accuracy ? r->accuracies[i] : nb_metric_get(&r->runs[i * r->line_count + line], metric);
    }
    f.value /= runs;
    for (size_t i = 0; i < r->run_count; i++) {
        double x = accuracy ? r->accuracies[i] : nb_metric_get(&r->runs[i * r->line_count + line], metric);
        squares += (x - f.value) * (x - f.value);
    }
    if (r->run_count > 1) {
        f.deviation = sqrt(squares / (runs - 1));
    }
    return f;
}

nb_status nb_report_settle(nb_report *r, nb_error *err)
{
    if (!r->run_count) {
        return nb_fail(err, NB_ERR_INPUT, "no run to report on");
    }
    for (size_t l = 0; l < r->line_count; l++) {
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            r->figures[l * NB_METRIC_COUNT + k] = report_summarise(r, l, k);
        }
    }
    r->accuracy = report_summarise(r, r->line_count, 0);
    return NB_OK;
}

nb_line_kind nb_report_kind(const nb_report *r, size_t line)
{
    return line < r->set_count ? NB_LINE_SET : line + 1 < r->line_count ? NB_LINE_GROUP : NB_LINE_MEAN;
}

const char *nb_report_name(const nb_report *r, size_t line)
{
    switch (nb_report_kind(r, line)) {
    case NB_LINE_SET: return nb_strings_get(&r->names, line);
    case NB_LINE_GROUP: return nb_strings_get(&r->groups, line - r->set_count);
    default: return "mean";
    }
}

const nb_figure *nb_report_figure(const nb_report *r, size_t line, size_t metric)
{
    return &r->figures[line * NB_METRIC_COUNT + metric];
}
