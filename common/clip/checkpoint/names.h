/* What the towers need and what the two naming schemes call it: the transformers library's CLIPModel, and OpenAI's
 * original code, whose names open_clip kept. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_NAMES_H
#define NB_COMMON_CLIP_CHECKPOINT_NAMES_H

#include "common/clip/checkpoint/checkpoint.h"

typedef enum nb_naming { NB_NAMES_HUGGING_FACE, NB_NAMES_OPEN_CLIP } nb_naming;

typedef enum nb_side { NB_SIDE_TEXT, NB_SIDE_IMAGE } nb_side;

typedef enum nb_part {
    /* of one residual block of one side */
    NB_PART_NORM1_WEIGHT,
    NB_PART_NORM1_BIAS,
    NB_PART_QKV_WEIGHT,
    NB_PART_QKV_BIAS,
    NB_PART_OUT_WEIGHT,
    NB_PART_OUT_BIAS,
    NB_PART_NORM2_WEIGHT,
    NB_PART_NORM2_BIAS,
    NB_PART_FC1_WEIGHT,
    NB_PART_FC1_BIAS,
    NB_PART_FC2_WEIGHT,
    NB_PART_FC2_BIAS,
    /* there once */
    NB_PART_TOKEN_EMBEDDING,
    NB_PART_TEXT_POSITION,
    NB_PART_TEXT_NORM_WEIGHT,
    NB_PART_TEXT_NORM_BIAS,
    NB_PART_TEXT_PROJECTION,
    NB_PART_CLASS_EMBEDDING,
    NB_PART_PATCH_EMBEDDING,
    NB_PART_IMAGE_POSITION,
    NB_PART_PRE_NORM_WEIGHT,
    NB_PART_PRE_NORM_BIAS,
    NB_PART_POST_NORM_WEIGHT,
    NB_PART_POST_NORM_BIAS,
    NB_PART_IMAGE_PROJECTION,
    NB_PART_LOGIT_SCALE,
    NB_PART_COUNT
} nb_part;

enum { NB_PART_BLOCK_COUNT = NB_PART_TOKEN_EMBEDDING, NB_PART_PIECES = 3, NB_PART_NAME_MAX = 96 };

/* The tensors that make up a part, 1 or 3: pieces are stacked along the first dimension. Blocks' parts take side and
 * layer, the others ignore them. Returns how many names were written. */
size_t nb_part_names(nb_naming naming, nb_part part, nb_side side, size_t layer,
                     char names[NB_PART_PIECES][NB_PART_NAME_MAX]);
/* True when the scheme stores the matrix as [in, out]. */
bool nb_part_transposed(nb_naming naming, nb_part part);

/* Which scheme a checkpoint follows. NB_ERR_INPUT names kind and tensor of models that are none of ours: ResNet image
 * towers, SigLIP and other timm towers, text towers of other libraries, CoCa, attention pooling. A checkpoint of
 * neither scheme counts as Hugging Face's: what it lacks is then said tensor by tensor. */
nb_status nb_names_detect(nb_naming *out, const nb_checkpoint *checkpoint, nb_error *err);

/* Refuses by name a tensor of a tower that was not used: the towers compute something else than the configuration says,
 * for instance with more layers. Buffers of positions and masks may be left. */
nb_status nb_names_check_used(nb_naming naming, const nb_checkpoint *checkpoint, nb_error *err);

#endif
