/** @file
 * Pillow's bicubic and bilinear resize of 8-bit RGB, cropped, with Pillow's bits (Resample.c).
 *
 * Each side: output i is the sum of the input's pixels in a window, weighted with Keys' cubic (a = -0.5) or a triangle,
 * stretched by the scale, so that a smaller picture is antialiased. (Keys: Cubic Convolution Interpolation for Digital
 * Image Processing, 1981.) Weights are computed in double, normalised and rounded to 22 fractional bits; sums are exact
 * in 32 bits. The horizontal pass is rounded to 8 bits before the vertical one. */
#ifndef NB_COMMON_IMAGE_RESAMPLE_H
#define NB_COMMON_IMAGE_RESAMPLE_H

#include "common/image/decode.h"

/** One side of the picture, in pixels: resized from `in` to `out`, of which those from `first` on are wanted. */
typedef struct nb_resample_side {
    size_t in, out, first; /**< pixels; `first` counts in the output */
    bool bilinear;         /**< weights fall off linearly; else bicubic */
} nb_resample_side;

/** Resizes and crops. Time and memory grow with the part of `in` under the crop: memory with its columns and with the
 * longest window, not with its area. Not collective; any number of threads may call it.
 * @param in the whole image
 * @param across the width, first + crop->width <= out
 * @param down the height, likewise
 * @param[in,out] crop holds the pixels that are wanted, of its width and height
 * @return NB_OK, or NB_ERR_LIMIT without memory or for windows that are too many to count */
nb_status nb_resample(const nb_image *in, const nb_resample_side *across, const nb_resample_side *down, nb_image *crop,
                      nb_error *err);

#endif
