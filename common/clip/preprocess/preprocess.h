/** @file
 * CLIP's image preprocessing: an RGB image to the crop the model sees and to the tensor it takes.
 *
 * CLIP's own: the shorter side is resized to `size` with Pillow's antialiased bicubic, the longer side to
 * int(size * long / short), then the centre is cropped and normalised. Others squash both sides, or resize the longer
 * side and fill up the rest, as open_clip's image_transform does, or with Pillow's bilinear. The crop has the same bits
 * as Pillow's (Resample.c, 8 bits a channel): coefficients are computed in double and rounded to 22 fractional bits,
 * the horizontal pass is rounded to 8 bits before the vertical one. Only the rows and columns under the crop are
 * computed, so that the memory stays bounded for a picture of any shape.
 *
 * Nothing here is collective; any number of threads may call it. */
#ifndef NB_COMMON_CLIP_PREPROCESS_PREPROCESS_H
#define NB_COMMON_CLIP_PREPROCESS_PREPROCESS_H

#include "common/clip/checkpoint/config.h"
#include "common/image/decode.h"

/** Most pixels of a crop's side. */
enum { NB_PREPROCESS_SIZE_MAX = 4096 };

/** How images become tensors. */
typedef struct nb_preprocess {
    size_t size;    /**< side of the crop, pixels; 1 to NB_PREPROCESS_SIZE_MAX */
    float mean[3];  /**< of red, green, blue in 0..1 */
    float std[3];   /**< likewise, > 0 */
    double rescale; /**< from 0..255 to 0..1: 1 / 255 */
    /* What CLIP's own has not, 0 for it. */
    nb_resize resize; /**< how the picture is brought to the size */
    bool bilinear;    /**< the filter of the resize; else bicubic */
    size_t edge;      /**< SHORTEST and SQUASH: the resize goes to this, the crop is smaller; 0: `size` */
    uint8_t fill;     /**< LONGEST: each channel of what is added */
} nb_preprocess;

/** CLIP's published mean and deviation for a crop of `size` pixels.
 * @param size pixels of the crop's side */
nb_preprocess nb_preprocess_default(size_t size);

/** Reads preprocessor_config.json or, where that is absent, what processor_config.json has under "image_processor", of
 * up to 1 MiB, of a model folder in Hugging Face's layout. Keys that are absent have CLIP's published values.
 * @param[out] out of no use on failure
 * @param model_directory the model's folder
 * @param image_size the model's, pixels
 * @param[out] file the name of the file that was read, NULL: there is none; NULL: not wanted
 * @return NB_OK, or NB_ERR_INPUT naming key and value for what this preprocessing does not do (another resampling than
 * bilinear (2) and bicubic (3), a step switched off, pictures that would not be of image_size), for an image_size that
 * is not in 1 to NB_PREPROCESS_SIZE_MAX, a file that is no JSON object or too long, or no folder, NB_ERR_IO when the
 * file cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_preprocess_read(nb_preprocess *out, const char *model_directory, size_t image_size, const char **file,
                             nb_error *err);

/** The crop of size x size pixels.
 * @param in any image with pixels
 * @param p its size, and how it is reached
 * @param[out] out freed by nb_image_free; {0} on failure
 * @return NB_OK, or NB_ERR_LIMIT for a size that is not in 1 to NB_PREPROCESS_SIZE_MAX or without memory, NB_ERR_INPUT
 * for an image without pixels, or so narrow that its shorter side would vanish (NB_RESIZE_LONGEST) */
nb_status nb_preprocess_crop(const nb_image *in, const nb_preprocess *p, nb_image *out, nb_error *err);

/** (x rescale - mean) / std in single precision, as torchvision's ToTensor and Normalize.
 * @param p its mean, deviation and rescale factor are read
 * @param crop size x size pixels
 * @param[out] out [3, size, size] */
void nb_preprocess_normalise(const nb_preprocess *p, const nb_image *crop, float *out);

#endif
