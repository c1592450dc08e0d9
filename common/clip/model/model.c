#include "common/clip/model/model.h"

#include "common/base/file.h"
#include "common/clip/checkpoint/layout.h"
#include "common/clip/model/weights.h"
#include "common/clip/tokenizer/tokenizer_files.h"
#include "common/clip/tokenizer/tokenizer_options.h"

#include <stdlib.h>
#include <string.h>

/* One digest for the checkpoint: over the digests of the files it was read from, in a fixed order. */
static nb_status model_digest_files(nb_clip *m, const char *directory, const nb_strings *files, nb_error *err)
{
    nb_buffer all = {0};
    char *path = NULL;
    nb_status status = NB_OK;
    for (size_t i = 0; i < files->count; i++) {
        const char *name = nb_strings_get(files, i);
        nb_digest digest;
        free(path);
        NB_TRY(nb_path_join(&path, directory, name, err));
        NB_TRY(nb_digest_file(&digest, path, err));
        NB_TRY(nb_buffer_printf(&all, err, "%s  %s\n", digest.hex, name));
    }
    m->digest = nb_digest_bytes(all.data, all.len);
done:
    free(path);
    nb_buffer_free(&all);
    return status;
}

static nb_status model_push(nb_strings *files, const char *name, nb_error *err)
{
    return nb_strings_push(files, name, strlen(name), err);
}

/* open_clip reads its own configuration; else a file of transformers counts. OpenAI's archives have what is published.
 */
static nb_status model_open_preprocess(nb_clip *m, const char *directory, nb_error *err)
{
    const nb_clip_config *c = &m->config;
    nb_status status = NB_OK;
    if (c->has_pixels) {
        m->preprocess = nb_preprocess_default(c->image_size);
        m->preprocess.resize = c->resize;
        m->preprocess.bilinear = c->bilinear;
        m->preprocess.fill = c->fill;
        if (c->has_channels) {
            memcpy(m->preprocess.mean, c->mean, sizeof c->mean);
            memcpy(m->preprocess.std, c->std, sizeof c->std);
        }
    } else {
        status = nb_preprocess_read(&m->preprocess, directory, c->image_size, &m->preprocess_file, err);
    }
    m->preprocess_defaulted = !c->has_pixels && !m->preprocess_file && !c->inferred;
    return status;
}

/* Vocabularies other than CLIP's may have some tokens more than a checkpoint embeds, which no text needs, or fewer. */
static nb_status model_check_vocabulary(const nb_clip *m, const char *directory, const char *file, nb_error *err)
{
    size_t tokens = nb_tokenizer_vocab_size(m->tokenizer);
    size_t slack = nb_tokenizer_slack(m->tokenizer);
    if (tokens <= m->config.vocabulary + slack && m->config.vocabulary <= tokens + slack) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s': %s has %zu tokens, the checkpoint embeds %zu", directory, file, tokens,
            m->config.vocabulary);
    return nb_hint(err, "the vocabulary belongs to another checkpoint");
}

/* The encoder reads a text at its first <|endoftext|>. That is where the configuration wants it when it names this
 * token, and also where the highest id of the text is when no token's id is higher. */
static nb_status model_check_end_token(const nb_clip *m, const char *directory, nb_error *err)
{
    int64_t end = nb_tokenizer_end(m->tokenizer), stated = m->config.end_token;
    int64_t highest = (int64_t)nb_tokenizer_vocab_size(m->tokenizer) - 1;
    if (stated == NB_END_HIGHEST && end != highest) {
        nb_fail(err, NB_ERR_INPUT,
                "'%s': %s has texts read at their highest token, which '<|endoftext|>' (%lld of 0 to %lld) need not be",
                directory, nb_clip_config_file(&m->config), (long long)end, (long long)highest);
    } else if (stated != NB_END_HIGHEST && stated != NB_END_UNSTATED && stated != end) {
        nb_fail(err, NB_ERR_INPUT,
                "'%s': eos_token_id %lld of %s is neither 2 nor the tokenizer's '<|endoftext|>', %lld", directory,
                (long long)stated, nb_clip_config_file(&m->config), (long long)end);
    } else {
        return NB_OK;
    }
    return nb_hint(err, "the vocabulary belongs to another checkpoint");
}

/* What the text tower sees behind a text. */
static nb_status model_take_padding(nb_clip *m, const char *directory, nb_error *err)
{
    nb_padding padding;
    if (nb_tokenizer_padding(m->tokenizer, &padding)) {
        if (m->config.text.hides_padding && padding.token != m->config.text.pad) {
            return nb_fail(err, NB_ERR_INPUT,
                           "'%s': texts are padded with the token %d, and the text tower hides the token %d", directory,
                           (int)padding.token, (int)m->config.text.pad);
        }
        m->config.text.pad = padding.token;
        m->config.text.pads_left = padding.left;
    }
    return m->config.text.pad >= 0 && (size_t)m->config.text.pad < m->config.vocabulary
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT,
                         "'%s': the padding token %d is not among the %zu that the checkpoint embeds", directory,
                         (int)m->config.text.pad, m->config.vocabulary);
}

static nb_status model_open_tokenizer(nb_clip *m, const char *directory, nb_error *err)
{
    nb_padding padding;
    nb_status status;
    NB_TRY(nb_tokenizer_files(&m->tokenizer_files, directory, err));
    status = nb_tokenizer_open(&m->tokenizer, directory, err);
    if (status != NB_OK && m->config.inferred) {
        nb_hint(err,
                "OpenAI's archives hold no vocabulary: put vocab.json and merges.txt beside the file, those of any of "
                "OpenAI's CLIPs ('negbank pull --model https://huggingface.co/openai/clip-vit-base-patch32/resolve/"
                "main/')");
    }
    NB_TRY(status);
    if (!m->config.open_clip && !nb_tokenizer_padding(m->tokenizer, &padding)) { /* open_clip does not read the file */
        NB_TRY(nb_tokenizer_check_options(directory, m->config.context, err));
    }
    NB_TRY(model_check_vocabulary(m, directory, nb_strings_get(&m->tokenizer_files, 0), err));
    NB_TRY(model_check_end_token(m, directory, err));
    NB_TRY(model_take_padding(m, directory, err));
done:
    return status;
}

nb_status nb_clip_prepare(nb_clip **out, const char *model, const nb_engine *engine, nb_error *err)
{
    nb_status status;
    char *folder = NULL;
    nb_clip *m = nb_alloc(1, sizeof *m, err);
    *out = NULL;
    if (!m) {
        return NB_ERR_LIMIT;
    }
    m->engine = engine;
    NB_TRY(nb_clip_config_read(&m->config, model, err));
    NB_TRY(nb_layout_folder(&folder, model, err));
    NB_TRY(model_open_preprocess(m, folder, err));
    NB_TRY(model_open_tokenizer(m, folder, err));
    *out = m;
done:
    free(folder);
    if (status != NB_OK) {
        nb_clip_close(m);
    }
    return status;
}

nb_status nb_clip_check(nb_clip *m, const char *model, nb_error *err)
{
    nb_checkpoint *checkpoint = NULL;
    nb_status status;
    NB_TRY(nb_checkpoint_open(&checkpoint, model, err));
    NB_TRY(nb_clip_weights_check(m, checkpoint, err));
done:
    nb_checkpoint_close(checkpoint);
    return status;
}

nb_status nb_clip_load(nb_clip *m, const char *model, void *arena, nb_error *err)
{
    nb_checkpoint *checkpoint = NULL;
    nb_strings files = {0};
    char *folder = NULL;
    nb_status status;
    NB_TRY(nb_checkpoint_open(&checkpoint, model, err));
    NB_TRY(nb_clip_weights_read(m, checkpoint, arena, err));
    NB_TRY(nb_layout_folder(&folder, model, err));
    NB_TRY(m->config.inferred ? NB_OK : model_push(&files, nb_clip_config_file(&m->config), err));
    for (size_t i = 0; i < nb_checkpoint_files(checkpoint)->count; i++) {
        NB_TRY(model_push(&files, nb_strings_get(nb_checkpoint_files(checkpoint), i), err));
    }
    for (size_t i = 0; i < m->tokenizer_files.count; i++) {
        NB_TRY(model_push(&files, nb_strings_get(&m->tokenizer_files, i), err));
    }
    if (m->preprocess_file) {
        NB_TRY(model_push(&files, m->preprocess_file, err));
    }
    NB_TRY(model_digest_files(m, folder, &files, err));
done:
    nb_checkpoint_close(checkpoint);
    nb_strings_free(&files);
    free(folder);
    return status;
}

nb_status nb_clip_open(nb_clip **out, const char *model, nb_error *err)
{
    return nb_clip_open_by(out, model, &nb_engine_fp32, err);
}

nb_status nb_clip_open_by(nb_clip **out, const char *model, const nb_engine *engine, nb_error *err)
{
    nb_status status = nb_clip_prepare(out, model, engine, err);
    if (status == NB_OK) {
        status = nb_clip_load(*out, model, NULL, err);
    }
    if (status != NB_OK) {
        nb_clip_close(*out);
        *out = NULL;
    }
    return status;
}

nb_status nb_clip_bind(nb_clip *m, void *arena, const nb_digest *digest, nb_error *err)
{
    m->digest = *digest;
    return nb_clip_weights_bind(m, arena, err);
}

void nb_clip_close(nb_clip *m)
{
    if (m) {
        nb_tokenizer_close(m->tokenizer);
        nb_strings_free(&m->tokenizer_files);
        free(m->arena);
        free(m->text_blocks);
        free(m->image_blocks);
        free(m->convolutions);
        free(m);
    }
}
