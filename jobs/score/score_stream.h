/**
 * @file
 * The part of `score` that goes along a stream of images, where a score's state depends on their order.
 */
#ifndef NB_JOBS_SCORE_SCORE_STREAM_H
#define NB_JOBS_SCORE_SCORE_STREAM_H

#include "jobs/score/score_images.h"
#include "scoring/scores/score.h"

/** A stream to score; all borrowed. */
typedef struct nb_score_stream {
    nb_job *job;
    const nb_scorer *scorer; /**< of a stream */
    nb_score_images *images;
    const nb_score_sources *sources;
    const size_t *order; /**< [images->count] on rank 0 (with a corpus, on all), NULL: as they come */
    size_t batch;
    const char *state_path; /**< a saved state to go on from where the file is there; NULL: none */
    nb_buffer *state;       /**< rank 0: becomes the state at the end where state_path is given */
    bool invert;            /**< make visual negatives: nb_stream_visual_decide */
    nb_digest model; /**< of the checkpoint that images were inverted through, "" where none were; set by the run */
} nb_score_stream;

/** Scores along the stream. Embedding, where it is needed, is shared by all ranks, and so is a corpus, along whose
 * passes all go together; otherwise rank 0 alone goes along the stream and inverts images. Collective.
 * @param stream the stream; its `model` is set
 * @param results [images->count] in the stream's order
 * @return NB_OK, or as nb_score_images_rows, nb_stream_run and the inversion fail; the same on all ranks */
nb_status nb_score_stream_run(nb_score_stream *stream, nb_score_result *results, nb_error *err);

#endif
