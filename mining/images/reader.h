/** @file
 * The bytes of images, in files or in shards. A reader belongs to one thread; nothing here is collective. */
#ifndef NB_IMAGES_READER_H
#define NB_IMAGES_READER_H

#include "mining/images/image_inputs.h"

/** Keeps the last shard open. In compressed shards it goes forward only, and starts again for an image further back:
 * images are best asked for in their order. */
typedef struct nb_image_reader nb_image_reader;

/** Makes a reader.
 * @param out freed by the caller with nb_image_reader_destroy; NULL on failure
 * @param inputs the images; borrowed
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_image_reader_create(nb_image_reader **out, const nb_image_inputs *inputs, nb_error *err);

/** Frees a reader.
 * @param reader may be NULL */
void nb_image_reader_destroy(nb_image_reader *reader);

/** Whether an image lies in a compressed shard.
 * @param inputs the images
 * @param i one of them
 * @return true when it does */
bool nb_image_is_compressed(const nb_image_inputs *inputs, size_t i);

/** The bytes of an image.
 * @param reader the reader
 * @param i the image
 * @param bytes becomes its bytes, which belong to the reader until its next call
 * @param len becomes how many
 * @param fault becomes why it failed, where it did
 * @return NB_OK; NB_ERR_INPUT for a file that is missing, too large or no regular file, or a shard that changed since
 * it was indexed; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory. Messages name the image. */
nb_status nb_image_reader_bytes(nb_image_reader *reader, size_t i, const char **bytes, size_t *len,
                                nb_image_fault *fault, nb_error *err);

/** Seconds spent. */
typedef struct nb_reader_times {
    double read, decode;
} nb_reader_times;

/** Reads and decodes an image.
 * @param reader the reader
 * @param i the image
 * @param out becomes the image, to be freed with nb_image_free; {0} on failure
 * @param fault becomes why it failed, where it did
 * @param times added to
 * @return as nb_image_reader_bytes; NB_ERR_INPUT also for an image that cannot be decoded. */
nb_status nb_image_reader_decode(nb_image_reader *reader, size_t i, nb_image *out, nb_image_fault *fault,
                                 nb_reader_times *times, nb_error *err);

#endif
