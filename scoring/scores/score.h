/* Scores of a test image: higher means more in-distribution. One file a score, one line in the table of score.c.
 *
 * Every score is computed in the log domain with the maximum subtracted, and together with its complement: a confident
 * image scores 1 - 1e-9, so "1 - score" is computed directly and kept beside it. */
#ifndef NB_SCORING_SCORE_H
#define NB_SCORING_SCORE_H

#include "scoring/bank.h"

typedef struct nb_score_settings {
    double temperature;
    size_t groups; /* the bank is cut into this many groups of equal size, the remainder dropped */
    bool seeded;   /* permute the bank by `seed` before cutting; else groups are consecutive runs of the bank */
    uint64_t seed;
} nb_score_settings;

/* The score of one image. */
typedef struct nb_score_result {
    int32_t label; /* predicted class: the largest cosine, the lowest number among equals */
    double score;  /* higher: more in-distribution */
    double ood;    /* 1 - score without cancellation; NaN where the score is no probability */
} nb_score_result;

/* What a score sees of one image: logits z [C] = cos(label, image) / T, y [M] = cos(negative, image) / T with the
 * negatives in group order. */
typedef struct nb_logits {
    const double *z, *y;
    size_t label_count, negative_count, groups;
} nb_logits;

typedef struct nb_score_rule {
    const char *name;
    double temperature; /* default, when neither user nor bank says otherwise */
    bool needs_negatives;
    void (*score)(const nb_logits *logits, nb_score_result *out);
} nb_score_rule;

#define NB_SCORE_NAMES "neglabel|mcm"
const nb_score_rule *nb_score_find(const char *name); /* NULL for an unknown name */

/* Scores batches against one bank; read-only once made, so threads may share it. */
typedef struct nb_scorer {
    const nb_bank *bank; /* borrowed */
    const nb_score_rule *rule;
    nb_score_settings settings;
    double *negatives; /* [M, d] in group order; NULL where the rule needs none */
} nb_scorer;

enum { NB_SCORE_BATCH = 256 };

/* NB_ERR_USAGE when there are more groups than negatives, or the temperature is not positive. */
nb_status nb_scorer_create(nb_scorer *out, const nb_bank *bank, const nb_score_rule *rule,
                           const nb_score_settings *settings, nb_error *err);
void nb_scorer_destroy(nb_scorer *scorer);

/* images [count, d], normalised doubles -> results [count]. A batch of up to NB_SCORE_BATCH is one product; the same
 * images in the same batch give the same bits. */
nb_status nb_scorer_run(const nb_scorer *scorer, const double *images, size_t count, nb_score_result *results,
                        nb_error *err);

extern const nb_score_rule nb_score_neglabel, nb_score_mcm;

#endif
