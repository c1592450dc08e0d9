/* CLIP's image preprocessing: an RGB image to the crop the model sees and to the tensor it eats.
 *
 * The shorter side is resized to `size` with Pillow's antialiased bicubic, the longer side to int(size * long / short),
 * then the centre is cropped and normalised. The crop has the same bits as Pillow's (Resample.c, 8 bits a channel):
 * coefficients are computed in double and rounded to 22 fractional bits, the horizontal pass is rounded to 8 bits
 * before the vertical one. Only the rows and columns under the crop are computed, so that the memory stays bounded for
 * a picture of any shape. */
#ifndef NB_COMMON_CLIP_PREPROCESS_PREPROCESS_H
#define NB_COMMON_CLIP_PREPROCESS_PREPROCESS_H

#include "common/image/decode.h"

enum { NB_PREPROCESS_SIZE_MAX = 4096 };

typedef struct nb_preprocess {
    size_t size;    /* of the crop, pixels; 1 to NB_PREPROCESS_SIZE_MAX */
    float mean[3];  /* of red, green, blue in 0..1 */
    float std[3];   /* > 0 */
    double rescale; /* from 0..255 to 0..1: 1 / 255 */
} nb_preprocess;

/* CLIP's published mean and deviation for a crop of `size` pixels. */
nb_preprocess nb_preprocess_default(size_t size);

/* Reads preprocessor_config.json of a model folder in Hugging Face's layout. Keys that are absent have CLIP's published
 * values; when the whole file is absent, *defaulted (may be NULL) is set, for a note in the log. NB_ERR_INPUT naming
 * key and value for what this preprocessing does not do: another resampling than bicubic (3), a step switched off, a
 * resize without keeping the aspect ratio, a crop or a resize to other than image_size (the model's, pixels). */
nb_status nb_preprocess_read(nb_preprocess *out, const char *model_directory, size_t image_size, bool *defaulted,
                             nb_error *err);

/* The crop of size x size pixels; the caller frees *out. NB_ERR_LIMIT for a size over NB_PREPROCESS_SIZE_MAX or without
 * memory, NB_ERR_INPUT for an image without pixels. */
nb_status nb_preprocess_crop(const nb_image *in, size_t size, nb_image *out, nb_error *err);

/* out [3, size, size]: (x * rescale - mean) / std in single precision, as torchvision's ToTensor and Normalize. `crop`
 * must be size x size. */
void nb_preprocess_normalise(const nb_preprocess *p, const nb_image *crop, float *out);

#endif
