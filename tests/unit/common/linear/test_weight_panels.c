/* fp32 products of packed panels: every instruction set against chains of fmaf(), bit for bit, and the packing. */
#include "support/numbers.h"
#include "support/support.h"

#include "common/linear/simd/instruction_set.h"
#include "common/linear/simd/weight_panels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Output n of a row, as common/linear/simd/weight_panels.h has it. */
static float chained(const float *row, const float *panel, size_t n, size_t k)
{
    float sum = 0;
    for (size_t at = 0; at < k; at += NB_PANELS_CUT) {
        float chain = 0;
        for (size_t i = at; i < k && i < at + NB_PANELS_CUT; i++) {
            chain = fmaf(row[i], panel[i * NB_PANELS_OUTPUTS + n], chain);
        }
        sum = at ? sum + chain : chain;
    }
    return sum;
}

static void check_block(const nb_weight_panels *by, size_t count, size_t k)
{
    size_t stride = k + 3;
    float *rows = normal_numbers(count * stride, count, 1), *random = normal_numbers(k * NB_PANELS_OUTPUTS, k, 1);
    float *panel = aligned_room(k * NB_PANELS_OUTPUTS * sizeof *panel, 0);
    float *out = aligned_room((NB_PANELS_ROWS + 1) * NB_PANELS_OUTPUTS * sizeof *out, 0x5a);
    float *behind = aligned_room(NB_PANELS_OUTPUTS * sizeof *behind, 0x5a);
    memcpy(panel, random, k * NB_PANELS_OUTPUTS * sizeof *panel);
    by->block(out, rows, count, stride, panel, k);
    for (size_t r = 0; r < count; r++) {
        for (size_t n = 0; n < NB_PANELS_OUTPUTS; n++) {
            float want = chained(rows + r * stride, panel, n, k);
            if (want != out[r * NB_PANELS_OUTPUTS + n]) { /* bit for bit: none is zero */
                fail_msg("%s, %zu rows of %zu: [%zu, %zu] is %.9g, not %.9g", by->name, count, k, r, n,
                         (double)out[r * NB_PANELS_OUTPUTS + n], (double)want);
            }
        }
    }
    assert_memory_equal(out + count * NB_PANELS_OUTPUTS, behind, NB_PANELS_OUTPUTS * sizeof *behind);
    free(rows), free(random), free(panel), free(out), free(behind);
}

static void test_blocks(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 31, 64, 511, 512, 513, 1100};
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            for (size_t rows = 1; rows <= NB_PANELS_ROWS; rows += NB_SANITIZED ? 4 : 1) {
                check_block(sets[s]->panels, rows, lengths[l]);
            }
        }
    }
}

/* Every value in its place, zeros behind; pack_columns of the transpose is the same. */
static void test_packing(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5, 31, 32, 33, 70};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t i = 0; i < count * SIZES * SIZES; i++) {
        const nb_weight_panels *by = sets[i / SIZES / SIZES]->panels;
        size_t n = sizes[i % SIZES], k = sizes[i / SIZES % SIZES], stride = k + 2, across = n + 1;
        size_t floats = nb_weight_panels_count(n, k);
        float *w = normal_numbers(n * stride, i, 1), *transposed = aligned_room(k * across * sizeof *transposed, 0x5a);
        float *a = aligned_room(floats * sizeof *a, 0x5a), *b = aligned_room(floats * sizeof *b, 0x5a);
        for (size_t o = 0; o < n; o++) {
            for (size_t c = 0; c < k; c++) {
                transposed[c * across + o] = w[o * stride + c];
            }
        }
        by->pack(a, w, n, k, stride);
        by->pack_columns(b, transposed, n, k, across);
        assert_memory_equal(a, b, floats * sizeof *a);
        for (size_t f = 0; f < floats; f++) {
            size_t o = f / NB_PANELS_OUTPUTS / k * NB_PANELS_OUTPUTS + f % NB_PANELS_OUTPUTS;
            size_t c = f / NB_PANELS_OUTPUTS % k;
            float want = o < n ? w[o * stride + c] : 0;
            assert_memory_equal(&a[f], &want, sizeof want);
        }
        free(w), free(transposed), free(a), free(b);
    }
}

/* Parts of a block: what is wanted and nothing beside it. */
static void test_parts(void **state)
{
    (void)state;
    enum { STRIDE = 40, ROWS = 5 };
    static const nb_weight_panels_part parts[] = {{5, 0, 32}, {5, 0, 7}, {4, 9, 23}, {1, 31, 1}, {3, 8, 16}};
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    float *block = normal_numbers(ROWS * NB_PANELS_OUTPUTS, 1, 1), *bias = normal_numbers(NB_PANELS_OUTPUTS, 2, 1);
    float *before = normal_numbers(ROWS * STRIDE, 3, 1), stored[ROWS * STRIDE], added[ROWS * STRIDE];
    for (size_t i = 0; i < count * 5; i++) {
        const nb_weight_panels *by = sets[i / 5]->panels;
        const nb_weight_panels_part p = parts[i % 5];
        memcpy(stored, before, sizeof stored);
        memcpy(added, before, sizeof added);
        by->store(stored, STRIDE, block, &p, bias);
        by->add(added, STRIDE, block, &p, bias);
        for (size_t f = 0; f < (size_t)ROWS * STRIDE; f++) {
            size_t r = f / STRIDE, c = f % STRIDE;
            bool wanted = r < p.rows && c < p.columns;
            float x = wanted ? block[r * NB_PANELS_OUTPUTS + p.skip + c] + bias[p.skip + c] : 0;
            assert_true(stored[f] == (wanted ? x : before[f]));
            assert_true(added[f] == (wanted ? before[f] + x : before[f]));
        }
    }
    free(block), free(bias), free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
