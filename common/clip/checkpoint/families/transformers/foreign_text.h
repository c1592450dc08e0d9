/** @file
 * What text towers of the transformers library have alike in open_clip (open_clip/hf_model.py, HFTextEncoder): a mask
 * over the padding, a pooling, and a projection. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_FAMILIES_FOREIGN_TEXT_H
#define NB_COMMON_CLIP_CHECKPOINT_FAMILIES_FOREIGN_TEXT_H

#include "common/clip/checkpoint/families/section.h"

/** Whether `model` is the name of a model, its owner before a slash or not.
 * @param model as a configuration has it
 * @param name without an owner */
bool nb_foreign_is(const char *model, const char *name);

/** Reads context, pooling and projection of a text tower whose shape is set.
 * @param[in,out] config its text tower gets them
 * @param section text_cfg
 * @param tanh_head the library's model has a pooling of its own, which `cls_pooler` takes
 * @return NB_OK, or NB_ERR_INPUT for another pooling or projection */
nb_status nb_foreign_read(nb_clip_config *config, nb_config_section section, bool tanh_head, nb_error *err);

/** Behind the tower, in open_clip's names. */
#define NB_HEAD_OF_FOREIGN_TEXT                                                                                        \
    [NB_TENSOR_PART_TEXT_HIDDEN] = NB_NAME("text.proj.0.weight"),                                                      \
    [NB_TENSOR_PART_TEXT_PROJECTION] = {.pieces = {"text.proj.2.weight"}, .other = "text.proj.weight"},                \
    [NB_TENSOR_PART_LOGIT_SCALE] = NB_NAME("logit_scale"),

#endif
