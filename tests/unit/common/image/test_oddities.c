#include "support/support.h"

#include "common/base/digest.h"
#include "common/image/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small files of every kind that readers of images disagree about. pillow.txt has what Pillow makes of
 * each, differences.txt what we make of the few where that is something else, and why. */

enum { LINE = 512 };

/* "WIDTHxHEIGHT DIGEST" of the pixels, or "refused -". */
static void look_at(const char *name, char *out)
{
    char path[LINE];
    nb_error err = {0};
    nb_image image;
    snprintf(path, sizeof path, "image_oddities/%s", name);
    nb_status status = nb_image_read(&image, golden_path(path), &err);
    if (status != NB_OK) {
        assert_int_equal(status, NB_ERR_INPUT);
        assert_non_null(strstr(err.message, name));
        snprintf(out, LINE, "refused -");
        return;
    }
    nb_digest digest = nb_digest_bytes(image.rgb, image.width * image.height * 3);
    snprintf(out, LINE, "%zux%zu %s", image.width, image.height, digest.hex);
    nb_image_free(&image);
}

/* The line of `lines` that begins with a name and a space, behind them; NULL when there is none. */
static const char *find(const nb_strings *lines, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < lines->count; i++) {
        const char *line = nb_strings_get(lines, i);
        if (strncmp(line, name, len) == 0 && line[len] == ' ') {
            return line + len + 1;
        }
    }
    return NULL;
}

static void test_oddities(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings pillow = {0}, differences = {0};
    size_t differ = 0, failed = 0;
    must(nb_file_lines(golden_path("image_oddities/pillow.txt"), LINE, &pillow, &err), &err);
    must(nb_file_lines(golden_path("image_oddities/differences.txt"), LINE, &differences, &err), &err);
    assert_true(pillow.count > 250);
    for (size_t i = 0; i < pillow.count; i++) {
        char name[LINE], ours[LINE];
        assert_int_equal(sscanf(nb_strings_get(&pillow, i), "%255s", name), 1);
        const char *theirs = find(&pillow, name), *other = find(&differences, name);
        look_at(name, ours);
        differ += other != NULL;
        if (other ? strncmp(other, ours, strlen(ours)) != 0 || strcmp(ours, theirs) == 0 : strcmp(ours, theirs) != 0) {
            print_error("%s: Pillow %s, ours %s, expected %s\n", name, theirs, ours, other ? other : "the same");
            failed++;
        }
    }
    assert_int_equal(failed, 0);
    assert_int_equal(differ, differences.count);
    nb_strings_free(&pillow);
    nb_strings_free(&differences);
}

/* No part of a GIF, BMP or TIFF is a picture, but for what may be missing behind its pixels. */
static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t spare; /* bytes at the end that nothing needs */
    } files[] = {
        {"gif_two_bits.gif", 1}, {"gif_interlaced_3_rows.gif", 1},
        {"bmp_4.bmp", 2},        {"bmp_rle8.bmp", 4},
        {"bmp_565.bmp", 2},      {"bmp_os2_24.bmp", 3},
        {"tiff_strips.tif", 0},  {"tiff_deflate.tif", 0},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[LINE], *bytes = NULL;
        size_t len = 0;
        nb_error err = {0};
        nb_image image;
        snprintf(path, sizeof path, "image_oddities/%s", files[i].name);
        must(nb_file_read(golden_path(path), 1 << 20, &bytes, &len, &err), &err);
        for (size_t cut = 0; cut <= len; cut++) {
            char *part = malloc(cut ? cut : 1); /* of its own, so that a sanitizer sees a read beyond it */
            assert_non_null(part);
            memcpy(part, bytes, cut);
            nb_status status = nb_image_decode(&image, part, cut, files[i].name, &err);
            free(part);
            if (cut + files[i].spare < len) {
                must_fail(status, NB_ERR_INPUT, &err, cut ? files[i].name : "empty");
                assert_null(image.rgb);
            } else {
                must(status, &err);
            }
            nb_image_free(&image);
        }
        free(bytes);
    }
}

/* A header of a few bytes may claim any size: it is refused before memory is taken. */
static void test_too_large(void **state)
{
    (void)state;
    static const unsigned char gif[] = "GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0;";
    static const unsigned char bmp[58] = {'B', 'M', 0, 0,    0,    0,    0,    0, 0, 0, 54,   0, 0, 0,  40,
                                          0,   0,   0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x80, 1, 0, 24, 0};
    nb_error err = {0};
    nb_image image;
    must_fail(nb_image_decode(&image, gif, sizeof gif - 1, "a.gif", &err), NB_ERR_INPUT, &err, "178956970");
    must_fail(nb_image_decode(&image, bmp, sizeof bmp, "a.bmp", &err), NB_ERR_INPUT, &err, "178956970");
}

/* What lies there instead of an image is named. */
static void test_named(void **state)
{
    (void)state;
    static const struct {
        const char *file, *word;
        nb_image_fault fault;
    } odd[] = {
        {"html.jpg", "it is HTML", NB_IMAGE_TEXT},
        {"lfs_pointer.jpg", "it is a Git LFS pointer; 'git lfs pull'", NB_IMAGE_POINTER},
        {"zeros.jpg", "nothing but zeros", NB_IMAGE_UNKNOWN},
        {"apple_double.jpg", "AppleDouble", NB_IMAGE_UNKNOWN},
        {"one_byte.png", "begins with bytes 89 00", NB_IMAGE_UNKNOWN},
        {"empty.jpg", "the file is empty", NB_IMAGE_EMPTY},
        {"bmp_header_unknown.bmp", "an unknown header", NB_IMAGE_FORMAT},
        {"gif_cut_in_data.gif", "GIF data is damaged or truncated", NB_IMAGE_DAMAGED},
        {"bmp_cut.bmp", "BMP data is truncated", NB_IMAGE_DAMAGED},
    };
    static const struct {
        const char *bytes;
        size_t len;
        const char *word;
    } formats[] = {
        {"\0\0\0\x1c"
         "ftypavif",
         12, "an AVIF image"},
        {"\0\0\0\x18"
         "ftypheic",
         12, "a HEIC image"},
        {"\xff\x0a\xff", 3, "a JPEG XL image"},
        {"8BPS\0\1", 6, "a Photoshop image"},
        {"  <svg xmlns=", 13, "an SVG image"},
    };
    nb_image_limits limits = nb_image_limits_default();
    nb_error err = {0};
    nb_image image;
    nb_image_fault fault;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        char path[LINE];
        snprintf(path, sizeof path, "image_oddities/%s", odd[i].file);
        nb_status status = nb_image_read_within(&image, &limits, golden_path(path), &fault, &err);
        char word[LINE];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(odd[i].word, ";"), odd[i].word);
        must_fail(status, NB_ERR_INPUT, &err, word);
        assert_int_equal(fault, odd[i].fault);
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        nb_image_file file = {formats[i].bytes, formats[i].len, "x"};
        must_fail(nb_image_decode_within(&image, &limits, &file, &fault, &err), NB_ERR_INPUT, &err, formats[i].word);
        assert_int_equal(fault, NB_IMAGE_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oddities),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
