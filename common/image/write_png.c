#include "common/base/file.h"
#include "common/image/decode.h"

#include <png.h>
#include <stdio.h>

nb_status nb_image_write_png(const char *path, const nb_image *image, bool force, nb_error *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    nb_output output = {0};
    if (!image->rgb || image->width > NB_IMAGE_PIXELS_MAX || image->height > NB_IMAGE_PIXELS_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "no pixels to write to '%s'", path);
    }
    png.width = (png_uint_32)image->width;
    png.height = (png_uint_32)image->height;
    nb_status status = nb_output_begin(&output, path, force, err);
    if (status != NB_OK) {
        return status;
    }
    FILE *file = fopen(output.partial, "wb");
    if (!file) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot create '%s'", output.partial);
        goto done;
    }
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
