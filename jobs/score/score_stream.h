/**
 * @file
 * The part of `score` that goes along a stream of images, where a score's state depends on their order.
 */
#ifndef NB_JOBS_SCORE_SCORE_STREAM_H
#define NB_JOBS_SCORE_SCORE_STREAM_H

#include "jobs/score/score_images.h"
#include "scoring/scores/score.h"

typedef struct nb_score_stream {
    nb_job *job;
    const nb_scorer *scorer; /**< of a stream */
    nb_score_images *images;
    const nb_score_sources *sources;
    const size_t *order; /**< [images->count] on rank 0, NULL: as they come */
    size_t batch;
    bool invert;     /**< make visual negatives: nb_stream_visual_decide */
    nb_digest model; /**< of the checkpoint that images were inverted through, "" where none were; set by the run */
} nb_score_stream;

/** Collective. Scores along the stream -> results [images->count] in its order, on rank 0. Embedding, where it is
 * needed, is shared by all ranks; rank 0 goes along the stream and inverts images.
 * @return NB_OK, or as nb_stream_run and the inversion fail; the same on all ranks */
nb_status nb_score_stream_run(nb_score_stream *stream, nb_score_result *results, nb_error *err);

#endif
