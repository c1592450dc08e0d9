/* The reference kernels against plain definitions. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/half.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every half converts to a float and back to itself; every float between two halves rounds to the nearer one. */
static void test_half(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float value = nb_half_to_float((uint16_t)bits);
        if (isnan(value)) {
            assert_true((bits & 0x7C00) == 0x7C00 && (bits & 0x3FF));
            continue;
        }
        assert_int_equal(nb_float_to_half(value), bits);
        if ((bits & 0x7FFF) < 0x7BFF) {
            float next = nb_half_to_float((uint16_t)(bits + 1)), gap = next - value;
            assert_int_equal(nb_float_to_half(value + 0.4f * gap), bits);
            assert_int_equal(nb_float_to_half(value + 0.6f * gap), bits + 1);
            assert_int_equal(nb_float_to_half(value + 0.5f * gap), bits + (bits & 1)); /* ties to even */
        }
    }
    assert_int_equal(nb_float_to_half(65520.0f), 0x7C00);
    assert_int_equal(nb_float_to_half(65519.0f), 0x7BFF);
    assert_true(nb_bfloat_to_float(0x3F80) == 1.0f);
}

static void fill(float *x, size_t n, uint64_t stream)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)nb_random_normal(5, stream, i);
    }
}

/* Products over a grid of shapes, with strides wider than the rows. */
static void test_products(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 7, 16, 33};
    float a[40 * 40], b[40 * 40], c[40 * 40];
    fill(a, 1600, 1);
    fill(b, 1600, 2);
    for (size_t x = 0; x < 125; x++) {
        size_t m = sizes[x % 5], n = sizes[x / 5 % 5], k = sizes[x / 25];
        nb_sgemm_nt(nb_matrix_strided(a, m, k, 40), nb_matrix_strided(b, n, k, 40), 0.0f, c, 40);
        for (size_t i = 0; i < m * n; i++) {
            double want = 0;
            for (size_t l = 0; l < k; l++) {
                want += (double)a[i / n * 40 + l] * (double)b[i % n * 40 + l];
            }
            assert_true(fabs((double)c[i / n * 40 + i % n] - want) < 1e-4);
        }
        nb_sgemm_nn(nb_matrix_strided(a, m, k, 40), nb_matrix_strided(b, k, n, 40), c, 40);
        for (size_t i = 0; i < m * n; i++) {
            double want = 0;
            for (size_t l = 0; l < k; l++) {
                want += (double)a[i / n * 40 + l] * (double)b[l * 40 + i % n];
            }
            assert_true(fabs((double)c[i / n * 40 + i % n] - want) < 1e-4);
        }
    }
}

static void test_rows(void **state)
{
    (void)state;
    float x[3 * 50], y[3 * 50], weight[50], bias[50];
    fill(x, 150, 3);
    fill(weight, 50, 4);
    fill(bias, 50, 5);
    nb_layer_norm(y, x, 3, &(nb_norm_layer){weight, bias, 50, 1e-5f});
    for (size_t r = 0; r < 3; r++) {
        double mean = 0, var = 0;
        for (size_t i = 0; i < 50; i++) {
            mean += (double)x[r * 50 + i] / 50;
        }
        for (size_t i = 0; i < 50; i++) {
            var += pow((double)x[r * 50 + i] - mean, 2) / 50;
        }
        for (size_t i = 0; i < 50; i++) {
            double want = ((double)x[r * 50 + i] - mean) / sqrt(var + 1e-5) * (double)weight[i] + (double)bias[i];
            assert_true(fabs((double)y[r * 50 + i] - want) < 1e-5);
        }
    }
    float big[4] = {1000, 999, -1000, 1000};
    nb_softmax_rows(big, 1, 4, 4);
    assert_true(fabs((double)big[0] - 1 / (2 + exp(-1))) < 1e-6);
    assert_true(big[2] == 0.0f);
}

static void test_activations(void **state)
{
    (void)state;
    for (int i = -40; i <= 40; i++) {
        float q = (float)i / 4, g = q;
        double x = (double)q;
        nb_quick_gelu(&q, 1);
        nb_gelu(&g, 1);
        assert_true(fabs((double)q - x / (1 + exp(-1.702 * x))) < 1e-5);
        assert_true(fabs((double)g - x * 0.5 * (1 + erf(x / sqrt(2)))) < 1e-5);
    }
    float far = -1e4f;
    nb_quick_gelu(&far, 1);
    assert_true(far == 0.0f);
}

static void test_logs(void **state)
{
    (void)state;
    double x[3] = {-1e6, 1e6, 1e6};
    assert_true(fabs(nb_log_sum_exp(x, 3) - (1e6 + log(2))) < 1e-9);
    assert_true(nb_log_sum_exp(x, 0) == (double)-INFINITY);
    assert_true(nb_softplus(1e4) == 1e4);
    assert_true(nb_softplus(-800) >= 0 && nb_softplus(-800) < 1e-300);
    assert_true(fabs(nb_softplus(0) - log(2)) < 1e-15);
    double row[3] = {3, 0, 4}, zero[2] = {0};
    assert_true(nb_normalise_row(row, row, 3) == 5);
    assert_true(fabs(row[2] - 0.8) < 1e-15);
    assert_true(nb_normalise_row(zero, zero, 2) == 0);
    double a[7] = {1, 2, 3, 4, 5, 6, 7};
    assert_true(nb_dot(a, a, 7) == 140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half),        cmocka_unit_test(test_products), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_activations), cmocka_unit_test(test_logs),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
