/**
 * @file
 * The part of a bank that the score `debiased` needs of its negatives beside their texts: how far ID images already
 * resemble each of them, and where it lies among images. Where wild images showed it, that place was measured; for
 * every other negative it is imputed from its text by a map learnt from the ID classes' own texts and images.
 */
#ifndef NB_SCORING_BANK_BANK_PROXIES_H
#define NB_SCORING_BANK_BANK_PROXIES_H

#include "common/base/memory.h"
#include "common/linear/blas.h"

/** What the score `debiased` needs of negatives beside their texts: M negatives, width d. */
typedef struct nb_bank_proxies {
    double *log_prior;     /**< [M] ln of each negative's weight, <= 0 */
    double *evidence;      /**< [M] wild images that resemble it, corrected for ID images; 0 without wild images */
    size_t measured_count; /**< K: negatives with a measured proxy */
    uint32_t *measured;    /**< [K] their numbers, rising */
    double *measured_rows; /**< [K, d] unit */
    double *map;           /**< [d, d] G, row-major: v(e) = unit(image_mean + (e - text_mean) G) */
    double *text_mean;     /**< [d] */
    double *image_mean;    /**< [d] */
    double *imputed_rows;  /**< [M, d] unit, made from map at opening; ignored by the writer */
} nb_bank_proxies;

/** Imputes the places of texts among images, v(e) = unit(image_mean + (e - text_mean) G), in double precision.
 * @param proxies whose map, text_mean and image_mean are used
 * @param texts [n, d] their embeddings
 * @param out [n, d] unit
 * @return NB_OK, NB_ERR_INPUT naming the row when one is zero or not finite, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_impute(const nb_bank_proxies *proxies, nb_double_matrix texts, double *out, nb_error *err);

/** Frees proxies with all their arrays.
 * @param proxies owned by nb_alloc, as a bank's are; takes NULL */
void nb_bank_proxies_free(nb_bank_proxies *proxies);

#endif
