#include "support/support.h"

#include "common/image/decode.h"

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

static const char animated[] =
    "524946468400000057454250565038580a00000002000000010000010000414e494d06000000000000000000414e4d462600"
    "0000000000000000010000010000000000025650384c0e0000002f01400000071011fd0f4444ff03414e4d462a0000000000"
    "00000000010000010000000000005650384c110000002f0140000007d0fffef7bfff8188e87f0000";

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

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image image;
    unsigned char bytes[1024];
    size_t len = unhex(animated, bytes);
    must_fail(nb_image_decode(&image, bytes, len, "a.webp", &err), NB_ERR_INPUT, &err, "animated");
    must_fail(nb_image_decode(&image, "GIF89a", 6, "a.gif", &err), NB_ERR_INPUT, &err, "not a JPEG, PNG or WebP");
    must_fail(nb_image_read(&image, "/no/such/file.jpg", &err), NB_ERR_INPUT, &err, "/no/such/file.jpg");
    must_fail(nb_image_read(&image, "/tmp", &err), NB_ERR_INPUT, &err, "directory");
}

static void test_golden_bad(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"empty.jpg", "empty"},           {"flipped.png", "CRC error"},
        {"header_only.png", "truncated"}, {"text.jpg", "not a JPEG, PNG or WebP"},
        {"truncated.jpg", "truncated"},   {"truncated.png", "truncated"},
    };
    nb_error err = {0};
    nb_image image, same;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "golden/images/bad/%s", bad[i][0]);
        must_fail(nb_image_read(&image, shared_path(name), &err), NB_ERR_INPUT, &err, bad[i][1]);
        assert_non_null(strstr(err.message, bad[i][0]));
        assert_null(image.rgb);
    }
    must(nb_image_read(&image, shared_path("golden/images/bad/png_named.jpg"), &err), &err);
    must(nb_image_read(&same, shared_path("golden/images/palette.png"), &err), &err);
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
        cmocka_unit_test(test_small_files), cmocka_unit_test(test_truncated),  cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_golden_bad), cmocka_unit_test(test_write_png),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
