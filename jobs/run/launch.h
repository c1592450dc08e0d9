/* Starts a program and waits for it, passing on requests to stop. */
#ifndef NB_JOBS_RUN_LAUNCH_H
#define NB_JOBS_RUN_LAUNCH_H

#include "common/base/memory.h"

/** From here on SIGUSR1 and SIGTERM reach the program that runs as SIGUSR1, which mpirun and srun hand to every rank:
 * stop at the next tile, save, exit with 85. SIGINT, which a terminal sends to all anyway, only counts as a request.
 * Not collective. */
void nb_launch_listen(void);

/** True once this process was asked to stop. Not collective. */
bool nb_launch_stop_asked(void);

/** Runs a program and waits for its end. Not collective.
 * @param words the program and its arguments
 * @param code  receives its exit code, 128 + the number of the signal that ended it
 * @return NB_OK; NB_ERR_USAGE when it cannot be started; NB_ERR_LIMIT without a process, a pipe or memory */
nb_status nb_launch(const nb_strings *words, int *code, nb_error *err);

/** The path of this program. Not collective.
 * @param out [size]
 * @return NB_OK, or NB_ERR_IO when the system does not say */
nb_status nb_own_program(char *out, size_t size, nb_error *err);

#endif
