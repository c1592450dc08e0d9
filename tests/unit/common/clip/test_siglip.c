/* SigLIP's towers against plain PyTorch (bench/siglip.py, golden/siglip), in fp32 and bf16, in batches of several
 * sizes; what of the family is refused. */
#include "support/checkpoint_folders.h"
#include "support/support.h"
#include "support/tower_checks.h"

#include "common/clip/gradients/backward_towers.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/text_encoder.h"
#include "common/linear/blas.h"
#include "common/store/npy.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 40, IMAGES = 4 };

static const char *const hugging_face[] = {"config.json", "model.safetensors", "spiece.model", "tokenizer_config.json",
                                           NULL};
static const char *const siglip2[] = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
                                      NULL};
static const char *const open_clip[] = {"open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json",
                                        "tokenizer_config.json", NULL};

static const char *golden_siglip(const char *model, const char *file)
{
    char name[160];
    snprintf(name, sizeof name, "siglip/%s/%s", model, file);
    return golden_path(name);
}

/* A copy of a golden model: these files of it. */
static const char *folder_of(const char *model, const char *const *files)
{
    const char *folder = fresh_folder();
    for (size_t i = 0; files[i]; i++) {
        copy_file(folder, golden_siglip(model, files[i]), files[i]);
    }
    return folder;
}

static void read_texts(nb_strings *texts)
{
    nb_error err = {0};
    nb_strings lines = {0};
    must(nb_file_lines(golden_path("siglip/cases.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < TEXTS; i++) {
        json_t *object = json_loads(nb_strings_get(&lines, i), 0, NULL), *text = json_object_get(object, "text");
        must(nb_strings_push(texts, json_string_value(text), json_string_length(text), &err), &err);
        json_decref(object);
    }
    nb_strings_free(&lines);
}

static void check_model(const char *model, const char *const *files)
{
    const nb_engine *engines[] = {&nb_engine_fp32, nb_engine_fp32_best(), &nb_engine_bf16_emulated,
                                  nb_engine_bf16(NB_ENGINE_ON_DEMAND, NULL)};
    static const size_t batches[] = {TEXTS, 1, 7};
    const char *folder = folder_of(model, files);
    nb_strings texts = {0};
    nb_error err = {0};
    read_texts(&texts);
    for (size_t e = 0; e < 4 && engines[e]; e++) {
        bool exact = strcmp(engines[e]->name, "fp32") == 0;
        nb_clip *m;
        must(nb_clip_open_by(&m, folder, engines[e], &err), &err);
        assert_string_equal(m->config.family, strcmp(model, "open-clip") == 0 ? "tiny" : "SigLIP");
        size_t d = m->config.projection, area = 3 * m->config.image_size * m->config.image_size;
        float *pixels = tower_numbers(golden_path("siglip/pixels.npy"), IMAGES * area), *got = malloc(TEXTS * d * 4);
        float *text = tower_numbers(golden_siglip(model, "text_embeddings.npy"), TEXTS * d);
        float *image = tower_numbers(golden_siglip(model, "image_embeddings.npy"), IMAGES * d);
        print_message("%s by %s\n", model, engines[e]->precision);
        for (size_t i = 0; i < 3; i++) {
            tower_embed_texts(m, &texts, batches[i], got);
            tower_compare("texts", got, text, TEXTS, d, exact);
            tower_embed_images(m, pixels, IMAGES, batches[i], got);
            tower_compare("images", got, image, IMAGES, d, exact);
        }
        free(pixels), free(got), free(text), free(image);
        nb_clip_close(m);
    }
    nb_strings_free(&texts);
}

static void test_towers(void **state)
{
    (void)state;
    check_model("hugging-face", hugging_face);
    check_model("siglip2", siglip2);
    check_model("open-clip", open_clip);
}

/* Padding in front of a text gives another embedding, which the tokenizer's file asks for. */
static void test_padding_on_the_left(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *m;
    const char *folder = folder_of("siglip2", siglip2);
    edit_file(folder, "tokenizer_config.json", "\"right\"", "\"left\"");
    must(nb_clip_open(&m, folder, &err), &err);
    size_t d = m->config.projection;
    float *want = tower_numbers(golden_siglip("siglip2", "text_embeddings.npy"), TEXTS * d),
          *got = calloc(d, sizeof *got);
    nb_strings texts = {0};
    must(nb_strings_push(&texts, "a photo of a dog", 16, &err), &err);
    tower_embed_texts(m, &texts, 1, got);
    double difference = 0;
    for (size_t i = 0; i < d; i++) {
        difference = fmax(difference, fabs((double)got[i] - (double)want[i]));
    }
    assert_true(difference > 0.1);
    free(want);
    free(got);
    nb_strings_free(&texts);
    nb_clip_close(m);
}

static void refused(const char *folder, const char *word)
{
    nb_error err = {0};
    nb_clip *m;
    must_fail(nb_clip_open(&m, folder, &err), NB_ERR_INPUT, &err, word);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"\"model_type\": \"siglip\",\n \"text_config\"", "\"model_type\": \"siglip2\",\n \"text_config\"", "NaFlex"},
        {"\"hidden_size\": 24", "\"hidden_size\": 24, \"hidden_act\": \"relu\"", "hidden_act"},
        {"\"hidden_size\": 24", "\"hidden_size\": 24, \"projection_size\": 48", "in 48 dimensions, images in 24"},
        {"\"image_size\": 12", "\"image_size\": 12, \"vision_use_head\": false", "vision_use_head"},
        {"\"image_size\": 12", "\"image_size\": 16", "image_position"},
        {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "does not account for"},
        {"\"vocab_size\": 150", "\"vocab_size\": 400", "has 150 tokens, the checkpoint embeds 400"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = folder_of("hugging-face", hugging_face);
        edit_file(folder, "config.json", rows[i][0], rows[i][1]);
        refused(folder, i == 4 ? "position_embedding" : rows[i][2]);
    }
    static const char *const trunks[][2] = {{"\"timm_pool\": \"map\"", "\"timm_pool\": \"avg\""},
                                            {"\"timm_proj\": \"none\"", "\"timm_proj\": \"linear\""},
                                            {"siglip_224", "siglip_gap_224"}};
    for (size_t i = 0; i < sizeof trunks / sizeof *trunks; i++) {
        static const char *const keys[] = {"timm_pool", "timm_proj", "timm_model_name"};
        const char *folder = folder_of("open-clip", open_clip);
        edit_file(folder, "open_clip_config.json", trunks[i][0], trunks[i][1]);
        refused(folder, keys[i]);
    }
}

/* Gradients are computed of CLIP's own towers alone. */
static void test_gradients_are_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *m;
    nb_text_tape text;
    nb_image_tape image;
    must(nb_clip_open(&m, folder_of("hugging-face", hugging_face), &err), &err);
    must_fail(nb_text_tape_create(&text, m, 1, false, &err), NB_ERR_INPUT, &err, "gradients");
    nb_error_clear(&err);
    must_fail(nb_image_tape_create(&image, m, 1, false, &err), NB_ERR_INPUT, &err, "gradients");
    nb_clip_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_towers), cmocka_unit_test(test_padding_on_the_left),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_gradients_are_refused)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
