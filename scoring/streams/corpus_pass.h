/**
 * @file
 * Passes of a stream over a whole embedded corpus (TANL, CVPR 2026): the activation A_u(x) of every entry u by an image
 * x is the softmax of cos / T over the ID labels and all entries together.
 *
 * The corpus is cut into tiles of one size, which those who share it own in turns: everybody sees all images, computes
 * the products of its own tiles, and what has to be known of all of them is combined by a bitwise or of words that are
 * zero where they are others'. Sums over tiles are made in their order: the bits do not depend on how many share. Every
 * function that combines is a matter of all who share.
 */
#ifndef NB_SCORING_STREAMS_CORPUS_PASS_H
#define NB_SCORING_STREAMS_CORPUS_PASS_H

#include "scoring/scores/score.h"

enum { NB_CORPUS_TILE = 2048 }; /**< entries of a tile, unless somebody says otherwise */

/** What a stream did with a batch, for whoever looks on. */
typedef struct nb_stream_step {
    double threshold;   /**< between ID and OOD */
    const size_t *bank; /**< [bank_count] entries of the final pass, largest first */
    size_t bank_count;
    const double *first; /**< [count] first-pass scores of the batch */
    size_t count;        /**< its images */
    size_t id, ood;      /**< of them stored as ID and as OOD */
} nb_stream_step;

/** The corpus of a stream, and noise images to begin with. Borrowed by the scorer (nb_scorer.corpus). */
typedef struct nb_stream_corpus {
    size_t count, d;  /**< N entries of width d */
    nb_digest digest; /**< of where they come from, for states; "" unknown */
    /** Rows [begin, begin + count) of the corpus into out [count, d], normalised. */
    nb_status (*rows)(void *self, size_t begin, size_t count, float *out, nb_error *err);
    const float *noise; /**< [noise_count, d] embeddings of noise images, normalised */
    size_t noise_count;
    nb_digest noise_digest;
    size_t tile;            /**< entries of a tile; 0: NB_CORPUS_TILE */
    size_t member, members; /**< which of those who share it this is; 0 of 0 or 1: alone */
    /** All-reduce by bitwise or of 64-bit words [count] over all who share; not called when alone. */
    nb_status (*combine)(void *self, void *words, size_t count, nb_error *err);
    const size_t *label_order, *noise_order; /**< draws of the beginning, which labels and noise images are queued in
                                                  which order; NULL: by the seed. For comparisons with other code */
    size_t label_draws, noise_draws;         /**< their elements */
    void (*watch)(void *self, const nb_stream_step *step); /**< NULL: nobody */
    void *self;
} nb_stream_corpus;

/** A pass under way. Owns what it points to but for corpus and scorer. */
typedef struct nb_corpus_pass {
    const nb_stream_corpus *corpus;
    const nb_scorer *scorer;
    size_t members, tile, tiles, own_tiles;
    size_t own;       /**< entries of the own tiles, which lie one behind the other */
    float *rows;      /**< [own, d] */
    float *cosines;   /**< [capacity, own] of the images of the last pass */
    float *logits;    /**< [capacity, C] their cosines with the labels */
    double *log_sums; /**< [capacity, tiles] ln sum exp(cos / T) over each tile */
    double *labels;   /**< [capacity] ln sum_c exp z_c */
    double *whole;    /**< [capacity] the same over labels and corpus */
    int32_t *best;    /**< [capacity] the label with the largest z, the lowest among equals */
    size_t capacity;
} nb_corpus_pass;

/** Begins passes over the scorer's corpus; reads the own tiles.
 * @param out destroyed by nb_corpus_pass_destroy, also after a failure
 * @param scorer borrowed; its corpus too
 * @return NB_OK, NB_ERR_USAGE without a corpus or noise, or for one of another width, NB_ERR_LIMIT when memory is out,
 * or what reading it fails with */
nb_status nb_corpus_pass_create(nb_corpus_pass *out, const nb_scorer *scorer, nb_error *err);

/** Frees what a pass holds.
 * @param pass {0} afterwards; takes {0} */
void nb_corpus_pass_destroy(nb_corpus_pass *pass);

/** Passes images over labels and corpus. Combines.
 * @param pass its cosines, labels, whole and best become those of the images
 * @param images [count, d], normalised
 * @param count images
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or what combining fails with */
nb_status nb_corpus_pass_run(nb_corpus_pass *pass, const float *images, size_t count, nb_error *err);

/** The activation of the own entries by image `image` of the last pass.
 * @param pass after nb_corpus_pass_run
 * @param image its number in the pass
 * @param out [own] */
void nb_corpus_pass_activation(const nb_corpus_pass *pass, size_t image, float *out);

/** The entries of the largest values, largest first, the lowest number among equals. Combines.
 * @param pass the pass
 * @param values [own] of the own entries
 * @param count entries wanted, at most those of the corpus
 * @param bank [count] becomes their numbers
 * @return NB_OK, NB_ERR_NUMERIC when fewer values are numbers, NB_ERR_LIMIT when memory is out, or what combining fails
 * with */
nb_status nb_corpus_pass_top(const nb_corpus_pass *pass, const double *values, size_t count, size_t *bank,
                             nb_error *err);

/** Entries by their numbers. */
typedef struct nb_corpus_entries {
    const size_t *numbers; /**< [count] */
    size_t count;
} nb_corpus_entries;

/** Cosines of the images of the last pass with some entries. Combines.
 * @param pass after nb_corpus_pass_run
 * @param images how many
 * @param bank the entries
 * @param out [images * bank->count + 1] becomes [images, count], row by row
 * @return NB_OK, or what combining fails with */
nb_status nb_corpus_pass_cosines(const nb_corpus_pass *pass, size_t images, const nb_corpus_entries *bank, float *out,
                                 nb_error *err);

/** Embeddings of some entries. Combines.
 * @param pass the pass
 * @param bank the entries
 * @param out [count * d + 1] becomes [count, d], row by row
 * @return NB_OK, or what combining fails with */
nb_status nb_corpus_pass_rows(const nb_corpus_pass *pass, const nb_corpus_entries *bank, float *out, nb_error *err);

/** Values of the own entries to those of all. Combines.
 * @param pass the pass
 * @param own [own] elements
 * @param element bytes of one, 4 or 8
 * @param all [N + 1] elements, in the corpus's order
 * @return NB_OK, or what combining fails with */
nb_status nb_corpus_pass_gather(const nb_corpus_pass *pass, const void *own, size_t element, void *all, nb_error *err);

/** The own entries' part of values of all.
 * @param pass the pass
 * @param all [N] elements
 * @param element bytes of one
 * @param own [own] becomes the part */
void nb_corpus_pass_take(const nb_corpus_pass *pass, const void *all, size_t element, void *own);

#endif
