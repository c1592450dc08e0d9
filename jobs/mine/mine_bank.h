/* How `mine` turns what it selected into a bank file: the options that say so, and the writing. */
#ifndef NB_JOBS_MINE_MINE_BANK_H
#define NB_JOBS_MINE_MINE_BANK_H

#include "jobs/job.h"
#include "jobs/mine/mine_visual.h"
#include "mining/criteria/criterion.h"
#include "mining/select/mine.h"
#include "scoring/scores/score.h"

typedef struct nb_mine_bank_choice {
    const char *precision, *score, *group_seed;
    double temperature;
    int64_t groups;
} nb_mine_bank_choice;

#define NB_MINE_BANK_OPTIONS(set)                                                                                      \
    {.name = "bank-precision",                                                                                         \
     .type = NB_OPTION_CHOICE,                                                                                         \
     .offset = offsetof(set, bank.precision),                                                                          \
     .fallback = "fp16",                                                                                               \
     .choices = NB_BANK_PRECISIONS,                                                                                    \
     .value = "KIND",                                                                                                  \
     .help = "how the bank stores its negatives: fp16, int8 (about half the size) or fp32"},                           \
        {.name = "score",                                                                                              \
         .type = NB_OPTION_CHOICE,                                                                                     \
         .offset = offsetof(set, bank.score),                                                                          \
         .fallback = "neglabel",                                                                                       \
         .choice = nb_score_name,                                                                                      \
         .value = "NAME",                                                                                              \
         .help = "score the bank suggests"},                                                                           \
        {.name = "temperature",                                                                                        \
         .type = NB_OPTION_REAL,                                                                                       \
         .offset = offsetof(set, bank.temperature),                                                                    \
         .value = "T",                                                                                                 \
         .min = 1e-6,                                                                                                  \
         .max = 1e6,                                                                                                   \
         .help = "softmax temperature the bank suggests; default: the score's own"},                                   \
        {.name = "groups",                                                                                             \
         .type = NB_OPTION_INT,                                                                                        \
         .offset = offsetof(set, bank.groups),                                                                         \
         .fallback = "1",                                                                                              \
         .value = "G",                                                                                                 \
         .min = 1,                                                                                                     \
         .max = 1e9,                                                                                                   \
         .help = "groups of negatives the bank suggests"},                                                             \
    {                                                                                                                  \
        .name = "group-seed", .type = NB_OPTION_TEXT, .offset = offsetof(set, bank.group_seed), .fallback = "none",    \
        .value = "N|none", .help = "seed that permutes the negatives before grouping; none: the bank's order"          \
    }

/* What a bank is made of; all borrowed. */
typedef struct nb_mine_bank {
    nb_job *job;
    const nb_mine_bank_choice *choice;
    const char *output;
    bool force;
    const nb_mined *mined;
    nb_store *texts;
    const nb_strings *labels;
    const float *label_rows;      /* [C, d] */
    const double *prototypes;     /* [C, d] or NULL */
    const char *label_embeddings; /* NULL: labels were embedded here, under `prompt` */
    const nb_strings *prompt;
    double tau;
    nb_store *calibrate; /* held-out ID images, count 0: none */
    const nb_mine_visual *visual;
} nb_mine_bank;

/* Writes the bank. Not collective. */
nb_status nb_mine_bank_write(const nb_mine_bank *bank, nb_digest *digest, nb_error *err);

#endif
