#include "common/linear/reference/windows.h"

#include <math.h>
#include <stdbool.h>

/* The index of a pixel of the window at place (y, x), or false where it lies outside. */
static bool windows_pixel(const nb_window *w, const size_t place[2], size_t tap, size_t *pixel)
{
    size_t y = place[0] * w->stride + tap / w->kernel, x = place[1] * w->stride + tap % w->kernel;
    bool inside = y >= w->padding && x >= w->padding && y - w->padding < w->side && x - w->padding < w->side;
    *pixel = inside ? (y - w->padding) * w->side + x - w->padding : 0;
    return inside;
}

void nb_depthwise(const nb_window *w)
{
    size_t places = nb_window_places(w), pixel;
    for (size_t at = 0; at < places * places; at++) {
        const size_t place[2] = {at / places, at % places};
        for (size_t c = 0; c < w->channels; c++) {
            double sum = (double)w->bias[c];
            for (size_t tap = 0; tap < w->kernel * w->kernel; tap++) {
                if (windows_pixel(w, place, tap, &pixel)) {
                    sum += (double)w->in[pixel * w->channels + c] * (double)w->weight[tap * w->channels + c];
                }
            }
            w->out[at * w->channels + c] = (float)sum;
        }
    }
}

void nb_window_mean(const nb_window *w)
{
    size_t places = nb_window_places(w), pixel;
    for (size_t at = 0; at < places * places; at++) {
        const size_t place[2] = {at / places, at % places};
        for (size_t c = 0; c < w->channels; c++) {
            double sum = 0;
            size_t count = 0;
            for (size_t tap = 0; tap < w->kernel * w->kernel; tap++) {
                if (windows_pixel(w, place, tap, &pixel)) {
                    sum += (double)w->in[pixel * w->channels + c];
                    count++;
                }
            }
            w->out[at * w->channels + c] = (float)(sum / (double)count);
        }
    }
}

void nb_relu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = x[i] > 0 ? x[i] : 0;
    }
}

void nb_sigmoid(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(1 / (1 + exp(-(double)x[i])));
    }
}

void nb_multiply_rows(float *x, size_t rows, size_t width, const float *gate)
{
    for (size_t i = 0; i < rows * width; i++) {
        x[i] *= gate[i % width];
    }
}
