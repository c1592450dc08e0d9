/* Scores of a test image: higher means more in-distribution. One file a score, one line in the table of score.c; the
 * formulas and their sources stand at the top of each.
 *
 * A score sees an image through a few log-sum-exps of its logits z_c = cos(label c, image) / T and
 * y_b = cos(negative b, image) / T, each with its maximum subtracted: nothing overflows, whatever T. A confident image
 * scores 1 - 1e-9, so "1 - score" is computed directly and kept beside the score.
 *
 * Scores of two kinds: those of an image alone, in batches (nb_scorer_run), and those along a stream of images, whose
 * state the images change (scoring/scores/stream.h). */
#ifndef NB_SCORING_SCORE_H
#define NB_SCORING_SCORE_H

#include "common/linear/simd/vector.h"
#include "scoring/bank/bank.h"

/* How AdaNeg makes a class's proxy from its memory, and the score from its parts. */
typedef enum nb_proxies { NB_PROXIES_SAMPLE, NB_PROXIES_TASK } nb_proxies;
typedef enum nb_combine { NB_COMBINE_SUM, NB_COMBINE_PRODUCT, NB_COMBINE_ADAPTIVE } nb_combine;
#define NB_PROXIES_NAMES "sample|task"
#define NB_COMBINE_NAMES "sum|product|adaptive"

/* A rule reads those that its `uses` names. */
typedef struct nb_score_settings {
    double temperature;
    size_t groups; /* the negatives are cut into this many groups of equal size, the remainder dropped */
    bool seeded;   /* permute them by `seed` before cutting; else groups are consecutive runs of the bank */
    uint64_t seed;
    double tau;                      /* dnm: share of true negatives among what the bank's negatives stand for */
    double gamma, gap, beta, lambda; /* adaneg, as scoring/scores/adaneg.c explains them */
    size_t memory;                   /* adaneg: slots a class, one of them the text's */
    nb_proxies proxies;
    nb_combine combine;
    bool adaptive_gap;
    double theta;  /* interneg: an image that scores less may become a visual negative */
    size_t visual; /* interneg: visual negatives kept at most */
} nb_score_settings;

enum { /* bits of nb_score_rule.uses */
       NB_USES_TEMPERATURE = 1,
       NB_USES_NEGATIVES = 2, /* groups and seed, too */
       NB_USES_TAU = 4,
       NB_USES_MEMORY = 8, /* gamma to adaptive_gap */
       NB_USES_VISUAL = 16
};

/* The score of one image. */
typedef struct nb_score_result {
    int32_t label; /* predicted class; the lowest number among equals */
    double score;  /* higher: more in-distribution */
    double ood;    /* 1 - score without cancellation; NaN where the score is no probability */
} nb_score_result;

/* What a rule sees of one image. */
typedef struct nb_logits {
    size_t best;             /* the label with the largest z, the lowest among equals */
    double top;              /* its z */
    double others;           /* ln sum exp z over the other labels; -INFINITY when there are none */
    double labels;           /* ln sum exp z over all labels */
    const double *negatives; /* [groups] ln sum exp y over each group; NULL where the rule uses none */
    double dropped;          /* the same over what the groups leave out; -INFINITY for nothing */
    size_t label_count, group_size;
    const nb_score_settings *settings;
} nb_logits;

struct nb_stream_rule; /* scoring/scores/stream.h */

typedef struct nb_score_rule {
    const char *name;
    nb_score_settings defaults; /* as published */
    unsigned uses;
    /* Mends or refuses settings that the rule cannot work with for so many labels and negatives; may be NULL. */
    nb_status (*settle)(nb_score_settings *settings, size_t label_count, size_t negative_count, nb_error *err);
    void (*score)(const nb_logits *logits, nb_score_result *out); /* out->label is set by the caller */
    const struct nb_stream_rule *stream;                          /* NULL: images are scored alone */
} nb_score_rule;

#define NB_SCORE_NAMES "neglabel|dnm|mcm|max-logit|energy|adaneg|interneg"
const nb_score_rule *nb_score_find(const char *name); /* NULL for an unknown name */

/* Scores against one bank; read-only once made, so threads may share it. */
typedef struct nb_scorer {
    const nb_bank *bank; /* borrowed */
    const nb_score_rule *rule;
    nb_score_settings settings; /* as settled */
    size_t asked_groups;        /* before they were settled */
    size_t d, label_count, negative_count;
    float *rows; /* [C + M, d]: the labels, then the negatives in group order (M = 0 where the rule uses none) */
    const nb_vector *vector;
} nb_scorer;

enum { NB_SCORE_BATCH = 256 };

/* NB_ERR_USAGE when there are more groups than negatives, the temperature is not positive, or the rule cannot work with
 * the settings. */
nb_status nb_scorer_create(nb_scorer *out, const nb_bank *bank, const nb_score_rule *rule,
                           const nb_score_settings *settings, nb_error *err);
/* As nb_scorer_create, with rows extra [extra_count, d], normalised, behind the bank's negatives. */
nb_status nb_scorer_create_with(nb_scorer *out, const nb_bank *bank, const nb_score_rule *rule,
                                const nb_score_settings *settings, const float *extra, size_t extra_count,
                                nb_error *err);
void nb_scorer_destroy(nb_scorer *scorer);

/* images [count, d], normalised -> results [count]. Batches of NB_SCORE_BATCH from the beginning, each one set of
 * products in single precision with sums in double: the same images in the same batch give the same bits. NB_ERR_USAGE
 * for a rule that scores streams. */
nb_status nb_scorer_run_float(const nb_scorer *scorer, const float *images, size_t count, nb_score_result *results,
                              nb_error *err);
/* The same from doubles, rounded. */
nb_status nb_scorer_run(const nb_scorer *scorer, const double *images, size_t count, nb_score_result *results,
                        nb_error *err);

/* Normalises rows [count, d] in place, their norms taken in double precision. NB_ERR_NUMERIC naming the row, counted
 * from `first`, of `what` when a row is zero or not finite. */
nb_status nb_score_normalise(float *rows, size_t count, size_t d, size_t first, const char *what, nb_error *err);

/* The logits of one image from its cosines row [C + M]; groups [settings.groups] is scratch that *out refers to. The
 * row comes back as it was. For rules of streams. */
void nb_logits_from_row(const nb_scorer *scorer, float *row, double *groups, nb_logits *out);
/* ln(exp a + exp b); -INFINITY stands for nothing. */
double nb_log_add(double a, double b);

extern const nb_score_rule nb_score_neglabel, nb_score_dnm, nb_score_mcm, nb_score_max_logit, nb_score_energy,
    nb_score_adaneg, nb_score_interneg;

#endif
