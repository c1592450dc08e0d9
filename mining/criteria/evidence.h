/** @file
 * What criteria and rejection rules look at, and how it is read: label texts, their image prototypes, image sets. Not
 * collective: every rank reads for itself and holds the same. */
#ifndef NB_MINING_CRITERIA_EVIDENCE_H
#define NB_MINING_CRITERIA_EVIDENCE_H

#include "common/base/log.h"
#include "common/store/embeddings.h"
#include "mining/affinity/candidates.h"

/** What a run mines from. Doubles are normalised; d is the width of all embeddings. All borrowed, the same on all
 * ranks. */
typedef struct nb_evidence {
    const nb_comm *comm;       /**< the ranks */
    const nb_log *log;         /**< where progress goes */
    nb_candidates *candidates; /**< the texts to choose from */
    size_t d;                  /**< width */
    size_t label_count;        /**< C */
    const double *labels;      /**< [C, d] label texts */
    const double *prototypes;  /**< [C, d] mean ID images, or NULL */
    nb_store *id_images;       /**< or NULL */
    nb_store *wild_images;     /**< or NULL */
} nb_evidence;

/** How large a run is, for `cost`. Counts, as doubles. */
typedef struct nb_mining_size {
    double candidates;  /**< texts to choose from */
    double width;       /**< of the embeddings */
    double labels;      /**< C */
    double id_images;   /**< 0: none */
    double wild_images; /**< 0: none */
} nb_mining_size;

/** What a run takes. */
typedef struct nb_mining_cost {
    double products; /**< floating-point operations of matrix products, of all ranks together */
    double memory;   /**< bytes a rank */
} nb_mining_cost;

/** Adds one pass over candidates x labels with the labels held in single and double precision. Not collective.
 * @param cost what is added to
 * @param size of the run */
void nb_mining_cost_labels(nb_mining_cost *cost, const nb_mining_size *size);

/** How far a cosine in single precision can be from the true one: rows of length 1, d products summed in any order.
 * @param d width
 * @return the bound */
static inline double nb_affinity_slack(size_t d)
{
    return (double)(d + 8) * 0x1p-24;
}

/** All rows of a store as normalised doubles.
 * @param store read whole
 * @param rows [count, d], freed by the caller; NULL after a failure
 * @return NB_OK, NB_ERR_LIMIT without memory, or the error of reading the store */
nb_status nb_evidence_rows(nb_store *store, double **rows, nb_error *err);

/** Checks that a store holds the text embeddings of the labels: as many rows as labels, in their order.
 * @param store of embeddings
 * @param labels the label set
 * @return NB_OK, or NB_ERR_INPUT when a name of the store is another than the label's (rows that were imported without
 *         names are numbers and pass) */
nb_status nb_evidence_check_labels(const nb_store *store, const nb_strings *labels, nb_error *err);

/** The image prototypes p_c = normalise(mean of the images of class c). Images with label -1 are left out.
 * @param images a store with labels
 * @param labels the label set, for messages and their number
 * @param out [C, d], freed by the caller; NULL after a failure
 * @return NB_OK, NB_ERR_INPUT when a label of the images is beyond the label set or a class has no image, NB_ERR_LIMIT
 *         without memory, or the error of reading the store */
nb_status nb_evidence_prototypes(nb_store *images, const nb_strings *labels, double **out, nb_error *err);

#endif
