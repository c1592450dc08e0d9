/**
 * @file
 * Scores of a test image: higher means more in-distribution.
 *
 * A score is one file with one nb_score_rule, and one line of the table in scoring/scores/score_table.c; the formula
 * and its source stand at the top of the file. Everything that names scores or their parameters is made from the table:
 * options, run files, bounds, what banks suggest, `--help`, `plan`, and the library's names.
 *
 * A score sees an image through a few log-sum-exps (nb_logits) of its logits z_c = cos(label c, image) / T and
 * y_b = cos(negative b, image) / T, each with its maximum subtracted: nothing overflows, whatever T. A confident image
 * scores 1 - 1e-9, so "1 - score" is computed directly and kept beside the score. A score that sees more of the bank
 * makes its own products (nb_image_rule).
 *
 * Scores of two kinds: those of an image alone, in batches (nb_scorer_run), and those along a stream of images, whose
 * state the images change (scoring/streams/stream.h).
 */
#ifndef NB_SCORING_SCORE_H
#define NB_SCORING_SCORE_H

#include "common/linear/simd/vector.h"
#include "common/options/option.h"
#include "scoring/bank/bank.h"

#include <stddef.h>

/** Parameters that several scores share. Every score's parameter block begins with them, whether it uses them or not.
 */
typedef struct nb_score_shared {
    double temperature; /**< T, positive */
    size_t groups;      /**< the negatives are cut into this many groups of equal size, the remainder dropped */
    bool seeded;        /**< permute them by `seed` before cutting; else groups are consecutive runs of the bank */
    uint64_t seed;      /**< of that permutation, and of what else a score draws */
} nb_score_shared;

enum {
    NB_SCORE_BLOCK_BYTES = 256, /**< of a parameter block at most */
    NB_SCORE_PARAMETERS_MAX = 32,
    NB_SCORE_NOTE_BYTES = 200,
    NB_SCORE_BATCH = 256 /**< images that are scored together */
};

typedef struct nb_score_rule nb_score_rule;

/** A score with values for its parameters; copied freely. nb_score_published or nb_parameters_default fills it. */
typedef struct nb_score_parameters {
    const nb_score_rule *rule;
    union {
        nb_score_shared shared;                    /**< where every block begins */
        max_align_t alignment;                     /**< of any block */
        unsigned char block[NB_SCORE_BLOCK_BYTES]; /**< the rule's own struct */
    };
} nb_score_parameters;

/** The score of one image. */
typedef struct nb_score_result {
    int32_t label; /**< predicted class; the lowest number among equals */
    double score;  /**< higher: more in-distribution */
    double ood;    /**< of a probability 1 - score without cancellation, of a log-odd 1 / (1 + exp score), else NaN */
} nb_score_result;

/** What a score sees of one image. */
typedef struct nb_logits {
    size_t best;             /**< the label with the largest z, the lowest among equals */
    double top;              /**< its z */
    double others;           /**< ln sum exp z over the other labels; -INFINITY when there are none */
    double labels;           /**< ln sum exp z over all labels */
    const double *negatives; /**< [groups] ln sum exp y over each group; NULL where the score uses none */
    double dropped;          /**< the same over what the groups leave out; -INFINITY for nothing */
    size_t label_count;      /**< C */
    size_t group_size;       /**< negatives of a group */
    const nb_score_parameters *parameters;
} nb_logits;

/** The size of a scoring run, for `plan`. */
typedef struct nb_score_load {
    double images;
    double rows;  /**< labels and negatives of the bank */
    double width; /**< of embeddings */
} nb_score_load;

/** What a scoring run takes. */
typedef struct nb_score_cost {
    double products; /**< floating-point operations in matrix products */
    double memory;   /**< bytes that grow with the images, beside images and bank */
} nb_score_cost;

/** Embeds texts of a label and a negative of the bank together, "dog and gramophone": what scores with `pairs` ask for.
 */
typedef struct nb_pair_texts {
    /** The normalised embedding row [d] of label `label` and negative `negative` of the bank, both counted from 0. It
     * depends on these two alone and stays until the next call. */
    nb_status (*embed)(void *self, size_t label, size_t negative, const float **row, nb_error *err);
    void *self;
} nb_pair_texts;

struct nb_stream_corpus; /* scoring/streams/corpus_pass.h */
struct nb_stream_rule;   /* scoring/streams/stream.h */
struct nb_scorer;

/** What a score of single images implements that is no function of nb_logits; `state` is its own, one a scorer, and
 * read-only once made. */
typedef struct nb_image_rule {
    /** Makes the state; refuses a bank that the score cannot be computed with, NB_ERR_USAGE. *state is NULL at first;
     * what it holds after a failure is destroyed by the caller. The scorer is borrowed. */
    nb_status (*create)(void **state, const struct nb_scorer *scorer, nb_error *err);
    void (*destroy)(void *state); /**< takes NULL */
    /** As nb_scorer_run_float. */
    nb_status (*run)(const void *state, const struct nb_scorer *scorer, const float *images, size_t count,
                     nb_score_result *results, nb_error *err);
    bool pairs; /**< it asks for nb_scorer.pairs */
} nb_image_rule;

/** A score. Its functions may be called by several threads at once, for different scorers or the same. */
struct nb_score_rule {
    const char *name;   /**< small letters, digits and dashes, under NB_BANK_SCORE_BYTES bytes */
    const char *source; /**< the paper */
    bool negatives;     /**< it needs the bank's negatives in groups */
    bool log_odds;      /**< its values are log-odds, any number: they order images as they are */
    /** [parameter_count], at most NB_SCORE_PARAMETERS_MAX: rows of the option table, made with OPT_REAL and its kin,
     * each with the published default. Scores that share a name share the row, but for the default. Offsets are those
     * of the block, where a REAL is a double, an INT a size_t, a FLAG a bool, and a CHOICE an int, the number of its
     * word; the one TEXT is NB_SCORE_SEED. In the help, "{}" stands for where the default comes from. */
    const nb_option *parameters;
    size_t parameter_count;
    size_t block_size; /**< of its parameter block, which begins with nb_score_shared; at most NB_SCORE_BLOCK_BYTES */
    /** Repairs or refuses values that the score cannot work with for so many labels and negatives; may be NULL.
     * @param note [NB_SCORE_NOTE_BYTES], empty at first: what was repaired, for the user
     * @return NB_OK, or NB_ERR_USAGE when there is no mending */
    nb_status (*settle)(nb_score_parameters *parameters, size_t label_count, size_t negative_count, char *note,
                        nb_error *err);
    /* One of these three. */
    /** The score of one image alone; out->label is set by the caller. */
    void (*score)(const nb_logits *logits, nb_score_result *out);
    const nb_image_rule *image;          /**< of a score of images alone that sees more than nb_logits */
    const struct nb_stream_rule *stream; /**< of a score of streams */
    /** What it costs; NULL: the product of images and rows, and nothing that grows. */
    nb_score_cost (*cost)(const nb_score_load *load, const nb_score_parameters *parameters);
};

/* The parameters that several scores share: rows of a score's list, with its published default. */
#define NB_SCORE_TEMPERATURE(DEFAULT)                                                                                  \
    OPT_REAL("temperature", shared.temperature, "T", DEFAULT, 1e-6, 1e6, "softmax temperature; {}")
#define NB_SCORE_GROUPS(DEFAULT)                                                                                       \
    OPT_INT("groups", shared.groups, "G", DEFAULT, 1, 1e9, "groups the negatives are cut into; {}")
#define NB_SCORE_SEED                                                                                                  \
    OPT_TEXT("seed", shared, "N|none", "none", "permute the negatives before grouping; none: keep the bank's order; {}")

/** The table of all scores, scoring/scores/score_table.c. A program may link a table of its own in its place. */
extern const nb_score_rule *const nb_score_table[];
extern const size_t nb_score_count; /**< rows of it */

/** The score of a name.
 * @param name the name
 * @return NULL for an unknown name */
const nb_score_rule *nb_score_find(const char *name);

/** The name of a score of the table, for options that choose one (OPT_CHOICE_OF).
 * @param i its number
 * @return NULL behind the last */
const char *nb_score_name(size_t i);

/** Appends the names of all scores in the table's order: "neglabel|dnm|mcm".
 * @param out appended to
 * @param between stands between two names
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_score_names(nb_buffer *out, const char *between, nb_error *err);

/** Scores against one bank. Read-only once made, so threads may share it. */
typedef struct nb_scorer {
    const nb_bank *bank; /**< borrowed */
    const nb_score_rule *rule;
    nb_score_parameters parameters; /**< as settled */
    size_t asked_groups;            /**< before they were settled */
    char note[NB_SCORE_NOTE_BYTES]; /**< what was repaired, "" for nothing */
    size_t d, label_count, negative_count;
    float *rows;   /**< [C + M, d]: the labels, then the negatives in group order (M = 0 where the score uses none) */
    size_t *order; /**< [M] the place in the bank of each, and behind the bank's those that were added */
    void *state;   /**< of rule->image */
    const nb_vector *vector;
    const struct nb_tins_draws *draws;     /**< borrowed; NULL: by the seed */
    const nb_pair_texts *pairs;            /**< borrowed; for scores that ask for them, set before images are scored */
    const struct nb_stream_corpus *corpus; /**< borrowed; for streams that pass over one, set before they begin */
} nb_scorer;

/** Makes a scorer. Not collective.
 * @param out destroyed by the caller with nb_scorer_destroy; {0} after a failure
 * @param bank borrowed; must stay
 * @param parameters the score with its parameters; copied
 * @return NB_OK, NB_ERR_USAGE when there are more groups than negatives, the temperature is not positive, or the score
 * cannot work with the parameters or the bank, or NB_ERR_LIMIT when memory is out */
nb_status nb_scorer_create(nb_scorer *out, const nb_bank *bank, const nb_score_parameters *parameters, nb_error *err);

/** Makes a scorer with rows behind the bank's negatives. Not collective.
 * @param out destroyed by the caller with nb_scorer_destroy; {0} after a failure
 * @param bank borrowed; must stay
 * @param parameters the score with its parameters; copied
 * @param extra [extra_count, d], normalised; copied
 * @param extra_count rows; 0: as nb_scorer_create
 * @return as nb_scorer_create */
nb_status nb_scorer_create_with(nb_scorer *out, const nb_bank *bank, const nb_score_parameters *parameters,
                                const float *extra, size_t extra_count, nb_error *err);

/** What orders images: a log-odd itself, of a probability its log-odds ln(score) - ln(ood), which keep scores near 1
 * apart, else the score.
 * @param rule the score
 * @param result of an image
 * @return the key; higher means more in-distribution */
double nb_score_key(const nb_score_rule *rule, const nb_score_result *result);

/** Frees what a scorer holds.
 * @param scorer {0} afterwards; takes NULL and {0} */
void nb_scorer_destroy(nb_scorer *scorer);

/** Scores images, each alone. Batches of NB_SCORE_BATCH from the beginning, each one set of products in single
 * precision with sums in double: the same images in the same batch give the same bits.
 * @param scorer of a score of single images
 * @param images [count, d], normalised
 * @param count images
 * @param results [count]
 * @return NB_OK, NB_ERR_USAGE for a score of streams, or NB_ERR_LIMIT when memory is out */
nb_status nb_scorer_run_float(const nb_scorer *scorer, const float *images, size_t count, nb_score_result *results,
                              nb_error *err);

/** Scores images given in double precision: they are rounded to single.
 * @param scorer of a score of single images
 * @param images [count, d], normalised
 * @param count images
 * @param results [count]
 * @return as nb_scorer_run_float */
nb_status nb_scorer_run(const nb_scorer *scorer, const double *images, size_t count, nb_score_result *results,
                        nb_error *err);

/** Normalises rows in place, their norms taken in double precision.
 * @param rows [count, d]
 * @param count rows
 * @param d their width
 * @param first number of the first row, for messages
 * @param what what the rows are, for messages
 * @return NB_OK, or NB_ERR_NUMERIC naming the row when one is zero or not finite; rows before it are normalised */
nb_status nb_score_normalise(float *rows, size_t count, size_t d, size_t first, const char *what, nb_error *err);

/** The logits of one image from its cosines, for scores of streams.
 * @param scorer the scorer
 * @param row [C + M] the cosines; it comes back as it was
 * @param groups [groups] scratch that *out refers to
 * @param out becomes the logits */
void nb_logits_from_row(const nb_scorer *scorer, float *row, double *groups, nb_logits *out);

/** Adds in logarithms.
 * @param a the logarithm of a summand; -INFINITY stands for nothing
 * @param b that of the other
 * @return ln(exp a + exp b) */
double nb_log_add(double a, double b);

/** The cost of the product of images and rows.
 * @param load the size of the run
 * @return the cost, with no memory that grows */
nb_score_cost nb_score_plain_cost(const nb_score_load *load);

/** What scoring with these parameters costs: what the score's own function says, else nb_score_plain_cost.
 * @param parameters the score with its parameters
 * @param load the size of the run
 * @return the cost */
nb_score_cost nb_score_cost_of(const nb_score_parameters *parameters, const nb_score_load *load);

#endif
