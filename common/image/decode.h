/** @file
 * Image decoding to 8-bit RGB, pixel for pixel what Pillow's Image.open(path).convert("RGB") gives, because CLIP's
 * published preprocessing starts there.
 *
 * The content decides the format (JPEG, PNG, WebP, GIF, BMP, TIFF), never the name of the file. Alpha is dropped, not
 * blended; EXIF rotation, but that of TIFF, and colour profiles are not applied; CMYK and YCCK JPEGs are read as Adobe
 * writes them (inverted); samples of 16-bit colour PNGs lose their low byte, 16-bit grey ones are clipped at 255
 * (Pillow's habit); of an animated PNG the still image is read, of an animated WebP or GIF the first frame on its
 * canvas.
 *
 * Data that is cut short or damaged is NB_ERR_INPUT, never half a picture: the libraries' warnings about damaged pixel
 * data count as errors, so a few JPEGs are refused that Pillow would fill with grey.
 *
 * Nothing here is collective; any number of threads may decode. */
#ifndef NB_IMAGE_DECODE_H
#define NB_IMAGE_DECODE_H

#include "common/base/memory.h"

#define NB_IMAGE_PIXELS_MAX ((size_t)178956970) /**< unless asked for others; where Pillow begins to warn of bombs */
#define NB_IMAGE_BYTES_MAX  ((size_t)256 << 20) /**< of a file, unless asked for others */

#define NB_IMAGE_PIXELS_CEILING ((size_t)1 << 31) /**< the most pixels that may be asked for */
#define NB_IMAGE_BYTES_CEILING  ((size_t)1 << 31) /**< the most bytes that may be asked for */

/** What is accepted. */
typedef struct nb_image_limits {
    size_t pixels; /**< up to NB_IMAGE_PIXELS_CEILING */
    size_t bytes;  /**< of a file, up to NB_IMAGE_BYTES_CEILING */
} nb_image_limits;

/** Why an image was refused. */
typedef enum nb_image_fault {
    NB_IMAGE_FINE,
    NB_IMAGE_UNREADABLE, /**< the file, not its content */
    NB_IMAGE_EMPTY,
    NB_IMAGE_UNKNOWN, /**< of no known format */
    NB_IMAGE_BYTES,   /**< over the limit of bytes */
    NB_IMAGE_PIXELS,  /**< over the limit of pixels */
    NB_IMAGE_DAMAGED, /**< cut short, or of a kind its decoder does not take, too */
    NB_IMAGE_FORMAT,  /**< an image of a format that is not read */
    NB_IMAGE_TEXT,    /**< text, HTML for instance */
    NB_IMAGE_POINTER, /**< a Git LFS pointer */
    NB_IMAGE_FAULTS
} nb_image_fault;

/** A picture; owns its pixels. */
typedef struct nb_image {
    uint8_t *rgb;         /**< [height, width, 3] */
    size_t width, height; /**< pixels */
} nb_image;

/** One image file in memory; borrowed. */
typedef struct nb_image_file {
    const void *bytes; /**< [len] */
    size_t len;        /**< bytes */
    const char *name;  /**< for messages only */
} nb_image_file;

/** NB_IMAGE_PIXELS_MAX and NB_IMAGE_BYTES_MAX. */
nb_image_limits nb_image_limits_default(void);

/** A fault in words: "damaged", "over the limit of pixels", ...; "unknown" for a number that is none.
 * @param fault of nb_image_decode_within or nb_image_read_within */
const char *nb_image_fault_name(nb_image_fault fault);

/** Whether bytes begin as an image that can be read.
 * @param bytes [len], the beginning of a file at least
 * @param len bytes
 * @return true when a decoder takes it for its own */
bool nb_image_known(const void *bytes, size_t len);

/** Decodes an image file.
 * @param[out] out freed by nb_image_free; {0} on failure
 * @param limits what is accepted
 * @param file the image
 * @param[out] fault why the image was refused; NULL: not wanted
 * @return NB_OK, or NB_ERR_INPUT when the bytes are no whole image of a known format or exceed a limit, NB_ERR_LIMIT
 * without memory, NB_ERR_INTERNAL as nb_png_decode and nb_webp_decode */
nb_status nb_image_decode_within(nb_image *out, const nb_image_limits *limits, const nb_image_file *file,
                                 nb_image_fault *fault, nb_error *err);

/** Reads and decodes an image file.
 * @param[out] out freed by nb_image_free; {0} on failure
 * @param limits what is accepted
 * @param path of the file
 * @param[out] fault why the image was refused; NULL: not wanted
 * @return as nb_image_decode_within, NB_ERR_INPUT for a missing file or a directory too, NB_ERR_IO when it cannot be
 * read */
nb_status nb_image_read_within(nb_image *out, const nb_image_limits *limits, const char *path, nb_image_fault *fault,
                               nb_error *err);

/** nb_image_decode_within the default limits.
 * @param[out] out freed by nb_image_free; {0} on failure
 * @param bytes [len]
 * @param len bytes
 * @param name for messages only
 * @return as nb_image_decode_within */
nb_status nb_image_decode(nb_image *out, const void *bytes, size_t len, const char *name, nb_error *err);

/** nb_image_read_within the default limits.
 * @param[out] out freed by nb_image_free; {0} on failure
 * @param path of the file
 * @return as nb_image_read_within */
nb_status nb_image_read(nb_image *out, const char *path, nb_error *err);

/** Zeroed pixels for width x height, checked against NB_IMAGE_PIXELS_MAX before they are allocated.
 * @param[out] out must hold no pixels yet; freed by nb_image_free; {0} on failure
 * @param width pixels
 * @param height pixels
 * @return NB_OK, or NB_ERR_INPUT when either is 0 or the product is over the limit, NB_ERR_LIMIT without memory */
nb_status nb_image_create(nb_image *out, uint64_t width, uint64_t height, nb_error *err);

/** The same with another limit. An image over it leaves its size in *out, without pixels.
 * @param[out] out must hold no pixels yet; freed by nb_image_free
 * @param width pixels
 * @param height pixels
 * @param pixels the limit
 * @return as nb_image_create */
nb_status nb_image_create_within(nb_image *out, uint64_t width, uint64_t height, size_t pixels, nb_error *err);

/** Frees the pixels and clears the struct. Takes NULL and {0}.
 * @param image as a decoder or nb_image_create left it, or {0} */
void nb_image_free(nb_image *image);

#endif
