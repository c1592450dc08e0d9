/* The bytes of images, in files or in shards. A reader belongs to one thread. */
#ifndef NB_IMAGES_READER_H
#define NB_IMAGES_READER_H

#include "mining/images/image_inputs.h"

/* Keeps the last shard open. In compressed shards it goes forward only, and starts again for an image further back:
 * images are best asked for in their order. */
typedef struct nb_image_reader nb_image_reader;

nb_status nb_image_reader_create(nb_image_reader **out, const nb_image_inputs *inputs, nb_error *err);
void nb_image_reader_destroy(nb_image_reader *reader);

/* True when image i lies in a compressed shard. */
bool nb_image_is_compressed(const nb_image_inputs *inputs, size_t i);

/* The bytes of image i: *bytes belong to the reader until its next call. *fault says why on failure; messages name the
 * image. A shard that changed since it was indexed is NB_ERR_INPUT. */
nb_status nb_image_reader_bytes(nb_image_reader *reader, size_t i, const char **bytes, size_t *len,
                                nb_image_fault *fault, nb_error *err);

/* Reads and decodes image i. read and decode (seconds) are added to. */
nb_status nb_image_reader_decode(nb_image_reader *reader, size_t i, nb_image *out, nb_image_fault *fault, double *read,
                                 double *decode, nb_error *err);

#endif
