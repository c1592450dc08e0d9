/* Image decoding to 8-bit RGB, pixel for pixel what Pillow's Image.open(path).convert("RGB") gives, because CLIP's
 * published preprocessing starts there.
 *
 * The content decides the format (JPEG, PNG, WebP), never the name of the file. Alpha is dropped, not blended; EXIF
 * rotation and colour profiles are not applied; CMYK and YCCK JPEGs are read as Adobe writes them (inverted); samples
 * of 16-bit colour PNGs lose their low byte, 16-bit grey ones are clipped at 255 (Pillow's habit); of an animated PNG
 * the still image is read, of an animated WebP the first frame on its canvas.
 *
 * Data that is cut short or damaged is NB_ERR_INPUT, never half a picture: the libraries' warnings about damaged pixel
 * data count as errors, so a few JPEGs are refused that Pillow would fill with grey. Limits, unless
 * others are asked for: NB_IMAGE_PIXELS_MAX pixels (where Pillow begins to warn of decompression bombs), files of
 * NB_IMAGE_BYTES_MAX bytes. */
#ifndef NB_IMAGE_DECODE_H
#define NB_IMAGE_DECODE_H

#include "common/base/memory.h"

#define NB_IMAGE_PIXELS_MAX ((size_t)178956970)
#define NB_IMAGE_BYTES_MAX  ((size_t)256 << 20)

/* The most that may be asked for. */
#define NB_IMAGE_PIXELS_CEILING ((size_t)1 << 31)
#define NB_IMAGE_BYTES_CEILING  ((size_t)1 << 31)

typedef struct nb_image_limits {
    size_t pixels; /* up to NB_IMAGE_PIXELS_CEILING */
    size_t bytes;  /* up to NB_IMAGE_BYTES_CEILING */
} nb_image_limits;

/* Why an image was refused. */
typedef enum nb_image_fault {
    NB_IMAGE_FINE,
    NB_IMAGE_UNREADABLE, /* the file, not its content */
    NB_IMAGE_EMPTY,
    NB_IMAGE_UNKNOWN, /* no JPEG, PNG or WebP */
    NB_IMAGE_BYTES,   /* over the limit of bytes */
    NB_IMAGE_PIXELS,  /* over the limit of pixels */
    NB_IMAGE_DAMAGED, /* or of a kind its decoder does not take */
    NB_IMAGE_FAULTS
} nb_image_fault;

typedef struct nb_image {
    uint8_t *rgb; /* [height, width, 3] */
    size_t width, height;
} nb_image;

nb_image_limits nb_image_limits_default(void);
/* "damaged", "over --max-pixels", ... */
const char *nb_image_fault_name(nb_image_fault fault);

/* nb_image_decode and nb_image_read within other limits. *fault (may be NULL) says why an image was refused. */
nb_status nb_image_decode_within(nb_image *out, const nb_image_limits *limits, const void *bytes, size_t len,
                                 const char *name, nb_image_fault *fault, nb_error *err);
nb_status nb_image_read_within(nb_image *out, const nb_image_limits *limits, const char *path, nb_image_fault *fault,
                               nb_error *err);

/* Decodes the bytes of one image file. `name` is for messages only. On success the caller frees *out with
 * nb_image_free; on failure *out is {0}. NB_ERR_INPUT when the bytes are no whole image of a known format or exceed a
 * limit, NB_ERR_LIMIT without memory. */
nb_status nb_image_decode(nb_image *out, const void *bytes, size_t len, const char *name, nb_error *err);

/* As nb_image_decode, from a file; a missing file or a directory is NB_ERR_INPUT. */
nb_status nb_image_read(nb_image *out, const char *path, nb_error *err);

/* Writes an 8-bit RGB PNG under its partial name and renames it; errors as nb_output_begin. */
nb_status nb_image_write_png(const char *path, const nb_image *image, bool force, nb_error *err);

/* The same PNG in memory, appended to *out. */
nb_status nb_image_encode_png(nb_buffer *out, const nb_image *image, nb_error *err);

/* Zeroed pixels for width x height, checked against NB_IMAGE_PIXELS_MAX before they are allocated; NB_ERR_INPUT when
 * either is 0 or the product is over the limit. *out must hold no pixels yet. */
nb_status nb_image_create(nb_image *out, uint64_t width, uint64_t height, nb_error *err);
/* The same with another limit. */
nb_status nb_image_create_within(nb_image *out, uint64_t width, uint64_t height, size_t pixels, nb_error *err);

/* Frees the pixels and clears the struct; NULL and {0} are fine. */
void nb_image_free(nb_image *image);

#endif
