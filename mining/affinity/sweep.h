/** @file
 * A sweep: every tile of the candidates once, by whichever rank takes it. */
#ifndef NB_MINING_SWEEP_H
#define NB_MINING_SWEEP_H

#include "common/base/log.h"
#include "mining/affinity/candidates.h"

/** Works on one tile. What it makes of a tile must not depend on the rank. Not collective.
 * @param kept set when there was nothing to do
 * @return NB_OK, or an error that ends the sweep on all ranks */
typedef nb_status (*nb_sweep_visitor)(void *state, size_t tile, bool *kept, nb_error *err);

/** Visits all tiles. Collective; progress counts the candidates of all ranks.
 * @param what  names them in the log: "candidates"
 * @param visit called with `state`
 * @return NB_OK, a visitor's error on every rank, or NB_STOPPED on every rank after a request to stop on any, unless
 *         all tiles were done by then */
nb_status nb_candidates_sweep(const nb_candidates *candidates, const nb_log *log, const char *what,
                              nb_sweep_visitor visit, void *state, nb_error *err);

#endif
