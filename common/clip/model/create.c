#include "common/clip/model/create.h"

#include "common/base/file.h"
#include "common/clip/model/export.h"
#include "common/clip/model/initialise.h"
#include "common/clip/model/tensors.h"
#include "common/clip/model/weights.h"
#include "common/clip/tokenizer/bpe_train.h"

#include <stdlib.h>
#include <string.h>

enum { SPECIAL = 2 };

/* Writes folder/name and frees the text. */
static nb_status create_write_text(const char *folder, const char *name, bool force, char *text, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, folder, name, err);
    if (status == NB_OK) {
        status = nb_file_write(path, force, text, strlen(text), err);
    }
    free(path);
    free(text);
    return status;
}

static nb_status create_write_weights(const char *folder, bool force, nb_clip *clip, uint64_t seed, nb_error *err)
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
    NB_TRY(nb_safetensors_write(path, force, tensors.tensors, tensors.count, "{\"format\": \"pt\"}", err));
done:
    nb_clip_tensors_free(&tensors);
    free(path);
    return status;
}

nb_status nb_clip_create(const char *folder, bool force, const nb_clip_config *config, const nb_strings *merges,
                         uint64_t seed, nb_error *err)
{
    nb_preprocess preprocess = nb_preprocess_default(config->image_size);
    nb_clip *clip = NULL;
    char *text;
    nb_status status;
    NB_TRY_NEW(clip, 1);
    clip->config = *config;
    clip->config.vocabulary = NB_BPE_BASE_SYMBOLS + merges->count + SPECIAL;
    NB_TRY(nb_bpe_write(folder, force, merges, err));
    NB_TRY(nb_clip_config_text(&clip->config, (int64_t)clip->config.vocabulary - 1, &text, err));
    NB_TRY(create_write_text(folder, "config.json", force, text, err));
    NB_TRY(nb_clip_preprocess_text(&preprocess, &text, err));
    NB_TRY(create_write_text(folder, "preprocessor_config.json", force, text, err));
    NB_TRY(create_write_weights(folder, force, clip, seed, err));
done:
    nb_clip_close(clip);
    return status;
}
