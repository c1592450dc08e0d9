/* The gradients of the small kernels: the reference against differences in double precision, and the vectorised sets
 * of every instruction set this CPU has against the reference, over a grid of shapes. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/reference/kernels.h"
#include "common/linear/simd/instruction_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t widths[] = {1, 3, 16, 40, 64, 127, 128, 768};
enum { WIDTHS = sizeof widths / sizeof *widths, ROWS = 5, KEYS = 13 };

static float *numbers(size_t n, uint64_t stream, double scale)
{
    float *x = calloc(n + 1, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(scale * nb_random_normal(11, stream, i));
    }
    return x;
}

static float *copy(const float *x, size_t n)
{
    float *out = calloc(n + 1, sizeof *out);
    memcpy(out, x, n * sizeof *x);
    return out;
}

static void close_to(const char *what, const float *got, const float *want, size_t n, double tolerance)
{
    double largest = 1e-30;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)want[i]));
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * largest)) {
            fail_msg("%s: element %zu: %g instead of %g (largest %g)", what, i, (double)got[i], (double)want[i],
                     largest);
        }
    }
}

/* --- the reference against differences ------------------------------------------------------------------------- */

typedef double (*function)(const double *x, size_t at, size_t n, const double *weight);

static double norm_at(const double *x, size_t at, size_t n, const double *weight)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        mean += x[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean) / (double)n;
    }
    return (x[at] - mean) / sqrt(squares + 1e-5) * weight[at];
}

static double softmax_at(const double *x, size_t at, size_t n, const double *weight)
{
    double sum = 0;
    (void)weight;
    for (size_t i = 0; i < n; i++) {
        sum += exp(0.7 * x[i]);
    }
    return exp(0.7 * x[at]) / sum;
}

/* sum_at dy[at] f(x)[at], moved by +-h at x[k]. */
static double difference(function f, const float *x, const float *dy, size_t n, const double *weight, size_t k)
{
    double h = 1e-5, out[2], point[1024];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            point[i] = (double)x[i] + (i == k ? (side ? -h : h) : 0.0);
        }
        out[side] = 0;
        for (size_t i = 0; i < n; i++) {
            out[side] += (double)dy[i] * f(point, i, n, weight);
        }
    }
    return (out[0] - out[1]) / (2 * h);
}

static void test_reference(void **state)
{
    (void)state;
    enum { N = 24 };
    float *x = numbers(N, 1, 1.5), *dy = numbers(N, 2, 1), *weight = numbers(N, 3, 1), *zero = numbers(N, 4, 0);
    double weights[N];
    float dx[N] = {0}, want[N], p[N];
    for (size_t i = 0; i < N; i++) {
        weights[i] = (double)weight[i];
    }
    nb_layer_norm_backward(dx, &(nb_norm_gradient){NULL, NULL}, dy, x, 1, &(nb_norm_layer){weight, NULL, N, 1e-5f});
    for (size_t i = 0; i < N; i++) {
        want[i] = (float)difference(norm_at, x, dy, N, weights, i);
    }
    close_to("layer norm", dx, want, N, 1e-5);
    for (size_t i = 0; i < N; i++) {
        p[i] = 0.7f * x[i];
        want[i] = (float)difference(softmax_at, x, dy, N, NULL, i);
    }
    nb_softmax_rows(p, 1, N, N);
    memcpy(dx, dy, sizeof dx);
    nb_softmax_backward(dx, p, 1, N, 0.7f);
    close_to("softmax", dx, want, N, 1e-5);
    for (int kind = 0; kind < 2; kind++) {
        memcpy(dx, dy, sizeof dx);
        (kind ? nb_gelu_backward : nb_quick_gelu_backward)(dx, x, N);
        for (size_t i = 0; i < N; i++) {
            double h = 1e-5, up = (double)x[i] + h, down = (double)x[i] - h;
            double slope = kind ? 0.5 * (up * erfc(-up * M_SQRT1_2) - down * erfc(-down * M_SQRT1_2))
                                : up / (1 + exp(-1.702 * up)) - down / (1 + exp(-1.702 * down));
            want[i] = (float)((double)dy[i] * slope / (2 * h));
        }
        close_to("activation", dx, want, N, 1e-5);
    }
    free(x), free(dy), free(weight), free(zero);
}

/* Two steps worked out by hand from the definition, with bias correction and decay. */
static void test_adamw(void **state)
{
    (void)state;
    float weight = 2, m = 0, v = 0, g = 0.5f;
    double w = 2, first = 0, second = 0;
    for (size_t t = 1; t <= 2; t++) {
        nb_adamw a = nb_adamw_at(0.1, 0.01, 0.9, 0.999, 1e-8, t);
        nb_adamw_step(&a, &weight, &m, &v, &g, 1);
        first = 0.9 * first + 0.1 * 0.5;
        second = 0.999 * second + 0.001 * 0.25;
        w -= 0.1 * 0.01 * w;
        w -= 0.1 * (first / (1 - pow(0.9, (double)t))) / (sqrt(second / (1 - pow(0.999, (double)t))) + 1e-8);
    }
    assert_float_equal(weight, w, 1e-5);
}

/* --- the sets against the reference ---------------------------------------------------------------------------- */

static void check_norm(const nb_gradient *set, size_t w)
{
    size_t n = ROWS * w;
    float *x = numbers(n, 5, 2), *dy = numbers(n, 6, 1), *weight = numbers(w, 7, 1), *start = numbers(n, 8, 1);
    float *got = copy(start, n), *want = copy(start, n), *sums = numbers(4 * w, 9, 1);
    float *other = copy(sums, 4 * w);
    nb_layer_norm_backward(want, &(nb_norm_gradient){sums, sums + w}, dy, x, ROWS,
                           &(nb_norm_layer){weight, NULL, w, 1e-5f});
    set->layer_norm(got, &(nb_norm_gradient){other, other + w}, dy, x, ROWS, &(nb_norm_layer){weight, NULL, w, 1e-5f});
    close_to("layer norm", got, want, n, 2e-5);
    close_to("layer norm's parameters", other, sums, 2 * w, 2e-5);
    nb_bias_backward(sums + 2 * w, dy, ROWS, w);
    set->bias(other + 2 * w, dy, ROWS, w);
    close_to("bias", other + 2 * w, sums + 2 * w, w, 1e-5);
    free(x), free(dy), free(weight), free(start), free(got), free(want), free(sums), free(other);
}

static void check_elements(const nb_gradient *set, size_t w)
{
    size_t n = ROWS * w;
    float *x = numbers(n, 10, 4), *d = numbers(n, 11, 1), *p = numbers(n, 12, 1);
    for (int kind = 0; kind < 2; kind++) {
        nb_gelu_kind which = kind ? NB_VECTOR_GELU : NB_VECTOR_QUICK_GELU;
        float *got = copy(d, n), *want = copy(d, n), *out = copy(x, n), *forward = copy(x, n);
        (kind ? nb_gelu_backward : nb_quick_gelu_backward)(want, x, n);
        set->gelu_backward(got, x, n, which);
        close_to("activation's slope", got, want, n, 1e-6);
        (kind ? nb_gelu : nb_quick_gelu)(forward, n);
        set->gelu(out, x, n, which);
        close_to("activation", out, forward, n, 3e-7);
        free(got), free(want), free(out), free(forward);
    }
    nb_softmax_rows(p, ROWS, w, w);
    float *got = copy(d, n), *want = copy(d, n);
    nb_softmax_backward(want, p, ROWS, w, 0.125f);
    set->softmax(got, p, ROWS, w, 0.125f);
    close_to("softmax", got, want, n, 1e-5);
    free(x), free(d), free(p), free(got), free(want);
}

/* One head: forward against softmax and sums, backward against the reference kernels put together. */
static void check_attention(const nb_gradient *set, size_t w)
{
    size_t stride = 2 * w + 3, n = KEYS * stride;
    float *kv = numbers(n, 13, 1), *q = numbers(w, 14, 1), *dout = numbers(w, 15, 1);
    float p[KEYS], want_p[KEYS], d[KEYS], *out = calloc(w, 4), *want = calloc(w, 4), *dq = calloc(w, 4);
    float *back = numbers(n, 16, 1), *dback = copy(back, n), *want_dq = calloc(w, 4);
    nb_head head = {.keys = kv, .values = kv + w, .count = KEYS, .stride = stride, .width = w, .scale = 0.3f};
    set->attend(&head, q, p, out);
    set->attend_backward(&head, q, p, dout, &(nb_head_gradient){dq, dback, dback + w, stride, d});
    for (size_t j = 0; j < KEYS; j++) {
        double dot = 0, slope = 0;
        for (size_t i = 0; i < w; i++) {
            dot += (double)q[i] * (double)kv[j * stride + i];
            slope += (double)dout[i] * (double)kv[j * stride + w + i];
        }
        want_p[j] = (float)(0.3 * dot);
        d[j] = (float)slope;
    }
    nb_softmax_rows(want_p, 1, KEYS, KEYS);
    nb_softmax_backward(d, want_p, 1, KEYS, 0.3f);
    for (size_t j = 0; j < KEYS; j++) {
        for (size_t i = 0; i < w; i++) {
            want[i] += want_p[j] * kv[j * stride + w + i];
            want_dq[i] += d[j] * kv[j * stride + i];
            back[j * stride + i] += d[j] * q[i];
            back[j * stride + w + i] += want_p[j] * dout[i];
        }
    }
    close_to("attention's weights", p, want_p, KEYS, 1e-5);
    close_to("attention", out, want, w, 1e-5);
    close_to("attention's queries", dq, want_dq, w, 3e-5);
    close_to("attention's keys and values", dback, back, n, 3e-5);
    free(kv), free(q), free(dout), free(out), free(want), free(dq), free(back), free(dback), free(want_dq);
}

static void check_adamw(const nb_gradient *set, size_t n)
{
    float *weight = numbers(n, 17, 1), *m = numbers(n, 18, 0.1), *v = numbers(n, 19, 0.1), *g = numbers(n, 20, 1);
    for (size_t i = 0; i < n; i++) {
        v[i] *= v[i];
    }
    float *weight2 = copy(weight, n), *m2 = copy(m, n), *v2 = copy(v, n);
    nb_adamw a = nb_adamw_at(1e-2, 0.1, 0.9, 0.999, 1e-8, 7);
    nb_adamw_step(&a, weight, m, v, g, n);
    set->adamw(&a, weight2, m2, v2, g, n);
    close_to("AdamW's weights", weight2, weight, n, 1e-6);
    close_to("AdamW's m", m2, m, n, 1e-6);
    close_to("AdamW's v", v2, v, n, 1e-6);
    free(weight), free(m), free(v), free(g), free(weight2), free(m2), free(v2);
}

/* Whole numbers: the order of sums is of no matter, what is not finite or too large changes nothing. */
static void check_fixed(const nb_gradient *set, size_t n)
{
    const float scale = 0x1p40f, limit = 0x1p20f;
    float *a = numbers(n, 21, 1), *b = numbers(n, 22, 1e-6);
    int64_t *one = calloc(n, sizeof *one), *two = calloc(n, sizeof *two);
    assert_true(set->add_fixed(one, a, n, scale, limit) < 10);
    set->add_fixed(one, b, n, scale, limit);
    set->add_fixed(two, b, n, scale, limit);
    set->add_fixed(two, a, n, scale, limit);
    assert_memory_equal(one, two, n * sizeof *one);
    for (size_t i = 0; i < n; i++) {
        assert_true(llabs(one[i] - llrint(ldexp((double)a[i], 40)) - llrint(ldexp((double)b[i], 40))) <= 0);
    }
    a[n - 1] = NAN;
    assert_true(isinf(set->add_fixed(one, a, n, scale, limit)));
    a[n - 1] = 0x1p21f;
    assert_true(set->add_fixed(one, a, n, scale, limit) == 0x1p21f);
    assert_memory_equal(one, two, n * sizeof *one);
    free(a), free(b), free(one), free(two);
}

static void test_sets(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        const nb_gradient *set = sets[s]->gradient;
        print_message("%s\n", sets[s]->name);
        for (size_t i = 0; i < WIDTHS; i++) {
            if (widths[i] > 1) { /* a norm over one number has no slope but noise */
                check_norm(set, widths[i]);
            }
            check_elements(set, widths[i]);
            check_attention(set, widths[i]);
            check_adamw(set, widths[i]);
            check_fixed(set, widths[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
