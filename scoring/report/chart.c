#include "scoring/report/chart.h"

#include "scoring/report/escape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a chart, in pixels. */
enum {
    WIDTH = 560,
    HEIGHT = 350,
    LEFT = 62,
    RIGHT = 16,
    BOTTOM = 50,
    TITLE_AT = 20,
    LEGEND_ROW = 18,
    LEGEND_NAME = 30, /* columns of a name */
    TICKS_MAX = 16,
};
static const double SMALL = 11.5, MEDIUM = 12.5, LARGE = 14;

/* The plot's own rectangle. */
typedef struct frame {
    const nb_chart *chart;
    double left, right, top, bottom;
} frame;

static double chart_share(const nb_axis *a, double value)
{
    return a->logarithmic ? (log(value) - log(a->low)) / (log(a->high) - log(a->low))
                          : (value - a->low) / (a->high - a->low);
}

static nb_point chart_place(const frame *f, nb_point p)
{
    return (nb_point){f->left + chart_share(&f->chart->x, p.x) * (f->right - f->left),
                      f->bottom - chart_share(&f->chart->y, p.y) * (f->bottom - f->top)};
}

static size_t chart_linear_ticks(const nb_axis *a, size_t most, double *ticks, int *digits)
{
    static const double steps[] = {1, 2, 5, 10};
    double rough = (a->high - a->low) / (double)(most - 1);
    double power = pow(10, floor(log10(rough)));
    double step = power * 10;
    for (size_t i = 0; i < 4; i++) {
        if (steps[i] * power >= rough * 0.999999) {
            step = steps[i] * power;
            break;
        }
    }
    size_t count = 0;
    double slack = step * 1e-6;
    for (double k = ceil((a->low - slack) / step); k * step <= a->high + slack && count < most; k++) {
        ticks[count++] = k == 0 ? 0 : k * step;
    }
    double decimals = -floor(log10(step) + 1e-9);
    *digits = decimals > 0 ? (int)decimals : 0;
    return count;
}

static size_t chart_logarithmic_ticks(const nb_axis *a, size_t most, double *ticks)
{
    static const double all[] = {1, 2, 5};
    for (size_t take = 3; take > 0; take -= 2) { /* 1, 2, 5, else powers of ten alone */
        size_t count = 0;
        /* NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter): ten times a power of ten; few steps */
        for (double power = pow(10, floor(log10(a->low))); power <= a->high; power *= 10) {
            for (size_t i = 0; i < take; i++) {
                double tick = all[i] * power;
                if (tick >= a->low * 0.999999 && tick <= a->high * 1.000001) {
                    if (count < most) {
                        ticks[count] = tick;
                    }
                    count++;
                }
            }
        }
        if (count <= most || take == 1) {
            return count < most ? count : most;
        }
    }
    return 0;
}

size_t nb_chart_ticks(const nb_axis *axis, size_t most, double *ticks, int *digits)
{
    *digits = 0;
    return axis->logarithmic ? chart_logarithmic_ticks(axis, most, ticks)
                             : chart_linear_ticks(axis, most, ticks, digits);
}

/* "12 500" reads better than "12500"; a true minus. */
static void chart_format_tick(char out[32], double value, int digits)
{
    char plain[32];
    size_t n = 0;
    snprintf(plain, sizeof plain, "%.*f", digits, fabs(value));
    size_t whole = 0;
    while (plain[whole] >= '0' && plain[whole] <= '9') {
        whole++;
    }
    if (value < 0) {
        n += (size_t)snprintf(out, 8, "\xE2\x88\x92");
    }
    for (size_t i = 0; plain[i] && n + 4 < 32; i++) {
        if (whole > 4 && i > 0 && i < whole && (whole - i) % 3 == 0) {
            n += (size_t)snprintf(out + n, 4, "\xE2\x80\x89");
        }
        out[n++] = plain[i];
    }
    out[n] = '\0';
}

static void chart_draw_axes(nb_drawing *d, const frame *f)
{
    double ticks[TICKS_MAX];
    char label[32];
    int digits;
    size_t count = nb_chart_ticks(&f->chart->x, 9, ticks, &digits);
    for (size_t i = 0; i < count; i++) {
        double x = chart_place(f, (nb_point){ticks[i], f->chart->y.low}).x;
        nb_drawing_line(d, NB_INK_GRID, 1, false, (nb_point[]){{x, f->top}, {x, f->bottom}}, 2);
        chart_format_tick(label, ticks[i], digits);
        nb_drawing_text(d, (nb_text_style){NB_INK_MUTED, SMALL, false, NB_ANCHOR_MIDDLE, false},
                        (nb_point){x, f->bottom + 16}, label);
    }
    count = nb_chart_ticks(&f->chart->y, 7, ticks, &digits);
    for (size_t i = 0; i < count; i++) {
        double y = chart_place(f, (nb_point){f->chart->x.low, ticks[i]}).y;
        nb_drawing_line(d, NB_INK_GRID, 1, false, (nb_point[]){{f->left, y}, {f->right, y}}, 2);
        chart_format_tick(label, ticks[i], digits);
        nb_drawing_text(d, (nb_text_style){NB_INK_MUTED, SMALL, false, NB_ANCHOR_END, false},
                        (nb_point){f->left - 6, y + 4}, label);
    }
    nb_drawing_line(d, NB_INK_MUTED, 1, false,
                    (nb_point[]){{f->left, f->top}, {f->left, f->bottom}, {f->right, f->bottom}}, 3);
    nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, MEDIUM, false, NB_ANCHOR_MIDDLE, false},
                    (nb_point){(f->left + f->right) / 2, f->bottom + 38}, f->chart->x.label);
    nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, MEDIUM, false, NB_ANCHOR_MIDDLE, true},
                    (nb_point){16, (f->top + f->bottom) / 2}, f->chart->y.label);
}

static void chart_draw_series(nb_drawing *d, const frame *f, const nb_series *s, nb_point *points_of)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        points_of[n++] = chart_place(f, s->points[i]);
    }
    double width = s->width > 0 ? s->width : s->strong ? 2.6 : 1.7;
    nb_drawing_line(d, s->ink, width, s->dashed, points_of, n);
    for (size_t i = 0; s->shape == NB_SHAPE_DOTS && i < n; i++) {
        nb_drawing_dot(d, s->ink, s->strong ? 3.6 : 2.8, points_of[i]);
    }
    if (s->shape == NB_SHAPE_AREA && n) {
        points_of[n] = (nb_point){points_of[n - 1].x, f->bottom};
        points_of[n + 1] = (nb_point){points_of[0].x, f->bottom};
        nb_drawing_area(d, s->ink, 0.16, points_of, n + 2);
    }
}

/* Walks through the legend's entries; draws them when d is there. Returns the rows it takes. */
static size_t chart_legend(nb_drawing *d, const nb_chart *c, double top, nb_error *err)
{
    double x = LEFT;
    size_t rows = 1;
    nb_buffer name = {0};
    for (size_t i = 0; i < c->series_count; i++) {
        const nb_series *s = &c->series[i];
        if (!s->name) {
            continue;
        }
        nb_buffer_clear(&name);
        if (nb_shorten(&name, s->name, LEGEND_NAME, err) != NB_OK) {
            break;
        }
        double width = 24 + nb_text_width(name.data, SMALL) + 14;
        if (x > LEFT && x + width > WIDTH - RIGHT + 14) {
            x = LEFT;
            rows++;
        }
        if (d) {
            double y = top + (double)(rows - 1) * LEGEND_ROW;
            nb_drawing_line(d, s->ink, s->strong ? 3 : 2.2, s->dashed, (nb_point[]){{x, y - 4}, {x + 18, y - 4}}, 2);
            nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, SMALL, false, NB_ANCHOR_START, false},
                            (nb_point){x + 24, y}, name.data);
        }
        x += width;
    }
    nb_buffer_free(&name);
    return rows;
}

static void chart_draw_mark(nb_drawing *d, const frame *f)
{
    const nb_chart *c = f->chart;
    if (isnan(c->mark) || c->mark < c->x.low || c->mark > c->x.high) {
        return;
    }
    double x = chart_place(f, (nb_point){c->mark, c->y.low}).x;
    bool left = x > (f->left + f->right) / 2;
    nb_drawing_line(d, NB_INK_TEXT, 1.2, true, (nb_point[]){{x, f->top}, {x, f->bottom}}, 2);
    nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, SMALL, false, left ? NB_ANCHOR_END : NB_ANCHOR_START, false},
                    (nb_point){left ? x - 5 : x + 5, f->top + 12}, c->mark_label);
}

nb_status nb_chart_draw(const nb_chart *c, nb_drawing *d, nb_error *err)
{
    nb_point *points_of = NULL;
    size_t most = 0;
    nb_status status;
    nb_drawing_begin(d, WIDTH, HEIGHT, c->title);
    if (!(c->x.low < c->x.high) || !(c->y.low < c->y.high)) {
        return nb_fail(err, NB_ERR_INTERNAL, "the chart '%s' has an axis without extent", c->title);
    }
    double top = TITLE_AT + 22;
    frame f = {.chart = c,
               .left = LEFT,
               .right = WIDTH - RIGHT,
               .top = top + (double)chart_legend(NULL, c, 0, err) * LEGEND_ROW - 4,
               .bottom = HEIGHT - BOTTOM};
    for (size_t i = 0; i < c->series_count; i++) {
        most = c->series[i].count > most ? c->series[i].count : most;
    }
    NB_TRY_NEW(points_of, most + 2);
    nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, LARGE, true, NB_ANCHOR_START, false}, (nb_point){LEFT, TITLE_AT},
                    c->title);
    chart_draw_axes(d, &f);
    for (size_t i = 0; i < c->series_count; i++) {
        chart_draw_series(d, &f, &c->series[i], points_of);
    }
    chart_draw_mark(d, &f);
    chart_legend(d, c, top, err);
    NB_TRY(nb_drawing_end(d, err));
done:
    free(points_of);
    return status;
}

enum { BAR_ROW = 20, BAR_LEFT = 190, BAR_TOP = 40, BAR_NAME = 24 };

nb_status nb_chart_bars(const nb_bar_chart *chart, nb_drawing *d, nb_error *err)
{
    const nb_bar *bars = chart->bars;
    size_t count = chart->count;
    double bottom = BAR_TOP + (double)count * BAR_ROW;
    double right = WIDTH - 120;
    nb_buffer name = {0};
    char value[64];
    nb_status status;
    nb_drawing_begin(d, WIDTH, bottom + BOTTOM, chart->title);
    nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, LARGE, true, NB_ANCHOR_START, false}, (nb_point){16, TITLE_AT},
                    chart->title);
    for (int tick = 0; tick <= 100; tick += 20) {
        double x = BAR_LEFT + (right - BAR_LEFT) * tick / 100;
        snprintf(value, sizeof value, "%d", tick);
        nb_drawing_line(d, NB_INK_GRID, 1, false, (nb_point[]){{x, BAR_TOP - 4}, {x, bottom}}, 2);
        nb_drawing_text(d, (nb_text_style){NB_INK_MUTED, SMALL, false, NB_ANCHOR_MIDDLE, false},
                        (nb_point){x, bottom + 16}, value);
    }
    for (size_t i = 0; i < count; i++) {
        double y = BAR_TOP + (double)i * BAR_ROW;
        double x = BAR_LEFT + (right - BAR_LEFT) * bars[i].value;
        nb_buffer_clear(&name);
        NB_TRY(nb_shorten(&name, bars[i].name, BAR_NAME, err));
        nb_drawing_area(d, chart->ink, 0.8, (nb_point[]){{BAR_LEFT, y}, {x, y}, {x, y + 13}, {BAR_LEFT, y + 13}}, 4);
        nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, SMALL, false, NB_ANCHOR_END, false},
                        (nb_point){BAR_LEFT - 8, y + 11}, name.data);
        snprintf(value, sizeof value, "%.1f %% of %zu", 100 * bars[i].value, bars[i].count);
        nb_drawing_text(d, (nb_text_style){NB_INK_MUTED, SMALL, false, NB_ANCHOR_START, false},
                        (nb_point){x + 6, y + 11}, value);
    }
    nb_drawing_line(d, NB_INK_MUTED, 1, false,
                    (nb_point[]){{BAR_LEFT, BAR_TOP - 4}, {BAR_LEFT, bottom}, {right, bottom}}, 3);
    nb_drawing_text(d, (nb_text_style){NB_INK_TEXT, MEDIUM, false, NB_ANCHOR_MIDDLE, false},
                    (nb_point){(BAR_LEFT + right) / 2, bottom + 38}, chart->label);
    NB_TRY(nb_drawing_end(d, err));
done:
    nb_buffer_free(&name);
    return status;
}
