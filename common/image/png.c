#include "common/image/formats.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Allocated outside the function that calls setjmp, so that every field is defined after the jump. */
typedef struct reader {
    png_structp png;
    png_infop info;
    const unsigned char *bytes;
    size_t left;
    jmp_buf escape;
    char cause[128];
    uint8_t palette[256][3];
} reader;

static _Noreturn void png_on_error(png_structp png, png_const_charp message)
{
    reader *r = png_get_error_ptr(png);
    snprintf(r->cause, sizeof r->cause, "%s", message);
    longjmp(r->escape, 1);
}

static void png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_on_read(png_structp png, png_bytep to, size_t count)
{
    reader *r = png_get_io_ptr(png);
    if (count > r->left) {
        png_error(png, "the file is truncated");
    }
    memcpy(to, r->bytes, count);
    r->bytes += count;
    r->left -= count;
}

/* What the rows hold once libpng has done its part: RGB, or one sample that is left to us. */
typedef enum layout { RGB, INDEX, GREY_16 } layout;

/* Indices beyond the palette show as grey levels in Pillow, whose palettes begin as a grey ramp. */
static void png_read_palette(reader *r)
{
    png_colorp colours = NULL;
    int count = 0;
    png_get_PLTE(r->png, r->info, &colours, &count);
    for (int i = 0; i < 256; i++) {
        bool given = i < count;
        r->palette[i][0] = given ? colours[i].red : (uint8_t)i;
        r->palette[i][1] = given ? colours[i].green : (uint8_t)i;
        r->palette[i][2] = given ? colours[i].blue : (uint8_t)i;
    }
}

static layout png_choose_transforms(reader *r)
{
    int type = png_get_color_type(r->png, r->info);
    int depth = png_get_bit_depth(r->png, r->info);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_packing(r->png);
        png_read_palette(r);
        return INDEX;
    }
    if (type == PNG_COLOR_TYPE_GRAY && depth == 16) {
        return GREY_16;
    }
    if (depth == 16) {
        png_set_strip_16(r->png);
    }
    if (type & PNG_COLOR_MASK_ALPHA) {
        png_set_strip_alpha(r->png);
    }
    if (!(type & PNG_COLOR_MASK_COLOR)) {
        if (depth < 8) {
            png_set_expand_gray_1_2_4_to_8(r->png);
        }
        png_set_gray_to_rgb(r->png);
    }
    return RGB;
}

/* From the last pixel to the first, so that a row grows in place. */
static void png_expand_row(const reader *r, layout rows, uint8_t *row, size_t width)
{
    for (size_t x = width; x-- > 0;) {
        uint8_t pixel[3];
        if (rows == INDEX) {
            memcpy(pixel, r->palette[row[x]], 3);
        } else {
            memset(pixel, row[2 * x] ? 255 : row[2 * x + 1], 3);
        }
        memcpy(row + 3 * x, pixel, 3);
    }
}

static nb_status png_decode(reader *r, nb_image *out, size_t pixels, nb_error *err)
{
    if (setjmp(r->escape)) {
        return nb_fail(err, NB_ERR_INPUT, "PNG data is damaged or truncated: %s", r->cause);
    }
    png_set_read_fn(r->png, r, png_on_read);
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    /* Nothing but IHDR, PLTE and IDAT decides the pixels: neither gamma nor transparency is applied. */
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* nb_image_create_within has the limit */
    /* Some writers state a smaller window than they use. */
    png_set_option(r->png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_read_info(r->png, r->info);
    nb_status status = nb_image_create_within(out, png_get_image_width(r->png, r->info),
                                              png_get_image_height(r->png, r->info), pixels, err);
    if (status != NB_OK) {
        return status;
    }
    layout rows = png_choose_transforms(r);
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    if (png_get_rowbytes(r->png, r->info) > out->width * 3) {
        return nb_fail(err, NB_ERR_INTERNAL, "PNG rows of %zu bytes for %zu pixels", png_get_rowbytes(r->png, r->info),
                       out->width);
    }
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < out->height; y++) {
            png_read_row(r->png, out->rgb + y * out->width * 3, NULL);
        }
    }
    for (size_t y = 0; rows != RGB && y < out->height; y++) {
        png_expand_row(r, rows, out->rgb + y * out->width * 3, out->width);
    }
    png_read_end(r->png, NULL);
    return NB_OK;
}

nb_status nb_png_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err)
{
    reader *r = nb_alloc(1, sizeof *r, err);
    if (!r) {
        return NB_ERR_LIMIT;
    }
    nb_status status = NB_OK;
    r->bytes = bytes;
    r->left = len;
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, png_on_error, png_on_warning);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (r->info) {
        status = png_decode(r, out, pixels, err);
    } else {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for a PNG reader");
    }
    png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r);
    return status;
}
