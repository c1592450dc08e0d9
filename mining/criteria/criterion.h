/* Mining criteria: a number per candidate that decides which make good negative labels (shared mathematics:
 * README.md, "Criteria"). One file a criterion, one line in the table of criterion.c.
 *
 * A criterion is opened once, which may take passes over all texts or images, and then gives the values of one tile of
 * candidates after the other. Products run in single precision and never leave the tile. What a candidate's own row
 * decides is decided near a cut by `exact`, in double and in one fixed order on every CPU. */
#ifndef NB_MINING_CRITERION_H
#define NB_MINING_CRITERION_H

#include "common/base/log.h"
#include "common/base/tag.h"
#include "mining/affinity/candidates.h"

enum { NB_COLUMNS_MAX = 3 }; /* columns a criterion */

/* What criteria look at. Doubles are normalised; d is the width of all embeddings. The same on all ranks. */
typedef struct nb_evidence {
    const nb_team *team;
    const nb_log *log;
    nb_candidates *candidates;
    size_t d, label_count;             /* C */
    const double *labels;              /* [C, d] label texts */
    const double *prototypes;          /* [C, d] mean ID images, or NULL */
    nb_store *id_images, *wild_images; /* or NULL */
    double quantile, tau, affinity_temperature;
    size_t neighbours;
    size_t neighbour_sample; /* dnm: size of the seeded sample of candidates that are neighbours; 0: all are */
    bool released_distance;  /* dnm: as the authors' script has it, not on the sphere */
    uint64_t seed;
} nb_evidence;

typedef struct nb_criterion {
    const char *name;
    const char *const *columns; /* names in the explain table; the last one decides */
    size_t column_count;
    bool smallest; /* keep the smallest values, else the largest */
    bool needs_prototypes, needs_wild;
    bool rejects;                  /* InterNeg's rejection rule is on by default */
    double fraction[NB_TAG_COUNT]; /* default share of each tag; all 0: `count` */
    size_t count;                  /* default size of the bank */
    /* Collective. *state is closed by `close`, also after a failure (it may be NULL then). */
    nb_status (*open)(void **state, const nb_evidence *evidence, nb_error *err);
    void (*close)(void *state);
    /* Not collective. values [column_count][tile->count]. */
    nb_status (*tile)(void *state, const nb_text_tile *tile, double *const *values, nb_error *err);
    /* Not collective. The deciding value of `count` candidates with rows [count, d] in double; NULL where sums over the
     * data decide. Values of `tile` are within nb_affinity_slack of these. */
    nb_status (*exact)(void *state, const double *rows, size_t count, double *values, nb_error *err);
} nb_criterion;

/* NULL for an unknown name. */
const nb_criterion *nb_criterion_find(const char *name);
#define NB_CRITERION_NAMES "debiased|interneg|neglabel|dnm|random"

/* How far a cosine in single precision can be from the true one: rows of length 1, d products summed in any order. */
static inline double nb_affinity_slack(size_t d)
{
    return (double)(d + 8) * 0x1p-24;
}

/* InterNeg's rejection rule: a candidate is rejected when cos(e(u), p_c) >= cos(q_c, p_c) for any class c: it fits some
 * class's images at least as well as the class's own name. `state` is that of nb_criterion_interneg; margins [count]
 * (as its column) or rejected [count] (1: rejected) may be NULL. Not collective. */
nb_status nb_interneg_tile(void *state, const nb_text_tile *tile, double *margins, uint8_t *rejected, nb_error *err);

/* The order of doubles, for qsort. */
int nb_ascending(const void *a, const void *b);

/* Says how a pass went: its products' rate, "label pass: 100000 x 1000, 95.1 GFLOP/s a rank". */
void nb_say_pass(const nb_evidence *evidence, const char *what, double rows, double columns, double seconds);

extern const nb_criterion nb_criterion_neglabel, nb_criterion_interneg, nb_criterion_dnm, nb_criterion_debiased,
    nb_criterion_random;

#endif
