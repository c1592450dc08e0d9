/* The towers that go beyond CLIP's own, against plain PyTorch (bench/towers.py, golden/towers) and against the plain
 * reference in C, in fp32 and bf16, in batches of several sizes. */
#include "support/support.h"

#include "support/checkpoint_folders.h"
#include "support/tower_checks.h"
#include "support/tower_folders.h"

#include "common/clip/checkpoint/names.h"
#include "common/clip/gradients/backward_towers.h"
#include "common/clip/inversion/invert.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/text_encoder.h"
#include "common/clip/towers/patches.h"
#include "common/clip/towers/relative.h"
#include "common/linear/blas.h"
#include "common/store/npy.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = TOWER_TEXTS, IMAGES = 6 };

/* ---- the plain reference ---- */

/* out[count] = weight[count, n] x[n] + bias */
static void plain_linear(const float *weight, const float *bias, const float *x, size_t n, float *out, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        double sum = (double)bias[k];
        for (size_t i = 0; i < n; i++) {
            sum += (double)weight[k * n + i] * (double)x[i];
        }
        out[k] = (float)sum;
    }
}

/* What a query makes of the normed rows [length, width], head by head, and the MLP behind it. */
static void plain_pool(const nb_clip *m, const float *rows, size_t length, float *pooled)
{
    const nb_tower_config pool = nb_tower_pool(&m->config.image);
    const nb_block *b = &m->pool_block;
    size_t w = pool.width, head = w / pool.heads;
    float query[64], mixed[64] = {0}, hidden[64], normed[64], *keys = malloc(length * w * sizeof *keys);
    float *values = malloc(length * w * sizeof *values), *scores = malloc(length * sizeof *scores);
    assert_true(w <= 64 && pool.mlp <= 64);
    plain_linear(b->qkv_weight, b->qkv_bias, m->pool_query, w, query, w);
    for (size_t r = 0; r < length; r++) {
        plain_linear(b->qkv_weight + w * w, b->qkv_bias + w, rows + r * w, w, keys + r * w, w);
        plain_linear(b->qkv_weight + 2 * w * w, b->qkv_bias + 2 * w, rows + r * w, w, values + r * w, w);
    }
    for (size_t at = 0; at < w; at += head) {
        for (size_t r = 0; r < length; r++) {
            scores[r] = 0;
            for (size_t i = at; i < at + head; i++) {
                scores[r] += query[i] * keys[r * w + i] / sqrtf((float)head);
            }
        }
        nb_softmax_rows(scores, 1, length, length);
        for (size_t r = 0; r < length; r++) {
            for (size_t i = at; i < at + head; i++) {
                mixed[i] += scores[r] * values[r * w + i];
            }
        }
    }
    plain_linear(b->out_weight, b->out_bias, mixed, w, pooled, w);
    nb_layer_norm(normed, pooled, 1, &(nb_norm_layer){b->norm2_weight, b->norm2_bias, w, pool.epsilon});
    plain_linear(b->fc1_weight, b->fc1_bias, normed, w, hidden, pool.mlp);
    nb_gelu(hidden, pool.mlp);
    plain_linear(b->fc2_weight, b->fc2_bias, hidden, pool.mlp, mixed, w);
    nb_add(pooled, mixed, w);
    free(keys), free(values), free(scores);
}

/* Norm, pooling and projection of one sequence's rows [length, width], `at` being the row that is read. */
static void plain_head(const nb_clip *m, nb_tower tower, float *rows, size_t length, size_t at, float *out)
{
    const nb_tower_config *c = tower == NB_TOWER_TEXT ? &m->config.text : &m->config.image;
    const float *weight = tower == NB_TOWER_TEXT ? m->text_norm_weight : m->post_norm_weight;
    const float *norm_bias = tower == NB_TOWER_TEXT ? m->text_norm_bias : m->post_norm_bias;
    const float *projection = tower == NB_TOWER_TEXT ? m->text_projection : m->image_projection;
    const float *bias = tower == NB_TOWER_TEXT ? m->text_projection_bias : m->image_projection_bias;
    size_t w = c->width, first = c->no_class_token ? 0 : 1;
    float pooled[64] = {0};
    const nb_norm_layer norm = {weight, norm_bias, w, c->epsilon};
    assert_true(w <= 64);
    if (c->final_norm == NB_FINAL_NORM_ROWS) {
        nb_layer_norm(rows, rows, length, &norm);
    }
    for (size_t i = 0; i < w; i++) {
        double sum = 0;
        for (size_t r = first; r < length; r++) {
            sum += (double)rows[r * w + i];
        }
        pooled[i] = c->pooling == NB_POOL_AVERAGE ? (float)(sum / (double)(length - first)) : rows[at * w + i];
    }
    if (c->pooling == NB_POOL_ATTENTION) {
        plain_pool(m, rows, length, pooled);
    }
    if (c->final_norm == NB_FINAL_NORM_POOLED) {
        nb_layer_norm(pooled, pooled, 1, &norm);
    }
    for (size_t k = 0; k < m->config.projection; k++) {
        double sum = bias ? (double)bias[k] : 0;
        for (size_t i = 0; projection && i < w; i++) {
            sum += (double)projection[k * w + i] * (double)pooled[i];
        }
        out[k] = projection ? (float)sum : pooled[k];
    }
}

static void plain_run(const nb_clip *m, nb_tower tower, float *x, size_t length)
{
    const nb_tower_config *c = tower == NB_TOWER_TEXT ? &m->config.text : &m->config.image;
    nb_error err = {0};
    nb_tower_scratch scratch;
    nb_rotary rotary;
    must(nb_tower_scratch_create(&scratch, c, length, length, &err), &err);
    must(nb_rotary_create(&rotary, c, length, &err), &err);
    nb_tower_forward(c, tower == NB_TOWER_TEXT ? m->text_blocks : m->image_blocks,
                     &(nb_tower_sequences){x, &length, 1, tower == NB_TOWER_TEXT && !c->bidirectional,
                                           rotary.pairs ? &rotary : NULL},
                     &scratch);
    nb_rotary_destroy(&rotary);
    nb_tower_scratch_destroy(&scratch);
}

/* Every token of the context, padding included. */
static void plain_ids(const nb_clip *m, const int32_t *ids, float *out)
{
    const nb_clip_config *c = &m->config;
    size_t w = c->text.width, at = 0;
    float *x = malloc(c->context * w * sizeof *x);
    for (size_t k = 0; k < c->context; k++) {
        for (size_t i = 0; i < w; i++) {
            x[k * w + i] = m->token_embedding[(size_t)ids[k] * w + i] + m->text_position[k * w + i];
        }
    }
    plain_run(m, NB_TOWER_TEXT, x, c->context);
    if (c->text.pooling == NB_POOL_LAST) {
        at = c->context - 1;
    } else if (c->text.pooling == NB_POOL_TOKEN) {
        while (ids[at] != nb_tokenizer_end(m->tokenizer)) {
            at++;
        }
    }
    plain_head(m, NB_TOWER_TEXT, x, c->context, at, out);
    free(x);
}

static void plain_text(const nb_clip *m, const char *text, size_t len, float *out)
{
    nb_error err = {0};
    size_t count, context = m->config.context;
    int32_t *ids = calloc(context, sizeof *ids);
    must(nb_tokenizer_encode(m->tokenizer, text, len, (nb_token_array){ids, context}, &count, &err), &err);
    plain_ids(m, ids, out);
    free(ids);
}

static void plain_image(const nb_clip *m, const float *pixels, float *out)
{
    const nb_clip_config *c = &m->config;
    size_t w = c->image.width, rows = nb_clip_image_rows(c), first = rows - nb_clip_patches(c);
    size_t area = 3 * c->patch * c->patch;
    float *patches = malloc((rows - first) * area * sizeof *patches), *x = malloc(rows * w * sizeof *x);
    nb_patches_cut(c, pixels, patches);
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < w; i++) {
            double sum = r < first ? (double)m->class_embedding[i] : m->patch_bias ? (double)m->patch_bias[i] : 0;
            for (size_t k = 0; r >= first && k < area; k++) {
                sum += (double)patches[(r - first) * area + k] * (double)m->patch_embedding[i * area + k];
            }
            x[r * w + i] = (float)sum + m->image_position[r * w + i];
        }
    }
    if (m->pre_norm_weight) {
        nb_layer_norm(x, x, rows, &(nb_norm_layer){m->pre_norm_weight, m->pre_norm_bias, w, c->image.epsilon});
    }
    plain_run(m, NB_TOWER_IMAGE, x, rows);
    plain_head(m, NB_TOWER_IMAGE, x, rows, 0, out);
    free(patches);
    free(x);
}

/* ---- the fast towers ---- */

static void check_family(const char *family)
{
    const nb_engine *engines[] = {&nb_engine_fp32, nb_engine_fp32_best(), &nb_engine_bf16_emulated,
                                  nb_engine_bf16(NB_ENGINE_ON_DEMAND, NULL)};
    static const size_t batches[] = {TEXTS, 1, 5};
    const char *folder = tower_folder(family);
    nb_strings texts = {0};
    nb_error err = {0};
    tower_texts(&texts);
    for (size_t e = 0; e < 4 && engines[e]; e++) {
        bool exact = strcmp(engines[e]->name, "fp32") == 0;
        nb_clip *m;
        must(nb_clip_open_by(&m, folder, engines[e], &err), &err);
        size_t d = m->config.projection, area = 3 * m->config.image_size * m->config.image_size;
        float *pixels = tower_numbers(golden_path("towers/pixels.npy"), IMAGES * area), *got = malloc(TEXTS * d * 4);
        float *text = tower_numbers(tower_golden(family, "text_embeddings.npy"), TEXTS * d);
        float *image = tower_numbers(tower_golden(family, "image_embeddings.npy"), IMAGES * d);
        assert_non_null(nb_tower_activation_name(&m->config.text));
        assert_non_null(nb_tower_activation_name(&m->config.image));
        print_message("%s (%s, %s) by %s\n", family, nb_tower_activation_name(&m->config.text),
                      nb_tower_activation_name(&m->config.image), engines[e]->precision);
        for (size_t i = 0; i < 3; i++) {
            tower_embed_texts(m, &texts, batches[i], got);
            tower_compare("texts", got, text, TEXTS, d, exact);
            tower_embed_images(m, pixels, IMAGES, batches[i], got);
            tower_compare("images", got, image, IMAGES, d, exact);
        }
        /* The plain tower has no mask over padding, and no pooling by a query: those have PyTorch's alone. */
        if (!engines[e]->packs && !m->config.text.hides_padding && !m->config.text.class_token) {
            for (size_t i = 0; i < TEXTS; i++) {
                plain_text(m, nb_strings_get(&texts, i), nb_strings_len(&texts, i), got + i * d);
            }
            tower_compare("texts, plainly", got, text, TEXTS, d, true);
        }
        if (!engines[e]->packs && m->config.image.pooling != NB_POOL_QUERY) {
            for (size_t i = 0; i < IMAGES; i++) {
                plain_image(m, pixels + i * area, got + i * d);
            }
            tower_compare("images, plainly", got, image, IMAGES, d, true);
        }
        free(pixels), free(got), free(text), free(image);
        nb_clip_close(m);
    }
    nb_strings_free(&texts);
}

static void test_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < tower_family_count; i++) {
        check_family(tower_families[i]);
    }
}

/* Texts that are equal, in a batch beside others: a bidirectional tower computes them once, and every one gets its own.
 */
static void test_equal_texts(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *m;
    nb_strings texts = {0}, mixed = {0};
    must(nb_clip_open(&m, tower_folder("clipa"), &err), &err);
    size_t d = m->config.projection;
    float *want = tower_numbers(tower_golden("clipa", "text_embeddings.npy"), TEXTS * d), *got = malloc(TEXTS * d * 4);
    tower_texts(&texts);
    for (size_t i = 0; i < TEXTS; i++) {
        size_t from = i * i % 5;
        must(nb_strings_push(&mixed, nb_strings_get(&texts, from), nb_strings_len(&texts, from), &err), &err);
    }
    tower_embed_texts(m, &mixed, TEXTS, got);
    for (size_t i = 0; i < TEXTS; i++) {
        tower_compare("an equal text", got + i * d, want + i * i % 5 * d, 1, d, true);
    }
    free(want);
    free(got);
    nb_strings_free(&texts);
    nb_strings_free(&mixed);
    nb_clip_close(m);
}

/* The numbers of padding tokens inside of texts: a tower that hides padding hides them too. */
static void test_padding_inside(void **state)
{
    (void)state;
    static const char *const families[] = {"roberta", "roberta-cls", "mt5", "nllb", "coca", "coca-correct"};
    static const char *const odd[] = {"!\"a !\"! b", "!\"\" b \"!", "!\" !\" !\" !\" !\" !\" !\""};
    static const int32_t second[] = {998, 0, 1, 257, 321, 1, 256, 999};
    nb_strings texts = {0};
    nb_error err = {0};
    for (size_t i = 0; i < 3; i++) {
        must(nb_strings_push(&texts, odd[i], strlen(odd[i]), &err), &err);
    }
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        nb_clip *m;
        size_t count;
        int32_t ids[12];
        must(nb_clip_open(&m, tower_folder(families[f]), &err), &err);
        must(nb_tokenizer_encode(m->tokenizer, odd[1], strlen(odd[1]), (nb_token_array){ids, 12}, &count, &err), &err);
        assert_int_equal(count, sizeof second / sizeof *second);
        assert_memory_equal(ids, second, sizeof second);
        size_t d = m->config.projection;
        float *want = tower_numbers(tower_golden(families[f], "odd_embeddings.npy"), 3 * d),
              *got = malloc(3 * d * sizeof *got);
        for (size_t batch = 1; batch <= 3; batch += 2) {
            tower_embed_texts(m, &texts, batch, got);
            tower_compare(families[f], got, want, 3, d, true);
        }
        free(want);
        free(got);
        nb_clip_close(m);
    }
    nb_strings_free(&texts);
}

/* T5's kinds of distances, of 32, as transformers' code gives them under PyTorch: where each one begins. */
static void test_relative_kinds(void **state)
{
    (void)state;
    static const int begins[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};
    for (int n = 0; n < 200; n++) {
        size_t kind = 15;
        while (begins[kind] > n) {
            kind--;
        }
        assert_int_equal(nb_relative_kind(-n, 32), kind);
        assert_int_equal(nb_relative_kind(n, 32), n ? kind + 16 : 0);
    }
}

/* A folder as CLIPA's are: BERT's vocabulary, of fewer tokens than are embedded, and strip_sep_token. */
static const char *clipa_folder(void)
{
    const char *folder = tower_folder("clipa");
    nb_error err = {0};
    size_t len;
    char *bytes = read_bytes(golden_path("wordpiece/vocab.txt"), &len), *path = joined_path(folder, "vocab.txt");
    must(nb_file_write(path, true, bytes, len, &err), &err);
    drop_file(folder, "vocab.json");
    drop_file(folder, "merges.txt");
    edit_file(folder, "open_clip_config.json", "\"context_length\"",
              "\"hf_tokenizer_name\": \"bert-base-uncased\", \"tokenizer_kwargs\": {\"strip_sep_token\": true}, "
              "\"context_length\"");
    free(bytes);
    free(path);
    return folder;
}

/* CLIPA from its files to its embeddings: those that the plain tower makes of the ids of BERT's own library. */
static void test_clipa(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *m;
    nb_strings texts = {0}, lines = {0};
    must(nb_clip_open(&m, clipa_folder(), &err), &err);
    must(nb_file_lines(golden_path("wordpiece/cases.jsonl"), 1 << 16, &lines, &err), &err);
    size_t d = m->config.projection;
    float *want = malloc(lines.count * d * sizeof *want), *got = malloc(lines.count * d * sizeof *got);
    for (size_t i = 0; i < lines.count; i++) {
        int32_t ids[64] = {0};
        json_t *row = json_loads(nb_strings_get(&lines, i), JSON_ALLOW_NUL, NULL);
        const json_t *text = json_object_get(row, "text"), *clipa = json_object_get(row, "clipa");
        must(nb_strings_push(&texts, json_string_value(text), json_string_length(text), &err), &err);
        assert_int_equal(json_array_size(clipa), m->config.context);
        for (size_t k = 0; k < json_array_size(clipa); k++) {
            ids[k] = (int32_t)json_integer_value(json_array_get(clipa, k));
        }
        plain_ids(m, ids, want + i * d);
        json_decref(row);
    }
    tower_embed_texts(m, &texts, 7, got);
    tower_compare("CLIPA's texts", got, want, lines.count, d, true);
    free(want);
    free(got);
    nb_strings_free(&texts);
    nb_strings_free(&lines);
    nb_clip_close(m);
}

/* Gradients are written for CLIP's own towers alone: others are refused by the part that they have beyond them. */
static void test_gradients_refused(void **state)
{
    (void)state;
    static const struct {
        const char *family, *text, *image; /* NULL: the tower is CLIP's own */
    } cases[] = {{"causal-eos", "layer scale", "layer scale"},
                 {"causal-first", "pooling", "no layer norm before the first block"},
                 {"clipa", "GELU by tanh", "GELU by tanh"},
                 {"bidirectional-argmax", "bidirectional", "pooling"},
                 {"eva02", NULL, "projection"},
                 {"eva02-enormous", NULL, "projection"},
                 {"pe-core", NULL, "pooling"}};
    nb_strings words = {0};
    nb_error err = {0};
    must(nb_strings_push(&words, "a photo of a {}.", 16, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_clip *m;
        nb_text_tape text;
        nb_image_tape image;
        nb_inverter *inverter;
        must(nb_clip_open(&m, tower_folder(cases[i].family), &err), &err);
        must_fail(nb_image_tape_create(&image, m, 1, false, &err), NB_ERR_INPUT, &err, cases[i].image);
        nb_status status = nb_text_tape_create(&text, m, 1, false, &err);
        if (cases[i].text) {
            must_fail(status, NB_ERR_INPUT, &err, cases[i].text);
            must_fail(nb_inverter_create(&inverter, m, &words, 1, 1, &err), NB_ERR_INPUT, &err, cases[i].text);
        } else {
            must(status, &err);
            nb_text_tape_destroy(&text);
        }
        nb_clip_close(m);
    }
    nb_strings_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients_refused), cmocka_unit_test(test_families),
                                       cmocka_unit_test(test_equal_texts),       cmocka_unit_test(test_clipa),
                                       cmocka_unit_test(test_padding_inside),    cmocka_unit_test(test_relative_kinds)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
