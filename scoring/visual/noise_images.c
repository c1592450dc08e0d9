#include "scoring/visual/noise_images.h"

#include "common/base/random.h"
#include "common/clip/model/image_encoder.h"
#include "scoring/scores/score.h"

#include <math.h>
#include <stdlib.h>

enum { GAUSSIAN, UNIFORM, POISSON, GAMMA, SALT_AND_PEPPER, STREAM = 16 /* of the random numbers, one an image */ };

/* A Poisson variable of mean 10 by its distribution function. */
static double noise_poisson(double u)
{
    double p = exp(-10.0), below = p;
    int k = 0;
    for (; u > below && k < 100; below += p) {
        p *= 10.0 / ++k;
    }
    return k;
}

/* Element i of image number `image`, before it is scaled. */
static double noise_element(size_t image, uint64_t seed, size_t i)
{
    uint64_t stream = STREAM + image;
    double u = nb_random_unit(seed, stream, 2 * i);
    switch (image % 5) {
    case GAUSSIAN: return nb_random_normal(seed, stream, i);
    case UNIFORM: return u;
    case POISSON: return noise_poisson(u);
    case GAMMA: return -log1p(-u) - log1p(-nb_random_unit(seed, stream, 2 * i + 1)); /* shape 2 */
    default: return u < 0.5 ? 0 : 1;                                                 /* SALT_AND_PEPPER */
    }
}

static void noise_draw(float *pixels, size_t count, size_t image, uint64_t seed)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double x = noise_element(image, seed, i);
        pixels[i] = (float)x;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    for (size_t i = 0; i < count && high > low; i++) {
        pixels[i] = (float)(((double)pixels[i] - low) / (high - low));
    }
}

nb_status nb_noise_images_embed(float *out, const nb_clip *clip, uint64_t seed, nb_error *err)
{
    size_t size = clip->config.image_size, elements = 3 * size * size, d = clip->config.projection;
    nb_image_encoder *encoder = NULL;
    float *pixels = NULL;
    nb_status status;
    NB_TRY(nb_image_encoder_create(&encoder, clip, 1, err));
    NB_TRY_NEW(pixels, elements);
    for (size_t i = 0; i < NB_NOISE_IMAGES; i++) {
        noise_draw(pixels, elements, i, seed);
        nb_image_encoder_run(encoder, pixels, 1, out + i * d);
    }
    NB_TRY(nb_score_normalise(out, NB_NOISE_IMAGES, d, 0, "the noise images", err));
done:
    nb_image_encoder_destroy(encoder);
    free(pixels);
    return status;
}
