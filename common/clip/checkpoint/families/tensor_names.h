/** @file
 * Rows of nb_naming that several families share. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_FAMILIES_TENSOR_NAMES_H
#define NB_COMMON_CLIP_CHECKPOINT_FAMILIES_TENSOR_NAMES_H

/* clang-format off */
/** A tensor under one name, or the parts of it, in order. */
#define NB_NAME(...) {.pieces = {__VA_ARGS__}}

/** A block of Hugging Face's CLIP and SigLIP. */
#define NB_BLOCK_OF_HUGGING_FACE                                                                                          \
    [NB_TENSOR_PART_NORM1_WEIGHT] = NB_NAME("layer_norm1.weight"),                                                        \
    [NB_TENSOR_PART_NORM1_BIAS] = NB_NAME("layer_norm1.bias"),                                                            \
    [NB_TENSOR_PART_QKV_WEIGHT] =                                                                                         \
        NB_NAME("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"),                         \
    [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"),       \
    [NB_TENSOR_PART_OUT_WEIGHT] = NB_NAME("self_attn.out_proj.weight"),                                                   \
    [NB_TENSOR_PART_OUT_BIAS] = NB_NAME("self_attn.out_proj.bias"),                                                       \
    [NB_TENSOR_PART_NORM2_WEIGHT] = NB_NAME("layer_norm2.weight"),                                                        \
    [NB_TENSOR_PART_NORM2_BIAS] = NB_NAME("layer_norm2.bias"),                                                            \
    [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("mlp.fc1.weight"),                                                              \
    [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("mlp.fc1.bias"),                                                                  \
    [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("mlp.fc2.weight"),                                                              \
    [NB_TENSOR_PART_FC2_BIAS] = NB_NAME("mlp.fc2.bias"),

/** What stands behind timm's image towers, within open_clip's names. */
#define NB_HEAD_OF_TIMM                                                                                                   \
    [NB_TENSOR_PART_IMAGE_PROJECTION] =                                                                                   \
        {.pieces = {"visual.trunk.head.weight"}, .other = "visual.head.proj.weight"},                                     \
    [NB_TENSOR_PART_IMAGE_PROJECTION_BIAS] =                                                                              \
        {.pieces = {"visual.trunk.head.bias"}, .other = "visual.head.proj.bias"},                                         \
    [NB_TENSOR_PART_IMAGE_HIDDEN_WEIGHT] = NB_NAME("visual.head.mlp.fc1.weight"),                                         \
    [NB_TENSOR_PART_IMAGE_HIDDEN_BIAS] = NB_NAME("visual.head.mlp.fc1.bias"),                                             \
    [NB_TENSOR_PART_IMAGE_HIDDEN_PROJECTION] = NB_NAME("visual.head.mlp.fc2.weight"),

/** What timm's image towers have alike, within open_clip's names. */
#define NB_GATED_TRUNK_OF_TIMM                                                                                            \
    [NB_TENSOR_PART_NORM1_WEIGHT] = NB_NAME("norm1.weight"),                                                              \
    [NB_TENSOR_PART_NORM1_BIAS] = NB_NAME("norm1.bias"),                                                                  \
    [NB_TENSOR_PART_OUT_WEIGHT] = NB_NAME("attn.proj.weight"),                                                            \
    [NB_TENSOR_PART_OUT_BIAS] = NB_NAME("attn.proj.bias"),                                                                \
    [NB_TENSOR_PART_NORM2_WEIGHT] = NB_NAME("norm2.weight"),                                                              \
    [NB_TENSOR_PART_NORM2_BIAS] = NB_NAME("norm2.bias"),                                                                  \
    [NB_TENSOR_PART_PATCH_EMBEDDING] = NB_NAME("visual.trunk.patch_embed.proj.weight"),                                   \
    [NB_TENSOR_PART_IMAGE_POSITION] = NB_NAME("visual.trunk.pos_embed"),                                                  \
    NB_HEAD_OF_TIMM

/** The same with the last layer of a plain MLP. */
#define NB_TRUNK_OF_TIMM                                                                                                  \
    NB_GATED_TRUNK_OF_TIMM                                                                                                \
    [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("mlp.fc2.weight"),                                                              \
    [NB_TENSOR_PART_FC2_BIAS] = NB_NAME("mlp.fc2.bias"),

/** Their last norm, which has either name. */
#define NB_NORM_OF_TIMM                                                                                                   \
    [NB_TENSOR_PART_POST_NORM_WEIGHT] =                                                                                   \
        {.pieces = {"visual.trunk.norm.weight"}, .other = "visual.trunk.fc_norm.weight"},                                 \
    [NB_TENSOR_PART_POST_NORM_BIAS] = {.pieces = {"visual.trunk.norm.bias"}, .other = "visual.trunk.fc_norm.bias"},

/** Queries, keys and values in one matrix, and a plain MLP, as timm's own ViTs have them. */
#define NB_BLOCK_OF_TIMM                                                                                                  \
    [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("attn.qkv.weight"),                                                             \
    [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("mlp.fc1.weight"),                                                              \
    [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("mlp.fc1.bias"),
/* clang-format on */

#endif
