/** @file
 * A CLIP checkpoint, open: tokenizer, preprocessing, weights. Its encoders are
 * common/clip/model/text_encoder.h and common/clip/model/image_encoder.h.
 *
 * The folder has Hugging Face's layout: config.json, model.safetensors (or shards), vocab.json + merges.txt
 * (or tokenizer.json), preprocessor_config.json; or as open_clip does: open_clip_config.json,
 * open_clip_model.safetensors; or the model is one file of weights, with the others beside it. What each may hold
 * stands in the headers of common/clip/checkpoint and common/clip/tokenizer. Everything is checked before any work:
 * every tensor the towers need must be there with the shape the configuration says, finite, in F32, F16 or BF16; texts
 * must be read where the configuration wants them.
 *
 * Nothing here is collective. An open model is read-only: any number of threads may use one. */
#ifndef NB_COMMON_CLIP_MODEL_MODEL_H
#define NB_COMMON_CLIP_MODEL_MODEL_H

#include "common/base/digest.h"
#include "common/clip/checkpoint/config.h"
#include "common/clip/convolution/convolver.h"
#include "common/clip/preprocess/preprocess.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/towers/query_pool.h"
#include "common/clip/towers/tower.h"
#include "common/linear/engine.h"

/** An open model. */
typedef struct nb_clip {
    nb_clip_config config;       /**< the shape */
    nb_tokenizer *tokenizer;     /**< owned */
    nb_strings tokenizer_files;  /**< the tokenizer was read from */
    const char *preprocess_file; /**< name of the file that says how images are prepared; NULL: none does */
    nb_preprocess preprocess;    /**< how images become tensors */
    bool preprocess_defaulted;   /**< stated nowhere: CLIP's published mean and deviation are used */
    nb_digest digest;            /**< SHA-256 over the digests of the files that were read */
    float logit_scale;           /**< natural logarithm */
    const nb_engine *engine;     /**< computes the towers; the weights below are as it packs them */
    void *arena;                 /**< all weights, where the model owns them; the pointers below go into them */
    nb_block *text_blocks, *image_blocks;           /**< [layers] of each tower, owned */
    const float *token_embedding;                   /**< [vocabulary, text width] */
    const float *text_position;                     /**< [context or position_rows, text width]; NULL: none learned */
    const float *text_relative;                     /**< [relative_buckets, text heads]; NULL: none */
    const float *text_types;                        /**< [token_types, text width]; NULL: none */
    const float *text_class;                        /**< [text width] the class token; NULL: none */
    nb_norm_weights text_pre_norm;                  /**< [text width] before the first block; NULL: none */
    const float *text_tanh, *text_tanh_bias;        /**< [text width, text width], [text width]; NULL: none */
    const float *text_hidden;                       /**< [projection_hidden, text width]; NULL: none */
    const float *text_norm_weight, *text_norm_bias; /**< after the last block; NULL: none */
    const float *text_projection;                   /**< [projection, text or hidden width]; NULL: none */
    const float *text_projection_bias;              /**< [projection]; NULL: none */
    const float *class_embedding;                   /**< [image width]; NULL: none */
    nb_convolution *convolutions;                   /**< [nb_layers_visit] of a tower that has them, owned */
    const float *patch_embedding;                   /**< [image width, 3 patch patch]; NULL where the engine packs */
    const void *packed_patch_embedding;             /**< it, as the blocks' matrices */
    const float *patch_bias;                        /**< [image width]; NULL: none */
    const float *image_position;                    /**< [nb_clip_image_rows, image width], one less without the class
                                                       token's; NULL: none */
    const float *pre_norm_weight, *pre_norm_bias;   /**< [image width] before the first block; NULL: none */
    const float *post_norm_weight, *post_norm_bias; /**< [image width] after the last block; NULL: none */
    const float *pool_query;                        /**< [image width] NB_POOL_ATTENTION's; NULL: none */
    nb_block pool_block;                            /**< what pools by attention; it has no first norm */
    nb_query_weights query_pool;                    /**< NB_POOL_QUERY's */
    const float *image_hidden, *image_hidden_bias;  /**< [projection_hidden, image width], its bias; NULL: none */
    const float *image_projection;                  /**< [projection, image or hidden width]; NULL: none */
    const float *image_projection_bias;             /**< [projection]; NULL: none */
} nb_clip;

/** Opens the model of a folder with its weights in fp32.
 * @param[out] out closed by nb_clip_close; NULL on failure
 * @param model its folder, or its file of weights
 * @return as nb_clip_prepare and nb_clip_load */
nb_status nb_clip_open(nb_clip **out, const char *model, nb_error *err);

/** Opens the model of a folder with its weights as an engine packs them.
 * @param[out] out closed by nb_clip_close; NULL on failure
 * @param model its folder, or its file of weights
 * @param engine must outlive the model
 * @return as nb_clip_prepare and nb_clip_load */
nb_status nb_clip_open_by(nb_clip **out, const char *model, const nb_engine *engine, nb_error *err);

/** The first step of nb_clip_open_by, for processes that share the weights in memory of their own: reads all but the
 * weights.
 * @param[out] out closed by nb_clip_close; NULL on failure
 * @param model its folder, or its file of weights
 * @param engine as nb_clip_open_by gets it
 * @return NB_OK, or NB_ERR_INPUT for a configuration, preprocessing or tokenizer that is missing or not CLIP's, or a
 * vocabulary of another checkpoint, NB_ERR_IO when a file cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_clip_prepare(nb_clip **out, const char *model, const nb_engine *engine, nb_error *err);

/** Looks at the checkpoint's tensors (names, shapes, dtypes) without reading them.
 * @param clip from nb_clip_prepare; gets its blocks, without weights
 * @param model its folder, or its file of weights
 * @return NB_OK, or as nb_checkpoint_open and nb_clip_weights_read */
nb_status nb_clip_check(nb_clip *clip, const char *model, nb_error *err);

/** Reads the weights and computes the digest.
 * @param clip from nb_clip_prepare, checked or not
 * @param model what it was prepared from
 * @param arena nb_clip_weight_bytes, aligned to 64, which must outlive the model; NULL: memory of the model's own
 * @return NB_OK, or as nb_checkpoint_open, nb_clip_weights_read and nb_digest_file */
nb_status nb_clip_load(nb_clip *clip, const char *model, void *arena, nb_error *err);

/** Takes over an arena that another process loaded.
 * @param clip from nb_clip_prepare of the same folder and engine
 * @param arena must outlive the model
 * @param digest of the process that loaded it
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_clip_bind(nb_clip *clip, void *arena, const nb_digest *digest, nb_error *err);

/** Frees a model. Takes NULL.
 * @param clip no longer of use afterwards */
void nb_clip_close(nb_clip *clip);

#endif
