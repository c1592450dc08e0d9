/* The look at all images: what cannot be decoded is left out on all ranks alike, and what is known is kept for a run
 * that continues, unless it is of other images or damaged. */
#include "support/on_ranks.h"

#include "common/image/write_png.h"
#include "common/parallel/stop.h"
#include "mining/images/check.h"
#include "mining/images/done_marks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 150, BAD = 33 };
static nb_comm comm;
static const nb_log silent = {0};
static char folder[256]; /* rank 0's, the same for all */

static const char *path_of(char out[300], const char *name)
{
    snprintf(out, 300, "%s/%s", folder, name);
    return out;
}

static const char *image_of(char out[300], size_t i)
{
    char name[32];
    snprintf(name, sizeof name, "%zu.png", i);
    return path_of(out, name);
}

static void write_image(size_t i)
{
    nb_error err = {0};
    nb_image image = {0};
    char path[300];
    must(nb_image_create(&image, 5 + i % 9, 7, &err), &err);
    must(nb_image_write_png(image_of(path, i), &image, true, &err), &err);
    nb_image_free(&image);
}

static void meet(void)
{
    nb_error err = {0};
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
}

/* The list of all images, number BAD damaged or not. */
static void open_inputs(nb_image_inputs *in, bool damaged)
{
    nb_error err = {0};
    char path[300];
    meet();
    if (comm.rank == 0) {
        write_image(BAD);
        if (damaged) {
            must(nb_file_write(image_of(path, BAD), true, "none", 4, &err), &err);
        }
    }
    meet();
    *in = (nb_image_inputs){.limits = nb_image_limits_default(), .count = IMAGES};
    in->labels = nb_alloc(IMAGES, sizeof *in->labels, &err);
    for (size_t i = 0; i < IMAGES; i++) {
        image_of(path, i);
        must(nb_strings_push(&in->paths, path, strlen(path), &err), &err);
        must(nb_strings_push(&in->names, path, strlen(path), &err), &err);
        in->labels[i] = (int32_t)i;
    }
}

/* Checks the images, number BAD damaged or not, within these bytes; returns how many were left out. */
static size_t check(bool damaged, bool resume, size_t bytes)
{
    nb_error err = {0};
    nb_image_inputs in;
    char path[300];
    size_t dropped = 0;
    const nb_images_check_options options = {.path = path_of(path, "out.images"), .resume = resume};
    open_inputs(&in, damaged);
    in.limits.bytes = bytes;
    must(nb_images_check(&comm, &silent, &in, &options, &dropped, &err), &err);
    assert_int_equal(in.count, IMAGES - dropped);
    assert_int_equal(in.labels[BAD], dropped ? BAD + 1 : BAD);
    assert_int_equal(access(path, R_OK), 0);
    nb_image_inputs_free(&in);
    return dropped;
}

static void test_marks(void **state)
{
    (void)state;
    nb_error err = {0};
    char path[300], *bytes = NULL;
    size_t len = 0;
    assert_int_equal(check(true, false, 1 << 20), 1);
    assert_int_equal(check(false, true, 1 << 20), 1); /* known: not looked at again */
    assert_int_equal(check(false, true, 1 << 21), 0); /* other limits */
    assert_int_equal(check(true, true, 1 << 21), 0);
    assert_int_equal(check(true, false, 1 << 21), 1); /* not to be continued */
    meet();
    if (comm.rank == 0) { /* another verdict on one image: the digest does not hold */
        must(nb_file_read(path_of(path, "out.images"), 1 << 20, &bytes, &len, &err), &err);
        bytes[len - 64 - IMAGES + BAD] = 1;
        must(nb_file_write(path, true, bytes, len, &err), &err);
        free(bytes);
    }
    assert_int_equal(check(true, true, 1 << 21), 1);
    meet();
    if (comm.rank == 0) {
        assert_int_equal(truncate(path_of(path, "out.images"), (off_t)len - 1), 0);
    }
    assert_int_equal(check(true, true, 1 << 21), 1);
}

/* The last one: a process that was asked to stop stays so. */
static void test_stop(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image_inputs in;
    char path[300];
    uint8_t done_marks[IMAGES];
    size_t dropped;
    const nb_images_check_options options = {.path = path_of(path, "out.images")};
    open_inputs(&in, true);
    nb_stop_listen();
    raise(SIGUSR1);
    must_fail(nb_images_check(&comm, &silent, &in, &options, &dropped, &err), NB_STOPPED, &err, "images looked at");
    assert_non_null(strstr(err.hint, "--resume"));
    meet();
    assert_true(nb_done_marks_read(done_marks, &in, path));
    for (size_t i = 0; i < IMAGES; i++) {
        assert_true(done_marks[i] <= 1 || i == BAD);
    }
    in.count--; /* other images */
    assert_false(nb_done_marks_read(done_marks, &in, path));
    in.count++;
    nb_image_inputs_free(&in);
}

static int write_images(void **state)
{
    nb_error err = {0};
    (void)state;
    snprintf(folder, sizeof folder, "%s", scratch_path("."));
    must(nb_comm_broadcast(&comm, folder, sizeof folder, &err), &err);
    for (size_t i = 0; comm.rank == 0 && i < IMAGES; i++) {
        write_image(i);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_marks), cmocka_unit_test(test_stop)};
    return run_on_ranks(&comm, tests, write_images);
}
