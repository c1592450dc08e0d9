#include "common/clip/model.h"

#include "common/base/file.h"
#include "common/clip/weights.h"

#include <stdlib.h>
#include <string.h>

static nb_status check_directory(const char *directory, nb_error *err)
{
    if (nb_file_is_directory(directory)) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' is not a folder with a checkpoint", directory);
    return nb_hint(err, "a Hugging Face folder is needed: config.json, model.safetensors, vocab.json, merges.txt, "
                        "preprocessor_config.json");
}

/* One digest for the checkpoint: over the digests of its files, in a fixed order. */
static nb_status digest_files(nb_clip *m, const char *directory, nb_error *err)
{
    static const char *const files[] = {"config.json", "model.safetensors", "vocab.json", "merges.txt",
                                        "preprocessor_config.json"};
    nb_buffer all = {0};
    char *path = NULL;
    nb_status status = NB_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        nb_digest digest;
        if (m->preprocess_defaulted && strcmp(files[i], "preprocessor_config.json") == 0) {
            continue;
        }
        free(path);
        NB_TRY(nb_path_join(&path, directory, files[i], err));
        NB_TRY(nb_digest_file(&digest, path, err));
        NB_TRY(nb_buffer_printf(&all, err, "%s  %s\n", digest.hex, files[i]));
    }
    m->digest = nb_digest_bytes(all.data, all.len);
done:
    free(path);
    nb_buffer_free(&all);
    return status;
}

static nb_status check_vocabulary(const nb_clip *m, const char *directory, nb_error *err)
{
    size_t tokens = nb_tokenizer_vocab_size(m->tokenizer);
    if (tokens == m->config.vocabulary) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s': vocab.json has %zu tokens, the checkpoint embeds %zu", directory, tokens,
            m->config.vocabulary);
    return nb_hint(err, "the vocabulary belongs to another checkpoint");
}

nb_status nb_clip_open(nb_clip **out, const char *directory, nb_error *err)
{
    char *weights = NULL;
    nb_status status;
    nb_clip *m = nb_alloc(1, sizeof *m, err);
    *out = NULL;
    if (!m) {
        return NB_ERR_LIMIT;
    }
    NB_TRY(check_directory(directory, err));
    NB_TRY(nb_clip_config_read(&m->config, directory, err));
    NB_TRY(nb_preprocess_read(&m->preprocess, directory, m->config.image_size, &m->preprocess_defaulted, err));
    NB_TRY(nb_tokenizer_open(&m->tokenizer, directory, err));
    NB_TRY(check_vocabulary(m, directory, err));
    NB_TRY(nb_path_join(&weights, directory, "model.safetensors", err));
    NB_TRY(nb_clip_weights_read(m, weights, err));
    NB_TRY(digest_files(m, directory, err));
    *out = m;
done:
    free(weights);
    if (status != NB_OK) {
        nb_clip_close(m);
    }
    return status;
}

void nb_clip_close(nb_clip *m)
{
    if (m) {
        nb_tokenizer_close(m->tokenizer);
        free(m->arena);
        free(m->text_blocks);
        free(m->image_blocks);
        free(m);
    }
}
