/* The options of scoring, which `score` and `eval` share, and how they meet what the bank suggests: the user's word
 * first, then the bank's (for the score it suggests), then the score's own default. */
#ifndef NB_JOBS_SCORE_OPTIONS_H
#define NB_JOBS_SCORE_OPTIONS_H

#include "common/store/embeddings.h"
#include "jobs/job.h"
#include "scoring/score_file.h"
#include "scoring/scores/score.h"

typedef struct nb_score_choice {
    const char *score; /* NULL: the bank's */
    double temperature;
    int64_t groups;
    const char *seed;
} nb_score_choice;

#define NB_SCORE_OPTIONS(set)                                                                                          \
    {.name = "score",                                                                                                  \
     .type = NB_OPTION_CHOICE,                                                                                         \
     .offset = offsetof(set, choice.score),                                                                            \
     .choices = NB_SCORE_NAMES,                                                                                        \
     .value = "NAME",                                                                                                  \
     .help = "score to compute; default: the one the bank suggests"},                                                  \
        {.name = "temperature",                                                                                        \
         .type = NB_OPTION_REAL,                                                                                       \
         .offset = offsetof(set, choice.temperature),                                                                  \
         .value = "T",                                                                                                 \
         .min = 1e-6,                                                                                                  \
         .max = 1e6,                                                                                                   \
         .help = "softmax temperature; default: the bank's, or 1 for mcm"},                                            \
        {.name = "groups",                                                                                             \
         .type = NB_OPTION_INT,                                                                                        \
         .offset = offsetof(set, choice.groups),                                                                       \
         .value = "G",                                                                                                 \
         .min = 1,                                                                                                     \
         .max = 1e9,                                                                                                   \
         .help = "groups the negatives are cut into; default: the bank's"},                                            \
    {                                                                                                                  \
        .name = "seed", .type = NB_OPTION_TEXT, .offset = offsetof(set, choice.seed), .value = "N|none",               \
        .help = "permute the negatives before grouping; none: keep the bank's order; default: the bank's"              \
    }

/* A scorer for the bank; destroyed by the caller. */
nb_status nb_score_choose(nb_scorer *out, const nb_bank *bank, const nb_parsed *options, const nb_score_choice *choice,
                          nb_error *err);

/* Comment lines that say what was scored how: version, bank digest, score and its settings. */
nb_status nb_score_comments(nb_strings *out, const nb_scorer *scorer, nb_error *err);

/* Scores rows [begin, begin + count) of a store. */
nb_status nb_score_rows(const nb_scorer *scorer, nb_store *images, size_t begin, size_t count, nb_score_result *results,
                        nb_error *err);

/* NB_ERR_INPUT when the store's width is not the bank's. */
nb_status nb_score_check_width(const nb_bank *bank, const nb_store *images, nb_error *err);

/* Names, labels and results [count] as the rows of a score file. labels may be NULL: all unknown. */
nb_status nb_score_table(nb_scores *out, const nb_strings *names, const int32_t *labels, const nb_score_result *results,
                         nb_error *err);

#endif
