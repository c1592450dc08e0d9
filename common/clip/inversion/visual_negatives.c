#include "common/clip/inversion/visual_negatives.h"

#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>

static nb_status visual_begin(nb_visual_source *s, const nb_clip *clip, const nb_visual_classes *classes, nb_error *err)
{
    size_t d = clip->config.projection;
    nb_status status;
    *s = (nb_visual_source){.d = d};
    NB_TRY_NEW(s->images, NB_INVERT_TILE * d);
    NB_TRY_NEW(s->row, d);
    NB_TRY(nb_inter_modal_create(&s->margins, classes->labels, classes->prototypes, classes->count, d, err));
done:
    return status;
}

nb_status nb_visual_source_create(nb_visual_source *s, const nb_clip *clip, const nb_visual_classes *classes,
                                  uint64_t seed, nb_error *err)
{
    nb_status status;
    NB_TRY(visual_begin(s, clip, classes, err));
    s->seed = seed;
    NB_TRY(nb_inverter_create(&s->inverter, clip, NULL, NB_INVERT_STEPS, NB_INVERT_TILE, err));
done:
    if (status != NB_OK) {
        nb_visual_source_destroy(s);
    }
    return status;
}

nb_status nb_visual_source_create_words(nb_visual_source *s, const nb_clip *clip, const nb_visual_classes *classes,
                                        const nb_word_inversion_plan *words, nb_error *err)
{
    nb_word_inversion_plan plan = *words;
    nb_status status;
    plan.prototypes = classes->prototypes;
    plan.classes = classes->count;
    NB_TRY(visual_begin(s, clip, classes, err));
    NB_TRY(nb_word_inversion_create(&s->words, clip, &plan, err));
done:
    if (status != NB_OK) {
        nb_visual_source_destroy(s);
    }
    return status;
}

void nb_visual_source_destroy(nb_visual_source *s)
{
    nb_inverter_destroy(s->inverter);
    nb_word_inversion_destroy(&s->words);
    nb_inter_modal_destroy(&s->margins);
    free(s->images);
    free(s->row);
    *s = (nb_visual_source){0};
}

static nb_status visual_invert(nb_visual_source *s, const nb_visual_batch *b, nb_error *err)
{
    nb_word_inverted from_words = {
        .images = s->images, .count = b->count, .starts = s->starts, .features = b->features};
    const nb_numbered_images numbered = {s->images, b->ids, b->count};
    return s->words.count ? nb_word_inversion_run(&s->words, &from_words, err)
                          : nb_inverter_images(s->inverter, s->seed, &numbered, b->features, err);
}

nb_status nb_visual_source_run(nb_visual_source *s, const nb_visual_batch *b, nb_error *err)
{
    for (size_t i = 0; i < b->count * s->d; i++) {
        s->images[i] = (float)b->images[i];
    }
    nb_status status = visual_invert(s, b, err);
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
