/* Checkpoints in every layout: names, shards, dtypes, tokenizer files; and what they compute. */
#include "support/checkpoint_folders.h"

#include "common/clip/model/text_encoder.h"
#include "common/clip/model/weights.h"
#include "common/store/npy.h"
#include "jobs/check/known_answers.h"
#include "mining/embed/embed.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* ---- embeddings ---- */

/* Raw embeddings of the golden texts and images, in double. */
typedef struct embeddings {
    size_t texts, images, d;
    double *rows; /* [texts + images, d] */
} embeddings;

static void embed_texts(const nb_clip *clip, embeddings *e)
{
    nb_error err = {0};
    nb_strings lines = {0}, texts = {0};
    nb_text_encoder *encoder;
    must(nb_file_lines(golden_file("texts.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *object = json_loads(nb_strings_get(&lines, i), 0, NULL), *text = json_object_get(object, "text");
        assert_non_null(json_string_value(text));
        must(nb_strings_push(&texts, json_string_value(text), json_string_length(text), &err), &err);
        json_decref(object);
    }
    float *out = calloc(texts.count * e->d, sizeof *out);
    must(nb_text_encoder_create(&encoder, clip, texts.count, &err), &err);
    must(nb_text_encoder_run(encoder, &texts, 0, texts.count, out, &err), &err);
    assert_int_equal(texts.count, e->texts);
    for (size_t i = 0; i < e->texts * e->d; i++) {
        e->rows[i] = (double)out[i];
    }
    nb_text_encoder_destroy(encoder);
    free(out);
    nb_strings_free(&lines);
    nb_strings_free(&texts);
}

static void embed_images(const nb_clip *clip, embeddings *e)
{
    nb_error err = {0};
    nb_image_embedder embedder;
    nb_strings names = {0}, paths = {0};
    must(nb_file_lines(golden_path("images/images.txt"), 4096, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char *path = joined_path(golden_path("images"), nb_strings_get(&names, i));
        must(nb_strings_push(&paths, path, strlen(path), &err), &err);
        free(path);
    }
    assert_int_equal(names.count, e->images);
    must(nb_image_embedder_create(&embedder, clip, &paths, &err), &err);
    float *out = calloc(NB_IMAGE_TILE * e->d, sizeof *out), norms[NB_IMAGE_TILE];
    for (size_t at = 0; at < e->images; at += NB_IMAGE_TILE) {
        size_t count = e->images - at < NB_IMAGE_TILE ? e->images - at : NB_IMAGE_TILE;
        must(nb_image_embedder_tile(&embedder, at, count, out, norms, &err), &err);
        for (size_t i = 0; i < count * e->d; i++) {
            e->rows[(e->texts + at) * e->d + i] = (double)out[i] * (double)norms[i / e->d];
        }
    }
    nb_image_embedder_destroy(&embedder);
    free(out);
    nb_strings_free(&names);
    nb_strings_free(&paths);
}

static embeddings golden_embeddings(void)
{
    nb_error err = {0};
    nb_npy text, image;
    must(nb_npy_open(&text, golden_file("text_embeddings.npy"), &err), &err);
    must(nb_npy_open(&image, golden_file("image_embeddings.npy"), &err), &err);
    embeddings e = {.texts = text.rows, .images = image.rows, .d = text.columns};
    e.rows = calloc((e.texts + e.images) * e.d, sizeof *e.rows);
    for (size_t i = 0; i < e.texts * e.d; i++) {
        e.rows[i] = nb_npy_at(&text, i);
    }
    for (size_t i = 0; i < e.images * e.d; i++) {
        e.rows[e.texts * e.d + i] = nb_npy_at(&image, i);
    }
    nb_npy_close(&text);
    nb_npy_close(&image);
    return e;
}

static embeddings embed(const char *folder)
{
    nb_error err = {0};
    nb_clip *clip;
    embeddings e = golden_embeddings();
    must(nb_clip_open(&clip, folder, &err), &err);
    assert_int_equal(clip->config.projection, e.d);
    assert_false(clip->preprocess_defaulted);
    embed_texts(clip, &e);
    embed_images(clip, &e);
    nb_clip_close(clip);
    return e;
}

/* Largest element error against the largest element, texts and images apart, and the least cosine of a row. */
static void distance(const embeddings *a, const embeddings *b, double *worst, double *least)
{
    double largest[2] = {0, 0}, error[2] = {0, 0};
    *least = 1;
    for (size_t r = 0; r < a->texts + a->images; r++) {
        double dot = 0, x2 = 0, y2 = 0;
        size_t kind = r >= a->texts;
        for (size_t i = 0; i < a->d; i++) {
            double x = a->rows[r * a->d + i], y = b->rows[r * a->d + i];
            dot += x * y;
            x2 += x * x;
            y2 += y * y;
            largest[kind] = fmax(largest[kind], fabs(y));
            error[kind] = fmax(error[kind], fabs(x - y));
        }
        *least = fmin(*least, dot / sqrt(x2 * y2));
    }
    *worst = fmax(error[0] / largest[0], error[1] / largest[1]);
}

static void check_embeddings(const char *folder, const char *what, double worst_max, double least_min)
{
    embeddings got = embed(folder), want = golden_embeddings();
    double worst, least;
    distance(&got, &want, &worst, &least);
    print_message("%s: largest element error %.2g, least cosine 1 - %.2g\n", what, worst, 1 - least);
    assert_true(worst <= worst_max);
    assert_true(least >= least_min);
    free(got.rows);
    free(want.rows);
}

/* At the tolerances for fp32. */
static void check_exact(const char *folder, const char *what)
{
    check_embeddings(folder, what, 1e-4, 0.999999);
}

static void same_embeddings(const char *folder, const char *as)
{
    embeddings got = embed(folder), want = embed(as);
    assert_memory_equal(got.rows, want.rows, (got.texts + got.images) * got.d * sizeof *got.rows);
    free(got.rows);
    free(want.rows);
}

/* Widens a golden file of 16-bit floats to F32 by the bits, apart from the code under test. */
static const char *widened(const char *weights, bool bf16)
{
    nb_error err = {0};
    nb_safetensors *file;
    const char *folder = hugging_face_folder();
    must(nb_safetensors_open(&file, golden_file(weights), &err), &err);
    size_t total = nb_safetensors_count(file);
    nb_tensor *all = calloc(total, sizeof *all);
    float **values = calloc(total, sizeof *values);
    for (size_t i = 0; i < total; i++) {
        all[i] = *nb_safetensors_at(file, i);
        values[i] = calloc(all[i].count, sizeof **values);
        for (size_t k = 0; k < all[i].count; k++) {
            const unsigned char *p = (const unsigned char *)all[i].data + 2 * k;
            unsigned bits = p[0] | (unsigned)p[1] << 8, fraction = bits & (bf16 ? 0x7fu : 0x3ffu);
            int exponent = (int)((bits & 0x7fffu) >> (bf16 ? 7 : 10)), width = bf16 ? 7 : 10, bias = bf16 ? 127 : 15;
            double size =
                exponent ? ldexp(1.0 + ldexp(fraction, -width), exponent - bias) : ldexp(fraction, 1 - bias - width);
            values[i][k] = (float)(bits & 0x8000u ? -size : size);
        }
        all[i].dtype = NB_F32;
        all[i].data = values[i];
    }
    char *path = joined_path(folder, "model.safetensors");
    must(nb_safetensors_write(path, true, all, total, NULL, &err), &err);
    for (size_t i = 0; i < total; i++) {
        free(values[i]);
    }
    free(values);
    free(all);
    free(path);
    nb_safetensors_close(file);
    return folder;
}

/* Halved weights are read exactly. What is left of the distance to fp32 is the rounding in the file: 8 bits of BF16
 * move the worst of the golden texts to 1 - 1.3e-4 in exact arithmetic too. */
static void test_dtypes(void **state)
{
    (void)state;
    check_exact(whole_folder("model.safetensors"), "F32");
    check_embeddings(whole_folder("model.f16.safetensors"), "F16", 0.005, 0.9999);
    check_embeddings(whole_folder("model.bf16.safetensors"), "BF16", 0.03, 0.9998);
    same_embeddings(whole_folder("model.f16.safetensors"), widened("model.f16.safetensors", false));
    same_embeddings(whole_folder("model.bf16.safetensors"), widened("model.bf16.safetensors", true));
}

static void test_open_clip(void **state)
{
    (void)state;
    const char *named = whole_folder("open_clip_model.safetensors");
    check_exact(named, "open_clip names in model.safetensors");
    const char *own = fresh_folder();
    put_text(own, "open_clip_config.json", open_clip_config);
    take_golden(own, "vocab.json", "vocab.json");
    take_golden(own, "merges.txt", "merges.txt");
    take_golden(own, "open_clip_model.safetensors", "open_clip_model.safetensors");
    check_exact(own, "open_clip folder");
    same_embeddings(own, whole_folder("model.safetensors"));
}

/* OpenAI's own file: three numbers beside the weights; and a logit scale as open_clip can have it, [1]. */
static void test_original(void **state)
{
    (void)state;
    static const int64_t numbers[3] = {32, 77, 1000};
    static const char *const names[3] = {"input_resolution", "context_length", "vocab_size"};
    nb_error err = {0};
    nb_safetensors *file;
    const char *folder = hugging_face_folder();
    must(nb_safetensors_open(&file, golden_file("open_clip_model.safetensors"), &err), &err);
    size_t total = nb_safetensors_count(file);
    nb_tensor *all = calloc(total + 3, sizeof *all);
    for (size_t i = 0; i < total; i++) {
        all[i] = *nb_safetensors_at(file, i);
        if (strcmp(all[i].name, "logit_scale") == 0) {
            all[i].rank = all[i].shape[0] = 1;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        all[total + i] = (nb_tensor){.name = names[i], .dtype = NB_I64, .count = 1, .data = &numbers[i]};
    }
    char *path = joined_path(folder, "model.safetensors");
    must(nb_safetensors_write(path, true, all, total + 3, NULL, &err), &err);
    check_exact(folder, "original names with extra numbers");
    free(path);
    free(all);
    nb_safetensors_close(file);
}

static void test_shards(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *plain = whole_folder("model.safetensors"), *folder = hugging_face_folder();
    put_shards(folder, "model.safetensors", "model.safetensors.index.json", 3);
    same_embeddings(folder, plain);
    nb_checkpoint *c;
    must(nb_checkpoint_open(&c, folder, &err), &err);
    assert_int_equal(nb_checkpoint_shards(c), 3);
    assert_int_equal(nb_checkpoint_files(c)->count, 4);
    assert_string_equal(nb_strings_get(nb_checkpoint_files(c), 0), "model.safetensors.index.json");
    assert_string_equal(nb_strings_get(nb_checkpoint_files(c), 3), "model-00003-of-00003.safetensors");
    nb_checkpoint_close(c);
    const char *open_clip = hugging_face_folder();
    put_shards(open_clip, "open_clip_model.safetensors", "open_clip_model.safetensors.index.json", 2);
    same_embeddings(open_clip, plain);
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    const char *plain = whole_folder("model.safetensors");
    for (int form = 0; form < 4; form++) {
        const char *folder = whole_folder("model.safetensors");
        put_tokenizer_json(folder, form & 1, form & 2);
        drop_file(folder, "merges.txt");
        if (form & 1) {
            drop_file(folder, "vocab.json");
        }
        same_embeddings(folder, plain);
    }
    /* the two files win when both are there */
    const char *both = whole_folder("model.safetensors");
    put_text(both, "tokenizer.json", "no JSON at all");
    same_embeddings(both, plain);
}

/* The digest covers the files that were read, all of them and no others. */
static void test_digest(void **state)
{
    (void)state;
    nb_digest plain = digest_of(whole_folder("model.safetensors"));
    const char *more = whole_folder("model.safetensors");
    put_tokenizer_json(more, false, false);
    put_text(more, "open_clip_config.json", open_clip_config);
    take_golden(more, "open_clip_model.safetensors", "open_clip_model.safetensors");
    assert_string_equal(digest_of(more).hex, plain.hex);
    drop_file(more, "vocab.json");
    assert_string_not_equal(digest_of(more).hex, plain.hex);
    const char *shards = hugging_face_folder();
    put_shards(shards, "model.safetensors", "model.safetensors.index.json", 2);
    nb_digest before = digest_of(shards);
    assert_string_not_equal(before.hex, plain.hex);
    char *path = joined_path(shards, "model-00002-of-00002.safetensors");
    size_t len;
    char *bytes = read_bytes(path, &len);
    bytes[len - 3] ^= 1; /* a bit of a weight */
    nb_error err = {0};
    must(nb_file_write(path, true, bytes, len, &err), &err);
    assert_string_not_equal(digest_of(shards).hex, before.hex);
    free(bytes);
    free(path);
}

/* Tokens back to text, and the sanity check on a checkpoint that works and on one that does not. */
static void test_sanity(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    size_t texts;
    int32_t ids[16];
    size_t count;
    nb_buffer back = {0};
    must(nb_clip_open(&clip, whole_folder("model.safetensors"), &err), &err);
    must(nb_tokenizer_encode(clip->tokenizer, "A cat's hat", 12, (nb_token_array){ids, 16}, &count, &err), &err);
    must(nb_tokenizer_decode(clip->tokenizer, ids, count, &back, &err), &err);
    assert_string_equal(back.data, "a cat 's hat ");
    ids[0] = 1000;
    must_fail(nb_tokenizer_decode(clip->tokenizer, ids, 1, &back, &err), NB_ERR_USAGE, &err, "no token");
    nb_buffer_free(&back);
    must(nb_check_sanity(clip, &texts, &err), &err);
    clip->logit_scale = 5.4f;
    must_fail(nb_check_sanity(clip, &texts, &err), NB_ERR_NUMERIC, &err, "logit_scale");
    clip->logit_scale = 0;
    must_fail(nb_check_sanity(clip, &texts, &err), NB_ERR_NUMERIC, &err, "logit_scale");
    clip->logit_scale = 4;
    float *projection = (float *)(uintptr_t)clip->image_projection; /* into the arena, which is ours to damage */
    memset(projection, 0, clip->config.projection * clip->config.image.width * sizeof *projection);
    must_fail(nb_check_sanity(clip, &texts, &err), NB_ERR_NUMERIC, &err, "image");
    nb_clip_close(clip);
}

/* Known answers of the golden checkpoint, from its authors' embeddings: they hold, and one that is off is seen. */
static void test_known_answers(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    nb_strings lines = {0};
    embeddings e = golden_embeddings();
    json_t *texts[2];
    double cosines[1], worst, dot = 0, norms[2] = {0, 0};
    must(nb_file_lines(golden_file("texts.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        texts[i] = json_loads(nb_strings_get(&lines, i), 0, NULL);
    }
    for (size_t k = 0; k < e.d; k++) {
        dot += e.rows[k] * e.rows[e.d + k];
        norms[0] += e.rows[k] * e.rows[k];
        norms[1] += e.rows[e.d + k] * e.rows[e.d + k];
    }
    nb_known_pair pair = {json_string_value(json_object_get(texts[0], "text")),
                          json_string_value(json_object_get(texts[1], "text")), dot / sqrt(norms[0] * norms[1])};
    const nb_known_answers answers = {"golden", 0.005, &pair, 1};
    must(nb_clip_open(&clip, whole_folder("model.safetensors"), &err), &err);
    must(nb_known_answers_compare(clip, &answers, cosines, &worst, &err), &err);
    assert_true(worst < 1e-5);
    pair.cosine -= 0.01;
    must(nb_known_answers_compare(clip, &answers, cosines, &worst, &err), &err);
    assert_true(fabs(worst - 0.01) < 1e-5);
    nb_clip_close(clip);
    json_decref(texts[0]);
    json_decref(texts[1]);
    nb_strings_free(&lines);
    free(e.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes), cmocka_unit_test(test_open_clip),      cmocka_unit_test(test_original),
        cmocka_unit_test(test_shards), cmocka_unit_test(test_tokenizer_json), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_sanity), cmocka_unit_test(test_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
