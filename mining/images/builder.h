/* A list of images while it grows; for mining/images only. */
#ifndef NB_IMAGES_BUILDER_H
#define NB_IMAGES_BUILDER_H

#include "mining/images/image_inputs.h"

/* Where an image's label may come from. */
typedef struct nb_image_origin {
    int32_t listed;               /* the list's number, -1 without one */
    bool has_listed;              /* its line has a number */
    uint32_t class_at, class_len; /* bytes of its name that name its class, none without one */
} nb_image_origin;

typedef struct nb_image_builder {
    nb_image_inputs *out;
    nb_image_origin *origins; /* [out->count] */
    nb_strings marks;         /* [out->count] label texts from shards, "" without one */
    size_t cap;
    bool any_listed, any_class, any_shard_class, any_mark;
    const nb_shard *shards; /* the indexes, in the order of the inputs that are shards */
    size_t shards_used;
} nb_image_builder;

/* The inputs with patterns replaced by what they match. */
nb_status nb_image_inputs_expand(nb_strings *out, const nb_strings *inputs, nb_error *err);
/* True for what is indexed before the list is built. */
bool nb_image_input_is_shard(const char *input);
/* Builds the list; shards: the indexes of those of `expanded` that are shards. *out is {0} on failure. */
nb_status nb_image_inputs_build(nb_image_inputs *out, const nb_strings *expanded, const nb_shard *shards,
                                const nb_image_choice *choice, nb_error *err);

#endif
