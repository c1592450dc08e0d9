/* The fast towers, by the engines, against the reference over a grid of architectures, and the token trie. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/clip/towers/forward.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 40, TEXTS = 60, VOCABULARY = 30 };

static uint64_t stream;

static float *numbers(size_t n, double scale, double shift)
{
    float *x = malloc(n * sizeof *x);
    stream++;
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(shift + scale * nb_random_normal(3, stream, i));
    }
    return x;
}

static void make_block(nb_block *b, const nb_tower_config *c)
{
    size_t w = c->width;
    double s = 1 / sqrt((double)w);
    *b = (nb_block){.norm1_weight = numbers(w, 0.1, 1),
                    .norm1_bias = numbers(w, 0.1, 0),
                    .qkv_weight = numbers(3 * w * w, s, 0),
                    .qkv_bias = numbers(3 * w, 0.1, 0),
                    .out_weight = numbers(w * w, s, 0),
                    .out_bias = numbers(w, 0.1, 0),
                    .norm2_weight = numbers(w, 0.1, 1),
                    .norm2_bias = numbers(w, 0.1, 0),
                    .fc1_weight = numbers(c->mlp * w, s, 0),
                    .fc1_bias = numbers(c->mlp, 0.1, 0),
                    .fc2_weight = numbers(c->mlp * w, s / 2, 0),
                    .fc2_bias = numbers(w, 0.1, 0)};
}

static void free_block(nb_block *b)
{
    const float **parts = (const float **)b;
    for (size_t i = 0; i < sizeof *b / sizeof *parts; i++) {
        free((void *)(uintptr_t)parts[i]);
    }
}

static const void *pack(const nb_engine *e, const float *matrix, size_t n, size_t k, nb_error *err)
{
    void *out = nb_alloc_aligned(e->weight_bytes(n, k), 1, err);
    assert_non_null(out);
    e->pack(e, out, matrix, n, k);
    return out;
}

/* The blocks' matrices as the engine wants them; the floats stay for the reference. */
static void pack_blocks(const nb_engine *e, const nb_tower_config *c, nb_block *blocks, nb_error *err)
{
    size_t w = c->width;
    for (size_t i = 0; e->packs && i < c->layers; i++) {
        nb_block *b = &blocks[i];
        b->packed.qkv = pack(e, b->qkv_weight, 3 * w, w, err);
        b->packed.out = pack(e, b->out_weight, w, w, err);
        b->packed.fc1 = pack(e, b->fc1_weight, c->mlp, w, err);
        b->packed.fc2 = pack(e, b->fc2_weight, w, c->mlp, err);
    }
}

/* Worst element error relative to the largest. */
static double worst(const float *a, const float *b, size_t n)
{
    double largest = 1e-30, gap = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        gap = fmax(gap, fabs((double)a[i] - (double)b[i]));
    }
    return gap / largest;
}

/* fp32 to rounding; bf16 by the rows' cosines, all of which are printed as minimum, 1 % and median. */
static void compare(const nb_engine *e, const char *what, const float *got, const float *want, size_t rows, size_t w)
{
    double *cosines = calloc(rows, sizeof *cosines), error = worst(got, want, rows * w);
    for (size_t r = 0; r < rows; r++) {
        double dot = 0, a = 0, b = 0;
        for (size_t i = 0; i < w; i++) {
            double x = (double)got[r * w + i], y = (double)want[r * w + i];
            dot += x * y, a += x * x, b += y * y;
        }
        cosines[r] = dot / sqrt(a * b);
        for (size_t k = r; k > 0 && cosines[k] < cosines[k - 1]; k--) {
            double swap = cosines[k];
            cosines[k] = cosines[k - 1], cosines[k - 1] = swap;
        }
    }
    print_message("%s by %s: error %.2g; cosines least %.6f, 1 %% %.6f, median %.6f\n", what, e->precision, error,
                  cosines[0], cosines[rows / 100], cosines[rows / 2]);
    assert_true(e->packs ? cosines[0] >= 0.999 : error < 2e-5);
    free(cosines);
}

/* Sorted-looking texts: many shared prefixes, some equal, lengths from 2 to CONTEXT. */
static void make_texts(int32_t *ids, size_t *lengths)
{
    for (size_t i = 0; i < TEXTS; i++) {
        lengths[i] = 2 + (size_t)nb_random_below(4, i, 0, i % 7 ? 8 : CONTEXT - 2);
        for (size_t d = 0; d < lengths[i]; d++) {
            ids[i * CONTEXT + d] =
                d < 3 ? (int32_t)d : (int32_t)nb_random_below(4, i / 3, d + 1, d < 5 ? 2 : VOCABULARY - 1);
        }
        ids[i * CONTEXT + lengths[i] - 1] = VOCABULARY - 1; /* the end token */
        if (i % 10 == 9) {
            lengths[i] = lengths[i - 1];
            memcpy(ids + i * CONTEXT, ids + (i - 1) * CONTEXT, CONTEXT * sizeof *ids);
        }
    }
}

static void check_text(const nb_engine *engine, size_t width, size_t heads, size_t layers, nb_activation activation,
                       size_t room)
{
    nb_error err = {0};
    nb_tower_config c = {
        .width = width, .heads = heads, .layers = layers, .mlp = 3 * width, .activation = activation, .epsilon = 1e-5f};
    nb_block *blocks = calloc(layers, sizeof *blocks);
    for (size_t i = 0; i < layers; i++) {
        make_block(&blocks[i], &c);
    }
    pack_blocks(engine, &c, blocks, &err);
    float *tokens = numbers(VOCABULARY * width, 1, 0), *positions = numbers(CONTEXT * width, 1, 0);
    int32_t ids[TEXTS * CONTEXT] = {0};
    size_t lengths[TEXTS], order[TEXTS], rows = 0;
    make_texts(ids, lengths);
    float *want = calloc(TEXTS * width, sizeof *want), *got = calloc(TEXTS * width, sizeof *got);

    nb_tower_scratch scratch;
    float *x = calloc(TEXTS * CONTEXT * width, sizeof *x);
    must(nb_tower_scratch_create(&scratch, &c, TEXTS * CONTEXT, CONTEXT, &err), &err);
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t d = 0; d < lengths[i]; d++, rows++) {
            for (size_t k = 0; k < width; k++) {
                x[rows * width + k] = tokens[(size_t)ids[i * CONTEXT + d] * width + k] + positions[d * width + k];
            }
        }
    }
    nb_tower_forward(&c, blocks, &(nb_tower_sequences){x, lengths, TEXTS, true, NULL}, &scratch);
    for (size_t i = 0, row = 0; i < TEXTS; i++) {
        row += lengths[i];
        memcpy(want + i * width, x + (row - 1) * width, width * sizeof *want);
    }

    nb_trie trie;
    nb_forward f;
    size_t shared_rows = 0;
    must(nb_trie_create(&trie, TEXTS, CONTEXT, room, &err), &err);
    must(nb_forward_create(&f, engine, &c, blocks, &(nb_forward_size){trie.row_capacity, TEXTS, CONTEXT, true}, &err),
         &err);
    nb_trie_order(order, &(nb_trie_batch){ids, lengths, CONTEXT}, TEXTS);
    for (size_t at = 0; at < TEXTS;) {
        at += nb_trie_build(&trie, order, at, TEXTS, &(nb_trie_batch){ids, lengths, CONTEXT});
        shared_rows += trie.rows;
        for (size_t r = 0; r < trie.rows; r++) {
            f.vector->add(f.x + r * width, tokens + (size_t)trie.tokens[r] * width, positions + trie.depths[r] * width,
                          width);
        }
        nb_forward_trie(&f, &trie);
        for (size_t i = 0; i < trie.count; i++) {
            memcpy(got + trie.texts[i].text * width, f.pooled_x + i * width, width * sizeof *got);
        }
    }
    assert_true(shared_rows < rows);
    char what[96];
    snprintf(what, sizeof what, "text %zu/%zu, %zu layers, %zu of %zu rows", width, heads, layers, shared_rows, rows);
    compare(engine, what, got, want, TEXTS, width);
    for (size_t i = 0; i < layers; i++) {
        free_block(&blocks[i]);
    }
    nb_trie_destroy(&trie);
    nb_forward_destroy(&f);
    nb_tower_scratch_destroy(&scratch);
    free(blocks), free(tokens), free(positions), free(want), free(got), free(x);
}

static void check_image(const nb_engine *engine, size_t width, size_t heads, size_t layers, nb_activation activation,
                        size_t count, size_t length)
{
    nb_error err = {0};
    nb_tower_config c = {
        .width = width, .heads = heads, .layers = layers, .mlp = 4 * width, .activation = activation, .epsilon = 1e-5f};
    nb_block *blocks = calloc(layers, sizeof *blocks);
    size_t rows = count * length, *lengths = calloc(count, sizeof *lengths);
    for (size_t i = 0; i < layers; i++) {
        make_block(&blocks[i], &c);
    }
    pack_blocks(engine, &c, blocks, &err);
    for (size_t i = 0; i < count; i++) {
        lengths[i] = length;
    }
    float *x = numbers(rows * width, 1, 0), *want = calloc(count * width, sizeof *want);
    nb_forward f;
    nb_tower_scratch scratch;
    must(nb_forward_create(&f, engine, &c, blocks, &(nb_forward_size){rows, count, length, false}, &err), &err);
    must(nb_tower_scratch_create(&scratch, &c, rows, length, &err), &err);
    memcpy(f.x, x, rows * width * sizeof *x);
    nb_tower_forward(&c, blocks, &(nb_tower_sequences){x, lengths, count, false, NULL}, &scratch);
    nb_forward_full(&f, &(nb_forward_batch){.count = count, .length = length});
    for (size_t i = 0; i < count; i++) {
        memcpy(want + i * width, x + i * length * width, width * sizeof *want);
    }
    char what[96];
    snprintf(what, sizeof what, "image %zu/%zu, %zu layers, %zu x %zu", width, heads, layers, count, length);
    compare(engine, what, f.pooled_x, want, count, width);
    for (size_t i = 0; i < layers; i++) {
        free_block(&blocks[i]);
    }
    nb_forward_destroy(&f);
    nb_tower_scratch_destroy(&scratch);
    free(blocks), free(lengths), free(x), free(want);
}

static const nb_engine *engines[4];

static void test_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4 && engines[i]; i++) {
        const nb_engine *e = engines[i];
        check_text(e, 32, 1, 1, NB_QUICK_GELU, 4096);
        check_text(e, 64, 4, 3, NB_QUICK_GELU, 4096);
        check_text(e, 96, 3, 2, NB_GELU, 100);
        check_text(e, 40, 5, 2, NB_QUICK_GELU, CONTEXT); /* the smallest room: texts one by one */
        check_text(e, 128, 2, 4, NB_GELU, 333);
        check_text(e, 36, 3, 3, NB_GELU, 600);
    }
}

static void test_image(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4 && engines[i]; i++) {
        const nb_engine *e = engines[i];
        check_image(e, 64, 4, 1, NB_QUICK_GELU, 1, 1);
        check_image(e, 64, 1, 3, NB_GELU, 3, 17);
        check_image(e, 96, 3, 2, NB_QUICK_GELU, 5, 50);
        check_image(e, 128, 8, 2, NB_QUICK_GELU, 2, 197);
        check_image(e, 72, 3, 2, NB_GELU, 13, 50); /* more rows than go through a block together */
    }
}

/* Equal texts share everything; the first text shares nothing; the room is never exceeded; nobody is left out. */
static void test_trie(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_trie t;
    int32_t ids[TEXTS * CONTEXT] = {0};
    size_t lengths[TEXTS], order[TEXTS], seen[TEXTS] = {0};
    make_texts(ids, lengths);
    nb_trie_order(order, &(nb_trie_batch){ids, lengths, CONTEXT}, TEXTS);
    must(nb_trie_create(&t, TEXTS, CONTEXT, 77, &err), &err);
    for (size_t at = 0; at < TEXTS;) {
        size_t taken = nb_trie_build(&t, order, at, TEXTS, &(nb_trie_batch){ids, lengths, CONTEXT});
        assert_true(taken > 0 && t.rows <= t.row_capacity);
        assert_int_equal(t.texts[0].shared, 0);
        for (size_t i = 0; i < taken; i++) {
            const nb_trie_text *text = &t.texts[i];
            seen[text->text]++;
            assert_int_equal(text->shared + text->count, lengths[text->text]);
            assert_int_equal(t.depths[text->last] + 1, lengths[text->text]);
            assert_int_equal(t.tokens[text->last], VOCABULARY - 1);
        }
        at += taken;
    }
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(seen[i], 1);
    }
    nb_trie_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_trie),
    };
    nb_blas_start();
    engines[0] = &nb_engine_fp32;
    engines[1] = &nb_engine_bf16_emulated;
    engines[2] = &nb_engine_bf16_pairs_emulated;
    engines[3] = nb_engine_bf16(NB_ENGINE_ON_DEMAND, NULL); /* where the CPU has bf16 */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
