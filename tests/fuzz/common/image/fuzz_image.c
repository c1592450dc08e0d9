/* Any bytes: decoded or refused, and what was decoded is cropped. */
#include "common/clip/preprocess/preprocess.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_image image, crop;
    const nb_image_limits limits = {(size_t)1 << 22, (size_t)1 << 20}; /* a few bytes can ask for 178 million pixels */
    if (nb_image_decode_within(&image, &limits, &(nb_image_file){data, size, "fuzz"}, NULL, &err) != NB_OK) {
        return 0;
    }
    const nb_preprocess p = {
        .size = 1 + size % 61, .resize = (nb_resize)(size % 3), .bilinear = size % 2 == 0, .fill = 9};
    if (nb_preprocess_crop(&image, &p, &crop, &err) == NB_OK) {
        nb_image_free(&crop);
    }
    nb_image_free(&image);
    return 0;
}
