/** @file
 * A list of images while it grows; for mining/images only. Nothing here is collective. */
#ifndef NB_IMAGES_BUILDER_H
#define NB_IMAGES_BUILDER_H

#include "mining/images/image_inputs.h"
#include "mining/images/image_sources.h"

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

/** Adds an image that lies in a file, or at an address.
 * @param b the list
 * @param path of the file, or the address
 * @param name shown and stored
 * @param from where its label may come from
 * @return NB_OK; NB_ERR_INPUT for a name that is no text; NB_ERR_LIMIT without memory or for too many images. */
nb_status nb_image_builder_add_file(nb_image_builder *b, const char *path, const char *name, nb_image_origin from,
                                    nb_error *err);

/** Names what is left out, unless enough is named; counting it is the caller's.
 * @param b the list
 * @param input where it lies
 * @param name of it
 * @param why it is left out, in words
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_image_builder_leave_out(nb_image_builder *b, const char *input, const char *name, const char *why,
                                     nb_error *err);

/** Adds the images of a folder.
 * @param b the list
 * @param folder its path
 * @return NB_OK; NB_ERR_INPUT for one that cannot be read or holds no images; NB_ERR_IO; NB_ERR_LIMIT. */
nb_status nb_image_builder_add_folder(nb_image_builder *b, const char *folder, nb_error *err);

/** Adds the images of a list.
 * @param b the list that is built
 * @param source the list
 * @return NB_OK; NB_ERR_INPUT for one that is no text, names no images or one that is missing; NB_ERR_USAGE for an
 * address that is none; NB_ERR_IO; NB_ERR_LIMIT. */
nb_status nb_image_builder_add_list(nb_image_builder *b, const nb_image_source *source, nb_error *err);

/** Builds the list.
 * @param out becomes the list, {0} on failure; freed by the caller
 * @param sources the inputs, open
 * @param shards the indexes of those that are shards, in their order
 * @param choice where labels come from
 * @return as nb_image_inputs_read. */
nb_status nb_image_inputs_build(nb_image_inputs *out, const nb_image_sources *sources, const nb_shard *shards,
                                const nb_image_choice *choice, nb_error *err);

#endif
