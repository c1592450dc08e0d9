/* A sweep: every tile of the candidates once, by whichever rank takes it. */
#ifndef NB_MINING_SWEEP_H
#define NB_MINING_SWEEP_H

#include "common/base/log.h"
#include "mining/affinity/candidates.h"

/* Works on one tile; *kept is set when there was nothing to do. What it makes of a tile must not depend on the rank. */
typedef nb_status (*nb_sweep_visitor)(void *state, size_t tile, bool *kept, nb_error *err);

/* Collective. Progress counts the candidates of all ranks. A failure on one rank ends the sweep on all; after a request
 * to stop on any rank every rank gets NB_STOPPED, unless all tiles were done by then. */
nb_status nb_candidates_sweep(const nb_candidates *candidates, const nb_log *log, const char *what,
                              nb_sweep_visitor visit, void *state, nb_error *err);

#endif
