/**
 * @file
 * A whole stream: images in their order, batch by batch.
 */
#ifndef NB_SCORING_STREAMS_STREAM_RUN_H
#define NB_SCORING_STREAMS_STREAM_RUN_H

#include "scoring/streams/stream.h"

/** Where the images of a stream come from. */
typedef struct nb_stream_source {
    size_t count;
    size_t batch;
    const size_t *order; /**< [count] which image comes when; NULL: as they are numbered */
    /** Image `image` into out [d], normalised. */
    nb_status (*row)(void *self, size_t image, float *out, nb_error *err);
    void (*done)(void *self, size_t images); /**< now and then: how many are scored; may be NULL */
    void *self;
} nb_stream_source;

/** Scores all images of a source.
 * @param stream the stream
 * @param source of the images
 * @param d width of the images
 * @param results [source->count], in the stream's order
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as source->row and nb_stream_push fail */
nb_status nb_stream_run(nb_stream *stream, const nb_stream_source *source, size_t d, nb_score_result *results,
                        nb_error *err);

#endif
