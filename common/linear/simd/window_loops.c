/* Loops of common/linear/simd/window_loops.h, compiled once for each instruction set. Channels are taken in blocks that
 * fit into registers; each block goes through the whole window before it is stored. */
#include "common/linear/simd/window_loops.h"

#include "common/linear/simd/fast_math.h"
#include "common/linear/simd/table_name.h"

enum { BLOCK = 64 };

/* The part of a window that lies in the image, along one side: taps [first, end), whose first pixel is `pixel`. */
typedef struct span {
    size_t first, end, pixel;
} span;

static inline span window_loops_span(const nb_window *w, size_t place)
{
    size_t begin = place * w->stride, reach = w->side + w->padding - begin; /* taps up to the image's end */
    span s = {.first = begin < w->padding ? w->padding - begin : 0, .end = reach < w->kernel ? reach : w->kernel};
    s.pixel = begin + s.first - w->padding;
    return s;
}

/* One block of `count` channels, a constant where the function is inlined. */
static inline void window_loops_convolve(const nb_window *w, span y, span x, size_t channel, size_t count, float *out)
{
    float sum[BLOCK];
    size_t n = w->channels;
    for (size_t c = 0; c < count; c++) {
        sum[c] = w->bias[channel + c];
    }
    for (size_t ky = y.first; ky < y.end; ky++) {
        const float *in = w->in + ((y.pixel + ky - y.first) * w->side + x.pixel) * n + channel;
        const float *weight = w->weight + (ky * w->kernel + x.first) * n + channel;
        for (size_t kx = x.first; kx < x.end; kx++, in += n, weight += n) {
            for (size_t c = 0; c < count; c++) {
                sum[c] += in[c] * weight[c];
            }
        }
    }
    for (size_t c = 0; c < count; c++) {
        out[c] = sum[c];
    }
}

static void window_loops_depthwise(const nb_window *w)
{
    size_t places = nb_window_places(w), n = w->channels;
    for (size_t row = 0; row < places; row++) {
        span y = window_loops_span(w, row);
        for (size_t column = 0; column < places; column++) {
            span x = window_loops_span(w, column);
            float *out = w->out + (row * places + column) * n;
            size_t c = 0;
            for (; c + BLOCK <= n; c += BLOCK) {
                window_loops_convolve(w, y, x, c, BLOCK, out + c);
            }
            for (; c + BLOCK / 4 <= n; c += BLOCK / 4) {
                window_loops_convolve(w, y, x, c, BLOCK / 4, out + c);
            }
            if (c < n) {
                window_loops_convolve(w, y, x, c, n - c, out + c);
            }
        }
    }
}

static void window_loops_mean(const nb_window *w)
{
    size_t places = nb_window_places(w), n = w->channels;
    for (size_t row = 0; row < places; row++) {
        span y = window_loops_span(w, row);
        for (size_t column = 0; column < places; column++) {
            span x = window_loops_span(w, column);
            float *restrict out = w->out + (row * places + column) * n;
            float share = 1.0f / (float)((y.end - y.first) * (x.end - x.first));
            for (size_t c = 0; c < n; c++) {
                out[c] = 0;
            }
            for (size_t ky = y.first; ky < y.end; ky++) {
                const float *in = w->in + ((y.pixel + ky - y.first) * w->side + x.pixel) * n;
                for (size_t kx = x.first; kx < x.end; kx++, in += n) {
                    for (size_t c = 0; c < n; c++) {
                        out[c] += in[c];
                    }
                }
            }
            for (size_t c = 0; c < n; c++) {
                out[c] *= share;
            }
        }
    }
}

static void window_loops_relu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = x[i] > 0 ? x[i] : 0;
    }
}

static void window_loops_sigmoid(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = 1.0f / (1.0f + fast_math_exp_between(-x[i], -87.0f, 76.0f));
    }
}

static void window_loops_multiply_rows(float *x, size_t rows, size_t width, const float *gate)
{
    for (size_t r = 0; r < rows; r++, x += width) {
        for (size_t i = 0; i < width; i++) {
            x[i] *= gate[i];
        }
    }
}

extern const nb_window_loops NB_TABLE_NAME(nb_window_loops);
const nb_window_loops NB_TABLE_NAME(nb_window_loops) = {.name = NB_TABLE_SET,
                                                        .depthwise = window_loops_depthwise,
                                                        .mean = window_loops_mean,
                                                        .relu = window_loops_relu,
                                                        .sigmoid = window_loops_sigmoid,
                                                        .multiply_rows = window_loops_multiply_rows};
