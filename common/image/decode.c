#include "common/image/decode.h"

#include "common/base/file.h"
#include "common/image/formats.h"

#include <stdlib.h>
#include <string.h>

static bool is_jpeg(const unsigned char *bytes, size_t len)
{
    return len >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

static bool is_png(const unsigned char *bytes, size_t len)
{
    return len >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_webp(const unsigned char *bytes, size_t len)
{
    return len >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

/* A new format is one file with its decoder and one line here. */
static const struct {
    bool (*test)(const unsigned char *bytes, size_t len);
    nb_status (*decode)(nb_image *out, const unsigned char *bytes, size_t len, nb_error *err);
} formats[] = {
    {is_jpeg, nb_jpeg_decode},
    {is_png, nb_png_decode},
    {is_webp, nb_webp_decode},
};

nb_status nb_image_create(nb_image *out, uint64_t width, uint64_t height, nb_error *err)
{
    if (!width || !height) {
        return nb_fail(err, NB_ERR_INPUT, "a size of %llu x %llu pixels", (unsigned long long)width,
                       (unsigned long long)height);
    }
    if (width > NB_IMAGE_PIXELS_MAX || height > NB_IMAGE_PIXELS_MAX / width) {
        return nb_fail(err, NB_ERR_INPUT, "%llu x %llu pixels, at most %zu in all are accepted",
                       (unsigned long long)width, (unsigned long long)height, NB_IMAGE_PIXELS_MAX);
    }
    out->rgb = nb_alloc((size_t)(width * height), 3, err);
    if (!out->rgb) {
        return NB_ERR_LIMIT;
    }
    out->width = (size_t)width;
    out->height = (size_t)height;
    return NB_OK;
}

void nb_image_free(nb_image *image)
{
    if (image) {
        free(image->rgb);
        *image = (nb_image){0};
    }
}

static nb_status refuse_unknown(const unsigned char *bytes, size_t len, nb_error *err)
{
    if (!len) {
        return nb_fail(err, NB_ERR_INPUT, "the file is empty");
    }
    unsigned char first[4] = {0};
    memcpy(first, bytes, len < sizeof first ? len : sizeof first);
    nb_fail(err, NB_ERR_INPUT, "not a JPEG, PNG or WebP image (it begins with bytes %02x %02x %02x %02x)", first[0],
            first[1], first[2], first[3]);
    return nb_hint(err, "convert it to JPEG, PNG or WebP, or leave it out");
}

nb_status nb_image_decode(nb_image *out, const void *bytes, size_t len, const char *name, nb_error *err)
{
    nb_status status = NB_OK;
    *out = (nb_image){0};
    if (len > NB_IMAGE_BYTES_MAX) {
        status = nb_fail(err, NB_ERR_INPUT, "%zu bytes, at most %zu are accepted", len, NB_IMAGE_BYTES_MAX);
        goto done;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].test(bytes, len)) {
            status = formats[i].decode(out, bytes, len, err);
            goto done;
        }
    }
    status = refuse_unknown(bytes, len, err);
done:
    if (status != NB_OK) {
        nb_image_free(out);
        nb_context(err, "image '%s'", name);
    }
    return status;
}

nb_status nb_image_read(nb_image *out, const char *path, nb_error *err)
{
    char *bytes = NULL;
    size_t len = 0;
    *out = (nb_image){0};
    nb_status status = nb_file_read(path, NB_IMAGE_BYTES_MAX, &bytes, &len, err);
    if (status == NB_OK) {
        status = nb_image_decode(out, bytes, len, path, err);
    }
    free(bytes);
    return status;
}
