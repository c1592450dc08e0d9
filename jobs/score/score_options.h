/**
 * @file
 * The options of scoring, which `score` and `eval` share, made from the table of scores, and how they meet what the
 * bank suggests: the user's word first, then the bank's (for the score it suggests; its seed for all), then what was
 * published with the score. Nothing here is collective.
 */
#ifndef NB_JOBS_SCORE_SCORE_OPTIONS_H
#define NB_JOBS_SCORE_SCORE_OPTIONS_H

#include "common/store/embeddings.h"
#include "jobs/job.h"
#include "scoring/files/score_file.h"
#include "scoring/scores/parameters.h"

/** The rows of a command that scores; its settings have a member `const char *score`, its nb_command the function
 * nb_score_more. */
#define NB_SCORE_OPTIONS                                                                                               \
    OPT_CHOICE_OF("score", score, "NAME", NULL, nb_score_name,                                                         \
                  "score to compute; default: the one the bank suggests"),                                             \
        OPT_MORE

/** Rows of a command that scores streams; its settings have members `texts`, `noise` and `batch` (int64_t). */
#define NB_SCORE_CORPUS_OPTIONS                                                                                        \
    OPT_INPUT("texts", texts, "T.nbe", "{corpus}: the embedded corpus that negatives are taken from", OPT_PIPED,       \
              .describe = nb_score_describe),                                                                          \
        OPT_INPUT("noise", noise, "I.nbe",                                                                             \
                  "{corpus}: embedded noise images to begin with; default: drawn by --seed, embedded by --model",      \
                  OPT_PIPED, .describe = nb_score_describe)
#define NB_SCORE_BATCH_OPTION(WHERE)                                                                                   \
    OPT_INT("batch", batch, "N", NULL, 1, 1e6,                                                                         \
            WHERE ": images that change the state together, before they are scored; default: {batches}",               \
            .describe = nb_score_describe)

/** Row `i` of the parameters of all scores, each name once, for nb_command.more. A row that differs from an earlier one
 * of its name in more than the default is given as well: the parser refuses it, and no such table starts.
 * @param i number of the row
 * @param row becomes the row
 * @return false behind the last */
bool nb_score_more(size_t i, nb_option *row);

/** Writes the help of an option (nb_option.describe): its `help` where "{streams}" are the scores of streams,
 * "{visual}" those that take visual negatives, "{corpus}" those that need a corpus, "{batches}" the sizes of batches as
 * published, and "{}" where a parameter's default comes from. A parameter that one
 * score alone has begins with the score's name.
 * @param option the option
 * @param room [size] the text, cut where it does not fit
 * @param size bytes, at least 1 */
void nb_score_describe(const nb_option *option, char *room, size_t size);

/** Whether a score passes over a corpus along a stream.
 * @param rule the score
 * @return true when it does */
bool nb_score_has_corpus(const nb_score_rule *rule);

/** Whether a score asks for texts of two labels, which the checkpoint embeds.
 * @param rule the score
 * @return true when it does */
bool nb_score_has_pairs(const nb_score_rule *rule);

/** The word of --seed.
 * @param options as they were parsed
 * @return a text that the options own; NULL when it is not given */
const char *nb_score_seed(const nb_parsed *options);

/** What was decided, and who decided it. */
typedef struct nb_score_chosen {
    nb_score_parameters parameters;
    const char *origin[NB_SCORE_PARAMETERS_MAX]; /**< of each of the rule's parameters */
} nb_score_chosen;

/** Decides on score and parameters.
 * @param out what was decided; borrows from the score's table
 * @param bank what it suggests comes after the user's word
 * @param options as they were parsed
 * @param score as the options say it; NULL: the bank's
 * @return NB_OK, NB_ERR_INPUT when the bank's score is unknown, NB_ERR_USAGE for a seed that is none, or as
 * nb_parameters_default fails */
nb_status nb_score_decide(nb_score_chosen *out, const nb_bank *bank, const nb_parsed *options, const char *score,
                          nb_error *err);

/** Logs the parameters the score uses and where each comes from; warns of what the score itself had to repair and of
 * options without effect.
 * @param job its log and options
 * @param chosen what was decided
 * @param scorer made of it
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_score_log(const nb_job *job, const nb_score_chosen *chosen, const nb_scorer *scorer, nb_error *err);

/** Decides as nb_score_decide does, and makes a scorer for the bank.
 * @param out destroyed by the caller
 * @param bank borrowed; must stay
 * @param options as they were parsed
 * @param score as the options say it; NULL: the bank's
 * @return as nb_score_decide and nb_scorer_create */
nb_status nb_score_choose(nb_scorer *out, const nb_bank *bank, const nb_parsed *options, const char *score,
                          nb_error *err);

/** Appends the comment lines that say what was scored how: version, bank digest, score and its parameters,
 * and where scores are log-odds that they are.
 * @param out appended to
 * @param scorer the scorer
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_score_comments(nb_strings *out, const nb_scorer *scorer, nb_error *err);

/** Scores rows [begin, begin + count) of a store.
 * @param scorer scores them
 * @param images the store, open
 * @param begin first row
 * @param count rows
 * @param results [count]
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_image_rows and nb_scorer_run_float fail */
nb_status nb_score_rows(const nb_scorer *scorer, nb_store *images, size_t begin, size_t count, nb_score_result *results,
                        nb_error *err);

/** Puts names, labels and results into the rows of a score file.
 * @param out {0} or with comments; freed by the caller, also after a failure
 * @param names [n]; copied
 * @param labels [n]; NULL: all unknown
 * @param results [n]
 * @param rule the score they are of
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_score_table_fill(nb_scores *out, const nb_strings *names, const int32_t *labels,
                              const nb_score_result *results, const nb_score_rule *rule, nb_error *err);

#endif
