/**
 * @file
 * AdaNeg's memory (Zhang and Zhang, NeurIPS 2024): per class (a label or a negative) its text embedding in slot 0 and
 * up to slots - 1 images beside it, and the proxy that stands for the class in their place:
 *
 *   task      the normalised mean of the slots
 *   sample    their normalised sum weighted by exp(-beta (1 - cos(slot, image))), so another one for every image
 *
 * Only cosines with proxies are wanted: the cosine of a weighted sum of slots with an image is the weighted sum of the
 * slots' cosines over the norm of the sum, and that norm follows from the slots' products with each other, which are
 * kept. A class without images is its text. Memory and time grow with the images stored, not with classes x slots. A
 * memory belongs to one thread at a time.
 */
#ifndef NB_SCORING_STREAMS_ADANEG_MEMORY_H
#define NB_SCORING_STREAMS_ADANEG_MEMORY_H

#include "common/base/memory.h"
#include "common/linear/simd/vector.h"
#include "scoring/streams/stream_state.h"

/** A memory. */
typedef struct nb_memory nb_memory;

/** What a memory is made for. */
typedef struct nb_memory_spec {
    const float *texts; /**< [classes, d], normalised; borrowed, must stay */
    size_t classes, d;
    size_t slots;            /**< a class, from 2 on */
    bool sample;             /**< else task */
    double beta;             /**< sharpness of sample proxies, not negative */
    const nb_vector *vector; /**< the loops to compute with */
} nb_memory_spec;

/** Makes an empty memory.
 * @param out freed by nb_memory_destroy; NULL on failure
 * @param spec copied; what it borrows must stay
 * @return NB_OK, NB_ERR_USAGE for slots or a beta out of bounds, or NB_ERR_LIMIT when memory is out */
nb_status nb_memory_create(nb_memory **out, const nb_memory_spec *spec, nb_error *err);

/** Frees a memory.
 * @param memory may be NULL */
void nb_memory_destroy(nb_memory *memory);

/** Offers an image to a class under a key. While there is room it is stored; then it replaces the image with the
 * largest key (the later slot among equals) if its own is smaller, and is left out otherwise.
 * @param memory the memory
 * @param class number of the class
 * @param image [d], normalised; copied
 * @param key the smaller, the more the image is worth keeping
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_memory_store(nb_memory *memory, size_t class, const float *image, double key, nb_error *err);

/** Counts the images stored in all classes.
 * @param memory the memory
 * @return images */
size_t nb_memory_count(const nb_memory *memory);

/** Turns cosines of images with the texts into those with the proxies.
 * @param memory not changed but for its scratch
 * @param images [count, d], normalised
 * @param count images
 * @param cosines [count, classes], changed in place
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_memory_cosines(nb_memory *memory, const float *images, size_t count, float *cosines, nb_error *err);

/** Saves a memory, or restores it over an empty one of the same spec.
 * @param memory the memory
 * @param io the way
 * @return NB_OK, NB_ERR_INPUT for bytes that are no memory of this spec, or NB_ERR_LIMIT when memory is out */
nb_status nb_memory_state(nb_memory *memory, nb_state_io *io, nb_error *err);

#endif
