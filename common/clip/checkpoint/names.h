/** @file
 * What the towers need and what checkpoints call it. The namings themselves stand with the families that have them
 * (common/clip/checkpoint/families). Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_NAMES_H
#define NB_COMMON_CLIP_CHECKPOINT_NAMES_H

#include "common/clip/checkpoint/checkpoint.h"

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
    /* of a block that has them (nb_tower_config) */
    NB_TENSOR_PART_ATTENTION_NORM_WEIGHT,
    NB_TENSOR_PART_ATTENTION_NORM_BIAS,
    NB_TENSOR_PART_MLP_NORM_WEIGHT,
    NB_TENSOR_PART_MLP_NORM_BIAS,
    NB_TENSOR_PART_GATE_WEIGHT,
    NB_TENSOR_PART_GATE_BIAS,
    NB_TENSOR_PART_SCALE1,
    NB_TENSOR_PART_SCALE2,
    /* there once */
    NB_TENSOR_PART_TOKEN_EMBEDDING,
    NB_TENSOR_PART_TEXT_POSITION,
    NB_TENSOR_PART_TEXT_NORM_WEIGHT,
    NB_TENSOR_PART_TEXT_NORM_BIAS,
    NB_TENSOR_PART_TEXT_PROJECTION,
    NB_TENSOR_PART_TEXT_PROJECTION_BIAS,
    /* of a text tower that has them */
    NB_TENSOR_PART_TEXT_HIDDEN,
    NB_TENSOR_PART_TEXT_TYPES,
    NB_TENSOR_PART_TEXT_PRE_NORM_WEIGHT,
    NB_TENSOR_PART_TEXT_PRE_NORM_BIAS,
    NB_TENSOR_PART_TEXT_RELATIVE,
    NB_TENSOR_PART_TEXT_CLASS,
    NB_TENSOR_PART_TEXT_TANH_WEIGHT,
    NB_TENSOR_PART_TEXT_TANH_BIAS,
    NB_TENSOR_PART_CLASS_EMBEDDING,
    NB_TENSOR_PART_PATCH_EMBEDDING,
    NB_TENSOR_PART_PATCH_BIAS,
    NB_TENSOR_PART_IMAGE_POSITION,
    NB_TENSOR_PART_PRE_NORM_WEIGHT,
    NB_TENSOR_PART_PRE_NORM_BIAS,
    NB_TENSOR_PART_POST_NORM_WEIGHT,
    NB_TENSOR_PART_POST_NORM_BIAS,
    NB_TENSOR_PART_IMAGE_PROJECTION,
    NB_TENSOR_PART_IMAGE_PROJECTION_BIAS,
    /* of NB_PROJECTION_MLP, in place of those two */
    NB_TENSOR_PART_IMAGE_HIDDEN_WEIGHT,
    NB_TENSOR_PART_IMAGE_HIDDEN_BIAS,
    NB_TENSOR_PART_IMAGE_HIDDEN_PROJECTION,
    /* of an image tower that pools by attention */
    NB_TENSOR_PART_POOL_QUERY,
    NB_TENSOR_PART_POOL_QKV_WEIGHT,
    NB_TENSOR_PART_POOL_QKV_BIAS,
    NB_TENSOR_PART_POOL_OUT_WEIGHT,
    NB_TENSOR_PART_POOL_OUT_BIAS,
    NB_TENSOR_PART_POOL_NORM_WEIGHT,
    NB_TENSOR_PART_POOL_NORM_BIAS,
    NB_TENSOR_PART_POOL_FC1_WEIGHT,
    NB_TENSOR_PART_POOL_FC1_BIAS,
    NB_TENSOR_PART_POOL_FC2_WEIGHT,
    NB_TENSOR_PART_POOL_FC2_BIAS,
    /* of one that pools by a query into another width */
    NB_TENSOR_PART_POOL_QUERY_WEIGHT,
    NB_TENSOR_PART_POOL_ROWS_WEIGHT,
    NB_TENSOR_PART_POOL_ROWS_BIAS,
    NB_TENSOR_PART_LOGIT_SCALE,
    NB_TENSOR_PART_COUNT
} nb_tensor_part;

enum {
    NB_TENSOR_PART_BLOCK_COUNT = NB_TENSOR_PART_TOKEN_EMBEDDING, /**< parts of a block */
    NB_TENSOR_PART_PIECES = 3,                                   /**< most tensors of a part */
    NB_TENSOR_PART_NAME_MAX = 96                                 /**< bytes of a tensor's name, NUL included */
};

/** What a part is called in one scheme. */
typedef struct nb_tensor_row {
    /** Tensors that are stacked along the first dimension; "": zeros, which no file holds. Behind the last one NULL. */
    const char *pieces[NB_TENSOR_PART_PIECES];
    bool transposed;   /**< the matrix is stored as [in, out] */
    const char *other; /**< another name, not transposed; NULL: none */
    /** How many equal parts of the whole each piece is; 0: one. */
    unsigned char shares[NB_TENSOR_PART_PIECES];
} nb_tensor_row;

enum { NB_NAMING_EVIDENCE = 3 /**< most prefixes that tell a naming */ };

/** What one kind of checkpoints calls the tensors of one tower. */
typedef struct nb_naming {
    const char *name;                         /**< "hugging face", "open_clip" */
    nb_tower tower;                           /**< whose tensors */
    const char *evidence[NB_NAMING_EVIDENCE]; /**< a name that begins with one of these tells it, the longest of all
                                                 that are there; NULL behind the last */
    const char *root;                         /**< how all names that are the tower's alone begin */
    const char *blocks;                       /**< what stands before the number of a block */
    nb_tensor_row rows[NB_TENSOR_PART_COUNT]; /**< names of a block behind its number and a dot */
} nb_naming;

/** The namings of both towers. */
typedef struct nb_names {
    const nb_naming *towers[2]; /**< by nb_tower */
} nb_names;

/** The names that transformers' CLIPModel gives its tensors, which is what is written. */
extern const nb_naming nb_naming_hugging_face_text, nb_naming_hugging_face_image;

/** The names of the tensors that make up a part: pieces are stacked along the first dimension.
 * @param naming of the part's tower
 * @param part one that the naming has a row for
 * @param layer of a block's part; else ignored
 * @param[out] names as many as the result says are set; "": zeros
 * @return 1 to NB_TENSOR_PART_PIECES, 0: the naming has no such part */
size_t nb_tensor_part_names(const nb_naming *naming, nb_tensor_part part, size_t layer,
                            char names[NB_TENSOR_PART_PIECES][NB_TENSOR_PART_NAME_MAX]);

/** Which naming a checkpoint follows. One of none counts as Hugging Face's: what it lacks is then reported tensor by
 * tensor.
 * @param[out] out of both towers
 * @param checkpoint only the names of its tensors are looked at
 * @return NB_OK, or NB_ERR_INPUT naming kind and tensor of models that are none of ours: timm towers
 * of other kinds, text towers of other libraries, CoCa, attention pooling */
nb_status nb_names_detect(nb_names *out, const nb_checkpoint *checkpoint, nb_error *err);

/** Looks for tensors that were not used: the model computes something else than the configuration says, for instance
 * with more layers or, as Long-CLIP, with two tables of positions. Buffers of positions and masks, and the numbers that
 * OpenAI's archives hold, may be left.
 * @param checkpoint with the tensors that were used marked as such
 * @param decoder the configuration names a decoder of text, which may be left too
 * @return NB_OK, or NB_ERR_INPUT naming the first and how many more there are */
nb_status nb_names_check_used(const nb_checkpoint *checkpoint, bool decoder, nb_error *err);

#endif
