/* The loops of the affinity passes in every instruction set against plain ones in double, and the products that are
 * the same bits everywhere. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/exact/exact.h"
#include "common/linear/exact/exact_sum.h"
#include "common/linear/reference/half.h"
#include "common/linear/simd/instruction_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t lengths[] = {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 200, 1000};
enum { LENGTHS = sizeof lengths / sizeof *lengths, LONGEST = 1000 };

static float draw(uint64_t stream, size_t i)
{
    return (float)(2 * nb_random_unit(7, stream, i) - 1);
}

/* |got - want| <= tolerance max(|want|, 1) */
static void close_to(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fmax(fabs(want), 1))) {
        fail_msg("%.17g is not %.17g", got, want);
    }
}

static void check_rows(const nb_affinity *set, size_t width)
{
    enum { ROWS = 3 };
    float *in = calloc(ROWS * width, sizeof *in), *out = calloc(ROWS * width, sizeof *out), norms[ROWS];
    uint16_t *bits = calloc(ROWS * width, sizeof *bits);
    for (size_t i = 0; i < ROWS * width; i++) {
        bits[i] = nb_float_to_half(draw(1, i));
        in[i] = nb_half_to_float(bits[i]);
    }
    for (int half = 0; half < 2; half++) {
        half ? set->unit_half(out, bits, ROWS, width, norms) : set->unit_float(out, in, ROWS, width, norms);
        for (size_t r = 0; r < ROWS; r++) {
            double norm = 0;
            for (size_t i = 0; i < width; i++) {
                norm += (double)in[r * width + i] * (double)in[r * width + i];
            }
            close_to((double)norms[r], sqrt(norm), 1e-7);
            for (size_t i = 0; i < width; i++) {
                close_to((double)out[r * width + i], (double)in[r * width + i] / sqrt(norm), 2e-7);
            }
        }
    }
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    nb_instruction_sets(sets);
    for (int half = 0; half < 2; half++) {
        double got[2], plain[2], want[2] = {0};
        const float *b = in + width;
        half ? set->pair_half(bits, bits + width, width, &got[0], &got[1])
             : set->pair_float(in, b, width, &got[0], &got[1]);
        sets[0]->affinity->pair_float(in, b, width, &plain[0], &plain[1]);
        for (size_t i = 0; i < width; i++) {
            want[0] += (double)in[i] * (double)b[i];
            want[1] += (double)b[i] * (double)b[i];
        }
        for (int k = 0; k < 2; k++) {
            assert_true(got[k] == plain[k]);
            close_to(got[k], want[k], 1e-14 * (double)width);
        }
    }
    free(in);
    free(out);
    free(bits);
}

static void check_sums(const nb_affinity *set, size_t n)
{
    float x[LONGEST], y[LONGEST], least;
    double all = 0, each = 0, squares = 0, sum = 0, lowest = INFINITY, got;
    for (size_t i = 0; i < n; i++) {
        x[i] = draw(2, i);
        y[i] = draw(3, i);
        all += (double)x[i];
        each += exp(((double)x[i] - (double)y[i]) * 20);
        squares += exp(((double)x[i] - (double)y[i]) * 40);
        sum += (double)y[i] - (double)x[i];
        lowest = fmin(lowest, (double)y[i] - (double)x[i]);
    }
    close_to((double)set->mean(x, n), all / (double)n, 1e-6);
    close_to(set->exp_sum_each(x, y, n, 20) / each, 1, 3e-6);
    assert_true(set->exp_sums_each(x, y, n, 20, &got) == set->exp_sum_each(x, y, n, 20));
    close_to(got / squares, 1, 6e-6);
    close_to(set->gaps(x, y, n, &least), sum, 1e-6);
    close_to((double)least, lowest, 1e-7);
}

static void check_filters(const nb_affinity *set, size_t n)
{
    float x[LONGEST], y[LONGEST], kept[LONGEST + NB_AFFINITY_PAD];
    uint32_t index[LONGEST];
    for (int step = -3; step <= 3; step++) {
        float limit = (float)step * 0.5f;
        size_t count = 0, near = 0;
        for (size_t i = 0; i < n; i++) {
            x[i] = draw(4, i);
            y[i] = i % 5 == 0 ? INFINITY : draw(5, i);
        }
        size_t got = set->above(x, n, limit, kept), found = set->nearer(x, y, n, limit, index);
        for (size_t i = 0; i < n; i++) {
            if (x[i] >= limit) {
                assert_true(count < got && kept[count] == x[i]);
                count++;
            }
            if (fabsf(y[i] - 2 * x[i] - limit) < 1e-6f) {
                near += near < found && index[near] == i; /* either side is right */
            } else if (y[i] - 2 * x[i] < limit) {
                assert_true(near < found && index[near] == i);
                near++;
            }
        }
        assert_int_equal(count, got);
        assert_int_equal(near, found);
    }
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void check_order(const nb_affinity *set, size_t n)
{
    float x[LONGEST], all[LONGEST + NB_AFFINITY_PAD], sorted[LONGEST], next;
    for (size_t i = 0; i < n; i++) {
        x[i] = sorted[i] = floorf(draw(6, i) * 50) / 50; /* with ties */
    }
    qsort(sorted, n, sizeof *sorted, ascending);
    assert_int_equal(set->above(x, n, -INFINITY, all), n);
    for (size_t k = 0; k < n; k += 1 + n / 37) {
        assert_true(set->order(all, n, k, &next) == sorted[k]);
        assert_true(next == sorted[k + 1 < n ? k + 1 : k]);
    }
}

static void test_sets(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < LENGTHS; i++) {
            check_rows(sets[s]->affinity, lengths[i]);
            check_sums(sets[s]->affinity, lengths[i]);
            check_filters(sets[s]->affinity, lengths[i]);
            check_order(sets[s]->affinity, lengths[i]);
        }
    }
    const nb_instruction_set *best = nb_instruction_set_best();
    assert_ptr_equal(best->affinity, nb_affinity_best());
    assert_ptr_equal(best->vector, nb_vector_best());
    assert_ptr_equal(best->gradient, nb_gradient_best());
    assert_string_equal(best->name, best->vector->name);
}

static void test_unusable_rows(void **state)
{
    (void)state;
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    float rows[2][20] = {{0}}, out[40], norms[2];
    rows[1][19] = NAN;
    for (size_t s = 0; s < count; s++) {
        sets[s]->affinity->unit_float(out, rows[0], 2, 20, norms);
        assert_true(norms[0] == 0);
        assert_true(isnan(norms[1]));
    }
}

/* The same bits in every instruction set and as a plain loop has them. */
static void test_exact_products(void **state)
{
    (void)state;
    enum { ROWS = 5, WIDTH = 77, COLUMNS = 45 };
    double a[ROWS * WIDTH], b[COLUMNS * WIDTH], transposed[WIDTH * 64], out[ROWS * 64];
    size_t columns = nb_exact_padded(COLUMNS);
    assert_int_equal(columns, 64);
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        a[i] = 2 * nb_random_unit(1, 1, i) - 1;
    }
    for (size_t i = 0; i < COLUMNS * WIDTH; i++) {
        b[i] = 2 * nb_random_unit(1, 2, i) - 1;
    }
    nb_exact_transpose(transposed, b, COLUMNS, WIDTH);
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        sets[s]->exact(out, a, ROWS, transposed, WIDTH, columns);
        for (size_t r = 0; r < ROWS; r++) {
            for (size_t c = 0; c < columns; c++) {
                volatile double sum = 0, product; /* a rounding after each operation */
                for (size_t k = 0; k < WIDTH && c < COLUMNS; k++) {
                    product = a[r * WIDTH + k] * b[c * WIDTH + k];
                    sum = sum + product;
                }
                assert_true(out[r * columns + c] == sum);
            }
        }
    }
}

/* Terms in any order and any split give the same bits, over a range no double could hold. */
static void test_exact_sum(void **state)
{
    (void)state;
    enum { TERMS = 4000 };
    nb_exact_sum forward = {0}, parts[3] = {{0}};
    double largest = -INFINITY, plain = 0;
    for (size_t i = 0; i < TERMS; i++) {
        double x = 3000 * nb_random_unit(3, 1, i) - 1500;
        largest = fmax(largest, x);
    }
    for (size_t i = 0; i < TERMS; i++) {
        double x = 3000 * nb_random_unit(3, 1, i) - 1500, y = 1 + nb_random_unit(3, 2, i);
        nb_exact_add(&forward, y, x);
        plain += y * exp(x - largest);
    }
    for (size_t i = TERMS; i-- > 0;) {
        nb_exact_add(&parts[i % 3], 1 + nb_random_unit(3, 2, i), 3000 * nb_random_unit(3, 1, i) - 1500);
    }
    for (int p = 1; p < 3; p++) { /* as ranks reduce theirs: one window, digits added */
        nb_exact_raise(&parts[0], parts[p].top);
        nb_exact_raise(&parts[p], parts[0].top);
        for (size_t k = 0; k < NB_EXACT_DIGITS; k++) {
            parts[0].digit[k] += parts[p].digit[k];
        }
    }
    assert_true(nb_exact_log(&parts[0]) == nb_exact_log(&forward));
    close_to(nb_exact_log(&forward), largest + log(plain), 1e-14);
    assert_true(nb_exact_log(&(nb_exact_sum){0}) == -INFINITY);
    nb_exact_sum one = {0};
    nb_exact_add(&one, 0, 5);
    assert_true(nb_exact_log(&one) == -INFINITY);
    nb_exact_add(&one, 1, 0);
    close_to(nb_exact_log(&one), 0, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_unusable_rows),
        cmocka_unit_test(test_exact_products),
        cmocka_unit_test(test_exact_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
