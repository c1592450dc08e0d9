/** @file
 * Mining criteria: a number per candidate that decides which make good negative labels. A file a criterion in this
 * folder with one struct, a line in criterion_table.c; options, bounds, --help, run files, provenance, plans and the
 * list of names are made from the structs, and nothing else names a criterion.
 *
 * A criterion is opened once, which may take passes over all texts or images, and then gives the values of one tile of
 * candidates after the other. Products run in single precision and never leave the tile. What a candidate's own row
 * decides is decided near a cut by `exact`, in double and in one fixed order on every CPU. */
#ifndef NB_MINING_CRITERION_H
#define NB_MINING_CRITERION_H

#include "common/base/tag.h"
#include "common/options/method.h"
#include "mining/criteria/evidence.h"
#include "mining/criteria/rejection/rejection.h"
#include "scoring/bank/bank_findings.h"
#include "scoring/bank/bank_proxies.h"

enum {
    NB_COLUMNS_MAX = 5,            /**< columns a criterion */
    NB_CRITERION_BANK_MAX = 20000, /**< negatives of a bank whose criterion chooses its size, unless --max-bank says */
    NB_LISTS_MAX = 4,              /**< lists a criterion */
    NB_NO_COLUMN = NB_COLUMNS_MAX  /**< in nb_criterion_list */
};

/** Candidates in the order of a column, the largest value first, which take turns with other lists in filling the
 * bank: each in turn gives its next ones that are not in the bank yet. */
typedef struct nb_criterion_list {
    size_t column; /**< that orders them */
    size_t floor;  /**< a column: only those stand here whose value is over `times` that column's; or NB_NO_COLUMN */
    double times;  /**< see there */
    size_t take;   /**< how many at a turn */
} nb_criterion_list;

/** What was chosen, for `finish`. Borrowed, the same on all ranks. */
typedef struct nb_chosen {
    const uint64_t *ids;         /**< [count] global ids in the bank's order */
    const double *const *values; /**< [column_count][count] */
    size_t count;                /**< negatives */
    const size_t *listed;        /**< [list_count] candidates that stood in each list */
    bool automatic;              /**< `finish` may keep fewer */
} nb_chosen;

/** What `finish` came to. */
typedef struct nb_criterion_outcome {
    nb_bank_proxies *proxies;  /**< of the negatives that are kept, the same on all ranks; or NULL */
    size_t kept;               /**< negatives: the first ones of the choice */
    nb_bank_findings findings; /**< candidates 0: none */
} nb_criterion_outcome;

/** Frees what an outcome holds. Not collective.
 * @param outcome emptied */
void nb_criterion_outcome_free(nb_criterion_outcome *outcome);

/** A criterion. */
typedef struct nb_criterion {
    const char *name;               /**< of --criterion */
    const char *source;             /**< the paper */
    const char *const *columns;     /**< [column_count] names in the explain table; the last one decides */
    size_t column_count;            /**< 1 to NB_COLUMNS_MAX */
    bool smallest;                  /**< keep the smallest values, else the largest */
    const nb_criterion_list *lists; /**< [list_count] that fill the bank in turn, in place of the last column */
    size_t list_count;              /**< 0: the last column decides */
    const char *score;              /**< that its banks suggest; NULL: the default one */
    bool needs_prototypes;          /**< ID images must be given */
    bool needs_wild;                /**< wild images must be given, or `without_wild` takes its place */
    const struct nb_criterion *without_wild; /**< what it falls back to; NULL only without needs_wild */
    const nb_rejection *rejection;           /**< the rule of `--reject auto` */
    unsigned explained;              /**< not 0: its columns stand in every explain table, in rising order of this */
    double fraction[NB_TAG_COUNT];   /**< default share of each tag; all 0: `count` */
    bool of_labels_too;              /**< that share is of those that are ID labels too */
    size_t count;                    /**< default size of the bank */
    bool automatic;                  /**< or `finish` chooses it, up to --max-bank */
    nb_method_parameters parameters; /**< options of `mine` */
    /** Adds what it takes to *cost; NULL for nothing. */
    void (*cost)(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters);
    /** Collective. *state is closed by `close`, also after a failure (it may be NULL then). `parameters`, a block of
     * this criterion's own type, stays as long. */
    nb_status (*open)(void **state, const nb_evidence *evidence, const void *parameters, nb_error *err);
    /** Takes NULL. */
    void (*close)(void *state);
    /** Not collective. values [column_count][tile->count]. */
    nb_status (*tile)(void *state, const nb_text_tile *tile, double *const *values, nb_error *err);
    /** Not collective. The deciding value of `count` candidates with rows [count, d] in double; NULL where sums over
     * the data decide. Values of `tile` are within nb_affinity_slack of these. */
    nb_status (*exact)(void *state, const double *rows, size_t count, double *values, nb_error *err);
    /** Collective, behind the selection; NULL: nothing is left to do. *out is freed by the caller, also after a
     * failure. */
    nb_status (*finish)(void *state, const nb_chosen *choice, nb_criterion_outcome *out, nb_error *err);
    const nb_rejection *applies; /**< a rule without parameters that tile_and_reject applies; NULL for none */
    /** Not collective. As `tile`, with the rule's verdicts rejected [tile->count] from the same products. */
    nb_status (*tile_and_reject)(void *state, const nb_text_tile *tile, double *const *values, uint8_t *rejected,
                                 nb_error *err);
} nb_criterion;

/** All criteria, the default first, NULL behind the last. */
extern const nb_criterion *const nb_criteria[];

extern const nb_criterion nb_criterion_dnm; /**< which another criterion falls back to */

/** The criterion of that name, NULL for an unknown one. Not collective.
 * @param name a name of --criterion
 * @return the criterion, NULL for an unknown name */
const nb_criterion *nb_criterion_find(const char *name);

/** The name of criterion `i`, NULL behind the last: nb_option.choice of --criterion. Not collective.
 * @param i its place in the table
 * @return the name */
const char *nb_criterion_choice(size_t i);

/** "auto", then the names of the rejection rules, NULL behind the last: nb_option.choice of --reject. Not collective.
 * @param i from 0, "auto"
 * @return the word */
const char *nb_rejection_choice(size_t i);

/** nb_option.describe of --reject: its help, with {} replaced by the rules that criteria have as their own, each with
 * the criteria, "interneg for interneg and debiased". Not collective.
 * @param option the row, whose help has {}
 * @param room [size] out
 * @param size bytes, the end mark included; what is longer is cut */
void nb_rejection_describe(const nb_option *option, char *room, size_t size);

/** The rule that --reject asks for: a name, or "auto" for the criterion's own. NULL for an unknown name. Not
 * collective.
 * @param choice a word of nb_rejection_choice
 * @param criterion that was asked for
 * @return the rule */
const nb_rejection *nb_rejection_choose(const char *choice, const nb_criterion *criterion);

/** Option row `i` of the parameters of all criteria and rejection rules: nb_command.more of `mine`.
 * @param i from 0
 * @param row out
 * @return true with *row, false when there are no more. Not collective. */
bool nb_mining_row(size_t i, nb_option *row);

/** A parameter block of a criterion or a rule.
 * @param block   freed by the caller
 * @param parameters the method's
 * @param options the parsed options of a command with the rows of nb_mining_row, which keep texts; NULL for defaults
 * @return NB_OK, NB_ERR_LIMIT without memory, NB_ERR_INTERNAL when the command lacks a parameter. Not collective. */
nb_status nb_mining_parameters(void **block, const nb_method_parameters *parameters, const nb_parsed *options,
                               nb_error *err);

/** The row of the seed that criteria with a sample share, of a block `settings` with a member int64_t seed. */
#define NB_MINING_SEED_ROW OPT_INT("seed", seed, "N", "0", 0, 9e15, "random and --neighbour-sample: seed of the sample")

/** The order of doubles, for qsort. Not collective.
 * @param a, b two doubles
 * @return below, at or over 0 as *a is less than, equal to or more than *b */
int nb_ascending(const void *a, const void *b);

/** Logs how a pass went: its products' rate, "label pass: 100000 x 1000, 95.1 GFLOP/s a rank". Not collective.
 * @param what the name of the pass
 * @param rows, columns of the product, whose inner width is that of the evidence
 * @param seconds that it took; passes under a second are not logged */
void nb_say_pass(const nb_evidence *evidence, const char *what, double rows, double columns, double seconds);

#endif
