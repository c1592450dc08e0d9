/* Image towers with convolutions against plain PyTorch (bench/convolutions.py, golden/towers), in fp32 and bf16; the
 * same bytes of an image whatever is beside it; what is refused. */
#include "support/support.h"

#include "support/checkpoint_folders.h"
#include "support/tower_checks.h"
#include "support/tower_folders.h"
#include "support/weights/torch_files.h"

#include "common/clip/checkpoint/layers.h"
#include "common/clip/gradients/backward_towers.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/weights.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

enum { IMAGES = CONVOLUTION_IMAGES, TEXTS = TOWER_TEXTS };

static void check_images(const nb_clip *m, const char *golden, bool exact)
{
    size_t d = m->config.projection, area = 3 * m->config.image_size * m->config.image_size;
    float *pixels = convolution_pixels(m->config.image_size), *want = tower_numbers(golden, IMAGES * d);
    float *all = malloc(IMAGES * d * sizeof *all), *one = malloc(d * sizeof *one);
    tower_embed_images(m, pixels, IMAGES, IMAGES, all);
    tower_compare("images", all, want, IMAGES, d, exact);
    for (size_t i = 0; i < IMAGES; i++) {
        tower_embed_images(m, pixels + i * area, 1, 1, one);
        assert_memory_equal(one, all + i * d, d * sizeof *one);
    }
    free(pixels), free(want), free(all), free(one);
}

static void check_texts(const nb_clip *m, const char *golden, bool exact)
{
    size_t d = m->config.projection;
    float *want = tower_numbers(golden, TEXTS * d), *got = malloc(TEXTS * d * sizeof *got);
    nb_strings texts = {0};
    tower_texts(&texts);
    tower_embed_texts(m, &texts, TEXTS, got);
    tower_compare("texts", got, want, TEXTS, d, exact);
    nb_strings_free(&texts);
    free(want), free(got);
}

static void test_families(void **state)
{
    (void)state;
    const nb_engine *engines[] = {&nb_engine_fp32, &nb_engine_bf16_emulated, nb_engine_bf16(NB_ENGINE_ON_DEMAND, NULL)};
    for (size_t i = 0; i < convolution_family_count; i++) {
        const char *family = convolution_families[i], *folder = tower_folder(family);
        for (size_t e = 0; e < 3 && engines[e]; e++) {
            nb_error err = {0};
            nb_clip *m;
            must(nb_clip_open_by(&m, folder, engines[e], &err), &err);
            print_message("%s by %s\n", family, engines[e]->precision);
            check_images(m, tower_golden(family, "image_embeddings.npy"), !engines[e]->packs);
            check_texts(m, tower_golden(family, "text_embeddings.npy"), !engines[e]->packs);
            nb_clip_close(m);
        }
    }
}

/* OpenAI's archives tell the shape of a ResNet, too; its heads are 64 wide. */
static void test_archive(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *m;
    const char *folder = fresh_folder();
    take_golden(folder, "vocab.json", "vocab.json");
    take_golden(folder, "merges.txt", "merges.txt");
    put_torch_file(folder, "resnet.pt", "RN50.pt");
    must(nb_clip_open(&m, folder, &err), &err);
    assert_int_equal(m->config.image.convolutions.stem, 2);
    assert_int_equal(m->config.image.convolutions.depths[1], 2);
    assert_int_equal(m->config.image.heads, 1);
    assert_int_equal(m->config.image_size, 64);
    check_images(m, tower_golden("resnet", "archive_embeddings.npy"), true);
    nb_clip_close(m);
}

/* A wrong, a missing and an unused tensor are named. */
static void test_tensors_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *word;
    } cases[] = {{"\"layers\": [", "\"layers\": [2, ", "layers is"},
                 {"\"width\": 2", "\"width\": 4", "has shape"},
                 {"\"width\": 2", "\"width\": 3", "width 3"},
                 {"\"image_size\": 64", "\"image_size\": 65", "65 pixels"},
                 {"\"head_width\": 16", "\"head_width\": 128", "0 heads"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = tower_folder("resnet");
        nb_error err = {0};
        nb_clip *m;
        edit_file(folder, "open_clip_config.json", cases[i].from, cases[i].to);
        must_fail(nb_clip_open(&m, folder, &err), NB_ERR_INPUT, &err, cases[i].word);
    }
}

/* Counting weights needs no checkpoint, and sees what reading one does. */
static void test_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < convolution_family_count; i++) {
        nb_error err = {0};
        nb_clip *m;
        must(nb_clip_open(&m, tower_folder(convolution_families[i]), &err), &err);
        size_t count = nb_layers_count(&m->config), last = 0;
        assert_true(count > 0);
        for (size_t k = 0; k < count; k++) {
            last = m->convolutions[k].weight ? k : last;
        }
        assert_true((const char *)m->convolutions[last].weight <
                    (char *)m->arena + nb_clip_weight_bytes(&m->config, &nb_engine_fp32));
        assert_true(nb_convolver_bytes(&nb_engine_fp32, &m->config) >
                    3 * m->config.image_size * m->config.image_size * 4);
        nb_image_tape tape;
        must_fail(nb_image_tape_create(&tape, m, 1, false, &err), NB_ERR_INPUT, &err, "convolutions");
        nb_clip_close(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families), cmocka_unit_test(test_archive),
                                       cmocka_unit_test(test_tensors_refused), cmocka_unit_test(test_bytes)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
