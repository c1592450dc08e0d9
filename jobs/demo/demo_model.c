#include "jobs/demo/demo_model.h"

#include "common/clip/model/create.h"
#include "common/clip/tokenizer/bpe_train.h"

nb_demo_model nb_demo_model_tiny(void)
{
    return (nb_demo_model){.text = {64, 2, 4},
                           .vision = {64, 2, 4},
                           .context = 32,
                           .image_size = 64,
                           .patch_size = 8,
                           .projection = 32,
                           .merges = 500};
}

static nb_status demo_model_learn_merges(nb_strings *merges, const nb_strings *texts, size_t limit, nb_error *err)
{
    nb_status status = NB_OK;
    nb_word_counts words = {0};
    for (size_t i = 0; i < texts->count; i++) {
        NB_TRY(nb_word_counts_add(&words, nb_strings_get(texts, i), nb_strings_len(texts, i), err));
    }
    NB_TRY(nb_word_counts_finish(&words, err));
    NB_TRY(nb_bpe_train(merges, &words.words, words.counts, limit, 2, err));
done:
    nb_word_counts_free(&words);
    return status;
}

static nb_tower_config demo_model_tower(const nb_demo_tower *t)
{
    return (nb_tower_config){.width = t->width,
                             .layers = t->layers,
                             .heads = t->heads,
                             .mlp = 4 * t->width,
                             .activation = NB_QUICK_GELU,
                             .epsilon = 1e-5f};
}

nb_status nb_demo_model_write(const char *directory, bool force, const nb_demo_model *model, uint64_t seed,
                              const nb_strings *texts, nb_error *err)
{
    nb_status status;
    nb_strings merges = {0};
    nb_clip_config config = {.text = demo_model_tower(&model->text),
                             .image = demo_model_tower(&model->vision),
                             .projection = model->projection,
                             .context = model->context,
                             .image_size = model->image_size,
                             .patch = model->patch_size};
    NB_TRY(demo_model_learn_merges(&merges, texts, model->merges, err));
    NB_TRY(nb_clip_create(directory, force, &config, &merges, seed, err));
done:
    nb_strings_free(&merges);
    return status;
}
