#include "common/image/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* BAND rows are worked on together: the lanes of the vectors are their values, so both passes are the same plain loop
 * over lanes, which compilers vectorise. A strip is the outputs of a row that are worked on together; its rows are ROW
 * values apart. Pixels are widened to 32 bits once, when they are transposed, not at each tap. */
enum { FRACTION_BITS = 32 - 8 - 2, BAND = 16, LANES = 3 * BAND, STRIP = 2 * LANES, ROW = STRIP + 16 };

/* One clone a vector width, chosen when the program is loaded; integers, so all have the same bits. Clang 14 knows no
 * architecture levels here, and the sanitizers' start-up cannot stand the choice. */
#if defined(__x86_64__) && __GNUC__ >= 12 && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&                  \
    !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORISED
#endif

/* The windows of one pass: output i is the sum of weight[i * taps + k] * input[start[i] + k], k < taps. All are as long
 * as the longest, filled up with zeros. */
typedef struct windows {
    size_t count, taps;
    size_t *start;
    int32_t *weight; /* [count, taps], FRACTION_BITS fractional bits */
} windows;

static void resample_windows_free(windows *w)
{
    free(w->start);
    free(w->weight);
}

/* In Pillow's order of operations. */
static double resample_bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    }
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static double resample_bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static int32_t resample_to_fixed(double weight)
{
    double scaled = weight * (1 << FRACTION_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* How a side of `in` pixels is resampled: `scale` input pixels an output pixel, `support` of them to either side. */
typedef struct stretch {
    double in, scale, support, inverse;
    double (*weight)(double x);
} stretch;

static stretch resample_stretch_of(const nb_resample_side *side)
{
    double scale = (double)side->in / (double)side->out;
    double factor = scale < 1.0 ? 1.0 : scale;
    return (stretch){.in = (double)side->in,
                     .scale = scale,
                     .support = (side->bilinear ? 1.0 : 2.0) * factor,
                     .inverse = 1.0 / factor,
                     .weight = side->bilinear ? resample_bilinear : resample_bicubic};
}

/* The inputs first .. last - 1 that output `at` sees. */
static double resample_bounds(const stretch *s, size_t at, double *first, double *last)
{
    double centre = ((double)at + 0.5) * s->scale;
    *first = trunc(centre - s->support + 0.5);
    *last = trunc(centre + s->support + 0.5);
    *first = *first < 0 ? 0 : *first;
    *last = *last > s->in ? s->in : *last;
    return centre;
}

static void resample_fill_window(windows *w, size_t i, const stretch *s, size_t at, double *real)
{
    double first, last, sum = 0;
    double centre = resample_bounds(s, at, &first, &last);
    size_t length = (size_t)(last - first), capacity = (size_t)s->in - w->taps;
    w->start[i] = (size_t)first < capacity ? (size_t)first : capacity;
    int32_t *weight = w->weight + i * w->taps + ((size_t)first - w->start[i]);
    for (size_t k = 0; k < length; k++) {
        real[k] = s->weight(((double)k + first - centre + 0.5) * s->inverse);
        sum += real[k];
    }
    for (size_t k = 0; k < length; k++) {
        weight[k] = resample_to_fixed(sum != 0.0 ? real[k] / sum : real[k]);
    }
}

/* Windows of `count` outputs of a side. An unchanged side gets windows of weight one: the fixed-point sum then gives
 * back the pixel, as Pillow's skipped pass does. */
static nb_status resample_windows_make(windows *w, const nb_resample_side *side, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    stretch s = resample_stretch_of(side);
    double *real = NULL;
    size_t cells;
    w->count = count;
    w->taps = 1;
    for (size_t i = 0; side->in != side->out && i < count; i++) {
        double first, last;
        resample_bounds(&s, side->first + i, &first, &last);
        w->taps = last - first > (double)w->taps ? (size_t)(last - first) : w->taps;
    }
    if (!nb_mul_size(count, w->taps, &cells)) {
        return nb_fail(err, NB_ERR_LIMIT, "a resize from %zu to %zu pixels is too large", side->in, side->out);
    }
    NB_TRY_NEW(w->start, count);
    NB_TRY_NEW(w->weight, cells);
    NB_TRY_NEW(real, w->taps);
    for (size_t i = 0; i < count; i++) {
        if (side->in == side->out) {
            w->start[i] = side->first + i;
            w->weight[i] = 1 << FRACTION_BITS;
        } else {
            resample_fill_window(w, i, &s, side->first + i, real);
        }
    }
done:
    free(real);
    return status;
}

/* Inputs from the first of the first window to the last of the last one: windows move monotonically. */
static size_t resample_windows_span(const windows *w, size_t first, size_t count)
{
    return w->start[first + count - 1] + w->taps - w->start[first];
}

/* The crop is made strip by strip and a strip band by band, so that what is worked on stays in the first cache. A
 * transposed picture has a line a column, in it BAND pixels, one a row. */
typedef struct resizer {
    windows across, down;
    int32_t *transposed; /* [columns under a strip, LANES] and one */
    int32_t *rows;       /* [capacity, ROW] resized across, waiting for the pass down */
    size_t capacity;
} resizer;

/* Of one strip: its outputs, and rows top .. top + held - 1 of the input, which `rows` has. */
typedef struct strip {
    size_t first, count;
    size_t top, held;
} strip;

/* Pixels are moved four values at a time; the fourth belongs to the next pixel, which is moved later. */

/* count rows of `in` [.., width] to transposed [columns, LANES]. */
VECTORISED static void resample_transpose(const uint8_t *in, size_t width, size_t count, size_t columns,
                                          int32_t *transposed)
{
    for (size_t x = 0; x + 1 < columns; x++) {
        for (size_t y = 0; y < count; y++) {
            uint8_t pixel[4];
            int32_t *to = transposed + x * LANES + 3 * y;
            memcpy(pixel, in + 3 * (y * width + x), sizeof pixel);
            for (size_t c = 0; c < 4; c++) {
                to[c] = pixel[c];
            }
        }
    }
    for (size_t y = 0; y < count; y++) {
        for (size_t c = 0; c < 3; c++) {
            transposed[(columns - 1) * LANES + 3 * y + c] = in[3 * (y * width + columns - 1) + c];
        }
    }
}

/* The sums of one window over lines of `in` [taps, stride], LANES of each, rounded to 0 .. 255. */
static inline void resample_convolve(const int32_t *weight, size_t taps, const int32_t *in, size_t stride,
                                     int32_t out[LANES])
{
    int32_t sum[LANES];
    for (size_t l = 0; l < LANES; l++) {
        sum[l] = 1 << (FRACTION_BITS - 1);
    }
    for (size_t k = 0; k < taps; k++) {
        for (size_t l = 0; l < LANES; l++) {
            sum[l] += weight[k] * in[k * stride + l];
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        int32_t value = sum[l] >> FRACTION_BITS;
        out[l] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
}

/* The strip's outputs of `count` rows, from transposed, in rows again. */
VECTORISED static void resample_resize_across(const windows *w, const strip *t, const int32_t *transposed, size_t count,
                                              int32_t *rows)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t at = t->first + i;
        int32_t column[LANES + 1] = {0};
        resample_convolve(w->weight + at * w->taps, w->taps, transposed + (w->start[at] - w->start[t->first]) * LANES,
                          LANES, column);
        for (size_t y = 0; y < count; y++) {
            memcpy(rows + y * ROW + 3 * i, column + 3 * y, 4 * sizeof *rows);
        }
    }
}

/* The rows of one window [taps, ROW] to out [STRIP]. */
VECTORISED static void resample_resize_down(const int32_t *weight, size_t taps, const int32_t *rows, uint8_t *out)
{
    for (size_t x = 0; x < STRIP; x += LANES) {
        int32_t line[LANES];
        resample_convolve(weight, taps, rows + x, ROW, line);
        for (size_t l = 0; l < LANES; l++) {
            out[x + l] = (uint8_t)line[l];
        }
    }
}

static size_t resample_strip_outputs(const windows *w, size_t first)
{
    return w->count - first < STRIP / 3 ? w->count - first : STRIP / 3;
}

static nb_status resample_resizer_make(resizer *s, const nb_resample_side *across, const nb_resample_side *down,
                                       const nb_image *crop, nb_error *err)
{
    nb_status status;
    size_t columns = 0;
    NB_TRY(resample_windows_make(&s->across, across, crop->width, err));
    NB_TRY(resample_windows_make(&s->down, down, crop->height, err));
    for (size_t i = 0; i < crop->width; i += STRIP / 3) {
        size_t have = resample_windows_span(&s->across, i, resample_strip_outputs(&s->across, i));
        columns = have > columns ? have : columns;
    }
    s->capacity = 2 * s->down.taps + BAND; /* twice, so that rows are seldom moved */
    s->transposed = nb_alloc_aligned(columns * LANES + 1, sizeof *s->transposed, err);
    s->rows = nb_alloc_aligned(s->capacity * ROW, sizeof *s->rows, err);
    status = s->transposed && s->rows ? NB_OK : NB_ERR_LIMIT;
done:
    return status;
}

static void resample_resizer_free(resizer *s)
{
    resample_windows_free(&s->across);
    resample_windows_free(&s->down);
    free(s->transposed);
    free(s->rows);
}

/* Makes room for a band: drops the rows above `start`. */
static void resample_drop(resizer *s, strip *t, size_t start)
{
    size_t gone = start - t->top < t->held ? start - t->top : t->held;
    memmove(s->rows, s->rows + gone * ROW, (t->held - gone) * ROW * sizeof *s->rows);
    t->top += gone;
    t->held -= gone;
}

/* Adds bands, of rows before `last`, until the rows start .. end - 1 are there. */
static void resample_provide(resizer *s, strip *t, const nb_image *in, size_t start, size_t end, size_t last)
{
    size_t left = s->across.start[t->first], columns = resample_windows_span(&s->across, t->first, t->count);
    while (t->top + t->held < end) {
        if (t->held + BAND > s->capacity) {
            resample_drop(s, t, start);
        }
        size_t from = t->top + t->held, count = last - from < BAND ? last - from : BAND;
        resample_transpose(in->rgb + 3 * (from * in->width + left), in->width, count, columns, s->transposed);
        resample_resize_across(&s->across, t, s->transposed, count, s->rows + t->held * ROW);
        t->held += count;
    }
}

nb_status nb_resample(const nb_image *in, const nb_resample_side *across, const nb_resample_side *down, nb_image *crop,
                      nb_error *err)
{
    nb_status status;
    resizer s = {0};
    NB_TRY(resample_resizer_make(&s, across, down, crop, err));
    for (size_t first = 0; first < crop->width; first += STRIP / 3) {
        strip t = {.first = first, .count = resample_strip_outputs(&s.across, first), .top = s.down.start[0]};
        size_t last = t.top + resample_windows_span(&s.down, 0, crop->height);
        for (size_t i = 0; i < crop->height; i++) {
            size_t start = s.down.start[i], taps = s.down.taps;
            uint8_t line[STRIP];
            resample_provide(&s, &t, in, start, start + taps, last);
            resample_resize_down(s.down.weight + i * taps, taps, s.rows + (start - t.top) * ROW, line);
            memcpy(crop->rgb + 3 * (i * crop->width + first), line, 3 * t.count);
        }
    }
done:
    resample_resizer_free(&s);
    return status;
}
