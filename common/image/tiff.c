/* The first image of a TIFF, by libtiff: whole numbers of 1 to 16 bits that are grey, RGB, CMYK or indices of a
 * palette. Only codecs that images in data sets use are let near the data; everything else is refused by its number. */
#include "common/image/formats.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

enum { SAMPLES_MAX = 6, COLOURS_MAX = 256, CHANNELS = 3, CAUSE_MAX = 160 };

/* Bytes that libtiff may ask for at once, over what rows or tiles within the limit of pixels need. */
#define TIFF_ROOM ((uint64_t)64 << 20)

/* What libtiff reads from, and the first thing it complained of. */
typedef struct source {
    const unsigned char *bytes;
    uint64_t len, at;
    bool pixels; /* pixels are read: a warning means wrong ones */
    char cause[CAUSE_MAX];
} source;

/* What the first directory says. */
typedef struct layout {
    uint32_t width, height;
    uint16_t bits, samples, photometric, planar, compression, orientation;
    bool premultiplied;
    uint8_t palette[COLOURS_MAX][CHANNELS];
} layout;

/* A block of pixels as libtiff gives it: a row, or a tile. */
typedef struct block {
    const uint8_t *bytes;
    size_t stride; /* bytes of a row of it */
    uint32_t x, y, width, height;
    uint16_t plane;
} block;

static tmsize_t tiff_on_read(thandle_t handle, void *to, tmsize_t count)
{
    source *s = handle;
    uint64_t left = s->at < s->len ? s->len - s->at : 0, take = (uint64_t)count < left ? (uint64_t)count : left;
    memcpy(to, s->bytes + (left ? s->at : 0), take);
    s->at += take;
    return (tmsize_t)take;
}

static tmsize_t tiff_on_write(thandle_t handle, void *from, tmsize_t count)
{
    (void)handle;
    (void)from;
    (void)count;
    return 0;
}

static toff_t tiff_on_seek(thandle_t handle, toff_t to, int whence)
{
    source *s = handle;
    s->at = whence == SEEK_SET ? to : whence == SEEK_CUR ? s->at + to : s->len + to;
    return s->at;
}

static toff_t tiff_on_size(thandle_t handle)
{
    return ((source *)handle)->len;
}

static int tiff_on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static int tiff_on_error(TIFF *tiff, void *state, const char *module, const char *format, va_list arguments)
{
    source *s = state;
    (void)tiff;
    (void)module;
    if (!s->cause[0]) {
        vsnprintf(s->cause, sizeof s->cause, format, arguments);
    }
    return 1;
}

static int tiff_on_warning(TIFF *tiff, void *state, const char *module, const char *format, va_list arguments)
{
    return ((source *)state)->pixels ? tiff_on_error(tiff, state, module, format, arguments) : 1;
}

static nb_status tiff_refuse(const source *s, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "TIFF data is damaged or truncated: %s",
                   s->cause[0] ? s->cause : "no cause is known");
}

/* ---- what it is ---- */

static nb_status tiff_check(const layout *l, uint16_t format, nb_error *err)
{
    static const uint16_t codecs[] = {COMPRESSION_NONE,      COMPRESSION_CCITTRLE,      COMPRESSION_CCITTFAX3,
                                      COMPRESSION_CCITTFAX4, COMPRESSION_LZW,           COMPRESSION_PACKBITS,
                                      COMPRESSION_DEFLATE,   COMPRESSION_ADOBE_DEFLATE, COMPRESSION_JPEG};
    bool codec = false, jpeg = l->compression == COMPRESSION_JPEG, grey = l->photometric <= PHOTOMETRIC_MINISBLACK;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        codec = codec || codecs[i] == l->compression;
    }
    if (!codec) {
        return nb_fail(err, NB_ERR_INPUT, "TIFF with compression %u, which is not supported", l->compression);
    }
    bool whole = l->bits == 8 || l->bits == 16, few = l->bits == 1 || l->bits == 2 || l->bits == 4;
    bool fine = format == SAMPLEFORMAT_UINT && (whole || few) && l->samples && l->samples <= SAMPLES_MAX;
    switch (l->photometric) {
    case PHOTOMETRIC_MINISWHITE: fine = fine && l->bits != 16; break;
    case PHOTOMETRIC_MINISBLACK: break;
    case PHOTOMETRIC_RGB: fine = fine && whole && l->samples >= CHANNELS; break;
    case PHOTOMETRIC_PALETTE: fine = fine && l->bits <= 8; break;
    case PHOTOMETRIC_SEPARATED:
        fine = fine && l->bits == 8 && l->samples >= 4 && l->planar == PLANARCONFIG_CONTIG;
        break;
    case PHOTOMETRIC_YCBCR: fine = fine && jpeg && l->samples == CHANNELS; break;
    default: fine = false;
    }
    fine = fine && (l->samples == 1 || whole) && (!jpeg || l->bits == 8);
    fine = fine && (l->planar == PLANARCONFIG_CONTIG || grey || l->photometric == PHOTOMETRIC_RGB ||
                    l->photometric == PHOTOMETRIC_PALETTE);
    return fine ? NB_OK
                : nb_fail(err, NB_ERR_INPUT,
                          "TIFF with %u samples of %u bits, sample format %u, photometric %u, which is not supported",
                          l->samples, l->bits, format, l->photometric);
}

static nb_status tiff_read_palette(TIFF *tiff, layout *l, nb_error *err)
{
    uint16_t *red = NULL, *green = NULL, *blue = NULL;
    if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue)) {
        return nb_fail(err, NB_ERR_INPUT, "TIFF of indices without a palette");
    }
    for (size_t i = 0; i < 1U << l->bits; i++) {
        l->palette[i][0] = (uint8_t)(red[i] >> 8);
        l->palette[i][1] = (uint8_t)(green[i] >> 8);
        l->palette[i][2] = (uint8_t)(blue[i] >> 8);
    }
    return NB_OK;
}

static nb_status tiff_read_layout(TIFF *tiff, layout *l, const source *s, nb_error *err)
{
    uint16_t format = SAMPLEFORMAT_UINT, extras = 0, *extra = NULL;
    nb_status status;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &l->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &l->height) ||
        !TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &l->photometric)) {
        return s->cause[0] ? tiff_refuse(s, err)
                           : nb_fail(err, NB_ERR_INPUT, "TIFF without a width, height or photometric interpretation");
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &l->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &l->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &l->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &l->compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &l->orientation);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extras, &extra);
    l->premultiplied = l->photometric == PHOTOMETRIC_RGB && l->samples > CHANNELS && extras &&
                       extra[0] == EXTRASAMPLE_ASSOCALPHA && l->planar == PLANARCONFIG_CONTIG;
    NB_TRY(tiff_check(l, format, err));
    if (l->photometric == PHOTOMETRIC_PALETTE) {
        NB_TRY(tiff_read_palette(tiff, l, err));
    }
    if (l->photometric == PHOTOMETRIC_YCBCR) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        l->photometric = PHOTOMETRIC_RGB;
    }
done:
    return status;
}

/* ---- pixels ---- */

/* A sample of a row, as 8 bits: 16-bit colours lose their low byte, grey is clipped, as Pillow has them; fewer bits are
 * as they are. */
static unsigned tiff_sample(const layout *l, const uint8_t *row, size_t i)
{
    if (l->bits == 8) {
        return row[i];
    }
    if (l->bits == 16) {
        uint16_t value;
        memcpy(&value, row + 2 * i, sizeof value);
        return l->photometric == PHOTOMETRIC_RGB ? value >> 8 : value > 255 ? 255U : value;
    }
    size_t bit = i * l->bits;
    return (unsigned)row[bit / 8] >> (8 - l->bits - bit % 8) & ((1U << l->bits) - 1);
}

static uint8_t tiff_multiply_255(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

/* A pixel of samples that stand side by side, from sample i of its row on. */
static void tiff_put_pixel(const layout *l, const uint8_t *row, size_t i, uint8_t *out)
{
    unsigned first = tiff_sample(l, row, i), most = (1U << (l->bits < 8 ? l->bits : 8)) - 1;
    if (l->photometric == PHOTOMETRIC_PALETTE) {
        memcpy(out, l->palette[first], CHANNELS);
        return;
    }
    if (l->photometric <= PHOTOMETRIC_MINISBLACK) {
        unsigned grey = first * 255 / most;
        memset(out, (int)(l->photometric == PHOTOMETRIC_MINISWHITE ? 255 - grey : grey), CHANNELS);
        return;
    }
    unsigned fourth = l->photometric == PHOTOMETRIC_SEPARATED || l->premultiplied ? tiff_sample(l, row, i + 3) : 255;
    for (size_t c = 0; c < CHANNELS; c++) {
        unsigned value = tiff_sample(l, row, i + c);
        if (l->photometric == PHOTOMETRIC_SEPARATED) {
            value = 255 - fourth - tiff_multiply_255(value, 255 - fourth);
        } else if (l->premultiplied) {
            value = fourth ? value * 255 / fourth : 0;
        }
        out[c] = (uint8_t)(value < 255 ? value : 255);
    }
}

/* A block lies in the picture, or stands out of it to the right and below. */
static void tiff_put_block(const layout *l, const block *b, nb_image *out)
{
    uint32_t width = b->width < l->width - b->x ? b->width : l->width - b->x;
    uint32_t height = b->height < l->height - b->y ? b->height : l->height - b->y;
    bool apart = l->planar == PLANARCONFIG_SEPARATE && l->photometric == PHOTOMETRIC_RGB;
    size_t step = l->planar == PLANARCONFIG_SEPARATE ? 1 : l->samples;
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = b->bytes + y * b->stride;
        uint8_t *to = out->rgb + ((b->y + y) * out->width + b->x) * CHANNELS;
        for (size_t x = 0; x < width; x++, to += CHANNELS) {
            if (apart) {
                to[b->plane] = (uint8_t)tiff_sample(l, row, x);
            } else {
                tiff_put_pixel(l, row, x * step, to);
            }
        }
    }
}

static uint16_t tiff_planes(const layout *l)
{
    return l->planar == PLANARCONFIG_SEPARATE && l->photometric == PHOTOMETRIC_RGB ? CHANNELS : 1;
}

static nb_status tiff_read_rows(TIFF *tiff, const layout *l, source *s, nb_image *out, nb_error *err)
{
    uint64_t size = TIFFScanlineSize64(tiff), want = ((uint64_t)l->width * l->bits + 7) / 8;
    uint8_t *row = NULL;
    nb_status status = NB_OK;
    want = l->planar == PLANARCONFIG_SEPARATE ? want : ((uint64_t)l->width * l->bits * l->samples + 7) / 8;
    if (size < want || size > TIFF_ROOM + want * 4) {
        return nb_fail(err, NB_ERR_INPUT, "TIFF with rows of %llu bytes for %u pixels", (unsigned long long)size,
                       l->width);
    }
    NB_TRY_NEW(row, (size_t)size);
    for (uint16_t plane = 0; plane < tiff_planes(l); plane++) {
        for (uint32_t y = 0; y < l->height; y++) {
            if (TIFFReadScanline(tiff, row, y, plane) < 0 || s->cause[0]) {
                status = tiff_refuse(s, err);
                goto done;
            }
            const block b = {.bytes = row, .y = y, .width = l->width, .height = 1, .plane = plane};
            tiff_put_block(l, &b, out);
        }
    }
done:
    free(row);
    return status;
}

static nb_status tiff_read_tiles(TIFF *tiff, const layout *l, source *s, nb_image *out, nb_error *err)
{
    uint32_t width = 0, height = 0;
    uint8_t *tile = NULL;
    nb_status status = NB_OK;
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
    uint64_t size = TIFFTileSize64(tiff), row = TIFFTileRowSize64(tiff);
    if (!width || !height || !size || size > TIFF_ROOM ||
        row < ((uint64_t)width * l->bits * (l->planar == PLANARCONFIG_SEPARATE ? 1 : l->samples) + 7) / 8 ||
        row * height > size) {
        return nb_fail(err, NB_ERR_INPUT, "TIFF with tiles of %u x %u pixels in %llu bytes", width, height,
                       (unsigned long long)size);
    }
    NB_TRY_NEW(tile, (size_t)size);
    for (uint16_t plane = 0; plane < tiff_planes(l); plane++) {
        for (uint64_t y = 0; y < l->height; y += height) {
            for (uint64_t x = 0; x < l->width; x += width) {
                block b = {tile, (size_t)row, (uint32_t)x, (uint32_t)y, width, height, plane};
                if (TIFFReadTile(tiff, tile, b.x, b.y, 0, plane) < 0 || s->cause[0]) {
                    status = tiff_refuse(s, err);
                    goto done;
                }
                tiff_put_block(l, &b, out);
            }
        }
    }
done:
    free(tile);
    return status;
}

/* Pillow turns TIFF as its orientation says, other than photographs in JPEG. */
static nb_status tiff_turn(const layout *l, nb_image *out, size_t pixels, nb_error *err)
{
    bool swap = l->orientation >= ORIENTATION_LEFTTOP;
    bool flip_x = l->orientation == ORIENTATION_TOPRIGHT || l->orientation == ORIENTATION_BOTRIGHT ||
                  l->orientation == ORIENTATION_RIGHTTOP || l->orientation == ORIENTATION_RIGHTBOT;
    bool flip_y = l->orientation == ORIENTATION_BOTRIGHT || l->orientation == ORIENTATION_BOTLEFT ||
                  l->orientation == ORIENTATION_RIGHTBOT || l->orientation == ORIENTATION_LEFTBOT;
    nb_image turned = {0};
    if (l->orientation <= ORIENTATION_TOPLEFT || l->orientation > ORIENTATION_LEFTBOT) {
        return NB_OK;
    }
    nb_status status =
        nb_image_create_within(&turned, swap ? out->height : out->width, swap ? out->width : out->height, pixels, err);
    for (size_t y = 0; status == NB_OK && y < turned.height; y++) {
        for (size_t x = 0; x < turned.width; x++) {
            size_t across = flip_x ? turned.width - 1 - x : x, down = flip_y ? turned.height - 1 - y : y;
            size_t from = swap ? across * out->width + down : down * out->width + across;
            memcpy(turned.rgb + (y * turned.width + x) * CHANNELS, out->rgb + from * CHANNELS, CHANNELS);
        }
    }
    if (status == NB_OK) {
        nb_image_free(out);
        *out = turned;
    }
    return status;
}

static nb_status tiff_decode(TIFF *tiff, source *s, nb_image *out, size_t pixels, nb_error *err)
{
    layout l = {0};
    nb_status status;
    NB_TRY(tiff_read_layout(tiff, &l, s, err));
    NB_TRY(nb_image_create_within(out, l.width, l.height, pixels, err));
    s->pixels = true;
    s->cause[0] = '\0'; /* what was said of tags that are not needed */
    NB_TRY(TIFFIsTiled(tiff) ? tiff_read_tiles(tiff, &l, s, out, err) : tiff_read_rows(tiff, &l, s, out, err));
    NB_TRY(tiff_turn(&l, out, pixels, err));
done:
    return status;
}

nb_status nb_tiff_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err)
{
    source s = {.bytes = bytes, .len = len};
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for a TIFF reader");
    }
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(TIFF_ROOM + (uint64_t)pixels * SAMPLES_MAX));
    TIFFOpenOptionsSetErrorHandlerExtR(options, tiff_on_error, &s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, tiff_on_warning, &s);
    TIFF *tiff = TIFFClientOpenExt("image", "rm", &s, tiff_on_read, tiff_on_write, tiff_on_seek, tiff_on_close,
                                   tiff_on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    if (!tiff) {
        return tiff_refuse(&s, err);
    }
    nb_status status = tiff_decode(tiff, &s, out, pixels, err);
    TIFFClose(tiff);
    return status;
}
