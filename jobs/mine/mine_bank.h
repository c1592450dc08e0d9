/** @file
 * How `mine` turns what it selected into a bank file: the options that say so, and the writing. */
#ifndef NB_JOBS_MINE_MINE_BANK_H
#define NB_JOBS_MINE_MINE_BANK_H

#include "jobs/mine/mine_inputs.h"
#include "jobs/mine/mine_visual.h"
#include "mining/select/mine.h"
#include "scoring/scores/score.h"

/** The options. */
typedef struct nb_mine_bank_choice {
    const char *precision;  /**< of the negatives' rows */
    const char *score;      /**< suggested */
    const char *group_seed; /**< suggested: a number or "none" */
    double temperature;     /**< suggested, where it was given */
    int64_t groups;         /**< suggested */
} nb_mine_bank_choice;

/** Rows of a table whose settings have an nb_mine_bank_choice `bank`. */
#define NB_MINE_BANK_OPTIONS                                                                                           \
    OPT_CHOICE("bank-precision", bank.precision, "KIND", "fp16", NB_BANK_PRECISIONS,                                   \
               "how the bank stores its negatives: fp16, int8 (about half the size) or fp32"),                         \
        OPT_CHOICE_OF("score", bank.score, "NAME", "", nb_score_name, "score the bank suggests"),                      \
        OPT_REAL("temperature", bank.temperature, "T", NULL, 1e-6, 1e6,                                                \
                 "softmax temperature the bank suggests; default: the score's own"),                                   \
        OPT_INT("groups", bank.groups, "G", "1", 1, 1e9, "groups of negatives the bank suggests"),                     \
        OPT_TEXT("group-seed", bank.group_seed, "N|none", "none",                                                      \
                 "seed that permutes the negatives before grouping; none: the bank's order")

/** What a bank is made of; all borrowed. */
typedef struct nb_mine_bank {
    nb_mine_inputs *inputs;            /**< mined from */
    const nb_mine_bank_choice *choice; /**< the options */
    const char *output;                /**< the bank's path */
    bool force;                        /**< overwrite */
    const nb_mined *mined;             /**< the selection */
    const nb_mine_visual *visual;      /**< visual negatives, perhaps none */
    const char *max_bytes;             /**< as --max-bank-bytes has it; NULL: no bound */
} nb_mine_bank;

/** How many negatives a file of so many bytes holds, with room for texts of usual length. Not collective.
 * @param out at least 1
 * @param max_bytes as --max-bank-bytes has it
 * @param inputs open
 * @param choice the precision
 * @return NB_OK, or NB_ERR_USAGE when it is no size, or too small for one negative */
nb_status nb_mine_bank_bound(size_t *out, const char *max_bytes, const nb_mine_inputs *inputs,
                             const nb_mine_bank_choice *choice, nb_error *err);

/** Writes the bank. On rank 0; not collective.
 * @param bank what it is made of
 * @param digest of the file's content
 * @return NB_OK; NB_ERR_USAGE when the options suggest what the bank cannot hold; NB_ERR_IO, NB_ERR_LIMIT; or an error
 *         of reading rows */
nb_status nb_mine_bank_write(const nb_mine_bank *bank, nb_digest *digest, nb_error *err);

#endif
