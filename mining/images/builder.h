/** @file
 * A list of images while it grows; for mining/images only. Nothing here is collective. */
#ifndef NB_IMAGES_BUILDER_H
#define NB_IMAGES_BUILDER_H

#include "mining/images/image_inputs.h"

/** Where an image's label may come from. */
typedef struct nb_image_origin {
    int32_t listed;               /**< the list's number, -1 without one */
    bool has_listed;              /**< its line has a number */
    uint32_t class_at, class_len; /**< bytes of its name that name its class, none without one */
} nb_image_origin;

/** The list. */
typedef struct nb_image_builder {
    nb_image_inputs *out;
    nb_image_origin *origins; /**< [out->count] */
    nb_strings label_texts;   /**< [out->count] label texts from shards, "" without one */
    size_t cap;
    bool any_listed, any_class, any_shard_class, any_mark;
    const nb_shard *shards; /**< the indexes, in the order of the inputs that are shards */
    size_t shards_used;
} nb_image_builder;

/** Replaces patterns by what they match.
 * @param out appended to; freed by the caller
 * @param inputs words of a command line
 * @return NB_OK; NB_ERR_INPUT when nothing matches a pattern; NB_ERR_LIMIT without memory. */
nb_status nb_image_inputs_expand(nb_strings *out, const nb_strings *inputs, nb_error *err);

/** Whether an input is indexed before the list is built.
 * @param input a word of the command line
 * @return true for a shard */
bool nb_image_input_is_shard(const char *input);

/** Builds the list.
 * @param out becomes the list, {0} on failure; freed by the caller
 * @param expanded the inputs, without patterns
 * @param shards the indexes of those that are shards, in their order
 * @param choice where labels come from
 * @return as nb_image_inputs_read. */
nb_status nb_image_inputs_build(nb_image_inputs *out, const nb_strings *expanded, const nb_shard *shards,
                                const nb_image_choice *choice, nb_error *err);

#endif
