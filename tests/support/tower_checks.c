#include "support/tower_checks.h"

#include "support/support.h"

#include "common/clip/model/image_encoder.h"
#include "common/clip/model/text_encoder.h"
#include "common/store/npy.h"

#include <math.h>
#include <stdlib.h>

float *tower_numbers(const char *path, size_t count)
{
    nb_error err = {0};
    nb_npy npy;
    must(nb_npy_open(&npy, path, &err), &err);
    assert_int_equal(npy.rows * npy.columns, count);
    float *out = malloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)nb_npy_at(&npy, i);
    }
    nb_npy_close(&npy);
    return out;
}

void tower_compare(const char *what, const float *got, const float *want, size_t rows, size_t d, bool exact)
{
    double largest = 0, worst = 0, least = 1;
    for (size_t i = 0; i < rows * d; i++) {
        largest = fmax(largest, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
    }
    for (size_t r = 0; r < rows; r++) {
        double dot = 0, a = 0, b = 0;
        for (size_t i = r * d; i < (r + 1) * d; i++) {
            dot += (double)got[i] * (double)want[i];
            a += (double)got[i] * (double)got[i];
            b += (double)want[i] * (double)want[i];
        }
        least = fmin(least, dot / sqrt(a * b));
    }
    print_message("  %s: largest element error %.2g, least cosine 1 - %.2g\n", what, worst / largest, 1 - least);
    assert_true(least >= (exact ? 0.999999 : 0.999));
    assert_true(!exact || worst <= 1e-4 * largest);
}

void tower_embed_texts(const nb_clip *m, const nb_strings *texts, size_t batch, float *out)
{
    nb_error err = {0};
    nb_text_encoder *encoder;
    must(nb_text_encoder_create(&encoder, m, batch, &err), &err);
    for (size_t at = 0; at < texts->count; at += batch) {
        size_t count = texts->count - at < batch ? texts->count - at : batch;
        must(nb_text_encoder_run(encoder, texts, at, count, out + at * m->config.projection, &err), &err);
    }
    nb_text_encoder_destroy(encoder);
}

void tower_embed_images(const nb_clip *m, const float *pixels, size_t count, size_t batch, float *out)
{
    nb_error err = {0};
    nb_image_encoder *encoder;
    must(nb_image_encoder_create(&encoder, m, batch, &err), &err);
    nb_image_encoder_run(encoder, pixels, count, out);
    nb_image_encoder_destroy(encoder);
}
