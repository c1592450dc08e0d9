/** @file
 * Rejection rules: which candidates cannot become negatives, whatever the criterion says of them. A file a rule in this
 * folder, a line in rejection_table.c. */
#ifndef NB_MINING_CRITERIA_REJECTION_H
#define NB_MINING_CRITERIA_REJECTION_H

#include "common/options/method.h"
#include "mining/criteria/evidence.h"

/** A rejection rule. */
typedef struct nb_rejection {
    const char *name;                /**< of --reject, and of the reason in explain tables */
    const char *source;              /**< the paper */
    bool needs_prototypes;           /**< ID images must be given */
    nb_method_parameters parameters; /**< options of `mine` */
    /** Adds what the rule takes to *cost; NULL for nothing. */
    void (*cost)(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters);
    /** Collective. *state is closed by `close`, also after a failure (it may be NULL then). `parameters` stays as long.
     * NULL, as the two others, for a rule that rejects nothing. */
    nb_status (*open)(void **state, const nb_evidence *evidence, const void *parameters, nb_error *err);
    /** Takes NULL. */
    void (*close)(void *state);
    /** Not collective. Sets rejected [tile->count] to 1 for what the rule rejects, else to 0. */
    nb_status (*tile)(void *state, const nb_text_tile *tile, uint8_t *rejected, nb_error *err);
} nb_rejection;

/** All rules, NULL behind the last. */
extern const nb_rejection *const nb_rejections[];

extern const nb_rejection nb_rejection_interneg, nb_rejection_none; /**< which criteria have as their own */

/** The rule of that name, NULL for an unknown one. Not collective.
 * @param name of a rule
 * @return the rule */
const nb_rejection *nb_rejection_find(const char *name);

#endif
