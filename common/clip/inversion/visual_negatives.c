#include "common/clip/inversion/visual_negatives.h"

#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>

nb_status nb_visual_source_create(nb_visual_source *s, const nb_clip *clip, const nb_visual_classes *classes,
                                  uint64_t seed, nb_error *err)
{
    size_t d = clip->config.projection;
    nb_status status;
    *s = (nb_visual_source){.d = d, .seed = seed};
    NB_TRY_NEW(s->images, NB_INVERT_TILE * d);
    NB_TRY_NEW(s->row, d);
    NB_TRY(nb_inter_modal_create(&s->margins, classes->labels, classes->prototypes, classes->count, d, err));
    NB_TRY(nb_inverter_create(&s->inverter, clip, NULL, NB_INVERT_STEPS, NB_INVERT_TILE, err));
done:
    if (status != NB_OK) {
        nb_visual_source_destroy(s);
    }
    return status;
}

void nb_visual_source_destroy(nb_visual_source *s)
{
    nb_inverter_destroy(s->inverter);
    nb_inter_modal_destroy(&s->margins);
    free(s->images);
    free(s->row);
    *s = (nb_visual_source){0};
}

nb_status nb_visual_source_run(nb_visual_source *s, const nb_visual_batch *b, nb_error *err)
{
    for (size_t i = 0; i < b->count * s->d; i++) {
        s->images[i] = (float)b->images[i];
    }
    nb_status status =
        nb_inverter_images(s->inverter, s->seed, &(nb_numbered_images){s->images, b->ids, b->count}, b->features, err);
    for (size_t i = 0; i < b->count && status == NB_OK; i++) {
        bool rejected;
        for (size_t k = 0; k < s->d; k++) {
            s->row[k] = (double)b->features[i * s->d + k];
        }
        nb_normalise_row(s->row, s->row, s->d);
        double margin = nb_inter_modal_margin(&s->margins, s->row, &rejected);
        b->margins[i] = rejected ? -INFINITY : margin;
    }
    return status;
}
