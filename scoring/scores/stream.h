/* A stream of images: scores whose state the images change, in the order they come.
 *
 * Every score can be pushed through a stream; one that looks at images alone just scores them. Within a batch all
 * images are scored after the batch's own changes, so the cut into batches and the order matter, and the same pushes
 * give the same bits. */
#ifndef NB_SCORING_SCORES_STREAM_H
#define NB_SCORING_SCORES_STREAM_H

#include "scoring/scores/score.h"

typedef struct nb_stream nb_stream;

/* The scorer is borrowed and must stay. */
nb_status nb_stream_create(nb_stream **out, const nb_scorer *scorer, nb_error *err);
void nb_stream_destroy(nb_stream *stream);

/* Scores images [count, d], normalised, as one batch -> results [count]. After an error the stream is of no more use.
 */
nb_status nb_stream_push(nb_stream *stream, const float *images, size_t count, nb_score_result *results, nb_error *err);

/* Scores images [count, d], normalised, as batches of `batch`, the last one shorter: as pushes one by one do, to
 * rounding, but what does not depend on the state is computed for all of them together, which is faster. */
nb_status nb_stream_push_batches(nb_stream *stream, const float *images, size_t count, size_t batch,
                                 nb_score_result *results, nb_error *err);

/* What the state came to, "1034 images stored in 812 classes", for the log; "" for scores without one. */
nb_status nb_stream_describe(const nb_stream *stream, nb_buffer *out, nb_error *err);

/* Visual negatives (interneg): rows [count, d], normalised, with their margins; those with the largest margins so far,
 * at most the `visual` of the settings, stand beside the bank from the next push on. NB_ERR_USAGE for other scores. */
nb_status nb_stream_add_negatives(nb_stream *stream, const float *rows, const double *margins, size_t count,
                                  nb_error *err);

/* Makes visual negatives of images [count, d] that scored under theta, images `number` [count] of the stream, counted
 * from 0, by inverting them into the text space, say. Whatever passes the rejection rule goes to
 * nb_stream_add_negatives. */
typedef nb_status (*nb_visual_maker)(void *self, nb_stream *stream, const float *images, const size_t *number,
                                     size_t count, nb_error *err);

/* From the next push on, every batch offers its images under theta to `make` before it is scored for good. */
nb_status nb_stream_make_visual(nb_stream *stream, nb_visual_maker make, void *self, nb_error *err);

/* What a score of a stream implements; `state` is its own, in nb_stream. */
typedef struct nb_stream_rule {
    nb_status (*create)(void **state, const nb_scorer *scorer, nb_error *err);
    void (*destroy)(void *state);
    nb_status (*push)(void *state, nb_stream *stream, const float *images, size_t count, nb_score_result *results,
                      nb_error *err);
    /* Computes what does not depend on the state for the images [count, d] of the pushes that follow; may be NULL. */
    nb_status (*prepare)(void *state, const float *images, size_t count, nb_error *err);
    nb_status (*describe)(const void *state, nb_buffer *out, nb_error *err);
    nb_status (*add_negatives)(void *state, const float *rows, const double *margins, size_t count, nb_error *err);
    nb_status (*make_visual)(void *state, nb_visual_maker make, void *self, nb_error *err);
} nb_stream_rule;

#endif
