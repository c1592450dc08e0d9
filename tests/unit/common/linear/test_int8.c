/* Products of 8-bit numbers: rounding and sums against their formulas, AVX512-VNNI, USMMLA and SDOT against plain C bit
 * for bit, and the engine against double precision over a grid of shapes. */
#include "support/numbers.h"
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/engine.h"
#include "common/linear/int8/int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 6 };

/* The tables this machine can run; plain C is the first. */
static size_t tables(const nb_int8 *out[TABLES])
{
    const nb_int8 *all[TABLES] = {&nb_int8_plain, &nb_int8_tiles_emulated, nb_int8_vnni(),
                                  nb_int8_amx(),  nb_int8_neon("SDOT"),    nb_int8_neon("USMMLA")};
    size_t count = 0;
    for (size_t i = 0; i < TABLES; i++) {
        if (all[i]) {
            out[count++] = all[i];
        }
    }
    return count;
}

/* ---- rounding ---- */

static void check_round(const nb_int8 *by, const float *in, size_t k)
{
    double low = 0, high = 0;
    nb_int8_row how;
    uint8_t *out = aligned_room(nb_int8_stride(k), 0xa5);
    by->round(out, &how, in, k);
    for (size_t i = 0; i < k; i++) {
        low = fmin(low, (double)in[i]);
        high = fmax(high, (double)in[i]);
    }
    double step = (high - low) / 255;
    assert_true(fabs((double)how.scale - step) <= 1e-6 * step);
    assert_true(how.zero >= 0 && how.zero <= 255);
    for (size_t i = 0; i < k; i++) { /* half a step for the element and half for the integer of 0 */
        assert_true(fabs((double)how.scale * (out[i] - how.zero) - (double)in[i]) <= 1.001 * step);
    }
    for (size_t i = k; i < nb_int8_stride(k); i++) {
        assert_int_equal(out[i], 0);
    }
    free(out);
}

static void test_rounding(void **state)
{
    (void)state;
    const nb_int8 *all[TABLES];
    size_t count = tables(all);
    static const size_t lengths[] = {1, 2, 15, 16, 17, 63, 64, 65, 512, 769};
    for (size_t t = 0; t < count; t++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            float *x = normal_numbers(lengths[l], l, t ? 1e-20 : 40);
            check_round(all[t], x, lengths[l]);
            for (size_t i = 0; i < lengths[l]; i++) {
                x[i] = fabsf(x[i]);
            }
            check_round(all[t], x, lengths[l]);
            for (size_t i = 0; i < lengths[l]; i++) {
                x[i] = -x[i];
            }
            check_round(all[t], x, lengths[l]);
            free(x);
        }
    }
}

/* Zeros and what is too small to matter become zeros; what is not finite makes all of its row NaN. */
static void test_odd_rows(void **state)
{
    (void)state;
    const nb_int8 *all[TABLES];
    size_t count = tables(all);
    for (size_t t = 0; t < count; t++) {
        float x[40] = {0};
        uint8_t out[128];
        nb_int8_row how;
        all[t]->round(out, &how, x, 40);
        assert_true(how.scale == 0 && how.zero == 0);
        x[3] = 1e-38f;
        all[t]->round(out, &how, x, 40);
        assert_true(how.scale == 0);
        const float odd[] = {NAN, INFINITY, -INFINITY};
        for (size_t i = 0; i < 6; i++) {
            memset(x, 0, sizeof x);
            x[5] = 2;
            x[i < 3 ? 17 : 39] = odd[i % 3]; /* in the vectorised part, and behind it */
            all[t]->round(out, &how, x, 40);
            assert_true(isnan(how.scale));
        }
        x[39] = -3e38f;
        x[5] = 3e38f; /* each finite, what lies between them is not */
        all[t]->round(out, &how, x, 40);
        assert_true(isnan(how.scale));
    }
}

/* Weights to the nearest of 255 steps, outputs by themselves. */
static void test_weights(void **state)
{
    (void)state;
    enum { N = 37, K = 70 };
    float *w = normal_numbers(N * K, 50, 0.04);
    memset(w + 5 * K, 0, K * sizeof *w);
    size_t panels = 2, bytes = nb_int8_panel_bytes(K);
    int8_t *out = aligned_room(panels * bytes, 0xa5);
    nb_int8_pack(out, w, N, K);
    for (size_t n = 0; n < panels * NB_INT8_PANEL; n++) {
        const int8_t *panel = out + n / NB_INT8_PANEL * bytes;
        const float *scales = (const void *)(panel + nb_int8_integers(K));
        const int32_t *sums = (const void *)(scales + NB_INT8_PANEL);
        double scale = (double)scales[n % NB_INT8_PANEL];
        int32_t sum = 0, largest = 0;
        for (size_t k = 0; k < nb_int8_groups(K) * NB_INT8_GROUP; k++) {
            int32_t q = panel[(k / 4 * NB_INT8_PANEL + n % NB_INT8_PANEL) * 4 + k % 4];
            double want = n < N && k < K ? (double)w[n * K + k] : 0;
            assert_true(fabs(scale * q - want) <= 0.5001 * scale + 1e-30);
            sum += q;
            largest = abs(q) > largest ? abs(q) : largest;
        }
        assert_int_equal(sum, sums[n % NB_INT8_PANEL]);
        assert_int_equal(largest, n < N && n != 5 ? 127 : 0);
    }
    free(w), free(out);
}

/* ---- sums ---- */

/* Blocks of all heights with the largest numbers there are: each sum exact. */
static void test_blocks(void **state)
{
    (void)state;
    const nb_int8 *all[TABLES];
    size_t count = tables(all);
    static const size_t lengths[] = {1, 4, 5, 64, 770};
    for (size_t t = 0; t < count; t++) {
        for (size_t rows = 1; rows <= all[t]->rows; rows++) {
            for (size_t l = 0; l < 5; l++) {
                size_t k = lengths[l], groups = nb_int8_groups(k), stride = nb_int8_stride(k);
                uint8_t *a = calloc((rows + 15) / 16 * 16, stride);
                int8_t *b = aligned_room(nb_int8_panel_bytes(k), 0);
                int32_t *sums = (void *)(b + nb_int8_integers(k) + NB_INT8_PANEL * sizeof(float));
                int32_t out[NB_INT8_ROWS * NB_INT8_PANEL];
                for (size_t i = 0; i < rows * stride; i++) { /* behind the groups are zeros */
                    bool padding = i % stride >= 4 * groups;
                    a[i] = (uint8_t)(padding ? 0 : i % 3 ? nb_random_below(9, 1, i, 256) : 255);
                }
                for (size_t i = 0; i < groups * NB_INT8_PANEL * NB_INT8_GROUP; i++) {
                    b[i] = (int8_t)(i % 5 ? (int)nb_random_below(9, 2, i, 255) - 127 : 127);
                    sums[i / 4 % NB_INT8_PANEL] += b[i];
                }
                all[t]->block(out, a, rows, stride, b, groups);
                for (size_t i = 0; i < rows * NB_INT8_PANEL; i++) {
                    int64_t want = 0;
                    for (size_t j = 0; j < 4 * groups; j++) {
                        want += (int64_t)a[i / NB_INT8_PANEL * stride + j] *
                                b[(j / 4 * NB_INT8_PANEL + i % NB_INT8_PANEL) * 4 + j % 4];
                    }
                    assert_int_equal(out[i], want);
                }
                free(a), free(b);
            }
        }
    }
}

/* ---- products ---- */

typedef struct shape {
    size_t m, n, k, first, count;
} shape;

static double activated(double x, nb_epilogue epilogue)
{
    return epilogue == NB_STORE_GELU         ? 0.5 * x * (1 + erf(x / sqrt(2.0)))
           : epilogue == NB_STORE_QUICK_GELU ? x / (1 + exp(-1.702 * x))
                                             : x;
}

/* The product by the plain table and by this machine's best. */
typedef struct made {
    void *out;
    size_t bytes;
} made;

/* Operands of a product, and what NB_ADD adds to. */
typedef struct operands {
    const float *a, *w, *bias, *before;
} operands;

static made product_by(const nb_int8 *by, shape s, nb_epilogue epilogue, operands o)
{
    nb_engine e = nb_engine_int8;
    e.int8 = by;
    bool activates = epilogue == NB_STORE_GELU || epilogue == NB_STORE_QUICK_GELU;
    made r = {.bytes = activates ? e.input_bytes(s.m, s.count) : s.m * s.count * sizeof(float)};
    void *form = aligned_room(e.input_bytes(s.m, s.k), 0xa5), *weight = aligned_room(e.weight_bytes(s.n, s.k), 0xa5);
    r.out = aligned_room(r.bytes, 0xa5);
    if (!activates) {
        memcpy(r.out, o.before, r.bytes);
    }
    e.pack(&e, weight, o.w, s.n, s.k);
    e.product(&e, &(nb_product){.vector = nb_vector_best(),
                                .input = e.input(&e, form, o.a, s.m, s.k),
                                .rows = s.m,
                                .k = s.k,
                                .weight = weight,
                                .first = s.first,
                                .count = s.count,
                                .bias = o.bias + s.first,
                                .epilogue = epilogue,
                                .out = r.out});
    free(form), free(weight);
    return r;
}

/* Element (m, n) of an activated product as the next one reads it: how rows were rounded lies in front of the rows. */
static double held(const made *r, const shape *s, size_t m, size_t n)
{
    const nb_int8_row *of = r->out;
    const uint8_t *rows = (const uint8_t *)r->out + (s->m * sizeof *of + 63) / 64 * 64;
    return (double)of[m].scale * (rows[m * nb_int8_stride(s->count) + n] - of[m].zero);
}

static void check_product(shape s, nb_epilogue epilogue, const nb_int8 *const *all, size_t tables_count)
{
    float *a = normal_numbers(s.m * s.k, 4, 1), *w = normal_numbers(s.n * s.k, 5, 1 / sqrt((double)s.k)),
          *bias = normal_numbers(s.n, 6, 1);
    float *before = normal_numbers(s.m * s.count, 7, 1);
    bool activates = epilogue == NB_STORE_GELU || epilogue == NB_STORE_QUICK_GELU;
    made first = product_by(all[0], s, epilogue, (operands){a, w, bias, before});
    double gap = 0, size = 0;
    for (size_t m = 0; m < s.m; m++) {
        for (size_t n = 0; n < s.count; n++) {
            double sum = (double)bias[s.first + n];
            for (size_t i = 0; i < s.k; i++) {
                sum += (double)a[m * s.k + i] * (double)w[(s.first + n) * s.k + i];
            }
            double want = activated(sum, epilogue) + (epilogue == NB_ADD ? (double)before[m * s.count + n] : 0);
            double got = activates ? held(&first, &s, m, n) : (double)((float *)first.out)[m * s.count + n];
            gap += (got - want) * (got - want);
            size += 1 + sum * sum;
        }
    }
    if (!(sqrt(gap / size) <= 0.02)) {
        fail_msg("%zux%zux%zu (%zu from %zu), epilogue %d: off by %g", s.m, s.n, s.k, s.count, s.first, (int)epilogue,
                 sqrt(gap / size));
    }
    for (size_t t = 1; t < tables_count; t++) {
        made other = product_by(all[t], s, epilogue, (operands){a, w, bias, before});
        size_t of = s.m * sizeof(nb_int8_row), rows = (of + 63) / 64 * 64; /* as held() has them */
        assert_memory_equal(first.out, other.out, activates ? of : first.bytes);
        if (activates) {
            assert_memory_equal((char *)first.out + rows, (char *)other.out + rows, s.m * nb_int8_stride(s.count));
        }
        free(other.out);
    }
    free(a), free(w), free(bias), free(before), free(first.out);
}

static void test_products(void **state)
{
    (void)state;
    const nb_int8 *all[TABLES];
    size_t count = tables(all), done = 0;
    static const size_t sizes[] = {1, 3, 12, 13, 31, 32, 33, 65};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (size_t i = 0; i < (size_t)SIZES * SIZES * SIZES; i++, done++) {
        shape s = {sizes[i % SIZES], sizes[i / SIZES % SIZES], sizes[i / SIZES / SIZES], 0, 0};
        s.count = s.n;
        nb_epilogue epilogue = (nb_epilogue)(i * 7 / 3 % 4);
        if (epilogue == NB_STORE || epilogue == NB_ADD) { /* also a slice of the outputs */
            s.first = i % 5 * s.n / 7;
            s.count = s.n - s.first - (s.n - s.first) / 3;
        }
        check_product(s, epilogue, all, count);
    }
    check_product((shape){300, 40, 500, 0, 40}, NB_ADD, all, count); /* more rows than meet a panel at once */
    check_product((shape){250, 70, 96, 0, 70}, NB_STORE_GELU, all, count);
    print_message("%zu products by %zu tables, the last of them %s\n", done + 2, count, all[count - 1]->name);
}

/* A row alone gives the bits it gives in company, also through an activation. */
static void test_company(void **state)
{
    (void)state;
    enum { M = 130, N = 45, K = 100 };
    const nb_engine *e = &nb_engine_int8;
    float *a = normal_numbers(M * K, 8, 1), *w = normal_numbers(N * K, 9, 0.1), *bias = normal_numbers(N, 10, 1);
    for (int act = 0; act < 2; act++) {
        shape all = {M, N, K, 0, N}, one = {1, N, K, 0, N};
        float before[M * N] = {0};
        nb_epilogue epilogue = act ? NB_STORE_GELU : NB_STORE;
        made together = product_by(e->int8, all, epilogue, (operands){a, w, bias, before});
        for (size_t m = 0; m < M; m++) {
            made alone = product_by(e->int8, one, epilogue, (operands){a + m * K, w, bias, before});
            if (act) {
                for (size_t n = 0; n < N; n++) {
                    assert_true(held(&alone, &one, 0, n) == held(&together, &all, m, n));
                }
            } else {
                assert_memory_equal(alone.out, (float *)together.out + m * N, N * sizeof(float));
            }
            free(alone.out);
        }
        free(together.out);
    }
    free(a), free(w), free(bias);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding), cmocka_unit_test(test_odd_rows), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_blocks),   cmocka_unit_test(test_products), cmocka_unit_test(test_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
