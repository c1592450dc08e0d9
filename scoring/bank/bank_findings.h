/**
 * @file
 * What the miner of a bank found out about its images: how far they can be trusted, and which sizes were compared.
 * Stored as the text `findings`, a JSON object (scoring/FORMATS.md has its keys).
 */
#ifndef NB_SCORING_BANK_BANK_FINDINGS_H
#define NB_SCORING_BANK_BANK_FINDINGS_H

#include "common/base/memory.h"

#include <jansson.h>

enum { NB_SIZE_STEPS_MAX = 64 }; /**< sizes that are compared, at most */

/** A size that the bank might have had. */
typedef struct nb_size_step {
    size_t count;      /**< negatives */
    double id_moves;   /**< how far the ID images' ranks move from here to the next size; NaN for the last one */
    double wild_moves; /**< the same of the wild images; NaN without them, too */
} nb_size_step;

/** What was found out. */
typedef struct nb_bank_findings {
    size_t candidates;    /**< that competed; 0: nothing is known */
    size_t id_images;     /**< with a class */
    size_t wild_images;   /**< 0: none were given */
    size_t with_evidence; /**< candidates that the wild images are evidence for */
    size_t measured;      /**< negatives of the bank with a measured proxy */
    double id_share;      /**< share of ID images among the wild ones, 0 to 1; NaN without wild images */
    double covered; /**< share of what ID images are mistaken for that lies on negatives with evidence; NaN likewise */
    double tolerance;                      /**< a size is enough when ranks move less; NaN when none were compared */
    nb_size_step sizes[NB_SIZE_STEPS_MAX]; /**< [size_count] rising */
    size_t size_count;                     /**< 0: none */
} nb_bank_findings;

/** The JSON object.
 * @param findings what was found out
 * @return freed by the caller with json_decref; NULL without memory */
json_t *nb_bank_findings_json(const nb_bank_findings *findings);

/** Reads it back.
 * @param out of no meaning after a failure
 * @param text the dataset "findings"
 * @return NB_OK, NB_ERR_INPUT when it is not such an object, or NB_ERR_LIMIT without memory */
nb_status nb_bank_findings_parse(nb_bank_findings *out, const char *text, nb_error *err);

#endif
