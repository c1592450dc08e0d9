#include "common/image/formats.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

static const char *webp_cause_of(VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OK: return "no error";
    case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
    case VP8_STATUS_INVALID_PARAM: return "invalid parameter";
    case VP8_STATUS_BITSTREAM_ERROR: return "the bit stream is damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "an unsupported feature";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return "the file is truncated";
    case VP8_STATUS_USER_ABORT: return "aborted";
    }
    return "unknown error";
}

static nb_status webp_refuse(VP8StatusCode code, nb_error *err)
{
    return nb_fail(err, code == VP8_STATUS_OUT_OF_MEMORY ? NB_ERR_LIMIT : NB_ERR_INPUT,
                   "WebP data is damaged or truncated: %s", webp_cause_of(code));
}

/* The first frame on its canvas, as Pillow shows it: what the frame leaves free is black. */
static nb_status webp_decode_first_frame(nb_image *out, const unsigned char *bytes, size_t len, nb_error *err)
{
    WebPData data = {bytes, len};
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, NULL);
    uint8_t *canvas = NULL; /* [height, width, 4], the decoder's */
    int when;
    nb_status status = NB_OK;
    WebPAnimInfo info;
    if (!decoder) {
        return nb_fail(err, NB_ERR_INPUT, "WebP data is damaged or truncated: no animation can be read");
    }
    if (!WebPAnimDecoderGetInfo(decoder, &info) || info.canvas_width != out->width ||
        info.canvas_height != out->height || !WebPAnimDecoderGetNext(decoder, &canvas, &when)) {
        status = nb_fail(err, NB_ERR_INPUT, "WebP data is damaged or truncated: the first frame cannot be read");
    } else {
        for (size_t i = 0; i < out->width * out->height; i++) {
            memcpy(out->rgb + 3 * i, canvas + 4 * i, 3);
        }
    }
    WebPAnimDecoderDelete(decoder);
    return status;
}

nb_status nb_webp_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return nb_fail(err, NB_ERR_INTERNAL, "libwebp has another version than its headers");
    }
    VP8StatusCode code = WebPGetFeatures(bytes, len, &config.input);
    if (code != VP8_STATUS_OK) {
        return webp_refuse(code, err);
    }
    nb_status status =
        nb_image_create_within(out, (uint64_t)config.input.width, (uint64_t)config.input.height, pixels, err);
    if (status != NB_OK) {
        return status;
    }
    if (config.input.has_animation) {
        return webp_decode_first_frame(out, bytes, len, err);
    }
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->rgb;
    config.output.u.RGBA.stride = config.input.width * 3;
    config.output.u.RGBA.size = out->width * out->height * 3;
    code = WebPDecode(bytes, len, &config);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? NB_OK : webp_refuse(code, err);
}
