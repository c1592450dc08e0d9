/* The options of scoring, which `score` and `eval` share, and how they meet what the bank suggests: the user's word
 * first, then the bank's (for the score it suggests; its seed for all), then what was published with the score. */
#ifndef NB_JOBS_SCORE_SCORE_OPTIONS_H
#define NB_JOBS_SCORE_SCORE_OPTIONS_H

#include "common/store/embeddings.h"
#include "jobs/job.h"
#include "scoring/files/score_file.h"
#include "scoring/scores/parameters.h"

typedef struct nb_score_choice {
    const char *score; /* NULL: the bank's */
    double temperature;
    int64_t groups;
    const char *seed;
    double tau, gamma, gap, beta, lambda;
    int64_t memory;
    const char *proxies, *combine;
    bool adaptive_gap;
    double theta;
    int64_t visual;
} nb_score_choice;

#define NB_SCORE_AT(set, member) .offset = offsetof(set, choice.member)
#define NB_SCORE_REAL(set, option, member, low, high, word, text)                                                      \
    {                                                                                                                  \
        .name = option, .type = NB_OPTION_REAL, NB_SCORE_AT(set, member), .value = word, .min = low, .max = high,      \
        .help = text                                                                                                   \
    }
#define NB_SCORE_COUNT(set, option, member, low, high, word, text)                                                     \
    {                                                                                                                  \
        .name = option, .type = NB_OPTION_INT, NB_SCORE_AT(set, member), .value = word, .min = low, .max = high,       \
        .help = text                                                                                                   \
    }
#define NB_SCORE_CHOICE(set, option, member, words, word, text)                                                        \
    {                                                                                                                  \
        .name = option, .type = NB_OPTION_CHOICE, NB_SCORE_AT(set, member), .choices = words, .value = word,           \
        .help = text                                                                                                   \
    }

#define NB_SCORE_OPTIONS(set)                                                                                          \
    NB_SCORE_CHOICE(set, "score", score, NB_SCORE_NAMES, "NAME",                                                       \
                    "score to compute; default: the one the bank suggests"),                                           \
        NB_SCORE_REAL(set, "temperature", temperature, 1e-6, 1e6, "T",                                                 \
                      "softmax temperature; default: the bank's, else 0.01, or 1 for mcm and max-logit"),              \
        NB_SCORE_COUNT(set, "groups", groups, 1, 1e9, "G",                                                             \
                       "groups the negatives are cut into; default: the bank's, else 100, or 5 for adaneg and "        \
                       "interneg"),                                                                                    \
        {.name = "seed",                                                                                               \
         .type = NB_OPTION_TEXT,                                                                                       \
         NB_SCORE_AT(set, seed),                                                                                       \
         .value = "N|none",                                                                                            \
         .help = "permute the negatives before grouping; none: keep the bank's order; default: the bank's"},           \
        NB_SCORE_REAL(set, "tau", tau, 1e-6, 1, "TAU",                                                                 \
                      "dnm: share of true negatives; default: the bank's, else 0.5 (0.12 suits ViT-B/32)"),            \
        NB_SCORE_REAL(set, "gamma", gamma, 0, 1, "X", "adaneg: middle of the confidence bounds; default 0.5"),         \
        NB_SCORE_REAL(set, "gap", gap, 0, 1, "X", "adaneg: how far the bounds stand from it; default 0.5"),            \
        NB_SCORE_REAL(set, "beta", beta, 0, 1e4, "X",                                                                  \
                      "adaneg: sharpness of sample proxies; default 5.5 (the released code computes with 5)"),         \
        NB_SCORE_REAL(set, "lambda", lambda, 0, 1e6, "X",                                                              \
                      "adaneg: weight of the NegLabel score in the sum; default 0.1, always 1 with --adaptive-gap"),   \
        NB_SCORE_COUNT(set, "memory", memory, 2, 1000, "L",                                                            \
                       "adaneg: slots a class, one of them the text's; default 10"),                                   \
        NB_SCORE_CHOICE(set, "proxies", proxies, NB_PROXIES_NAMES, "KIND",                                             \
                        "adaneg: proxies by image or one for all; default sample"),                                    \
        NB_SCORE_CHOICE(set, "combine", combine, NB_COMBINE_NAMES, "HOW",                                              \
                        "adaneg: how adaptive and NegLabel score make one; default sum"),                              \
        {.name = "adaptive-gap",                                                                                       \
         .type = NB_OPTION_FLAG,                                                                                       \
         NB_SCORE_AT(set, adaptive_gap),                                                                               \
         .help = "adaneg: the share of ID images so far moves the bounds"},                                            \
        NB_SCORE_REAL(set, "theta", theta, 0, 1, "X",                                                                  \
                      "interneg: images that score less may become visual negatives; default 0.35"),                   \
        NB_SCORE_COUNT(set, "visual", visual, 0, 1e7, "N", "interneg: visual negatives kept at most; default 2000")

/* What was decided, and who decided it. */
typedef struct nb_score_chosen {
    const nb_score_rule *rule;
    nb_score_settings settings;
    const char *origin[NB_PARAMETER_TOTAL]; /* of each of nb_parameters */
} nb_score_chosen;

nb_status nb_score_decide(nb_score_chosen *out, const nb_bank *bank, const nb_parsed *options,
                          const nb_score_choice *choice, nb_error *err);

/* The parameters the score uses and where each comes from; what the score itself had to mend; options without effect.
 */
nb_status nb_score_log(const nb_log *log, const nb_score_chosen *chosen, const nb_scorer *scorer, nb_error *err);

/* nb_score_decide, then a scorer for the bank; destroyed by the caller. */
nb_status nb_score_choose(nb_scorer *out, const nb_bank *bank, const nb_parsed *options, const nb_score_choice *choice,
                          nb_error *err);

/* Comment lines that say what was scored how: version, bank digest, score and its settings. */
nb_status nb_score_comments(nb_strings *out, const nb_scorer *scorer, nb_error *err);

/* Scores rows [begin, begin + count) of a store. */
nb_status nb_score_rows(const nb_scorer *scorer, nb_store *images, size_t begin, size_t count, nb_score_result *results,
                        nb_error *err);

/* Names, labels and results [count] as the rows of a score file. labels may be NULL: all unknown. */
nb_status nb_score_table(nb_scores *out, const nb_strings *names, const int32_t *labels, const nb_score_result *results,
                         nb_error *err);

#endif
