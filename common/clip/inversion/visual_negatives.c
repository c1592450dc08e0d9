#include "common/clip/inversion/visual_negatives.h"

#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>

nb_status nb_visual_source_create(nb_visual_source *s, const nb_clip *clip, const nb_visual_classes *classes,
                                  uint64_t seed, nb_error *err)
{
    size_t d = clip->config.projection, label_count = classes->count;
    nb_status status;
    *s = (nb_visual_source){.prototypes = classes->prototypes, .label_count = label_count, .d = d, .seed = seed};
    NB_TRY_NEW(s->reference, label_count);
    NB_TRY_NEW(s->images, NB_INVERT_TILE * d);
    NB_TRY_NEW(s->row, d);
    NB_TRY(nb_inverter_create(&s->inverter, clip, NULL, NB_INVERT_STEPS, NB_INVERT_TILE, err));
    for (size_t c = 0; c < label_count; c++) {
        s->reference[c] = nb_dot(classes->labels + c * d, classes->prototypes + c * d, d);
    }
done:
    if (status != NB_OK) {
        nb_visual_source_destroy(s);
    }
    return status;
}

void nb_visual_source_destroy(nb_visual_source *s)
{
    nb_inverter_destroy(s->inverter);
    free(s->reference);
    free(s->images);
    free(s->row);
    *s = (nb_visual_source){0};
}

/* The margin of one normalised feature [d], -INFINITY when it is rejected. */
static double visual_negatives_margin_of(const nb_visual_source *s, const double *feature)
{
    double sum = 0;
    bool over = false;
    for (size_t c = 0; c < s->label_count; c++) {
        double gap = s->reference[c] - nb_dot(feature, s->prototypes + c * s->d, s->d);
        sum += gap;
        over = over || gap <= 0;
    }
    return over ? -INFINITY : sum / (double)s->label_count;
}

nb_status nb_visual_source_run(nb_visual_source *s, const double *images, const uint64_t *ids, size_t count,
                               const nb_visual_features *out, nb_error *err)
{
    for (size_t i = 0; i < count * s->d; i++) {
        s->images[i] = (float)images[i];
    }
    const nb_numbered_images numbered = {.rows = s->images, .ids = ids, .count = count};
    nb_status status = nb_inverter_images(s->inverter, s->seed, &numbered, out->features, err);
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        for (size_t k = 0; k < s->d; k++) {
            s->row[k] = (double)out->features[i * s->d + k];
        }
        nb_normalise_row(s->row, s->row, s->d);
        out->margins[i] = visual_negatives_margin_of(s, s->row);
    }
    return status;
}
