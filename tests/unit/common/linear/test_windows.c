/* The loops over windows of every instruction set this CPU has, against the plain ones, over a grid of shapes. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/simd/instruction_set.h"

#include <math.h>
#include <stdlib.h>

static float *numbers(size_t count, uint64_t stream)
{
    float *out = malloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)nb_random_normal(7, stream, i);
    }
    return out;
}

static void close_to(const float *got, const float *want, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(fabs((double)got[i] - (double)want[i]) <= tolerance * (1 + fabs((double)want[i])));
    }
}

static void check_window(const nb_window_loops *loops, nb_window w)
{
    size_t places = nb_window_places(&w), count = places * places * w.channels;
    float *in = numbers(w.side * w.side * w.channels, 1), *weight = numbers(w.kernel * w.kernel * w.channels, 2);
    float *bias = numbers(w.channels, 3), *got = malloc(count * 4), *want = malloc(count * 4);
    w.in = in, w.weight = weight, w.bias = bias;
    w.out = want;
    nb_depthwise(&w);
    w.out = got;
    loops->depthwise(&w);
    close_to(got, want, count, 1e-5);
    w.out = want;
    nb_window_mean(&w);
    w.out = got;
    loops->mean(&w);
    close_to(got, want, count, 1e-6);
    nb_relu(want, count);
    loops->relu(got, count);
    close_to(got, want, count, 1e-6);
    nb_multiply_rows(want, places * places, w.channels, bias);
    loops->multiply_rows(got, places * places, w.channels, bias);
    nb_sigmoid(want, count);
    loops->sigmoid(got, count);
    close_to(got, want, count, 1e-6);
    free(in), free(weight), free(bias), free(got), free(want);
}

static void test_windows(void **state)
{
    (void)state;
    static const nb_window windows[] = {
        {.kernel = 1, .stride = 1},
        {.kernel = 2, .stride = 2},
        {.kernel = 3, .stride = 1, .padding = 1},
        {.kernel = 3, .stride = 2, .padding = 1},
        {.kernel = 7, .stride = 1, .padding = 3},
        {.kernel = 7, .stride = 2, .padding = 3},
    };
    static const size_t sides[] = {2, 3, 8, 9}, channels[] = {1, 3, 16, 17, 64, 85};
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t s = 0; s < count; s++) {
        assert_string_equal(sets[s]->windows->name, sets[s]->name);
        for (size_t i = 0; i < sizeof windows / sizeof *windows * 4 * 6; i++) {
            nb_window w = windows[i / 24];
            w.side = sides[i / 6 % 4];
            w.channels = channels[i % 6];
            check_window(sets[s]->windows, w);
        }
    }
    assert_ptr_equal(nb_window_loops_best(), nb_instruction_set_best()->windows);
}

/* The mean over a whole image, of numbers whose mean is known. */
static void test_whole_image(void **state)
{
    (void)state;
    float in[9 * 2], out[2];
    for (size_t i = 0; i < 9; i++) {
        in[2 * i] = (float)i;
        in[2 * i + 1] = -1;
    }
    nb_window_loops_best()->mean(
        &(nb_window){.in = in, .side = 3, .channels = 2, .kernel = 3, .stride = 1, .out = out});
    assert_true(fabsf(out[0] - 4) < 1e-6f && fabsf(out[1] + 1) < 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_windows), cmocka_unit_test(test_whole_image)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
