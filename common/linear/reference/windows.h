/** @file
 * Windows that are moved over images, in plain loops: the reference that faster ones are compared with.
 *
 * Nothing here allocates, fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_REFERENCE_WINDOWS_H
#define NB_COMMON_LINEAR_REFERENCE_WINDOWS_H

#include <stddef.h>

/** A square window over a square image of pixels [side, side, channels]; borrows all of it. What lies outside of the
 * image counts as 0 to a convolution, and not at all to a mean. */
typedef struct nb_window {
    const float *in;                /**< [side, side, channels] */
    size_t side, channels;          /**< of the image */
    size_t kernel, stride, padding; /**< of the window, in pixels: (side + 2 padding - kernel) / stride + 1 places */
    const float *weight;            /**< [kernel, kernel, channels] of a convolution */
    const float *bias;              /**< [channels] of a convolution */
    float *out;                     /**< [places, places, channels], apart from `in` */
} nb_window;

/** Places of a window along a side.
 * @param window its side, kernel, stride and padding are read */
static inline size_t nb_window_places(const nb_window *window)
{
    return (window->side + 2 * window->padding - window->kernel) / window->stride + 1;
}

/** Every channel convolved by itself, summed in double.
 * @param window with weight and bias */
void nb_depthwise(const nb_window *window);

/** The mean of every channel over those pixels of the window that are in the image, summed in double.
 * @param window every place of it has one pixel of the image at least */
void nb_window_mean(const nb_window *window);

/** x = the larger of x and 0, in place.
 * @param[in,out] x [count]
 * @param count elements */
void nb_relu(float *x, size_t count);

/** x = 1 / (1 + exp(-x)), in place.
 * @param[in,out] x [count]
 * @param count elements */
void nb_sigmoid(float *x, size_t count);

/** x[r, i] *= gate[i], in place.
 * @param[in,out] x [rows, width]
 * @param rows how many
 * @param width elements of a row
 * @param gate [width] */
void nb_multiply_rows(float *x, size_t rows, size_t width, const float *gate);

#endif
