#include "mining/tuning/initial_model.h"

#include "common/base/file.h"
#include "common/clip/model/create.h"
#include "common/clip/tokenizer/bpe_train.h"
#include "mining/embed/prompts.h"

#include <stdlib.h>

enum { CONFIG_BYTES_MAX = 1 << 20, SPECIAL = 2 };

/* A merge must have been seen this often. */
static const uint64_t least_count = 2;

static nb_status initial_model_learn(nb_strings *merges, const nb_initial_model_plan *plan,
                                     const nb_image_inputs *images, const nb_strings *labels, nb_error *err)
{
    nb_word_counts words = {0};
    nb_buffer caption = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < images->count; i++) {
        if (images->labels[i] < 0 || (size_t)images->labels[i] >= labels->count) {
            status = nb_fail(err, NB_ERR_INPUT, "image '%s' has label %d, the label file has %zu labels",
                             nb_strings_get(&images->names, i), images->labels[i], labels->count);
            goto done;
        }
        size_t label = (size_t)images->labels[i];
        nb_buffer_clear(&caption);
        NB_TRY(
            nb_prompt_fill(&caption, plan->prompt, nb_strings_get(labels, label), nb_strings_len(labels, label), err));
        NB_TRY(nb_word_counts_add(&words, caption.data, caption.len, err));
    }
    NB_TRY(nb_word_counts_finish(&words, err));
    NB_TRY(nb_bpe_train(merges, &words.words, words.counts, plan->vocabulary - NB_BPE_BASE_SYMBOLS - SPECIAL,
                        least_count, err));
done:
    nb_word_counts_free(&words);
    nb_buffer_free(&caption);
    return status;
}

static nb_status initial_model_read_config(nb_clip_config *out, const char *path, nb_error *err)
{
    char *text = NULL;
    size_t len;
    nb_status status;
    NB_TRY(nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err));
    NB_TRY(nb_clip_config_parse(out, text, len, false, path, err));
done:
    free(text);
    return status;
}

nb_status nb_initial_model_write(const char *folder, const nb_initial_model_plan *plan, const nb_image_inputs *images,
                                 const nb_strings *labels, nb_error *err)
{
    nb_strings merges = {0};
    nb_clip_config config;
    nb_status status;
    NB_TRY(initial_model_learn(&merges, plan, images, labels, err));
    NB_TRY(initial_model_read_config(&config, plan->config, err));
    NB_TRY(nb_clip_create(folder, true, &config, &merges, plan->seed, err));
done:
    nb_strings_free(&merges);
    return status;
}
