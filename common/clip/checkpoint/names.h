/** @file
 * What the towers need and what the two naming schemes call it: the transformers library's CLIPModel, and OpenAI's
 * original code, whose names open_clip kept. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_NAMES_H
#define NB_COMMON_CLIP_CHECKPOINT_NAMES_H

#include "common/clip/checkpoint/checkpoint.h"

/** A naming scheme. */
typedef enum nb_naming {
    NB_NAMES_HUGGING_FACE, /**< the transformers library's */
    NB_NAMES_OPEN_CLIP     /**< OpenAI's and open_clip's */
} nb_naming;

/** A tower. */
typedef enum nb_tower { NB_TOWER_TEXT, NB_TOWER_IMAGE } nb_tower;

/** What the towers need. */
typedef enum nb_tensor_part {
    /* of one residual block of one tower */
    NB_TENSOR_PART_NORM1_WEIGHT,
    NB_TENSOR_PART_NORM1_BIAS,
    NB_TENSOR_PART_QKV_WEIGHT,
    NB_TENSOR_PART_QKV_BIAS,
    NB_TENSOR_PART_OUT_WEIGHT,
    NB_TENSOR_PART_OUT_BIAS,
    NB_TENSOR_PART_NORM2_WEIGHT,
    NB_TENSOR_PART_NORM2_BIAS,
    NB_TENSOR_PART_FC1_WEIGHT,
    NB_TENSOR_PART_FC1_BIAS,
    NB_TENSOR_PART_FC2_WEIGHT,
    NB_TENSOR_PART_FC2_BIAS,
    /* there once */
    NB_TENSOR_PART_TOKEN_EMBEDDING,
    NB_TENSOR_PART_TEXT_POSITION,
    NB_TENSOR_PART_TEXT_NORM_WEIGHT,
    NB_TENSOR_PART_TEXT_NORM_BIAS,
    NB_TENSOR_PART_TEXT_PROJECTION,
    NB_TENSOR_PART_CLASS_EMBEDDING,
    NB_TENSOR_PART_PATCH_EMBEDDING,
    NB_TENSOR_PART_IMAGE_POSITION,
    NB_TENSOR_PART_PRE_NORM_WEIGHT,
    NB_TENSOR_PART_PRE_NORM_BIAS,
    NB_TENSOR_PART_POST_NORM_WEIGHT,
    NB_TENSOR_PART_POST_NORM_BIAS,
    NB_TENSOR_PART_IMAGE_PROJECTION,
    NB_TENSOR_PART_LOGIT_SCALE,
    NB_TENSOR_PART_COUNT
} nb_tensor_part;

enum {
    NB_TENSOR_PART_BLOCK_COUNT = NB_TENSOR_PART_TOKEN_EMBEDDING, /**< parts of a block */
    NB_TENSOR_PART_PIECES = 3,                                   /**< most tensors of a part */
    NB_TENSOR_PART_NAME_MAX = 96                                 /**< bytes of a tensor's name, NUL included */
};

/** The names of the tensors that make up a part: pieces are stacked along the first dimension.
 * @param naming the scheme
 * @param part not NB_TENSOR_PART_COUNT
 * @param tower of a block's part; else ignored
 * @param layer of a block's part; else ignored
 * @param[out] names as many as the result says are set
 * @return 1 or 3 */
size_t nb_tensor_part_names(nb_naming naming, nb_tensor_part part, nb_tower tower, size_t layer,
                            char names[NB_TENSOR_PART_PIECES][NB_TENSOR_PART_NAME_MAX]);

/** Whether the scheme stores the part's matrix as [in, out].
 * @param naming the scheme
 * @param part not NB_TENSOR_PART_COUNT */
bool nb_tensor_part_transposed(nb_naming naming, nb_tensor_part part);

/** Which scheme a checkpoint follows. One of neither counts as Hugging Face's: what it lacks is then reported tensor by
 * tensor.
 * @param[out] out the scheme
 * @param checkpoint only the names of its tensors are looked at
 * @return NB_OK, or NB_ERR_INPUT naming kind and tensor of models that are none of ours: ResNet image towers, SigLIP
 * and other timm towers, text towers of other libraries, CoCa, attention pooling */
nb_status nb_names_detect(nb_naming *out, const nb_checkpoint *checkpoint, nb_error *err);

/** Looks for tensors that were not used: the model computes something else than the configuration says, for instance
 * with more layers or, as Long-CLIP, with two tables of positions. Buffers of positions and masks, and the numbers that
 * OpenAI's archives hold, may be left.
 * @param checkpoint with the tensors that were used marked as such
 * @return NB_OK, or NB_ERR_INPUT naming the first and how many more there are */
nb_status nb_names_check_used(const nb_checkpoint *checkpoint, nb_error *err);

#endif
