#include "common/image/formats.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after stdio.h, which it needs */
#include <jpeglib.h>
/* after jpeglib.h, whose configuration decides the numbers of its messages */
#include <jerror.h>

/* A progressive file repeats scans over the whole image at a few bytes each; real encoders write about ten. */
enum { SCANS_MAX = 500 };

/* Allocated outside the function that calls setjmp, so that every field is defined after the jump. */
typedef struct reader {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    nb_status status;
    char cause[JMSG_LENGTH_MAX];
    uint8_t *row; /* [width, 4], CMYK only */
} reader;

static _Noreturn void jpeg_leave(reader *r, nb_status status)
{
    r->status = status;
    longjmp(r->escape, 1);
}

static void jpeg_on_error(j_common_ptr info)
{
    reader *r = info->client_data;
    r->errors.format_message(info, r->cause);
    jpeg_leave(r, r->errors.msg_code == JERR_OUT_OF_MEMORY ? NB_ERR_LIMIT : NB_ERR_INPUT);
}

/* Warnings (level -1) that mean wrong pixels end the decoding; others, such as stray bytes between markers, leave the
 * picture whole and are common in photographs. */
static void jpeg_on_message(j_common_ptr info, int level)
{
    if (level >= 0) {
        return;
    }
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: jpeg_on_error(info); break;
    default: break;
    }
}

static void jpeg_on_output(j_common_ptr info)
{
    (void)info;
}

static void jpeg_on_progress(j_common_ptr info)
{
    reader *r = info->client_data;
    if (r->info.input_scan_number > SCANS_MAX) {
        snprintf(r->cause, sizeof r->cause, "more than %d scans", SCANS_MAX);
        jpeg_leave(r, NB_ERR_INPUT);
    }
}

static uint8_t jpeg_multiply_255(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

/* Adobe stores ink inverted: 255 is none. Pillow's arithmetic (cmyk2rgb in Convert.c). */
static void jpeg_cmyk_to_rgb(const uint8_t *in, uint8_t *out, size_t width)
{
    for (size_t x = 0; x < width; x++, in += 4, out += 3) {
        for (size_t c = 0; c < 3; c++) {
            out[c] = (uint8_t)(in[3] - jpeg_multiply_255(255U - in[c], in[3]));
        }
    }
}

static void jpeg_read_rows(reader *r, nb_image *out)
{
    bool cmyk = r->info.out_color_space == JCS_CMYK;
    while (r->info.output_scanline < r->info.output_height) {
        uint8_t *target = out->rgb + (size_t)r->info.output_scanline * out->width * 3;
        JSAMPROW row = cmyk ? r->row : target;
        if (jpeg_read_scanlines(&r->info, &row, 1) == 1 && cmyk) {
            jpeg_cmyk_to_rgb(r->row, target, out->width);
        }
    }
}

static nb_status jpeg_decode(reader *r, nb_image *out, const unsigned char *bytes, size_t len, size_t pixels,
                             nb_error *err)
{
    if (setjmp(r->escape)) {
        return nb_fail(err, r->status, "JPEG data is damaged, truncated or not supported: %s", r->cause);
    }
    jpeg_create_decompress(&r->info);
    r->info.progress = &r->progress;
    jpeg_mem_src(&r->info, bytes, (unsigned long)len);
    jpeg_read_header(&r->info, TRUE);
    int channels = r->info.num_components;
    if (channels != 1 && channels != 3 && channels != 4) {
        return nb_fail(err, NB_ERR_INPUT, "JPEG with %d components, 1, 3 or 4 are accepted", channels);
    }
    nb_status status = nb_image_create_within(out, r->info.image_width, r->info.image_height, pixels, err);
    if (status != NB_OK) {
        return status;
    }
    r->info.out_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
    if (channels == 4) {
        r->row = nb_alloc(out->width, 4, err);
        if (!r->row) {
            return NB_ERR_LIMIT;
        }
    }
    jpeg_start_decompress(&r->info);
    jpeg_read_rows(r, out);
    jpeg_finish_decompress(&r->info);
    return NB_OK;
}

nb_status nb_jpeg_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err)
{
    reader *r = nb_alloc(1, sizeof *r, err);
    if (!r) {
        return NB_ERR_LIMIT;
    }
    r->info.err = jpeg_std_error(&r->errors);
    r->info.client_data = r;
    r->errors.error_exit = jpeg_on_error;
    r->errors.emit_message = jpeg_on_message;
    r->errors.output_message = jpeg_on_output;
    r->progress.progress_monitor = jpeg_on_progress;
    nb_status status = jpeg_decode(r, out, bytes, len, pixels, err);
    jpeg_destroy_decompress(&r->info);
    free(r->row);
    free(r);
    return status;
}
