/**
 * @file
 * Visual negatives made along a stream (interneg, tins): what a stream's confident OOD images are inverted into, by
 * common/clip/inversion/visual_negatives.h, or from the bank's words by common/clip/inversion/word_inversion.h, beside
 * those the bank brought. Both judge them by the margin and the rejection rule of common/linear/exact/inter_modal.h.
 *
 * The images under theta of a batch are inverted in tiles of NB_INVERT_TILE in the order they came, each drawing its
 * random numbers by the scorer's seed (0 for none) and its number in the stream: the result depends on the stream, its
 * batches and the settings alone.
 */
#ifndef NB_SCORING_STREAM_VISUAL_H
#define NB_SCORING_STREAM_VISUAL_H

#include "common/clip/inversion/visual_negatives.h"
#include "scoring/streams/stream.h"

/** What makes the visual negatives of a stream. Owns everything in it but what `source` borrows. */
typedef struct nb_stream_visual {
    nb_visual_source source;
    double *images; /**< [NB_INVERT_TILE, d] */
    float *rows;    /**< [NB_INVERT_TILE, d] */
    double margins[NB_INVERT_TILE];
    uint64_t ids[NB_INVERT_TILE];
    nb_digest model;           /**< the checkpoint's */
    size_t inverted, rejected; /**< images so far, and those whose feature the rejection rule refused */
} nb_stream_visual;

/** Whether visual negatives are to be made for a scorer.
 * @param scorer the scorer
 * @param model the checkpoint to invert through; NULL: none
 * @param asked their number was asked for, not left to its default
 * @param make becomes whether
 * @param note appended to: what is done, nothing for scores that take none; freed by the caller
 * @return NB_OK, NB_ERR_USAGE when they were asked for and can come from nowhere, NB_ERR_INPUT when they are to be made
 * and the bank has no prototypes to judge them by, or NB_ERR_LIMIT when memory is out */
nb_status nb_stream_visual_decide(const nb_scorer *scorer, const char *model, bool asked, bool *make, nb_buffer *note,
                                  nb_error *err);

/** Makes what inverts images.
 * @param out destroyed by the caller with nb_stream_visual_destroy, also after a failure
 * @param clip the checkpoint, fp32; borrowed, must stay
 * @param scorer against a bank with prototypes; borrowed, must stay
 * @return NB_OK, NB_ERR_INPUT when the checkpoint embeds to another width, NB_ERR_LIMIT when memory is out, or as
 * nb_visual_source_create fails */
nb_status nb_stream_visual_create(nb_stream_visual *out, const nb_clip *clip, const nb_scorer *scorer, nb_error *err);

/** Frees what inverts images.
 * @param visual {0} afterwards; takes {0} */
void nb_stream_visual_destroy(nb_stream_visual *visual);

/** From the next push on, the stream's confident OOD images become visual negatives.
 * @param visual must stay as long as the stream
 * @param stream the stream
 * @return as nb_stream_make_visual; the pushes then fail as nb_visual_source_run does */
nb_status nb_stream_visual_attach(nb_stream_visual *visual, nb_stream *stream, nb_error *err);

#endif
