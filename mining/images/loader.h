/** @file
 * The loader: tiles of images as the tensors the image tower eats, read and decoded ahead by threads.
 *
 * Memory: two tiles of tensors, and for every thread one image as it is read and decoded. What a tile holds does not
 * depend on the number of threads. All functions are for the thread that created the loader, and none is collective. */
#ifndef NB_IMAGES_LOADER_H
#define NB_IMAGES_LOADER_H

#include "common/clip/preprocess/preprocess.h"
#include "mining/images/image_inputs.h"

enum { NB_DECODE_THREADS_MAX = 64 }; /**< threads at most */

/** A loader. */
typedef struct nb_image_loader nb_image_loader;

/** Seconds: `read` and `decode` of all threads, `wait` of the caller for a tile that was not ready. */
typedef struct nb_loader_times {
    double read, decode, wait;
} nb_loader_times;

/** What is loaded, and how. All borrowed. */
typedef struct nb_image_loader_plan {
    const nb_preprocess *preprocess;
    size_t size; /**< crops are size x size */
    const nb_image_inputs *inputs;
    size_t threads; /**< at most NB_DECODE_THREADS_MAX; 0: the caller decodes, when it takes a tile */
    size_t tile;    /**< images loaded at once at most */
} nb_image_loader_plan;

/** Makes a loader and starts its threads.
 * @param out freed by the caller with nb_image_loader_destroy; NULL on failure
 * @param plan copied
 * @return NB_OK, or NB_ERR_LIMIT without memory or threads. */
nb_status nb_image_loader_create(nb_image_loader **out, const nb_image_loader_plan *plan, nb_error *err);

/** Waits for the images being decoded, forgets the others, and frees the loader.
 * @param loader may be NULL */
void nb_image_loader_destroy(nb_image_loader *loader);

/** Begins to load images and returns; does nothing without threads or room.
 * @param loader the loader
 * @param begin, count images [begin, begin + count) */
void nb_image_loader_prefetch(nb_image_loader *loader, size_t begin, size_t count);

/** Takes a tile; loads it now unless it was asked for ahead.
 * @param loader the loader
 * @param begin, count images [begin, begin + count), at most a tile
 * @param pixels becomes [count, 3, size, size], valid until the next take
 * @return NB_OK; NB_ERR_INPUT naming the first image of the tile that cannot be decoded; NB_ERR_IO for one that cannot
 * be read; NB_ERR_LIMIT without memory. */
nb_status nb_image_loader_take(nb_image_loader *loader, size_t begin, size_t count, const float **pixels,
                               nb_error *err);

/** The times spent since the last call.
 * @param loader the loader
 * @return seconds */
nb_loader_times nb_image_loader_spent(nb_image_loader *loader);

#endif
