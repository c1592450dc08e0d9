/* The jpeg decoder alone: any bytes are decoded or refused. */
#include "fuzz/fuzz.h"

#include "common/image/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_image image = {0};
    nb_status status = nb_jpeg_decode(&image, data, size, (size_t)1 << 20, &err);
    require_message(status, &err);
    require(status != NB_OK || (image.rgb && image.width && image.height && image.width * image.height <= 1 << 20));
    nb_image_free(&image);
    return 0;
}
