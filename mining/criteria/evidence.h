/* Reads what the criteria look at: label texts, their image prototypes, image sets. Not collective: every rank reads
 * for itself and holds the same. */
#ifndef NB_MINING_CRITERIA_EVIDENCE_H
#define NB_MINING_CRITERIA_EVIDENCE_H

#include "common/store/embeddings.h"

/* All rows of a store as normalised doubles [count, d], freed by the caller. */
nb_status nb_evidence_rows(nb_store *store, double **rows, nb_error *err);

/* The text embeddings of the labels from a store: as many rows as labels, in their order. NB_ERR_INPUT when a name of
 * the store is another than the label's (rows that were imported without names are numbers and pass). */
nb_status nb_evidence_check_labels(const nb_store *store, const nb_strings *labels, nb_error *err);

/* p_c = normalise(mean of the images of class c): out [C, d], freed by the caller. NB_ERR_INPUT when a label of the
 * images is beyond the label set, or a class has no image. Images with label -1 are left out. */
nb_status nb_evidence_prototypes(nb_store *images, const nb_strings *labels, double **out, nb_error *err);

#endif
