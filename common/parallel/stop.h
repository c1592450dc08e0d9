/* Requests to stop: SIGUSR1 (what `sbatch --signal` sends) and SIGTERM set a flag that loops look at between tiles.
 * SIGCONT, which Slurm sends along, is no reason to stop. */
#ifndef NB_PARALLEL_STOP_H
#define NB_PARALLEL_STOP_H

#include "common/base/status.h"

#include <stdbool.h>

/* Installs the handlers. */
void nb_stop_listen(void);
/* True once this process was asked to stop. */
bool nb_stop_requested(void);
/* NB_STOPPED, saying so, once this process was asked to stop: for long work between two agreements. */
nb_status nb_stop_check(nb_error *err);

#endif
