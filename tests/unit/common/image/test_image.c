#include "support/support.h"

#include "common/clip/preprocess/preprocess.h"
#include "common/image/write_png.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Small files of every kind that is easy to get wrong, with what Pillow 9.4 reads from them. */
static const struct {
    const char *what;
    size_t width, height;
    const char *hex;
    uint8_t rgb[12];
} cases[] = {
    {"16-bit grey clips",
     4,
     1,
     "89504e470d0a1a0a0000000d49484452000000040000000110000000008cc78c52000000114944415478da63606060486164"
     "f8ff1f0004fe02643df06ae40000000049454e44ae426082",
     {0, 0, 0, 100, 100, 100, 255, 255, 255, 255, 255, 255}},
    {"16-bit RGB loses its low byte",
     2,
     1,
     "89504e470d0a1a0a0000000d49484452000000020000000110020000002bd0349e000000154944415478da63103269f8ffff"
     "3f03230313033300201703ca710869b40000000049454e44ae426082",
     {18, 128, 255, 0, 0, 0}},
    {"16-bit grey and alpha",
     2,
     1,
     "89504e470d0a1a0a0000000d49484452000000020000000110040000000ebb6b42000000114944415478da63103269f8ffff"
     "3f03230010fa03c52b74684e0000000049454e44ae426082",
     {18, 18, 18, 255, 255, 255}},
    {"palette, transparent and beyond its end",
     4,
     1,
     "89504e470d0a1a0a0000000d4948445200000004000000010803000000cee2ffff00000006504c54450a141e28323cd51bb4"
     "e90000000174524e530040e6d8660000000d4944415478da636060643a010000d400ccdb85ddfc0000000049454e44ae4260"
     "82",
     {10, 20, 30, 40, 50, 60, 2, 2, 2, 200, 200, 200}},
    {"hidden colour and gamma",
     2,
     1,
     "89504e470d0a1a0a0000000d4948445200000002000000010806000000f4227f8a0000000467414d41000186a031e8965f00"
     "0000114944415478da63e0e460676064626e00000143009fc3886b300000000049454e44ae426082",
     {9, 8, 7, 1, 2, 3}},
    {"2-bit grey, interlaced",
     2,
     2,
     "89504e470d0a1a0a0000000d49484452000000020000000202000000016a6a7acf0000000e4944415478da63706068603000"
     "0002f600f1fb6111bf0000000049454e44ae426082",
     {85, 85, 85, 170, 170, 170, 0, 0, 0, 255, 255, 255}},
    {"RGB, interlaced",
     2,
     2,
     "89504e470d0a1a0a0000000d49484452000000020000000208020000018ad3aae5000000174944415478da63e0626060106164"
     "60906360d2e0e4040002bb007a4a1a5aeb0000000049454e44ae426082",
     {10, 0, 0, 20, 1, 0, 30, 0, 2, 40, 9, 9}},
    {"animated PNG: its still image",
     2,
     1,
     "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd000000086163544c0000000200000000f38d"
     "93700000001a6663544c00000000000000020000000100000000000000000001000a0000f929b6790000000f4944415478da63"
     "606462fef5fb0f00060302f8f7ed11f10000001a6663544c00000001000000020000000100000000000000000001000a000062"
     "5a5cad00000013666441540000000278da63e0e4e4e4e0e0000000be003415703e530000000049454e44ae426082",
     {1, 2, 3, 250, 251, 252}},
    {"CMYK JPEG",
     3,
     1,
     "ffd8ffee000e41646f626500640000000000ffdb004300010101010101010101010101010101010101010101010101010101"
     "01010101010101010101010101010101010101010101010101010101010101010101010101ffc00014080001000304431100"
     "4d11005911004b1100ffc400160001010100000000000000000000000000080406ffc4002210000004040700000000000000"
     "0000000000050708093878b80635377576b6b7ffda000e0443004d0059004b00003f008cd3561d6d78441af7dc08d5e2dc8d"
     "08a3c63966e8504f3d89a55877e2eeb6481a11119b85138ba25e0e998fffd9",
     {207, 46, 190, 5, 250, 195, 63, 63, 63}},
    {"WebP with alpha",
     2,
     1,
     "5249464622000000574542505650384c150000002f010000100ff082e143e89f477cff430b19d1ff0000",
     {10, 200, 30, 250, 5, 60}},
};

/* One grey pixel, progressive: cut before its first scan, that scan, the others. */
static const char progressive[][512] = {
    "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565645f"
    "555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffc2000b080001000101011100ffc400140001000000"
    "00000000000000000000000004",
    "ffda000801010000000157",
    "ffc40014100100000000000000000000000000000000ffda00080101000105027fffc40014100100000000000000000000000000000000ff"
    "da0008010100063f027fffc40014100100000000000000000000000000000000ffda0008010100013f217fffda0008010100000010ff00"
    "ffc40014100100000000000000000000000000000000ffda0008010100013f107fffd9",
};

/* A frame of 12 x 12 pixels at 2, 2 on a canvas of 16 x 16. */
static const char animated[] =
    "524946467c00000057454250565038580a000000020000000f00000f0000414e494d06000000000000000000414e4d465000"
    "00000100000100000b00000b0000640000005650384c370000002f0bc00200992e44f43f36519082f43f1c4a1b498124afc5"
    "d27fa587c2af140824d1edcf30894036395858f92f2660af518d3fa741e00200";

static size_t unhex(const char *hex, unsigned char *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return len;
}

static void test_small_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nb_error err = {0};
        nb_image image;
        unsigned char bytes[1024];
        size_t len = unhex(cases[i].hex, bytes);
        must(nb_image_decode(&image, bytes, len, cases[i].what, &err), &err);
        assert_int_equal(image.width, cases[i].width);
        assert_int_equal(image.height, cases[i].height);
        if (memcmp(image.rgb, cases[i].rgb, image.width * image.height * 3) != 0) {
            fail_msg("%s: other pixels", cases[i].what);
        }
        nb_image_free(&image);
    }
}

/* No part of a file is a file. */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[1024];
        size_t len = unhex(cases[i].hex, bytes);
        for (size_t cut = 0; cut < len; cut++) {
            nb_error err = {0};
            nb_image image;
            unsigned char *part = malloc(cut ? cut : 1); /* of its own, so that a sanitizer sees a read beyond it */
            assert_non_null(part);
            memcpy(part, bytes, cut);
            nb_status status = nb_image_decode(&image, part, cut, cases[i].what, &err);
            free(part);
            must_fail(status, NB_ERR_INPUT, &err, cut ? "image '" : "empty");
            assert_null(image.rgb);
        }
    }
}

static void put_be32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

static uint32_t crc_of(const unsigned char *bytes, size_t len)
{
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
        }
    }
    return ~crc;
}

/* A PNG header may claim any size in 33 bytes: it is refused before memory is taken. */
static void test_too_large(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    size_t len = unhex(cases[1].hex, bytes);
    const uint32_t sides[][2] = {{0x7fffffff, 0x7fffffff}, {1, 178956971}, {13378, 13378}, {0, 5}};
    for (size_t i = 0; i < 4; i++) {
        nb_error err = {0};
        nb_image image;
        put_be32(bytes + 16, sides[i][0]);
        put_be32(bytes + 20, sides[i][1]);
        put_be32(bytes + 29, crc_of(bytes + 12, 17));
        must_fail(nb_image_decode(&image, bytes, len, "x", &err), NB_ERR_INPUT, &err, i < 3 ? "178956970" : "IHDR");
    }
}

/* So may a JPEG: 30 000 x 30 000 would be 2.7 GB. */
static void test_too_large_jpeg(void **state)
{
    (void)state;
    static const struct {
        uint16_t width, height;
        const char *word;
    } sides[] = {{30000, 30000, "178956970"}, {65500, 65500, "178956970"}, {65535, 65535, "65500"}, {0, 30000, "JPEG"}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        nb_error err = {0};
        nb_image image;
        unsigned char bytes[1024];
        size_t len = unhex(progressive[0], bytes);
        unsigned char *frame = memmem(bytes, len, "\xff\xc2", 2);
        assert_non_null(frame);
        frame[5] = (unsigned char)(sides[i].height >> 8);
        frame[6] = (unsigned char)sides[i].height;
        frame[7] = (unsigned char)(sides[i].width >> 8);
        frame[8] = (unsigned char)sides[i].width;
        len += unhex(progressive[1], bytes + len);
        len += unhex(progressive[2], bytes + len);
        must_fail(nb_image_decode(&image, bytes, len, "x.jpg", &err), NB_ERR_INPUT, &err, sides[i].word);
        assert_null(image.rgb);
    }
}

/* A scan of eleven bytes makes the decoder walk over the whole picture: a file of many is refused, one of a few not. */
static void test_many_scans(void **state)
{
    (void)state;
    const size_t repeats[] = {1, 400, 600};
    for (size_t i = 0; i < 3; i++) {
        nb_error err = {0};
        nb_image image;
        unsigned char *bytes = malloc(16384);
        assert_non_null(bytes);
        size_t len = unhex(progressive[0], bytes);
        for (size_t k = 0; k < repeats[i]; k++) {
            len += unhex(progressive[1], bytes + len);
        }
        len += unhex(progressive[2], bytes + len);
        nb_status status = nb_image_decode(&image, bytes, len, "scans.jpg", &err);
        free(bytes);
        if (i < 2) {
            must(status, &err);
            assert_int_equal(image.rgb[0], 199);
        } else {
            must_fail(status, NB_ERR_INPUT, &err, "more than 500 scans");
        }
        nb_image_free(&image);
    }
}

/* The first frame where it stands; what it leaves free is black, as Pillow shows it. */
static void test_animated_webp(void **state)
{
    (void)state;
    static const uint8_t first[] = {0, 30, 60, 12, 42, 72, 24, 54, 84};
    unsigned char bytes[1024];
    size_t len = unhex(animated, bytes);
    nb_error err = {0};
    nb_image image;
    must(nb_image_decode(&image, bytes, len, "a.webp", &err), &err);
    assert_int_equal(image.width, 16);
    assert_int_equal(image.height, 16);
    assert_memory_equal(image.rgb + (size_t)3 * (2 * 16 + 2), first, sizeof first);
    for (size_t i = 0; i < 3 * (2 * 16 + 2); i++) {
        assert_int_equal(image.rgb[i], 0);
    }
    nb_image_free(&image);
    for (size_t cut = 0; cut < len; cut++) {
        unsigned char *part = malloc(cut ? cut : 1);
        assert_non_null(part);
        memcpy(part, bytes, cut);
        nb_status status = nb_image_decode(&image, part, cut, "a.webp", &err);
        free(part);
        must_fail(status, NB_ERR_INPUT, &err, cut ? "image '" : "empty");
    }
}

/* Other limits than the built-in ones, and what is said of those beyond. */
static void test_limits(void **state)
{
    (void)state;
    const nb_image_limits small = {.pixels = 700, .bytes = 60};
    nb_error err = {0};
    nb_image image = {0}, back, crop;
    nb_image_fault fault;
    const char *path = scratch_path("limits.png");
    must(nb_image_create(&image, 1, 20000, &err), &err);
    must(nb_image_write_png(path, &image, true, &err), &err);
    nb_image_free(&image);
    nb_image_limits limits = nb_image_limits_default();
    must(nb_image_read_within(&back, &limits, path, &fault, &err), &err);
    assert_int_equal(fault, NB_IMAGE_FINE);
    assert_int_equal(back.height, 20000);
    must(nb_preprocess_crop(&back, &(nb_preprocess){.size = 224}, &crop, &err), &err);
    assert_int_equal(crop.width * crop.height, 224 * 224);
    nb_image_free(&crop);
    nb_image_free(&back);
    limits.pixels = 19999;
    must_fail(nb_image_read_within(&back, &limits, path, &fault, &err), NB_ERR_INPUT, &err, "at most 19999");
    assert_int_equal(fault, NB_IMAGE_PIXELS);
    assert_null(back.rgb);
    must_fail(nb_image_read_within(&back, &small, path, &fault, &err), NB_ERR_INPUT, &err, "limits.png");
    assert_int_equal(fault, NB_IMAGE_BYTES);
    must_fail(nb_image_read_within(&back, &limits, absent_path("a.png"), &fault, &err), NB_ERR_INPUT, &err, "absent");
    assert_int_equal(fault, NB_IMAGE_UNREADABLE);
    must_fail(nb_image_decode_within(&back, &small, &(nb_image_file){"\1\2\3\4", 4, "t"}, &fault, &err), NB_ERR_INPUT,
              &err, "not a JPEG");
    assert_int_equal(fault, NB_IMAGE_UNKNOWN);
    must_fail(nb_image_decode_within(&back, &small, &(nb_image_file){"", 0, "t"}, &fault, &err), NB_ERR_INPUT, &err,
              "empty");
    assert_int_equal(fault, NB_IMAGE_EMPTY);
    must_fail(nb_image_decode_within(&back, &small, &(nb_image_file){"\xff\xd8\xff", 3, "t"}, &fault, &err),
              NB_ERR_INPUT, &err, "JPEG");
    assert_int_equal(fault, NB_IMAGE_DAMAGED);
    for (int f = 0; f <= NB_IMAGE_FAULTS; f++) {
        assert_true(strlen(nb_image_fault_name((nb_image_fault)f)) > 3);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image image;
    must_fail(nb_image_decode(&image, "GIF89a", 6, "a.gif", &err), NB_ERR_INPUT, &err, "GIF data is damaged");
    must_fail(nb_image_decode(&image, "GIF88a", 6, "a.gif", &err), NB_ERR_INPUT, &err, "of an unknown version");
    must_fail(nb_image_read(&image, absent_path("a.jpg"), &err), NB_ERR_INPUT, &err, "absent/a.jpg");
    must_fail(nb_image_read(&image, scratch_path("."), &err), NB_ERR_INPUT, &err, "directory");
}

static void test_golden_bad(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"empty.jpg", "empty"},           {"flipped.png", "CRC error"},
        {"header_only.png", "truncated"}, {"text.jpg", "it is text, not a JPEG"},
        {"truncated.jpg", "truncated"},   {"truncated.png", "truncated"},
    };
    nb_error err = {0};
    nb_image image, same;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "images/bad/%s", bad[i][0]);
        must_fail(nb_image_read(&image, golden_path(name), &err), NB_ERR_INPUT, &err, bad[i][1]);
        assert_non_null(strstr(err.message, bad[i][0]));
        assert_null(image.rgb);
    }
    must(nb_image_read(&image, golden_path("images/bad/png_named.jpg"), &err), &err);
    must(nb_image_read(&same, golden_path("images/palette.png"), &err), &err);
    assert_int_equal(image.width * image.height, same.width * same.height);
    assert_memory_equal(image.rgb, same.rgb, image.width * image.height * 3);
    nb_image_free(&image);
    nb_image_free(&same);
}

static void test_write_png(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image image = {0}, back;
    const char *path = scratch_path("written.png");
    must(nb_image_create(&image, 37, 19, &err), &err);
    for (size_t i = 0; i < 37 * 19 * 3; i++) {
        image.rgb[i] = (uint8_t)(i * 7 + i / 11);
    }
    must(nb_image_write_png(path, &image, false, &err), &err);
    must_fail(nb_image_write_png(path, &image, false, &err), NB_ERR_USAGE, &err, "exists");
    must(nb_image_write_png(path, &image, true, &err), &err);
    assert_int_not_equal(access(scratch_path("written.png.partial"), F_OK), 0);
    must(nb_image_read(&back, path, &err), &err);
    assert_int_equal(back.width, 37);
    assert_int_equal(back.height, 19);
    assert_memory_equal(back.rgb, image.rgb, 37 * 19 * 3);
    nb_image_free(&image);
    nb_image_free(&back);
    must_fail(nb_image_write_png(scratch_path("none.png"), &image, false, &err), NB_ERR_USAGE, &err, "no pixels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_files),    cmocka_unit_test(test_truncated),  cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_too_large_jpeg), cmocka_unit_test(test_many_scans), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_animated_webp),  cmocka_unit_test(test_limits),     cmocka_unit_test(test_golden_bad),
        cmocka_unit_test(test_write_png),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
