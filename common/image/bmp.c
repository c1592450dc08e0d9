/* Windows and OS/2 bitmaps. No C library that Debian packages for this alone reads them, so the reader is our own: it
 * takes what Pillow takes, and checks every offset before it reads there. */
#include "common/image/formats.h"

#include <string.h>

enum {
    FILE_HEADER = 14,
    CORE_HEADER = 12,
    OS2_HEADER = 64,
    MASKS_AT = 40, /* of the bitmap's header: behind its first 40 bytes */
    COLOURS = 256,
    CHANNELS = 3
};

enum compression { RAW = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3 };

/* Where a channel lies in a pixel of 16, 24 or 32 bits. */
typedef struct channel {
    unsigned shift, max; /* max: 31, 63 or 255 */
} channel;

/* A bitmap that is read. */
typedef struct bitmap {
    const unsigned char *bytes;
    size_t len;
    uint32_t header, width, height, bits, compression, colours;
    bool down;   /* the first row stored is the upper one */
    uint64_t at; /* of the pixels */
    channel channels[CHANNELS];
    uint8_t palette[COLOURS][CHANNELS];
} bitmap;

static uint32_t bmp_le16(const unsigned char *b)
{
    return (uint32_t)(b[0] | b[1] << 8);
}

static uint32_t bmp_le32(const unsigned char *b)
{
    return bmp_le16(b) | bmp_le16(b + 2) << 16;
}

static nb_status bmp_cut_short(nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "BMP data is truncated");
}

bool nb_bmp_known(const unsigned char *bytes, size_t len)
{
    static const uint32_t headers[] = {CORE_HEADER, 40, 52, 56, OS2_HEADER, 108, 124};
    if (len < FILE_HEADER + 4 || memcmp(bytes, "BM", 2) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (bmp_le32(bytes + FILE_HEADER) == headers[i]) {
            return true;
        }
    }
    return false;
}

static nb_status bmp_read_header(bitmap *b, nb_error *err)
{
    const unsigned char *head = b->bytes + FILE_HEADER;
    b->at = bmp_le32(b->bytes + 10);
    b->header = bmp_le32(head);
    if (b->len < (size_t)FILE_HEADER + b->header) {
        return bmp_cut_short(err);
    }
    if (b->header == CORE_HEADER) {
        b->width = bmp_le16(head + 4);
        b->height = bmp_le16(head + 6);
        b->bits = bmp_le16(head + 10);
    } else {
        b->width = bmp_le32(head + 4);
        b->height = bmp_le32(head + 8);
        b->down = b->height >> 31;
        b->height = b->down ? 0U - b->height : b->height;
        b->bits = bmp_le16(head + 14);
        b->compression = bmp_le32(head + 16);
        b->colours = bmp_le32(head + 32);
    }
    if (b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 && b->bits != 32) {
        return nb_fail(err, NB_ERR_INPUT, "BMP with %u bits a pixel, 1, 4, 8, 16, 24 or 32 are accepted", b->bits);
    }
    bool rle = (b->compression == RLE8 && b->bits == 8) || (b->compression == RLE4 && b->bits == 4);
    bool masks = b->compression == BITFIELDS && b->bits >= 16 && b->header != OS2_HEADER;
    if (b->compression != RAW && !rle && !masks) {
        return nb_fail(err, NB_ERR_INPUT, "BMP of %u bits with compression %u, which is not supported", b->bits,
                       b->compression);
    }
    return NB_OK;
}

/* A mask as a channel: 5, 6 or 8 bits in a row. */
static bool bmp_read_mask(channel *c, uint32_t mask)
{
    c->shift = 0;
    while (mask && !(mask & 1)) {
        mask >>= 1;
        c->shift++;
    }
    c->max = mask;
    return mask == 31 || mask == 63 || mask == 255;
}

/* Where red, green and blue lie in a pixel. A fourth channel changes nothing. */
static nb_status bmp_read_channels(bitmap *b, nb_error *err)
{
    uint32_t masks[CHANNELS] = {0xff0000, 0xff00, 0xff};
    const unsigned char *from = b->bytes + FILE_HEADER + MASKS_AT;
    if (b->bits == 16) {
        masks[0] = 0x7c00;
        masks[1] = 0x3e0;
        masks[2] = 0x1f;
    }
    if (b->compression == BITFIELDS) {
        if (b->len < FILE_HEADER + MASKS_AT + 4 * CHANNELS) {
            return bmp_cut_short(err);
        }
        bool any = b->bits != 32 || bmp_le32(from) || bmp_le32(from + 4) || bmp_le32(from + 8); /* none: as without */
        for (size_t i = 0; any && i < CHANNELS; i++) {
            masks[i] = bmp_le32(from + 4 * i);
        }
    }
    for (size_t i = 0; i < CHANNELS; i++) {
        if (!bmp_read_mask(&b->channels[i], masks[i]) || (uint64_t)masks[i] >> b->bits) {
            return nb_fail(err, NB_ERR_INPUT, "BMP with a channel mask %x of %u bits, which is not supported", masks[i],
                           b->bits);
        }
    }
    return NB_OK;
}

/* Indices beyond the palette show as grey levels, as in PNG. */
static nb_status bmp_read_palette(bitmap *b, nb_error *err)
{
    size_t entry = b->header == CORE_HEADER ? 3 : 4, begin = (size_t)FILE_HEADER + b->header;
    b->colours = b->colours ? b->colours : 1U << b->bits;
    if (b->colours > COLOURS) {
        return nb_fail(err, NB_ERR_INPUT, "BMP with a palette of %u colours, at most %d are accepted", b->colours,
                       COLOURS);
    }
    if (b->len - begin < entry * b->colours) {
        return bmp_cut_short(err);
    }
    for (size_t i = 0; i < COLOURS; i++) {
        const unsigned char *from = b->bytes + begin + entry * i;
        for (size_t c = 0; c < CHANNELS; c++) {
            b->palette[i][c] = i < b->colours ? from[CHANNELS - 1 - c] : (uint8_t)i;
        }
    }
    return NB_OK;
}

/* Writers have been seen that forget the palette in the offset of the pixels, or the offset altogether. */
static void bmp_find_pixels(bitmap *b)
{
    uint64_t behind = (uint64_t)FILE_HEADER + b->header;
    uint64_t palette = b->bits <= 8 ? (uint64_t)b->colours * (b->header == CORE_HEADER ? 3 : 4) : 0;
    uint64_t masks = b->header == MASKS_AT && b->compression == BITFIELDS ? 4 * CHANNELS : 0;
    if (!b->at || (b->at == behind && palette)) {
        b->at = behind + palette + masks;
    }
}

static uint8_t *bmp_row(const bitmap *b, nb_image *out, size_t y)
{
    return out->rgb + (b->down ? y : out->height - 1 - y) * out->width * CHANNELS;
}

static void bmp_expand_row(const bitmap *b, const unsigned char *in, uint8_t *out)
{
    for (size_t x = 0; x < b->width; x++, out += CHANNELS) {
        if (b->bits <= 8) {
            size_t bit = x * b->bits;
            unsigned index = (unsigned)in[bit / 8] >> (8 - b->bits - bit % 8) & ((1U << b->bits) - 1);
            memcpy(out, b->palette[index], CHANNELS);
            continue;
        }
        uint32_t pixel = 0;
        for (size_t i = 0; i < b->bits / 8; i++) {
            pixel |= (uint32_t)in[x * (b->bits / 8) + i] << 8 * i;
        }
        for (size_t c = 0; c < CHANNELS; c++) {
            out[c] = (uint8_t)((pixel >> b->channels[c].shift & b->channels[c].max) * 255 / b->channels[c].max);
        }
    }
}

static nb_status bmp_read_rows(const bitmap *b, nb_image *out, nb_error *err)
{
    uint64_t used = ((uint64_t)b->width * b->bits + 7) / 8, stride = (used + 3) / 4 * 4;
    /* the last row may lack its padding; no product overflows, for the pixels are within their ceiling */
    if (b->at > b->len || b->len - b->at < used || (b->len - b->at - used) / stride < b->height - 1) {
        return bmp_cut_short(err);
    }
    for (size_t y = 0; y < b->height; y++) {
        bmp_expand_row(b, b->bytes + b->at + y * stride, bmp_row(b, out, y));
    }
    return NB_OK;
}

/* ---- run lengths ---- */

/* Pixels are counted through from the first row stored on. */
typedef struct runs {
    const bitmap *b;
    nb_image *out;
    uint64_t at;         /* of the next byte */
    size_t pixel, count; /* the next, and of all */
    size_t x;            /* of the row, as runs have it: beyond its end they show nothing */
} runs;

static void bmp_put(runs *r, unsigned index)
{
    if (r->pixel < r->count) {
        size_t width = r->b->width;
        memcpy(bmp_row(r->b, r->out, r->pixel / width) + r->pixel % width * CHANNELS, r->b->palette[index], CHANNELS);
        r->pixel++;
    }
}

/* Pixels that are passed over have colour 0. */
static void bmp_skip(runs *r, size_t count)
{
    while (count-- && r->pixel < r->count) {
        bmp_put(r, 0);
    }
}

/* Pixels as they are, padded to an even number of bytes. */
static nb_status bmp_read_literal(runs *r, size_t count, nb_error *err)
{
    const bitmap *b = r->b;
    size_t bytes = b->bits == 8 ? count : (count + 1) / 2;
    if (b->len - r->at < bytes) {
        return bmp_cut_short(err);
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned char *from = b->bytes + r->at;
        bmp_put(r, b->bits == 8 ? from[i] : i % 2 ? from[i / 2] & 15U : (unsigned)from[i / 2] >> 4);
    }
    r->at += bytes + bytes % 2;
    r->at = r->at < b->len ? r->at : b->len;
    return NB_OK;
}

/* What begins with a zero; *more becomes false at the end of the bitmap. */
static nb_status bmp_read_escape(runs *r, unsigned code, bool *more, nb_error *err)
{
    size_t width = r->b->width;
    switch (code) {
    case 0:
        bmp_skip(r, (width - r->pixel % width) % width);
        r->x = 0;
        return NB_OK;
    case 1: *more = false; return NB_OK;
    case 2:
        if (r->b->len - r->at < 2) {
            return bmp_cut_short(err);
        }
        bmp_skip(r, r->b->bytes[r->at] + r->b->bytes[r->at + 1] * width);
        r->x = r->pixel % width;
        r->at += 2;
        return NB_OK;
    default: r->x += code; return bmp_read_literal(r, code, err);
    }
}

static nb_status bmp_read_runs(const bitmap *b, nb_image *out, nb_error *err)
{
    runs r = {.b = b, .out = out, .at = b->at, .count = out->width * out->height};
    bool more = b->width > 0; /* always: analysers see no division by zero below then */
    while (more && r.pixel < r.count) {
        if (r.at > b->len || b->len - r.at < 2) {
            return bmp_cut_short(err);
        }
        size_t count = b->bytes[r.at], left = r.x < b->width ? b->width - r.x : 0;
        unsigned value = b->bytes[r.at + 1];
        r.at += 2;
        if (!count) {
            nb_status status = bmp_read_escape(&r, value, &more, err);
            if (status != NB_OK) {
                return status;
            }
        }
        count = count < left ? count : left;
        for (size_t i = 0; i < count; i++) {
            bmp_put(&r, b->bits == 8 ? value : i % 2 ? value & 15U : value >> 4);
        }
        r.x += count;
    }
    return r.pixel == r.count ? NB_OK : nb_fail(err, NB_ERR_INPUT, "BMP data ends before its last row");
}

nb_status nb_bmp_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err)
{
    bitmap b = {.bytes = bytes, .len = len};
    nb_status status;
    if (!nb_bmp_known(bytes, len)) {
        return nb_fail(err, NB_ERR_INPUT, "BMP with a header that is not known");
    }
    NB_TRY(bmp_read_header(&b, err));
    NB_TRY(b.bits <= 8 ? bmp_read_palette(&b, err) : bmp_read_channels(&b, err));
    NB_TRY(nb_image_create_within(out, b.width, b.height, pixels, err));
    bmp_find_pixels(&b);
    NB_TRY(b.compression == RLE8 || b.compression == RLE4 ? bmp_read_runs(&b, out, err) : bmp_read_rows(&b, out, err));
done:
    return status;
}
