/* Mining criteria: a number per candidate that decides which make good negative labels (shared mathematics:
 * README.md, "Criteria"). One file a criterion, one line in the table of criterion.c. */
#ifndef NB_MINING_CRITERION_H
#define NB_MINING_CRITERION_H

#include "common/base/log.h"
#include "common/base/tag.h"
#include "common/parallel/team.h"
#include "common/store/embeddings.h"

enum { NB_AFFINITY_TEXTS = 1024, NB_AFFINITY_IMAGES = 512, NB_COLUMNS_MAX = 3 }; /* tile sizes; columns a criterion */

/* What criteria look at. All embeddings are normalised doubles; d is the width of all of them. The same on all ranks.
 */
typedef struct nb_evidence {
    const nb_team *team;
    const nb_log *log;
    nb_store *texts;           /* candidates, count N */
    const uint8_t *ignored;    /* [N], 1: an ID label itself, no candidate */
    size_t d, label_count;     /* C */
    const double *labels;      /* [C, d] label texts */
    const double *prototypes;  /* [C, d] mean ID images, or NULL */
    const double *id_images;   /* [id_count, d] or NULL */
    const double *wild_images; /* [wild_count, d] or NULL */
    size_t id_count, wild_count;
    double quantile, tau, affinity_temperature;
    size_t neighbours;
    bool released_distance; /* dnm: as the authors' script has it, not on the sphere */
    uint64_t seed;
} nb_evidence;

/* A table of N values per column. Ranks fill the rows of their own text tiles; nb_criterion_compute unites them. */
typedef struct nb_criterion {
    const char *name;
    const char *const *columns; /* names in the explain table; the last one decides */
    size_t column_count;
    bool smallest; /* keep the smallest values, else the largest */
    bool needs_prototypes, needs_wild;
    bool rejects;                  /* InterNeg's rejection rule is on by default */
    double fraction[NB_TAG_COUNT]; /* default share of each tag; all 0: `count` */
    size_t count;                  /* default size of the bank */
    /* Collective. values [column_count][N]. */
    nb_status (*compute)(const nb_evidence *evidence, double *const *values, nb_error *err);
} nb_criterion;

/* NULL for an unknown name. "debiased|interneg|..." is the table's choice list. */
const nb_criterion *nb_criterion_find(const char *name);
#define NB_CRITERION_NAMES "debiased|interneg|neglabel|dnm|random"

/* Collective. Runs compute and unites the columns: afterwards every rank holds all N values of each. NB_ERR_NUMERIC
 * when the deciding value of a candidate is not finite. */
nb_status nb_criterion_compute(const nb_criterion *criterion, const nb_evidence *evidence, double *const *values,
                               nb_error *err);

/* Collective. InterNeg's rejection rule: rejected[u] = 1 when cos(e(u), p_c) >= cos(q_c, p_c) for any class c: the
 * candidate fits some class's images at least as well as the class's own name. rejected [N], united. */
nb_status nb_reject_interneg(const nb_evidence *evidence, uint8_t *rejected, nb_error *err);

/* Calls `visit` for every text tile (own: only those of this rank), rows as normalised doubles [count, d]. */
typedef nb_status (*nb_tile_visitor)(void *state, size_t begin, size_t count, const double *rows, nb_error *err);
nb_status nb_visit_texts(const nb_evidence *evidence, bool own, nb_tile_visitor visit, void *state, nb_error *err);

/* The order of doubles, for qsort. */
int nb_ascending(const void *a, const void *b);

extern const nb_criterion nb_criterion_neglabel, nb_criterion_interneg, nb_criterion_dnm, nb_criterion_debiased,
    nb_criterion_random;

#endif
