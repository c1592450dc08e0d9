/* A CLIP checkpoint, open: tokenizer, preprocessing, weights and both towers.
 *
 * The folder is laid out as Hugging Face does it: config.json, model.safetensors (or shards), vocab.json + merges.txt
 * (or tokenizer.json), preprocessor_config.json; or as open_clip does: open_clip_config.json,
 * open_clip_model.safetensors. What each may hold stands in the headers of common/clip/checkpoint and in
 * common/clip/tokenizer/tokenizer_json.h. Everything is checked before any work: every tensor the towers need must be
 * there with the shape the configuration says, finite, in F32, F16 or BF16; texts must be read where the configuration
 * wants them. */
#ifndef NB_COMMON_CLIP_MODEL_MODEL_H
#define NB_COMMON_CLIP_MODEL_MODEL_H

#include "common/base/digest.h"
#include "common/clip/checkpoint/config.h"
#include "common/clip/preprocess/preprocess.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/towers/tower.h"
#include "common/linear/engine.h"

typedef struct nb_clip {
    nb_clip_config config;
    nb_tokenizer *tokenizer;
    nb_strings tokenizer_files; /* the tokenizer was read from */
    bool preprocess_file;       /* there is a preprocessor_config.json */
    nb_preprocess preprocess;
    bool preprocess_defaulted; /* stated nowhere: CLIP's published mean and deviation are used */
    nb_digest digest;          /* SHA-256 over the digests of the files that were read */
    float logit_scale;         /* natural logarithm */
    const nb_engine *engine;   /* computes the towers; the weights below are as it packs them */
    void *arena;               /* all weights, where the model owns them; the pointers below go into them */
    nb_block *text_blocks, *image_blocks;
    const float *token_embedding;                   /* [vocabulary, text width] */
    const float *text_position;                     /* [context, text width] */
    const float *text_norm_weight, *text_norm_bias; /* after the last block */
    const float *text_projection;                   /* [projection, text width] */
    const float *class_embedding;                   /* [image width] */
    const float *patch_embedding;                   /* [image width, 3 patch patch]; NULL where the engine packs */
    const void *packed_patch_embedding;             /* it, as the blocks' matrices */
    const float *image_position;                    /* [patches + 1, image width] */
    const float *pre_norm_weight, *pre_norm_bias;
    const float *post_norm_weight, *post_norm_bias;
    const float *image_projection; /* [projection, image width] */
} nb_clip;

/* In fp32, and by an engine. */
nb_status nb_clip_open(nb_clip **out, const char *directory, nb_error *err);
nb_status nb_clip_open_by(nb_clip **out, const char *directory, const nb_engine *engine, nb_error *err);

/* nb_clip_open_by in steps, for processes that share the weights in memory of their own, `arena` (64-byte aligned,
 * nb_clip_weight_bytes), which must outlive the model: prepare reads all but the weights; check looks at the
 * checkpoint's tensors (names, shapes, dtypes) without reading them; load reads them into the arena and computes the
 * digest; bind takes over an arena that another process loaded. */
nb_status nb_clip_prepare(nb_clip **out, const char *directory, const nb_engine *engine, nb_error *err);
nb_status nb_clip_check(nb_clip *clip, const char *directory, nb_error *err);
nb_status nb_clip_load(nb_clip *clip, const char *directory, void *arena, nb_error *err);
nb_status nb_clip_bind(nb_clip *clip, void *arena, const nb_digest *digest, nb_error *err);

void nb_clip_close(nb_clip *clip);

/* Embeds texts in batches; holds the memory for them. */
typedef struct nb_text_encoder nb_text_encoder;
nb_status nb_text_encoder_create(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err);
void nb_text_encoder_destroy(nb_text_encoder *encoder);
/* Up to `batch` texts -> out [count, projection], NOT normalised. The same texts in the same batch give the same bits.
 * The tower is causal and read at the first end token, so the tokens behind it are not computed. */
nb_status nb_text_encoder_run(nb_text_encoder *encoder, const nb_strings *texts, size_t begin, size_t count, float *out,
                              nb_error *err);

/* Embeds preprocessed images in batches. */
typedef struct nb_image_encoder nb_image_encoder;
nb_status nb_image_encoder_create(nb_image_encoder **out, const nb_clip *clip, size_t batch, nb_error *err);
void nb_image_encoder_destroy(nb_image_encoder *encoder);
/* pixels [count, 3, size, size] normalised -> out [count, projection], NOT normalised. */
void nb_image_encoder_run(nb_image_encoder *encoder, const float *pixels, size_t count, float *out);

#endif
