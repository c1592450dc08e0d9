/**
 * @file
 * A stream of images: scores whose state the images change, in the order they come.
 *
 * Every score can be pushed through a stream; one that looks at images alone just scores them. Within a batch all
 * images are scored after the batch's own changes, so the cut into batches and the order matter, and the same pushes
 * give the same bits. A stream belongs to one thread at a time. Its state can be saved and another stream go on from
 * it, to the same bits: a service survives a restart.
 *
 * A score of streams is one file here with one nb_stream_rule, and a line of scoring/scores/score_table.c.
 */
#ifndef NB_SCORING_STREAMS_STREAM_H
#define NB_SCORING_STREAMS_STREAM_H

#include "scoring/scores/score.h"
#include "scoring/streams/stream_state.h"

/** A stream under way. */
typedef struct nb_stream nb_stream;

/** Begins a stream.
 * @param out ended by nb_stream_destroy; NULL on failure
 * @param scorer borrowed; must stay
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or what the score's own beginning fails with */
nb_status nb_stream_create(nb_stream **out, const nb_scorer *scorer, nb_error *err);

enum { NB_STREAM_BATCH = 32 }; /**< images that change the state together, unless a score was published with others */

/** The size of a stream's batches.
 * @param rule of a score of streams
 * @param asked as somebody says, 0: nobody
 * @return asked, else the size the score was published with */
size_t nb_stream_batch(const nb_score_rule *rule, size_t asked);

/** Ends a stream.
 * @param stream may be NULL */
void nb_stream_destroy(nb_stream *stream);

/** Scores images as one batch. After an error the stream is of no more use.
 * @param stream the stream
 * @param images [count, d], normalised
 * @param count images; for 0 nothing happens
 * @param results [count]
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or what a maker of visual negatives fails with */
nb_status nb_stream_push(nb_stream *stream, const float *images, size_t count, nb_score_result *results, nb_error *err);

enum { NB_STREAM_TOGETHER = 256 }; /**< images whose products are computed together, in whole batches */

/** Scores images as batches of `batch`, the last one shorter: as pushes one by one do, to rounding, but what does not
 * depend on the state is computed for NB_STREAM_TOGETHER of them together, which is faster. Those blocks are counted
 * from the beginning of the stream and have one shape, so that a stream gets the same bits in any number of calls,
 * wherever it was stopped and went on from its state.
 * @param stream the stream
 * @param images [count, d], normalised
 * @param count images
 * @param batch from 1 on
 * @param results [count]
 * @return as nb_stream_push */
nb_status nb_stream_push_batches(nb_stream *stream, const float *images, size_t count, size_t batch,
                                 nb_score_result *results, nb_error *err);

/** How many images a stream has seen, those before its state was restored included.
 * @param stream the stream
 * @return images */
size_t nb_stream_images(const nb_stream *stream);

/** Records what else the results of a stream depend on, for its state: one with another value is refused.
 * @param stream the stream
 * @param name "model"
 * @param value its digest, say; a text of one line
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_stream_input(nb_stream *stream, const char *name, const char *value, nb_error *err);

/** Packs the state of a stream, from which another one goes on to the same bits (scoring/streams/stream_state.h). With
 * a corpus that is shared (nb_score_corpus) it is a matter of all who share it, and all of them get the whole.
 * @param stream the stream; not changed
 * @param packed becomes the state; freed by the caller, also after a failure
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or what sharing fails with */
nb_status nb_stream_pack(nb_stream *stream, nb_buffer *packed, nb_error *err);

/** Goes on from a state: what is pushed from here on is scored as if the stream had seen all that was pushed before the
 * state was packed. After an error the stream is of no more use.
 * @param stream to which nothing was pushed yet; with its inputs and its maker of visual negatives
 * @param packed of nb_stream_pack
 * @return NB_OK; NB_ERR_INPUT for the state of another bank, score, parameter or input, which is named, of a newer
 * format, and for bytes that are none; NB_ERR_USAGE for a stream under way; NB_ERR_LIMIT when memory is out */
nb_status nb_stream_unpack(nb_stream *stream, const nb_buffer *packed, nb_error *err);

/** nb_stream_pack into a file, which replaces another of its name once it is whole.
 * @param stream the stream
 * @param path the file
 * @return as nb_stream_pack and nb_state_write */
nb_status nb_stream_save(nb_stream *stream, const char *path, nb_error *err);

/** nb_stream_unpack of a file.
 * @param stream to which nothing was pushed yet
 * @param path the file
 * @return as nb_state_read and nb_stream_unpack */
nb_status nb_stream_restore(nb_stream *stream, const char *path, nb_error *err);

/** Appends what the state came to, "1034 images stored in 812 classes", for the log; "" for scores without one.
 * @param stream the stream
 * @param out appended to
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_stream_describe(const nb_stream *stream, nb_buffer *out, nb_error *err);

/* Parameters that scores of streams share by name. */
#define NB_SCORE_GAP(DEFAULT)                                                                                          \
    OPT_REAL("gap", gap, "X", DEFAULT, 0, 1, "how far the confidence bounds stand from their middle, as a share; {}")
#define NB_SCORE_BETA(DEFAULT)                                                                                         \
    OPT_REAL("beta", beta, "X", DEFAULT, 0, 1e9,                                                                       \
             "adaneg: sharpness of sample proxies (the released code computes with 5); tanl: negatives of a bank; {}")
#define NB_SCORE_LAMBDA(DEFAULT)                                                                                       \
    OPT_REAL("lambda", lambda, "X", DEFAULT, 0, 1e6,                                                                   \
             "adaneg: weight of the NegLabel score in the sum, always 1 with --adaptive-gap; tins: of the distance "   \
             "to the prototypes; {}")
#define NB_SCORE_THETA(DEFAULT)                                                                                        \
    OPT_REAL("theta", theta, "X", DEFAULT, 0, 1, "images that score less may become visual negatives; {}")
#define NB_SCORE_VISUAL(DEFAULT) OPT_INT("visual", visual, "N", DEFAULT, 0, 1e7, "visual negatives kept at most; {}")
#define NB_SCORE_QUEUE(DEFAULT)  OPT_INT("queue", queue, "N", DEFAULT, 1, 1e6, "images a queue keeps; {}")

/** The default of theta, below which a score is that of a confident OOD image, as InterNeg has it. */
#define NB_VISUAL_THETA "0.35"

/** Which visual negatives a score wants. */
typedef struct nb_visual_limits {
    double theta; /**< images that score less may become visual negatives */
    size_t count; /**< kept at most */
    bool words;   /**< inverted from the bank's words (common/clip/inversion/word_inversion.h), else from random ones */
    double lambda; /**< with words: weight of the distance to the prototypes */
    size_t steps;  /**< with words: of an inversion */
} nb_visual_limits;

/** Whether a score takes visual negatives.
 * @param scorer of the score
 * @param limits becomes which it takes, where it takes some; may be NULL
 * @return true when it does */
bool nb_score_visual(const nb_scorer *scorer, nb_visual_limits *limits);

/** Adds visual negatives: those with the largest margins so far, as many as the limits say, stand beside the bank from
 * the next push on.
 * @param stream the stream
 * @param rows [count, d], normalised; copied
 * @param margins [count]
 * @param count visual negatives
 * @return NB_OK, NB_ERR_USAGE for scores that take none, NB_ERR_NUMERIC for a margin that is NaN, or NB_ERR_LIMIT when
 * memory is out */
nb_status nb_stream_add_negatives(nb_stream *stream, const float *rows, const double *margins, size_t count,
                                  nb_error *err);

/** Makes visual negatives of images [count, d] that scored under theta, images `number` [count] of the stream, counted
 * from 0, by inverting them into the text space, say. Whatever passes the rejection rule goes to
 * nb_stream_add_negatives. What it fails with, the push fails with. */
typedef nb_status (*nb_visual_maker)(void *self, nb_stream *stream, const float *images, const size_t *number,
                                     size_t count, nb_error *err);

/** From the next push on, every batch offers its images under theta to `make` before it is scored for good.
 * @param stream the stream
 * @param make makes the visual negatives
 * @param self for `make`; borrowed, must stay as long as the stream
 * @return NB_OK, or NB_ERR_USAGE for scores that take none */
nb_status nb_stream_make_visual(nb_stream *stream, nb_visual_maker make, void *self, nb_error *err);

/** What a score of a stream implements; `state` is its own, one a stream. */
typedef struct nb_stream_rule {
    /** Makes the state; *state is NULL on failure. The scorer is borrowed. */
    nb_status (*create)(void **state, const nb_scorer *scorer, nb_error *err);
    void (*destroy)(void *state); /**< takes NULL */
    /** Scores images [count, d] as one batch -> results [count]. */
    nb_status (*push)(void *state, nb_stream *stream, const float *images, size_t count, nb_score_result *results,
                      nb_error *err);
    /** Computes what does not depend on the state for the images [count, d] of the pushes that follow, in products of
     * `rows` rows where the images stand behind `lead` others; may be NULL. */
    nb_status (*prepare)(void *state, const float *images, size_t count, size_t lead, size_t rows, nb_error *err);
    nb_status (*describe)(const void *state, nb_buffer *out, nb_error *err); /**< as nb_stream_describe */
    /** Saves the state, or restores it over that of a new stream; not NULL. NB_ERR_INPUT for bytes that are no state.
     */
    nb_status (*state)(void *state, nb_state_io *io, nb_error *err);
    size_t batch; /**< images of a batch as published; 0: NB_STREAM_BATCH */
    bool corpus;  /**< it passes over nb_scorer.corpus */
    /* All three or none: visual negatives. */
    nb_visual_limits (*visual_limits)(const nb_scorer *scorer); /**< NULL: the score takes none */
    nb_status (*add_negatives)(void *state, const float *rows, const double *margins, size_t count, nb_error *err);
    nb_status (*make_visual)(void *state, nb_visual_maker make, void *self, nb_error *err);
} nb_stream_rule;

#endif
