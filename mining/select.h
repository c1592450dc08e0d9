/* Selection: which candidates become the bank, in which order, and why the others did not.
 *
 * Orders are total: by the criterion, ties by global id. Every tag gets its share and keeps its own order; the bank
 * lists nouns first, then untagged texts, then adjectives. */
#ifndef NB_MINING_SELECT_H
#define NB_MINING_SELECT_H

#include "mining/criteria/criterion.h"

/* Why a candidate was rejected. */
typedef enum nb_reason {
    NB_ACCEPTED,
    NB_REJECTED_LABEL,    /* it is an ID label: exactly, or up to case and spacing */
    NB_REJECTED_INTERNEG, /* it fits some class's images at least as well as the class's own name */
    NB_REASON_COUNT
} nb_reason;

/* "accepted", "label", "interneg" */
const char *nb_reason_name(nb_reason reason);

/* How many to keep: a count (all tags together, split in proportion to their accepted candidates, the remainder to the
 * first tag that has any), or when count is 0 a fraction of each tag's accepted candidates (rounded down). */
typedef struct nb_quota {
    size_t count;
    double fraction[NB_TAG_COUNT];
} nb_quota;

typedef struct nb_selection {
    size_t *ids; /* [count] global ids in bank order */
    size_t count;
    size_t accepted, rejected[NB_REASON_COUNT];
} nb_selection;

/* values, reasons (nb_reason as bytes), tags (NULL: all untagged) are [n]. NB_ERR_INPUT when nothing is accepted or
 * nothing is left to select, with the counts by reason; NB_ERR_USAGE when quota.count exceeds the accepted ones. */
nb_status nb_select(nb_selection *out, size_t n, const double *values, bool smallest, const uint8_t *reasons,
                    const uint8_t *tags, const nb_quota *quota, nb_error *err);
void nb_selection_free(nb_selection *selection);

#endif
