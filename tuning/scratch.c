#include "tuning/scratch.h"

#include "common/base/file.h"
#include "common/clip/bpe_train.h"
#include "common/clip/export.h"
#include "common/clip/initialise.h"
#include "common/clip/tensors.h"
#include "common/clip/weights.h"
#include "mining/prompts.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20, SPECIAL = 2 };

/* A merge must have been seen this often. */
static const uint64_t least_count = 2;

static nb_status learn(nb_strings *merges, const nb_scratch_plan *plan, const nb_image_inputs *images,
                       const nb_strings *labels, nb_error *err)
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

static nb_status read_config(nb_clip_config *out, const char *path, size_t vocabulary, nb_error *err)
{
    char *text = NULL;
    size_t len;
    nb_status status;
    NB_TRY(nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err));
    NB_TRY(nb_clip_config_parse(out, text, len, false, path, err));
    out->vocabulary = vocabulary;
done:
    free(text);
    return status;
}

static nb_status write_config(const char *folder, const nb_clip_config *config, nb_error *err)
{
    char *path = NULL, *text = NULL;
    nb_status status;
    NB_TRY(nb_clip_config_text(config, (int64_t)config->vocabulary - 1, &text, err));
    NB_TRY(nb_path_join(&path, folder, "config.json", err));
    NB_TRY(nb_file_write(path, true, text, strlen(text), err));
done:
    free(path);
    free(text);
    return status;
}

static nb_status write_weights(const char *folder, nb_clip *clip, uint64_t seed, nb_error *err)
{
    nb_clip_tensors tensors = {0};
    char *path = NULL;
    nb_status status;
    clip->engine = &nb_engine_fp32;
    clip->arena = nb_alloc_aligned(nb_clip_parameters(&clip->config), sizeof(float), err);
    NB_TRY(clip->arena ? NB_OK : NB_ERR_LIMIT);
    NB_TRY(nb_clip_initialise(clip, clip->arena, seed, err));
    NB_TRY(nb_clip_tensors_list(&tensors, clip, clip->arena, clip->arena, err));
    NB_TRY(nb_path_join(&path, folder, "model.safetensors", err));
    NB_TRY(nb_safetensors_write(path, true, tensors.tensors, tensors.count, "{\"format\": \"pt\"}", err));
done:
    nb_clip_tensors_free(&tensors);
    free(path);
    return status;
}

nb_status nb_scratch_write(const char *folder, const nb_scratch_plan *plan, const nb_image_inputs *images,
                           const nb_strings *labels, nb_error *err)
{
    nb_strings merges = {0};
    nb_clip *clip = NULL;
    nb_status status;
    NB_TRY_NEW(clip, 1);
    NB_TRY(learn(&merges, plan, images, labels, err));
    NB_TRY(read_config(&clip->config, plan->config, NB_BPE_BASE_SYMBOLS + merges.count + SPECIAL, err));
    NB_TRY(nb_bpe_write(folder, true, &merges, err));
    NB_TRY(write_config(folder, &clip->config, err));
    NB_TRY(write_weights(folder, clip, plan->seed, err));
done:
    nb_strings_free(&merges);
    nb_clip_close(clip);
    return status;
}
