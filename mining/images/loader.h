/* The loader: tiles of images as the tensors the image tower eats, read and decoded ahead by threads.
 *
 * Memory: two tiles of tensors, and for every thread one image as it is read and decoded. What a tile holds does not
 * depend on the number of threads. All functions are for the thread that created the loader. */
#ifndef NB_IMAGES_LOADER_H
#define NB_IMAGES_LOADER_H

#include "common/clip/preprocess/preprocess.h"
#include "mining/images/image_inputs.h"

enum { NB_DECODE_THREADS_MAX = 64 };

typedef struct nb_image_loader nb_image_loader;

/* Seconds: `read` and `decode` of all threads, `wait` of the caller for a tile that was not ready. */
typedef struct nb_loader_times {
    double read, decode, wait;
} nb_loader_times;

/* Crops are size x size; up to `tile` images are loaded at once. With 0 threads the caller decodes, when it takes a
 * tile. Everything given is borrowed. */
nb_status nb_image_loader_create(nb_image_loader **out, const nb_preprocess *preprocess, size_t size,
                                 const nb_image_inputs *inputs, size_t threads, size_t tile, nb_error *err);
/* Waits for the images being decoded; the others are forgotten. Takes NULL. */
void nb_image_loader_destroy(nb_image_loader *loader);

/* Begins to load images [begin, begin + count) and returns; does nothing without threads or room. */
void nb_image_loader_ahead(nb_image_loader *loader, size_t begin, size_t count);

/* The tensors [count, 3, size, size] of images [begin, begin + count), valid until the next take; loads them now unless
 * they were asked for ahead. An image that cannot be decoded is NB_ERR_INPUT by name: the first of the tile. */
nb_status nb_image_loader_take(nb_image_loader *loader, size_t begin, size_t count, const float **pixels,
                               nb_error *err);

/* The times spent since the last call. */
nb_loader_times nb_image_loader_spent(nb_image_loader *loader);

#endif
