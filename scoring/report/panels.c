#include "scoring/report/panels.h"

#include "common/base/file.h"
#include "scoring/report/chart.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nb_panels_free(nb_panels *p)
{
    if (p) {
        for (size_t i = 0; i < p->count; i++) {
            free(p->items[i].file);
            free(p->items[i].caption);
            nb_drawing_free(&p->items[i].drawing);
        }
        free(p->items);
        *p = (nb_panels){0};
    }
}

static bool panels_fits_a_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

nb_panel *nb_panels_add(nb_panels *p, nb_section section, const char *file, nb_error *err)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        nb_panel *grown = nb_grow(p->items, cap, sizeof *grown, err);
        if (!grown) {
            return NULL;
        }
        p->items = grown;
        p->cap = cap;
    }
    nb_panel *panel = &p->items[p->count];
    *panel = (nb_panel){.section = section, .file = nb_alloc(strlen(file) + 1, 1, err)};
    if (!panel->file) {
        return NULL;
    }
    size_t n = 0;
    for (const char *c = file; *c && n < 100; c++) {
        char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
        panel->file[n++] = panels_fits_a_name(lower) ? lower : '-';
    }
    p->count++;
    return panel;
}

nb_status nb_panel_caption(nb_panel *panel, nb_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    panel->caption = len < 0 ? NULL : nb_alloc((size_t)len + 1, 1, err);
    if (!panel->caption) {
        return NB_ERR_LIMIT;
    }
    va_start(args, format);
    vsnprintf(panel->caption, (size_t)len + 1, format, args);
    va_end(args);
    return NB_OK;
}

const char *nb_class_name(const nb_strings *names, size_t label, char buffer[32])
{
    if (names && label < names->count) {
        return nb_strings_get(names, label);
    }
    snprintf(buffer, 32, "class %zu", label);
    return buffer;
}

nb_status nb_panels_write(const nb_panels *p, const char *folder, bool force, nb_error *err)
{
    nb_buffer svg = {0};
    nb_buffer path = {0};
    nb_status status = nb_make_directories(folder, err);
    for (size_t i = 0; status == NB_OK && i < p->count; i++) {
        nb_buffer_clear(&svg);
        nb_buffer_clear(&path);
        NB_TRY(nb_drawing_svg(&p->items[i].drawing, true, &svg, err));
        NB_TRY(nb_buffer_printf(&path, err, "%s/%s.svg", folder, p->items[i].file));
        NB_TRY(nb_file_write(path.data, force, svg.data, svg.len, err));
        nb_buffer_clear(&path);
        NB_TRY(nb_buffer_printf(&path, err, "%s/%s.png", folder, p->items[i].file));
        NB_TRY(nb_drawing_png(&p->items[i].drawing, 2, path.data, force, err));
    }
done:
    nb_buffer_free(&svg);
    nb_buffer_free(&path);
    return status;
}

/* ---- quality against the bank ---- */

/* The range of a percentage axis around values: whole steps, within 0 and 100. */
static nb_axis panels_percent_axis(const char *label, double low, double high)
{
    static const double steps[] = {1, 2, 5, 10, 20};
    double step = 20;
    for (size_t i = 0; i < 5; i++) {
        if ((high - low) / steps[i] <= 5) {
            step = steps[i];
            break;
        }
    }
    nb_axis axis = {.label = label, .low = floor(low / step) * step, .high = ceil(high / step) * step};
    if (axis.high - axis.low < 2 * step) {
        axis.low -= axis.low > 0 ? step : 0;
        axis.high += axis.high < 100 ? step : 0;
    }
    axis.low = axis.low < 0 ? 0 : axis.low;
    axis.high = axis.high > 100 ? 100 : axis.high;
    return axis;
}

typedef struct swept {
    const char *file, *title, *x_label, *y_label;
    size_t metric;
} swept;

static nb_status panels_draw_sweep(nb_panels *out, const swept *what, const nb_sweep *s, const nb_report *r,
                                   nb_error *err)
{
    size_t width = r->set_count + 1;
    nb_panel *panel = nb_panels_add(out, NB_SECTION_BANK, what->file, err);
    nb_point *points = NULL;
    nb_series *series = NULL;
    double low = 100;
    double high = 0;
    nb_status status = panel ? NB_OK : NB_ERR_LIMIT;
    NB_TRY(status);
    NB_TRY_NEW(points, width * s->count);
    NB_TRY_NEW(series, width);
    for (size_t line = 0; line < width; line++) {
        bool mean = line == r->set_count;
        for (size_t i = 0; i < s->count; i++) {
            double value = 100 * nb_metric_get(&s->rows[i * width + line], what->metric);
            points[line * s->count + i] = (nb_point){(double)s->values[i], value};
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        series[line] = (nb_series){.name = mean ? "mean" : nb_strings_get(&r->names, line),
                                   .ink = mean ? NB_INK_TEXT : nb_ink_of_set(line),
                                   .shape = NB_SHAPE_DOTS,
                                   .strong = mean,
                                   .points = points + line * s->count,
                                   .count = s->count};
    }
    const nb_chart chart = {.title = what->title,
                            .x = {.label = what->x_label,
                                  .low = (double)s->values[0] / 1.15,
                                  .high = (double)s->values[s->count - 1] * 1.15,
                                  .logarithmic = true},
                            .y = panels_percent_axis(what->y_label, low, high),
                            .series = series,
                            .series_count = r->set_count > 1 ? width : 1,
                            .mark = (double)NAN};
    NB_TRY(nb_chart_draw(&chart, &panel->drawing, err));
done:
    free(points);
    free(series);
    return status;
}

nb_status nb_panels_bank(nb_panels *out, const nb_sweep *sizes, const nb_sweep *groups, const nb_report *r,
                         nb_error *err)
{
    static const char size_label[] = "bank size (negative labels, logarithmic)";
    static const char group_label[] = "groups the bank is cut into (number, logarithmic)";
    static const swept charts[] = {
        {"bank-size-auroc", "AUROC against bank size", size_label, "AUROC (%)", 0},
        {"bank-size-fpr95", "FPR95 against bank size", size_label, "FPR95 id-positive (%)", 1},
        {"groups-auroc", "AUROC against groups", group_label, "AUROC (%)", 0},
        {"groups-fpr95", "FPR95 against groups", group_label, "FPR95 id-positive (%)", 1},
    };
    nb_status status = NB_OK;
    for (size_t i = 0; i < 4; i++) {
        const nb_sweep *s = i < 2 ? sizes : groups;
        if (s->count > 1 && !s->flat) {
            NB_TRY(panels_draw_sweep(out, &charts[i], s, r, err));
        }
    }
done:
    return status;
}

/* ---- accuracy by class ---- */

enum { BARS_MAX = 40 };

static int panels_by_value(const void *a, const void *b)
{
    const nb_bar *x = a;
    const nb_bar *y = b;
    return x->value != y->value ? (x->value > y->value) - (x->value < y->value)
                                : (x->count < y->count) - (x->count > y->count);
}

nb_status nb_panels_classes(nb_panels *out, const nb_confusion *c, const nb_strings *names, nb_error *err)
{
    nb_bar *bars = NULL;
    char(*buffers)[32] = NULL;
    size_t count = 0;
    nb_status status;
    NB_TRY_NEW(bars, c->count);
    NB_TRY_NEW(buffers, c->count);
    for (size_t i = 0; i < c->count; i++) {
        const nb_confused *label = &c->labels[i];
        if (label->images) {
            bars[count++] = (nb_bar){nb_class_name(names, i, buffers[i]), (double)label->right / (double)label->images,
                                     label->images};
        }
    }
    if (!count) {
        goto done;
    }
    qsort(bars, count, sizeof *bars, panels_by_value);
    size_t shown = count < BARS_MAX ? count : BARS_MAX;
    nb_panel *panel = nb_panels_add(out, NB_SECTION_CLASSES, "class-accuracy", err);
    status = panel ? NB_OK : NB_ERR_LIMIT;
    NB_TRY(status);
    const nb_bar_chart chart = {.title = "ID accuracy by class",
                                .label = "top-1 accuracy (% of the class's images)",
                                .ink = NB_INK_ID,
                                .bars = bars,
                                .count = shown};
    NB_TRY(nb_chart_bars(&chart, &panel->drawing, err));
    if (shown < count) {
        NB_TRY(nb_panel_caption(panel, err, "The %zu lowest of %zu classes; behind each bar the number of images.",
                                shown, count));
    } else {
        NB_TRY(nb_panel_caption(panel, err, "All %zu classes; behind each bar the number of images.", count));
    }
done:
    free(bars);
    free(buffers);
    return status;
}
