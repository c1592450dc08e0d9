/* The vectorised kernels of every instruction set this CPU has against the reference kernels over a grid of shapes. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/reference/kernels.h"
#include "common/linear/simd/instruction_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t widths[] = {1, 3, 16, 40, 64, 96, 127, 128, 512, 768};
enum { WIDTHS = sizeof widths / sizeof *widths, ROWS = 5 };

static float *numbers(size_t n, uint64_t stream, float scale)
{
    float *x = aligned_alloc(64, (n * 4 / 64 + 1) * 64);
    for (size_t i = 0; i < n; i++) {
        x[i] = scale * (float)nb_random_normal(9, stream, i);
    }
    return x;
}

static void close_to(const float *got, const float *want, size_t n, double tolerance)
{
    double largest = 1e-30;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)want[i]));
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * largest)) {
            fail_msg("element %zu: %g instead of %g (largest %g)", i, (double)got[i], (double)want[i], largest);
        }
    }
}

static void check_layer_norm(const nb_vector *v, size_t w)
{
    float *x = numbers(ROWS * w, 1, 3), *weight = numbers(w, 2, 1), *bias = numbers(w, 3, 1);
    float *got = calloc(ROWS * w, 4), *want = calloc(ROWS * w, 4);
    nb_layer_norm(want, x, ROWS, &(nb_norm_layer){weight, bias, w, 1e-5f});
    v->layer_norm(got, x, ROWS, &(nb_norm_layer){weight, bias, w, 1e-5f});
    close_to(got, want, ROWS * w, 1e-5);
    free(x), free(weight), free(bias), free(got), free(want);
}

static void check_elements(const nb_vector *v, size_t w)
{
    float *x = numbers(ROWS * w, 4, 4), *bias = numbers(w, 5, 1), *y = numbers(ROWS * w, 6, 1);
    float *got = calloc(ROWS * w, 4), *want = calloc(ROWS * w, 4);
    static void (*const reference[])(float *, size_t) = {
        [NB_VECTOR_QUICK_GELU] = nb_quick_gelu, [NB_VECTOR_GELU] = nb_gelu, [NB_VECTOR_GELU_TANH] = nb_gelu_tanh};
    for (int kind = 0; kind < 3; kind++) {
        memcpy(got, x, ROWS * w * 4);
        memcpy(want, x, ROWS * w * 4);
        nb_add_bias(want, ROWS, w, bias);
        reference[kind](want, ROWS * w);
        v->bias_gelu(got, ROWS, w, bias, (nb_gelu_kind)kind);
        close_to(got, want, ROWS * w, 3e-7);
    }
    memcpy(got, x, ROWS * w * 4);
    memcpy(want, x, ROWS * w * 4);
    nb_swiglu(want, y, ROWS * w);
    v->swiglu(got, y, ROWS * w);
    close_to(got, want, ROWS * w, 1e-6);
    memcpy(got, x, ROWS * w * 4);
    memcpy(want, x, ROWS * w * 4);
    nb_geglu(want, y, ROWS * w);
    v->geglu(got, y, ROWS * w);
    close_to(got, want, ROWS * w, 1e-6);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < w; i++) {
            want[r * w + i] = x[r * w + i] + bias[i] * y[r * w + i];
        }
    }
    memcpy(got, x, ROWS * w * 4);
    v->add_scaled(got, y, ROWS, w, bias);
    close_to(got, want, ROWS * w, 1e-6);
    memcpy(got, x, ROWS * w * 4);
    memcpy(want, x, ROWS * w * 4);
    nb_rotate_pairs(want, y, x, ROWS * w / 2);
    v->rotate_pairs(got, y, x, ROWS * w / 2);
    close_to(got, want, ROWS * w, 1e-6);
    memcpy(got, x, ROWS * w * 4);
    memcpy(want, x, ROWS * w * 4);
    nb_add(want, y, ROWS * w);
    nb_add_bias(want, ROWS, w, bias);
    v->add_residual(got, y, ROWS, w, bias);
    close_to(got, want, ROWS * w, 1e-6);
    memcpy(got, x, ROWS * w * 4);
    memcpy(want, x, ROWS * w * 4);
    for (size_t i = 0; i < ROWS * w; i++) {
        want[i] *= 0.7f;
    }
    nb_softmax_rows(want, ROWS, w, w);
    v->softmax(got, ROWS, w, w, 0.7f);
    close_to(got, want, ROWS * w, 5e-6);
    free(x), free(bias), free(y), free(got), free(want);
}

/* A path of `depth` + 1 rows, the last one attending to all. */
static void check_path(const nb_vector *v, size_t width, size_t heads, size_t depth)
{
    size_t n = depth + 1, head = width / heads, stride = 80;
    float *q = numbers(width, 7, 2), *k = numbers(n * width, 8, 1), *val = numbers(n * width, 9, 1);
    float *got = calloc(width, 4), *want = calloc(width, 4);
    nb_path path = {calloc(width * stride, 4), calloc(stride * width, 4), calloc(stride, 4), stride};
    for (size_t j = 0; j < n; j++) {
        v->path_push(&path, j, width, k + j * width, val + j * width);
    }
    for (size_t h = 0; h < heads; h++) {
        double weight[80], total = 0;
        for (size_t j = 0; j < n; j++) {
            double dot = 0;
            for (size_t c = 0; c < head; c++) {
                dot += (double)q[h * head + c] * (double)k[j * width + h * head + c];
            }
            weight[j] = exp(dot / sqrt((double)head));
            total += weight[j];
        }
        for (size_t c = 0; c < head; c++) {
            double sum = 0;
            for (size_t j = 0; j < n; j++) {
                sum += weight[j] / total * (double)val[j * width + h * head + c];
            }
            want[h * head + c] = (float)sum;
        }
    }
    v->path_attend(&path, depth, width, heads, q, got);
    close_to(got, want, width, 2e-6);
    free(q), free(k), free(val), free(got), free(want), free(path.keys), free(path.values), free(path.scores);
}

static void test_vector_sets(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        print_message("%s\n", sets[s]->name);
        for (size_t i = 0; i < WIDTHS; i++) {
            check_layer_norm(sets[s]->vector, widths[i]);
            check_elements(sets[s]->vector, widths[i]);
        }
        static const size_t depths[] = {0, 1, 7, 15, 16, 31, 76};
        for (size_t i = 0; i < 7; i++) {
            check_path(sets[s]->vector, 64, 4, depths[i]);
            check_path(sets[s]->vector, 512, 8, depths[i]);
            check_path(sets[s]->vector, 96, 3, depths[i]);
        }
    }
}

/* Extremes stay finite: exp of far logits, activations of large numbers. */
static void test_extremes(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        float x[20], zero[20] = {0}, y[4] = {-1e30f, 1e30f, -300, 300};
        for (size_t i = 0; i < 20; i++) {
            x[i] = i == 7 ? 1e8f : -1e8f;
        }
        sets[s]->vector->softmax(x, 1, 20, 20, 1);
        assert_true(x[7] == 1.0f);
        for (int kind = 0; kind < 2; kind++) {
            float z[4];
            memcpy(z, y, sizeof z);
            sets[s]->vector->bias_gelu(z, 1, 4, zero, (nb_gelu_kind)kind);
            assert_true(fabsf(z[2]) < 1e-30f && z[3] == 300.0f && z[1] == 1e30f && isfinite(z[0]));
        }
    }
}

/* sum_exp, exps and entropy of `n` cosines at one temperature against plain double precision. */
static void check_exponentials(const nb_vector *v, size_t n, double temperature)
{
    float *x = numbers(n, 10, 0.2f), scale = (float)(1 / temperature), top;
    double *z = calloc(n, sizeof *z), sum, largest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        z[i] = (double)x[i] * (double)scale;
        largest = fmax(largest, (double)x[i]);
    }
    v->sum_exp(x, n, scale, &top, &sum);
    assert_true((double)top == largest);
    size_t first = v->first_largest(x, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(i < first ? (double)x[i] < largest : i > first || (double)x[i] == largest);
    }
    float last = x[n - 1];
    x[n - 1] = x[first]; /* a second one behind it is not it */
    assert_int_equal(v->first_largest(x, n), first);
    x[n - 1] = last;
    double got = (double)scale * (double)top + log(sum), want = nb_log_sum_exp(z, n);
    if (!(fabs(got - want) <= 2e-6)) {
        fail_msg("log-sum-exp of %zu at %g: %.9g instead of %.9g", n, temperature, got, want);
    }
    got = v->entropy(x, n, scale, top, sum);
    want = fmax(nb_entropy(z, n), 0);
    if (!(fabs(got - want) <= 3e-6 * (1 + want))) {
        fail_msg("entropy of %zu at %g: %.9g instead of %.9g", n, temperature, got, want);
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = -fabsf(x[i]) * 80;
        z[i] = exp((double)x[i]);
    }
    v->exps(x, n);
    for (size_t i = 0; i < n; i++) {
        if (z[i] > 1e-37 && !(fabs((double)x[i] - z[i]) <= 3e-7 * z[i])) {
            fail_msg("exp: %.9g instead of %.9g", (double)x[i], z[i]);
        }
    }
    free(x), free(z);
}

/* prefix_shares of `n` cosines behind a sum of `before` against plain double precision; out of range nothing changes.
 */
static void check_prefixes(const nb_vector *v, size_t n, double temperature, double before)
{
    float *x = numbers(n, 10, 0.2f);
    const double scale = 1 / temperature, shift = 0.3 * scale;
    nb_prefix_shares s = {.scale = scale, .shift = shift, .least = -86, .most = 86, .sum = before};
    double sum = before, in = 0, out = 0, top = -INFINITY, low = INFINITY;
    for (size_t i = 0; i < n; i++) {
        double y = scale * (double)x[i] - shift;
        sum += exp(y);
        in += 1 / (1 + sum);
        out += sum / (1 + sum);
        top = fmax(top, y);
        low = fmin(low, y);
    }
    bool fits = top <= 86 && low >= -86;
    assert_true(v->prefix_shares(x, n, &s) == fits);
    if (fits) {
        if (!(fabs(s.sum - sum) <= 1e-5 * sum && fabs(s.inside - in) <= 1e-5 * in &&
              fabs(s.outside - out) <= 1e-5 * out)) {
            fail_msg("%s, %zu at %g: %.9g %.9g %.9g instead of %.9g %.9g %.9g", v->name, n, temperature, s.sum,
                     s.inside, s.outside, sum, in, out);
        }
    } else {
        assert_memory_equal(&s.sum, &before, sizeof before);
    }
    free(x);
}

static void test_prefixes(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        for (size_t n = 1; n < 70; n++) {
            check_prefixes(sets[s]->vector, n, 0.01, n % 2 ? 0 : 1e-3);
        }
        check_prefixes(sets[s]->vector, 512, 0.02, 0);
        check_prefixes(sets[s]->vector, 1500, 1, 100);
        check_prefixes(sets[s]->vector, 1500, 1e-4, 0);
    }
}

static void test_exponentials(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    static const size_t counts[] = {1, 2, 15, 16, 17, 100, 1023, 1024, 1025, 10007};
    static const double temperatures[] = {1e-6, 0.001, 0.01, 0.07, 1, 100};
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++) {
                check_exponentials(sets[s]->vector, counts[i], temperatures[t]);
            }
        }
        float left_out[3] = {-INFINITY, 0.25f, -INFINITY}, top;
        double sum;
        sets[s]->vector->sum_exp(left_out, 3, 1000, &top, &sum);
        assert_true(top == 0.25f && sum == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_sets),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_exponentials),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
