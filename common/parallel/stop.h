/* Requests to stop: SIGUSR1 (what `sbatch --signal` sends) and SIGTERM set a flag that loops look at between tiles.
 * SIGCONT, which Slurm sends along, is no reason to stop. Nothing here is collective: a request reaches one process,
 * and the worker pool (common/parallel/pool.h) or an agreement carries it to the others. */
#ifndef NB_PARALLEL_STOP_H
#define NB_PARALLEL_STOP_H

#include "common/base/status.h"

#include <stdbool.h>

/** Installs the handlers, for the rest of the process. Harmless when done twice. */
void nb_stop_listen(void);

/** True once this process was asked to stop; it stays so. */
bool nb_stop_requested(void);

/** For long work between two agreements.
 *
 * @return NB_OK, or NB_STOPPED, saying so, once this process was asked to stop. */
NB_CHECKED nb_status nb_stop_check(nb_error *err);

#endif
