/** @file
 * Why a candidate was rejected. */
#ifndef NB_MINING_AFFINITY_REASONS_H
#define NB_MINING_AFFINITY_REASONS_H

/** The reasons, as ledgers number them. */
typedef enum nb_reason {
    NB_ACCEPTED,       /**< for none */
    NB_REJECTED_LABEL, /**< it is an ID label: exactly, or up to case and spacing */
    NB_REJECTED_STOP,  /**< it is on the user's stop list */
    NB_REJECTED_RULE,  /**< the rejection rule of the run (mining/criteria/rejection) */
    NB_REASON_COUNT
} nb_reason;

/** The name of a reason: "accepted", "label", "stop-list", or `rule`. Not collective.
 * @param reason of a candidate
 * @param rule the name of the run's rejection rule
 * @return the name */
const char *nb_reason_name(nb_reason reason, const char *rule);

#endif
