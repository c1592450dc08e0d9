/* Which files of a folder make a checkpoint, and how its images are prepared. */
#include "support/checkpoint_folders.h"

#include "common/clip/checkpoint/layout.h"
#include "common/clip/model/model.h"

#include <stdlib.h>
#include <string.h>

static void expect(const char *folder, const char *config, const char *weights)
{
    nb_error err = {0};
    nb_layout layout;
    must(nb_layout_find(&layout, folder, &err), &err);
    assert_string_equal(layout.config ? layout.config : "", config);
    assert_string_equal(layout.weights ? layout.weights : "", weights);
    assert_int_equal(layout.open_clip, strcmp(config, "open_clip_config.json") == 0);
    nb_layout_free(&layout);
}

static void test_pairs(void **state)
{
    (void)state;
    const char *f = fresh_folder();
    expect(f, "", "");
    put_text(f, "epoch_5.pt", "x");
    expect(f, "", "epoch_5.pt");
    put_text(f, "open_clip_config.json", open_clip_config);
    expect(f, "open_clip_config.json", "epoch_5.pt");
    put_text(f, "pytorch_model.bin", "x");
    expect(f, "open_clip_config.json", "pytorch_model.bin");
    put_text(f, "model.safetensors", "x");
    expect(f, "open_clip_config.json", "model.safetensors");
    put_text(f, "open_clip_pytorch_model.bin", "x");
    expect(f, "open_clip_config.json", "open_clip_pytorch_model.bin");
    take_golden(f, "config.json", "config.json");
    expect(f, "config.json", "model.safetensors");
    put_text(f, "config.json", "{\"architecture\": \"vit_base_patch32_clip_224\"}");
    expect(f, "open_clip_config.json", "open_clip_pytorch_model.bin");
    put_text(f, "config.json", "{\"model_type\": \"bert\"}");
    expect(f, "open_clip_config.json", "open_clip_pytorch_model.bin");
    put_text(f, "config.json", "{\"model_type\": \"clip\", \"text_config\": 7}"); /* a CLIP's that is damaged */
    expect(f, "config.json", "model.safetensors");
    take_golden(f, "config.json", "config.json");
    drop_file(f, "model.safetensors");
    expect(f, "config.json", "pytorch_model.bin");
    drop_file(f, "pytorch_model.bin");
    expect(f, "open_clip_config.json", "open_clip_pytorch_model.bin");
    drop_file(f, "open_clip_config.json");
    expect(f, "config.json", "open_clip_pytorch_model.bin");
}

static void test_files(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_layout layout;
    const char *f = fresh_folder();
    take_golden(f, "config.json", "config.json");
    put_text(f, "open_clip_config.json", open_clip_config);
    static const char *const names[][2] = {{"model.safetensors", "config.json"},
                                           {"pytorch_model.bin.index.json", "config.json"},
                                           {"open_clip_model.safetensors", "open_clip_config.json"},
                                           {"epoch_5.pt", "open_clip_config.json"}};
    for (size_t i = 0; i < 4; i++) {
        put_text(f, names[i][0], "x");
        char *path = joined_path(f, names[i][0]);
        expect(path, names[i][1], names[i][0]);
        free(path);
    }
    char *other = joined_path(f, "config.json"), *absent = joined_path(f, "absent.pt");
    must_fail(nb_layout_find(&layout, other, &err), NB_ERR_INPUT, &err, "not a folder with a checkpoint");
    must_fail(nb_layout_find(&layout, absent, &err), NB_ERR_INPUT, &err, "not a folder with a checkpoint");
    free(other);
    free(absent);
}

/* text_config_dict counts, and what it leaves out has its default. */
static void test_config_dict(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip_config c;
    static const char text[] = "{\"model_type\": \"clip\", \"vision_config\": {\"num_hidden_layers\": 3},"
                               " \"text_config\": {\"hidden_size\": 768, \"num_hidden_layers\": 5},"
                               " \"text_config_dict\": {\"hidden_size\": 1024}, \"vision_config_dict\": null}";
    must(nb_clip_config_parse(&c, text, strlen(text), false, "memory", &err), &err);
    assert_int_equal(c.text.width, 1024);
    assert_int_equal(c.text.layers, 12);
    assert_int_equal(c.image.layers, 3);
}

static nb_clip *open_pixels(const char *pixels)
{
    nb_error err = {0};
    nb_clip *clip;
    const char *f = fresh_folder();
    put_text(f, "open_clip_config.json", open_clip_config);
    edit_file(f, "open_clip_config.json", "\"interpolation\": \"bicubic\", \"resize_mode\": \"shortest\"", pixels);
    take_golden(f, "open_clip_model.safetensors", "open_clip_model.safetensors");
    take_golden(f, "vocab.json", "vocab.json");
    take_golden(f, "merges.txt", "merges.txt");
    put_text(f, "preprocessor_config.json", "{\"size\": 33}"); /* not open_clip's */
    must(nb_clip_open(&clip, f, &err), &err);
    assert_null(clip->preprocess_file);
    assert_false(clip->preprocess_defaulted);
    assert_int_equal(clip->preprocess.size, 32);
    return clip;
}

static void test_open_clip_pixels(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        nb_preprocess want;
    } rows[] = {
        {"\"interpolation\": null, \"resize_mode\": null", {0}},
        {"\"interpolation\": \"random\", \"resize_mode\": \"shortest\"", {0}},
        {"\"interpolation\": \"bilinear\"", {.bilinear = true}},
        {"\"resize_mode\": \"squash\"", {.resize = NB_RESIZE_SQUASH}},
        {"\"resize_mode\": \"longest\", \"fill_color\": 9", {.resize = NB_RESIZE_LONGEST, .fill = 9}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nb_clip *clip = open_pixels(rows[i].text);
        assert_int_equal(clip->preprocess.resize, rows[i].want.resize);
        assert_int_equal(clip->preprocess.bilinear, rows[i].want.bilinear);
        assert_int_equal(clip->preprocess.fill, rows[i].want.fill);
        nb_clip_close(clip);
    }
}

/* Newer versions of transformers keep the settings of images under image_processor. */
static void test_processor_config(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    const char *f = whole_folder("model.safetensors");
    drop_file(f, "preprocessor_config.json");
    put_text(f, "processor_config.json", "{\"processor_class\": \"CLIPProcessor\"}");
    must(nb_clip_open(&clip, f, &err), &err);
    assert_true(clip->preprocess_defaulted);
    nb_digest without = clip->digest;
    nb_clip_close(clip);
    put_text(f, "processor_config.json",
             "{\"image_processor\": {\"image_mean\": [0.5, 0.25, 0.125], \"size\": {\"shortest_edge\": 32}}}");
    must(nb_clip_open(&clip, f, &err), &err);
    assert_string_equal(clip->preprocess_file, "processor_config.json");
    assert_float_equal(clip->preprocess.mean[2], 0.125F, 0);
    assert_string_not_equal(clip->digest.hex, without.hex);
    nb_clip_close(clip);
    put_text(f, "processor_config.json", "{\"image_processor\": {\"resample\": 0}}");
    must_fail(nb_clip_open(&clip, f, &err), NB_ERR_INPUT, &err, "resample is 0");
    take_golden(f, "preprocessor_config.json", "preprocessor_config.json");
    must(nb_clip_open(&clip, f, &err), &err);
    assert_string_equal(clip->preprocess_file, "preprocessor_config.json");
    nb_clip_close(clip);
}

/* What transformers' tokenizer is told: refused where the ids would be others. */
static void test_tokenizer_options(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "{\"do_lower_case\": true, \"model_max_length\": 77, \"bos_token\": {\"content\": \"<|startoftext|>\"},"
        " \"eos_token\": \"<|endoftext|>\", \"pad_token\": \"!\", \"add_prefix_space\": false, "
        "\"added_tokens_decoder\":"
        " {\"998\": {\"content\": \"<|startoftext|>\"}, \"999\": {\"content\": \"<|endoftext|>\"}}}",
        "{\"model_max_length\": 1e30}",
    };
    static const char *const bad[][2] = {
        {"{\"do_lower_case\": false}", "do_lower_case is false"},
        {"{\"add_prefix_space\": true}", "add_prefix_space is true"},
        {"{\"add_bos_token\": false}", "add_bos_token is false"},
        {"{\"model_max_length\": 64}", "model_max_length is 64"},
        {"{\"bos_token\": \"<s>\"}", "bos_token is"},
        {"{\"eos_token\": {\"content\": \"</s>\"}}", "eos_token is"},
        {"{\"added_tokens_decoder\": {\"0\": {\"content\": \"!\"}}}", "added_tokens_decoder is {\"content\":\"!\"}"},
        {"[]", "is not a JSON object"},
        {"{", "is not a JSON object"},
    };
    nb_error err = {0};
    nb_clip *clip;
    const char *f = whole_folder("model.safetensors");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        put_text(f, "tokenizer_config.json", good[i]);
        must(nb_clip_open(&clip, f, &err), &err);
        nb_clip_close(clip);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text(f, "tokenizer_config.json", bad[i][0]);
        must_fail(nb_clip_open(&clip, f, &err), NB_ERR_INPUT, &err, bad[i][1]);
        assert_non_null(strstr(err.message, "tokenizer_config.json"));
    }
    drop_file(f, "tokenizer_config.json");
    drop_file(f, "merges.txt");
    put_tokenizer_json(f, true, false);
    (void)digest_of(f);
    edit_file(f, "tokenizer.json", "\"added_tokens\": [", "\"added_tokens\": [{\"id\": 0, \"content\": \"!\"}, ");
    must_fail(nb_clip_open(&clip, f, &err), NB_ERR_INPUT, &err, "the added token \"!\"");
    put_tokenizer_json(f, true, false);
    edit_file(f, "tokenizer.json", "{", "{\"normalizer\": {\"type\": \"NFC\"}, ");
    must_fail(nb_clip_open(&clip, f, &err), NB_ERR_INPUT, &err, "without Lowercase");
    put_tokenizer_json(f, true, false);
    edit_file(f, "tokenizer.json", "{",
              "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": "
              "\"Lowercase\"}]}, ");
    (void)digest_of(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_config_dict),
        cmocka_unit_test(test_open_clip_pixels),
        cmocka_unit_test(test_processor_config),
        cmocka_unit_test(test_tokenizer_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
