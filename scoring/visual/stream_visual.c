#include "scoring/visual/stream_visual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_stream_visual_decide(const nb_scorer *s, const char *model, bool asked, bool *make, nb_buffer *note,
                                  nb_error *err)
{
    const nb_bank *b = s->bank;
    nb_visual_limits limits;
    *make = false;
    if (!nb_score_visual(s, &limits)) {
        return nb_buffer_printf(note, err, "%s", "");
    }
    if (!limits.count) {
        return nb_buffer_printf(note, err, "no visual negatives: none are to be kept");
    }
    if (model && !b->prototypes) {
        nb_fail(err, NB_ERR_INPUT, "the bank has no image prototypes: visual negatives cannot be judged");
        return nb_hint(err, "mine it with --id-images, or score with --visual 0");
    }
    if (model) {
        *make = true;
        return nb_buffer_printf(note, err, "images under %g become visual negatives, beside the bank's own %zu",
                                limits.theta, b->visual_count);
    }
    if (asked && !b->visual_count) {
        nb_fail(err, NB_ERR_USAGE, "--visual %zu needs --model DIR: the bank has no visual negatives of its own",
                limits.count);
        return nb_hint(err, "confident OOD images are inverted through the checkpoint's text tower");
    }
    return nb_buffer_printf(
        note, err, "no image is inverted without --model: the bank's own %zu visual negatives count", b->visual_count);
}

nb_status nb_stream_visual_create(nb_stream_visual *v, const nb_clip *clip, const nb_scorer *s, nb_error *err)
{
    const nb_bank *b = s->bank;
    uint64_t seed = s->parameters.shared.seeded ? s->parameters.shared.seed : 0;
    nb_visual_limits limits = {0};
    nb_status status;
    nb_score_visual(s, &limits);
    *v = (nb_stream_visual){.model = clip->digest};
    if (clip->config.projection != b->d) {
        return nb_fail(err, NB_ERR_INPUT, "the checkpoint embeds to width %zu, the bank's embeddings are %zu wide",
                       clip->config.projection, b->d);
    }
    NB_TRY_NEW(v->images, NB_INVERT_TILE * b->d);
    NB_TRY_NEW(v->rows, NB_INVERT_TILE * b->d);
    const nb_visual_classes classes = {.labels = b->label_rows, .prototypes = b->prototypes, .count = b->label_count};
    const nb_word_inversion_plan words = {.words = &b->negatives, .lambda = limits.lambda, .steps = limits.steps};
    NB_TRY(limits.words ? nb_visual_source_create_words(&v->source, clip, &classes, &words, err)
                        : nb_visual_source_create(&v->source, clip, &classes, seed, err));
done:
    return status;
}

void nb_stream_visual_destroy(nb_stream_visual *v)
{
    nb_visual_source_destroy(&v->source);
    free(v->images);
    free(v->rows);
    *v = (nb_stream_visual){0};
}

/* At most NB_INVERT_TILE images. */
static nb_status stream_visual_invert(nb_stream_visual *v, nb_stream *stream, const float *images, const size_t *number,
                                      size_t count, nb_error *err)
{
    size_t d = v->source.d, kept = 0;
    nb_status status;
    for (size_t i = 0; i < count * d; i++) {
        v->images[i] = (double)images[i];
    }
    for (size_t i = 0; i < count; i++) {
        v->ids[i] = number[i];
    }
    const nb_visual_batch batch = {v->images, v->ids, count, v->rows, v->margins};
    NB_TRY(nb_visual_source_run(&v->source, &batch, err));
    for (size_t i = 0; i < count; i++) {
        if (v->margins[i] > -INFINITY) {
            memmove(v->rows + kept * d, v->rows + i * d, d * sizeof *v->rows);
            v->margins[kept++] = v->margins[i];
        }
    }
    v->inverted += count;
    v->rejected += count - kept;
    NB_TRY(nb_stream_add_negatives(stream, v->rows, v->margins, kept, err));
done:
    return status;
}

static nb_status stream_visual_make(void *self, nb_stream *stream, const float *images, const size_t *number,
                                    size_t count, nb_error *err)
{
    nb_stream_visual *v = self;
    nb_status status = NB_OK;
    for (size_t at = 0; at < count && status == NB_OK; at += NB_INVERT_TILE) {
        size_t n = count - at < NB_INVERT_TILE ? count - at : NB_INVERT_TILE;
        status = stream_visual_invert(v, stream, images + at * v->source.d, number + at, n, err);
    }
    return status;
}

nb_status nb_stream_visual_attach(nb_stream_visual *v, nb_stream *stream, nb_error *err)
{
    nb_status status = nb_stream_input(stream, "model", v->model.hex, err);
    return status == NB_OK ? nb_stream_make_visual(stream, stream_visual_make, v, err) : status;
}
