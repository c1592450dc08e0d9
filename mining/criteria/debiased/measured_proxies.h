/** @file
 * Where a candidate lies among images, as the wild images show it: the first moment of its responsibilities, corrected
 * for the ID images among them,
 *
 *     V_u = sum_W r_u(x) x - n sum_D w(x) r_u(x) x,     v_u = V_u / |V_u|,
 *
 * W the wild images, D the ID images with weights w of sum 1, n the number of ID images among the wild ones. */
#ifndef NB_MINING_CRITERIA_DEBIASED_MEASURED_PROXIES_H
#define NB_MINING_CRITERIA_DEBIASED_MEASURED_PROXIES_H

#include "mining/criteria/responsibilities.h"

/** Measures proxies in double precision. Collective: blocks of candidates are dealt to the ranks.
 * @param r open; the weights of the ID set are w
 * @param n ID images among the wild ones
 * @param ids [count] candidates, the same on all ranks
 * @param count how many
 * @param out [count, d] on every rank; a row of zeros where V_u has no direction
 * @return NB_OK, NB_ERR_LIMIT without memory, or an error of reading rows; the same on all ranks */
nb_status nb_measured_proxies(const nb_responsibilities *r, double n, const uint64_t *ids, size_t count, double *out,
                              nb_error *err);

#endif
