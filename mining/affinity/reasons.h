/* Why a candidate was rejected. */
#ifndef NB_MINING_AFFINITY_REASONS_H
#define NB_MINING_AFFINITY_REASONS_H

typedef enum nb_reason {
    NB_ACCEPTED,
    NB_REJECTED_LABEL,    /* it is an ID label: exactly, or up to case and spacing */
    NB_REJECTED_STOP,     /* it is on the user's stop list */
    NB_REJECTED_INTERNEG, /* it fits some class's images at least as well as the class's own name */
    NB_REASON_COUNT
} nb_reason;

/* "accepted", "label", "stop-list", "interneg" */
const char *nb_reason_name(nb_reason reason);

#endif
