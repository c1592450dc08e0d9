#include "scoring/report/thumbnail.h"

#include "common/image/resample.h"

#include <png.h>
#include <sodium.h>
#include <stdlib.h>

/* Of an image that is shrunk: a name in a score file may be anybody's, and a report holds many. */
static const nb_image_limits limits = {.pixels = (size_t)64 << 20, .bytes = (size_t)64 << 20};

static size_t thumbnail_shrunk(size_t side, size_t longest)
{
    size_t small = (side * NB_THUMBNAIL_SIDE + longest / 2) / longest;
    return longest <= NB_THUMBNAIL_SIDE ? side : small ? small : 1;
}

static nb_status thumbnail_shrink(const nb_image *in, nb_image *out, nb_error *err)
{
    size_t longest = in->width > in->height ? in->width : in->height;
    nb_resample_side across = {.in = in->width, .out = thumbnail_shrunk(in->width, longest)};
    nb_resample_side down = {.in = in->height, .out = thumbnail_shrunk(in->height, longest)};
    nb_status status = nb_image_create(out, across.out, down.out, err);
    return status == NB_OK ? nb_resample(in, &across, &down, out, err) : status;
}

static nb_status thumbnail_encode(const nb_image *image, nb_buffer *out, nb_error *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .format = PNG_FORMAT_RGB,
                     .width = (png_uint_32)image->width,
                     .height = (png_uint_32)image->height};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
    unsigned char *data = NULL;
    char *text = NULL;
    nb_status status;
    NB_TRY_NEW(data, bytes);
    if (!png_image_write_to_memory(&png, data, &bytes, 0, image->rgb, 0, NULL)) {
        status = nb_fail(err, NB_ERR_INTERNAL, "cannot write a thumbnail: %s", png.message);
        goto done;
    }
    size_t capacity = sodium_base64_ENCODED_LEN(bytes, sodium_base64_VARIANT_ORIGINAL);
    NB_TRY_NEW(text, capacity);
    sodium_bin2base64(text, capacity, data, bytes, sodium_base64_VARIANT_ORIGINAL);
    NB_TRY(nb_buffer_printf(out, err, "data:image/png;base64,%s", text));
done:
    free(data);
    free(text);
    return status;
}

nb_status nb_thumbnail(nb_buffer *out, const char *path, nb_error *err)
{
    nb_image image = {0};
    nb_image small = {0};
    nb_status status;
    NB_TRY(nb_image_read_within(&image, &limits, path, NULL, err));
    NB_TRY(thumbnail_shrink(&image, &small, err));
    NB_TRY(thumbnail_encode(&small, out, err));
done:
    nb_image_free(&image);
    nb_image_free(&small);
    return status;
}
