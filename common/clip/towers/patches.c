#include "common/clip/towers/patches.h"

#include <string.h>

void nb_patches_cut(const nb_clip_config *c, const float *pixels, float *patches)
{
    size_t size = c->image_size, p = c->patch, side = size / p;
    for (size_t row = 0; row < side; row++) {
        for (size_t column = 0; column < side; column++) {
            float *out = patches + (row * side + column) * 3 * p * p;
            for (size_t channel = 0; channel < 3; channel++) {
                for (size_t y = 0; y < p; y++, out += p) {
                    const float *in = pixels + (channel * size + row * p + y) * size + column * p;
                    memcpy(out, in, p * sizeof *out);
                }
            }
        }
    }
}
