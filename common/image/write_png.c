#include "common/image/write_png.h"

#include "common/base/file.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

/* The header of this image's PNG; false without pixels. */
static bool write_png_describe(png_image *png, const nb_image *image)
{
    *png = (png_image){.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    if (!image->rgb || image->width > NB_IMAGE_PIXELS_MAX || image->height > NB_IMAGE_PIXELS_MAX) {
        return false;
    }
    png->width = (png_uint_32)image->width;
    png->height = (png_uint_32)image->height;
    return true;
}

nb_status nb_image_encode_png(nb_buffer *out, const nb_image *image, nb_error *err)
{
    png_image png;
    png_alloc_size_t capacity = 0;
    nb_status status;
    if (!write_png_describe(&png, image)) {
        return nb_fail(err, NB_ERR_USAGE, "no pixels to encode");
    }
    png_alloc_size_t most = PNG_IMAGE_PNG_SIZE_MAX(png);
    char *bytes;
    NB_TRY_NEW(bytes, most);
    capacity = most;
    if (!png_image_write_to_memory(&png, bytes, &capacity, 0, image->rgb, 0, NULL)) {
        status = nb_fail(err, NB_ERR_LIMIT, "cannot encode a PNG: %s", png.message);
    } else {
        status = nb_buffer_append(out, bytes, capacity, err);
    }
    free(bytes);
done:
    return status;
}

nb_status nb_image_write_png(const char *path, const nb_image *image, bool force, nb_error *err)
{
    png_image png;
    nb_output output = {0};
    if (!write_png_describe(&png, image)) {
        return nb_fail(err, NB_ERR_USAGE, "no pixels to write to '%s'", path);
    }
    nb_status status = nb_output_begin(&output, path, force, err);
    if (status != NB_OK) {
        return status;
    }
    FILE *file;
    NB_TRY(nb_output_file(&file, &output, err));
    int wrote = png_image_write_to_stdio(&png, file, 0, image->rgb, 0, NULL);
    if (fclose(file) != 0 || !wrote) {
        status = nb_fail(err, NB_ERR_IO, "cannot write '%s': %s", output.partial,
                         png.message[0] ? png.message : "the file could not be closed");
        goto done;
    }
    NB_TRY(nb_output_commit(&output, err));
done:
    nb_output_end(&output);
    return status;
}
