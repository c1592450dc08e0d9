/* The first frame of a GIF on its canvas, as Pillow shows it before it looks at any later frame. */
#include "common/image/formats.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

enum { COLOURS = 256, TRANSPARENT = 1, CONTROL_LEN = 4, PASSES = 4 };

/* What libgif reads from, and what came before the frame. */
typedef struct source {
    const unsigned char *bytes;
    size_t left;
    uint8_t background; /* index of what the frame does not cover: the transparent one, else 0 */
} source;

static int gif_on_read(GifFileType *gif, GifByteType *to, int count)
{
    source *s = gif->UserData;
    size_t take = (size_t)count < s->left ? (size_t)count : s->left;
    memcpy(to, s->bytes, take);
    s->bytes += take;
    s->left -= take;
    return (int)take;
}

static nb_status gif_refuse(int code, nb_error *err)
{
    const char *cause = GifErrorString(code);
    return nb_fail(err, code == D_GIF_ERR_NOT_ENOUGH_MEM ? NB_ERR_LIMIT : NB_ERR_INPUT,
                   "GIF data is damaged or truncated: %s", cause ? cause : "no cause is known");
}

/* The transparent index stands in a graphic control block; other extensions say nothing of the pixels. */
static nb_status gif_read_extension(GifFileType *gif, source *s, nb_error *err)
{
    int code = 0;
    GifByteType *block = NULL; /* its length, then its bytes; the library's */
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) {
        return gif_refuse(gif->Error, err);
    }
    if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= CONTROL_LEN && (block[1] & TRANSPARENT)) {
        s->background = block[CONTROL_LEN];
    }
    while (block) {
        if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) {
            return gif_refuse(gif->Error, err);
        }
    }
    return NB_OK;
}

/* Goes to the first frame. */
static nb_status gif_find_frame(GifFileType *gif, source *s, nb_error *err)
{
    for (;;) {
        GifRecordType type = UNDEFINED_RECORD_TYPE;
        if (DGifGetRecordType(gif, &type) == GIF_ERROR) {
            if (gif->Error == D_GIF_ERR_WRONG_RECORD) {
                continue; /* a stray byte between blocks, often a zero, as many readers pass over */
            }
            return gif_refuse(gif->Error, err);
        }
        if (type == IMAGE_DESC_RECORD_TYPE) {
            return DGifGetImageDesc(gif) == GIF_ERROR ? gif_refuse(gif->Error, err) : NB_OK;
        }
        if (type != EXTENSION_RECORD_TYPE) {
            return nb_fail(err, NB_ERR_INPUT, "a GIF without a frame");
        }
        nb_status status = gif_read_extension(gif, s, err);
        if (status != NB_OK) {
            return status;
        }
    }
}

/* Indices beyond the palette, and all of them without one, show as grey levels. */
static void gif_read_palette(const GifFileType *gif, uint8_t palette[COLOURS][3])
{
    const ColorMapObject *map = gif->Image.ColorMap ? gif->Image.ColorMap : gif->SColorMap;
    for (int i = 0; i < COLOURS; i++) {
        bool given = map && i < map->ColorCount;
        palette[i][0] = given ? map->Colors[i].Red : (uint8_t)i;
        palette[i][1] = given ? map->Colors[i].Green : (uint8_t)i;
        palette[i][2] = given ? map->Colors[i].Blue : (uint8_t)i;
    }
}

/* The frame's rows in the order in which they are stored. */
static nb_status gif_read_rows(GifFileType *gif, nb_image *out, uint8_t palette[COLOURS][3], GifPixelType *row,
                               nb_error *err)
{
    static const size_t first[PASSES] = {0, 4, 2, 1}, step[PASSES] = {8, 8, 4, 2};
    const GifImageDesc *frame = &gif->Image;
    size_t width = (size_t)frame->Width, height = (size_t)frame->Height;
    for (size_t pass = 0; pass < (frame->Interlace ? PASSES : 1); pass++) {
        for (size_t y = frame->Interlace ? first[pass] : 0; y < height; y += frame->Interlace ? step[pass] : 1) {
            if (DGifGetLine(gif, row, frame->Width) == GIF_ERROR) {
                return gif_refuse(gif->Error, err);
            }
            uint8_t *to = out->rgb + (((size_t)frame->Top + y) * out->width + (size_t)frame->Left) * 3;
            for (size_t x = 0; x < width; x++) {
                memcpy(to + 3 * x, palette[row[x]], 3);
            }
        }
    }
    return NB_OK;
}

static nb_status gif_decode(GifFileType *gif, source *s, nb_image *out, size_t pixels, nb_error *err)
{
    uint8_t palette[COLOURS][3];
    GifPixelType *row = NULL;
    nb_status status;
    NB_TRY(gif_find_frame(gif, s, err));
    const GifImageDesc *frame = &gif->Image;
    int right = frame->Left + frame->Width, bottom = frame->Top + frame->Height;
    if (frame->Width <= 0 || frame->Height <= 0 || frame->Left < 0 || frame->Top < 0) {
        status = nb_fail(err, NB_ERR_INPUT, "a GIF with a frame of %d x %d pixels", frame->Width, frame->Height);
        goto done;
    }
    /* A frame that stands out makes the canvas larger. */
    NB_TRY(nb_image_create_within(out, (uint64_t)(right > gif->SWidth ? right : gif->SWidth),
                                  (uint64_t)(bottom > gif->SHeight ? bottom : gif->SHeight), pixels, err));
    gif_read_palette(gif, palette);
    for (size_t i = 0; i < out->width * out->height; i++) {
        memcpy(out->rgb + 3 * i, palette[s->background], 3);
    }
    NB_TRY_NEW(row, (size_t)frame->Width);
    NB_TRY(gif_read_rows(gif, out, palette, row, err));
done:
    free(row);
    return status;
}

nb_status nb_gif_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err)
{
    source s = {.bytes = bytes, .left = len};
    int code = 0;
    GifFileType *gif = DGifOpen(&s, gif_on_read, &code);
    if (!gif) {
        return gif_refuse(code, err);
    }
    nb_status status = gif_decode(gif, &s, out, pixels, err);
    DGifCloseFile(gif, &code);
    return status;
}
