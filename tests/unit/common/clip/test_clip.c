/* The towers against the authors' own code: golden/tiny-*. */
#include "support/support.h"

#include "common/clip/model/model.h"
#include "common/clip/model/text_encoder.h"
#include "common/store/npy.h"
#include "mining/embed/embed.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *path(const char *model, const char *file)
{
    char name[160];
    snprintf(name, sizeof name, "%s/%s", model, file);
    return golden_path(name);
}

/* Row by row: cosine at least 0.999999 and no element off by more than 1e-4 of the largest. */
static void compare(const float *got, const char *expected, size_t rows, size_t d)
{
    nb_error err = {0};
    nb_npy want;
    must(nb_npy_open(&want, expected, &err), &err);
    assert_int_equal(want.rows, rows);
    assert_int_equal(want.columns, d);
    double largest = 0, worst = 0, least = 1;
    for (size_t i = 0; i < rows * d; i++) {
        largest = fmax(largest, fabs(nb_npy_at(&want, i)));
    }
    for (size_t r = 0; r < rows; r++) {
        double dot = 0, a = 0, b = 0;
        for (size_t i = 0; i < d; i++) {
            double x = (double)got[r * d + i], y = nb_npy_at(&want, r * d + i);
            dot += x * y;
            a += x * x;
            b += y * y;
            worst = fmax(worst, fabs(x - y) / largest);
        }
        least = fmin(least, dot / sqrt(a * b));
    }
    print_message("%s: %zu rows, largest element error %.2g, least cosine 1 - %.2g\n", nb_path_base(expected), rows,
                  worst, 1 - least);
    assert_true(worst <= 1e-4);
    assert_true(least >= 0.999999);
    nb_npy_close(&want);
}

static void read_texts(nb_strings *texts, const char *file)
{
    nb_error err = {0};
    nb_strings lines = {0};
    must(nb_file_lines(file, 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *object = json_loads(nb_strings_get(&lines, i), 0, NULL);
        json_t *text = json_object_get(object, "text");
        assert_non_null(json_string_value(text));
        must(nb_strings_push(texts, json_string_value(text), json_string_length(text), &err), &err);
        json_decref(object);
    }
    nb_strings_free(&lines);
}

/* Texts in batches of `batch`, to see that company does not matter beyond rounding. */
static void check_texts(const char *model, size_t batch)
{
    nb_error err = {0};
    nb_clip *clip;
    nb_text_encoder *encoder;
    nb_strings texts = {0};
    read_texts(&texts, path(model, "texts.jsonl"));
    must(nb_clip_open(&clip, path(model, ""), &err), &err);
    must(nb_text_encoder_create(&encoder, clip, batch, &err), &err);
    size_t d = clip->config.projection;
    float *out = calloc(texts.count * d, sizeof *out);
    for (size_t at = 0; at < texts.count; at += batch) {
        size_t count = texts.count - at < batch ? texts.count - at : batch;
        must(nb_text_encoder_run(encoder, &texts, at, count, out + at * d, &err), &err);
    }
    compare(out, path(model, "text_embeddings.npy"), texts.count, d);
    free(out);
    nb_text_encoder_destroy(encoder);
    nb_clip_close(clip);
    nb_strings_free(&texts);
}

static void check_images(const char *model)
{
    nb_error err = {0};
    nb_clip *clip;
    nb_image_embedder embedder;
    nb_strings names = {0}, paths = {0};
    must(nb_clip_open(&clip, path(model, ""), &err), &err);
    must(nb_file_lines(golden_path("images/images.txt"), 4096, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        const char *file = path("images", nb_strings_get(&names, i));
        must(nb_strings_push(&paths, file, strlen(file), &err), &err);
    }
    must(nb_image_embedder_create(&embedder, clip, &paths, &err), &err);
    size_t d = clip->config.projection;
    float *out = calloc(names.count * d, sizeof *out), norms[NB_IMAGE_TILE];
    for (size_t at = 0; at < names.count; at += NB_IMAGE_TILE) {
        size_t count = names.count - at < NB_IMAGE_TILE ? names.count - at : NB_IMAGE_TILE;
        must(nb_image_embedder_tile(&embedder, at, count, out + at * d, norms, &err), &err);
        for (size_t r = 0; r < count; r++) { /* the embedder normalises; the golden rows are raw */
            for (size_t i = 0; i < d; i++) {
                out[(at + r) * d + i] *= norms[r];
            }
        }
    }
    compare(out, path(model, "image_embeddings.npy"), names.count, d);
    free(out);
    nb_image_embedder_destroy(&embedder);
    nb_clip_close(clip);
    nb_strings_free(&names);
    nb_strings_free(&paths);
}

static void test_texts(void **state)
{
    (void)state;
    static const char *const models[] = {"tiny-quickgelu", "tiny-gelu"};
    for (size_t i = 0; i < 2; i++) {
        check_texts(models[i], 1);
        check_texts(models[i], 7);
        check_texts(models[i], NB_TEXT_TILE);
    }
}

static void test_images(void **state)
{
    (void)state;
    check_images("tiny-quickgelu");
    check_images("tiny-gelu");
}

/* Copies the golden checkpoint into a scratch folder, under the name `folder`. */
static const char *copy_model(const char *folder)
{
    static const char *const files[] = {"config.json", "model.safetensors", "vocab.json", "merges.txt",
                                        "preprocessor_config.json"};
    nb_error err = {0};
    const char *to = scratch_path(folder);
    must(nb_make_directories(to, &err), &err);
    for (size_t i = 0; i < 5; i++) {
        char *bytes, *target;
        size_t len;
        must(nb_file_read(path("tiny-quickgelu", files[i]), 1 << 24, &bytes, &len, &err), &err);
        must(nb_path_join(&target, to, files[i], &err), &err);
        must(nb_file_write(target, true, bytes, len, &err), &err);
        free(bytes);
        free(target);
    }
    return to;
}

/* Replaces the first `from` in a file of the folder by `to`. */
static void edit(const char *folder, const char *file, const char *from, const char *to)
{
    nb_error err = {0};
    char *target, *bytes;
    size_t len;
    must(nb_path_join(&target, folder, file, &err), &err);
    must(nb_file_read(target, 1 << 24, &bytes, &len, &err), &err);
    char *at = memmem(bytes, len, from, strlen(from));
    assert_non_null(at);
    nb_buffer b = {0};
    size_t before = (size_t)(at - bytes);
    must(nb_buffer_append(&b, bytes, before, &err), &err);
    must(nb_buffer_append(&b, to, strlen(to), &err), &err);
    must(nb_buffer_append(&b, at + strlen(from), len - before - strlen(from), &err), &err);
    must(nb_file_write(target, true, b.data, b.len, &err), &err);
    nb_buffer_free(&b);
    free(bytes);
    free(target);
}

static void refuse(const char *file, const char *from, const char *to, const char *word)
{
    static int number;
    char folder[32];
    nb_error err = {0};
    nb_clip *clip;
    snprintf(folder, sizeof folder, "model-%d", number++);
    const char *model = copy_model(folder);
    edit(model, file, from, to);
    must_fail(nb_clip_open(&clip, model, &err), NB_ERR_INPUT, &err, word);
    assert_null(clip);
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("model.safetensors", "text_projection.weight", "text_projection.wrongx", "text_projection.weight");
    refuse("model.safetensors", "\"shape\":[48,64]", "\"shape\":[64,48]", "shape [64, 48]");
    refuse("config.json", "\"vocab_size\": 1000", "\"vocab_size\": 1001", "vocab.json has 1000 tokens");
    refuse("config.json", "\"model_type\": \"clip\"", "\"model_type\": \"blip\"", "blip");
    refuse("config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "does not divide");
    refuse("config.json", "quick_gelu", "relu", "relu");
    refuse("config.json", "{", "[", "JSON");
    refuse("preprocessor_config.json", "\"resample\": 3", "\"resample\": 4", "resample");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
