#include "common/image/decode.h"

#include "common/base/file.h"
#include "common/image/foreign_bytes.h"
#include "common/image/formats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool decode_is_jpeg(const unsigned char *bytes, size_t len)
{
    return len >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

static bool decode_is_png(const unsigned char *bytes, size_t len)
{
    return len >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool decode_is_webp(const unsigned char *bytes, size_t len)
{
    return len >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static bool decode_is_gif(const unsigned char *bytes, size_t len)
{
    return len >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0);
}

static bool decode_is_tiff(const unsigned char *bytes, size_t len)
{
    return len >= 4 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0);
}

/* A new format is one file with its decoder and one line here. */
static const struct {
    bool (*test)(const unsigned char *bytes, size_t len);
    nb_status (*decode)(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);
} formats[] = {
    {decode_is_jpeg, nb_jpeg_decode}, {decode_is_png, nb_png_decode}, {decode_is_webp, nb_webp_decode},
    {decode_is_gif, nb_gif_decode},   {nb_bmp_known, nb_bmp_decode},  {decode_is_tiff, nb_tiff_decode},
};

nb_image_limits nb_image_limits_default(void)
{
    return (nb_image_limits){.pixels = NB_IMAGE_PIXELS_MAX, .bytes = NB_IMAGE_BYTES_MAX};
}

const char *nb_image_fault_name(nb_image_fault fault)
{
    switch (fault) {
    case NB_IMAGE_FINE: return "fine";
    case NB_IMAGE_UNREADABLE: return "not readable";
    case NB_IMAGE_EMPTY: return "empty";
    case NB_IMAGE_UNKNOWN: return "of no known format";
    case NB_IMAGE_BYTES: return "over the limit of bytes";
    case NB_IMAGE_PIXELS: return "over the limit of pixels";
    case NB_IMAGE_DAMAGED: return "damaged or cut short";
    case NB_IMAGE_FORMAT: return "of a format that is not read";
    case NB_IMAGE_TEXT: return "text instead of an image";
    case NB_IMAGE_POINTER: return "Git LFS pointers";
    case NB_IMAGE_FAULTS: break;
    }
    return "unknown";
}

nb_status nb_image_create_within(nb_image *out, uint64_t width, uint64_t height, size_t pixels, nb_error *err)
{
    if (!width || !height) {
        return nb_fail(err, NB_ERR_INPUT, "a size of %llu x %llu pixels", (unsigned long long)width,
                       (unsigned long long)height);
    }
    if (width > pixels || height > pixels / width) {
        out->width = (size_t)width; /* without pixels: what the fault is recognised by */
        out->height = (size_t)height;
        nb_fail(err, NB_ERR_INPUT, "%llu x %llu pixels, at most %zu in all are accepted", (unsigned long long)width,
                (unsigned long long)height, pixels);
        return nb_hint(err, "shrink it, or raise --max-pixels where the command has it");
    }
    out->rgb = nb_alloc((size_t)(width * height), 3, err);
    if (!out->rgb) {
        return NB_ERR_LIMIT;
    }
    out->width = (size_t)width;
    out->height = (size_t)height;
    return NB_OK;
}

nb_status nb_image_create(nb_image *out, uint64_t width, uint64_t height, nb_error *err)
{
    nb_status status = nb_image_create_within(out, width, height, NB_IMAGE_PIXELS_MAX, err);
    if (status != NB_OK) {
        *out = (nb_image){0};
    }
    return status;
}

void nb_image_free(nb_image *image)
{
    if (image) {
        free(image->rgb);
        *image = (nb_image){0};
    }
}

static nb_status decode_refuse_unknown(const unsigned char *bytes, size_t len, nb_image_fault *fault, nb_error *err)
{
    unsigned char first[4] = {0};
    *fault = NB_IMAGE_EMPTY;
    if (!len) {
        return nb_fail(err, NB_ERR_INPUT, "the file is empty");
    }
    const char *what = nb_image_foreign(bytes, len, fault);
    if (*fault == NB_IMAGE_POINTER) {
        nb_fail(err, NB_ERR_INPUT, "it is %s", what);
        return nb_hint(err, "'git lfs pull' fetches the file");
    }
    if (what) {
        nb_fail(err, NB_ERR_INPUT, "it is %s, not a JPEG, PNG, WebP, GIF, BMP or TIFF image", what);
    } else {
        memcpy(first, bytes, len < sizeof first ? len : sizeof first);
        nb_fail(err, NB_ERR_INPUT,
                "not a JPEG, PNG, WebP, GIF, BMP or TIFF image (it begins with bytes %02x %02x %02x %02x)", first[0],
                first[1], first[2], first[3]);
    }
    return nb_hint(err, "convert it to PNG, or leave it out");
}

bool nb_image_known(const void *bytes, size_t len)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].test(bytes, len)) {
            return true;
        }
    }
    return false;
}

nb_status nb_image_decode_within(nb_image *out, const nb_image_limits *limits, const nb_image_file *file,
                                 nb_image_fault *fault, nb_error *err)
{
    nb_image_fault why = NB_IMAGE_UNKNOWN;
    nb_status status = NB_OK;
    *out = (nb_image){0};
    if (file->len > limits->bytes) {
        why = NB_IMAGE_BYTES;
        nb_fail(err, NB_ERR_INPUT, "%zu bytes, at most %zu are accepted", file->len, limits->bytes);
        status = nb_hint(err, "shrink it, or raise --max-image-bytes where the command has it");
        goto done;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].test(file->bytes, file->len)) {
            status = formats[i].decode(out, file->bytes, file->len, limits->pixels, err);
            why = !out->rgb && out->width ? NB_IMAGE_PIXELS : NB_IMAGE_DAMAGED;
            goto done;
        }
    }
    status = decode_refuse_unknown(file->bytes, file->len, &why, err);
done:
    if (status != NB_OK) {
        nb_image_free(out);
        nb_context(err, "image '%s'", file->name);
    }
    if (fault) {
        *fault = status == NB_OK ? NB_IMAGE_FINE : why;
    }
    return status;
}

nb_status nb_image_read_within(nb_image *out, const nb_image_limits *limits, const char *path, nb_image_fault *fault,
                               nb_error *err)
{
    char *bytes = NULL;
    size_t len = 0;
    struct stat st;
    *out = (nb_image){0};
    if (fault) {
        *fault = stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > limits->bytes
                     ? NB_IMAGE_BYTES
                     : NB_IMAGE_UNREADABLE;
    }
    nb_status status = nb_file_read(path, limits->bytes, &bytes, &len, err);
    if (status == NB_OK) {
        status = nb_image_decode_within(out, limits, &(nb_image_file){bytes, len, path}, fault, err);
    }
    free(bytes);
    return status;
}

nb_status nb_image_decode(nb_image *out, const void *bytes, size_t len, const char *name, nb_error *err)
{
    nb_image_limits limits = nb_image_limits_default();
    return nb_image_decode_within(out, &limits, &(nb_image_file){bytes, len, name}, NULL, err);
}

nb_status nb_image_read(nb_image *out, const char *path, nb_error *err)
{
    nb_image_limits limits = nb_image_limits_default();
    return nb_image_read_within(out, &limits, path, NULL, err);
}
