/** @file
 * How near the embeddings of an engine come to those in single precision, on the user's own texts and images. */
#ifndef NB_JOBS_CHECK_ACCURACY_H
#define NB_JOBS_CHECK_ACCURACY_H

#include "common/linear/engine.h"

#include "common/base/status.h"

/** Most texts and images that are embedded, evenly spread over those given; nearest texts that are compared. */
enum { NB_ACCURACY_TEXTS = 2000, NB_ACCURACY_IMAGES = 200, NB_ACCURACY_NEAREST = 10 };

/** The bounds: the least cosine of an embedding to its own in single precision, and the mean share of an image's
 * nearest texts that are among its nearest in single precision. */
#define NB_ACCURACY_COSINE 0.999
#define NB_ACCURACY_SHARED 0.9

/** What is compared. */
typedef struct nb_accuracy_of {
    const char *model;       /**< checkpoint folder */
    const nb_engine *engine; /**< beside fp32 */
    const char *texts;       /**< a text a line; embedded under the default prompt */
    const char *images;      /**< folder, list or shard */
} nb_accuracy_of;

/** What was found. */
typedef struct nb_accuracy {
    size_t texts, images;         /**< embedded */
    size_t nearest;               /**< texts of an image that are compared: NB_ACCURACY_NEAREST, or a quarter of few */
    double text_least, text_mean; /**< cosines */
    double image_least, image_mean; /**< cosines */
    double shared;                  /**< mean share of the nearest texts that are the same */
    double first;                   /**< share of images whose nearest text is the same */
    bool passed;                    /**< both bounds hold */
} nb_accuracy;

/** Embeds both by both engines and compares. Not collective.
 * @param out what was found; untouched on failure
 * @param of what is compared
 * @return NB_OK, also where a bound does not hold; NB_ERR_INPUT for fewer than 8 texts or no image, for an image that
 * cannot be decoded, or as nb_clip_open_by and nb_image_inputs_read; NB_ERR_LIMIT without memory */
nb_status nb_accuracy_measure(nb_accuracy *out, const nb_accuracy_of *of, nb_error *err);

#endif
