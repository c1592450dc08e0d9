#include "common/parallel/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested; /* a handler can reach nothing else */

static void stop_note(int signal_number)
{
    (void)signal_number;
    requested = 1;
}

void nb_stop_listen(void)
{
    struct sigaction action = {.sa_handler = stop_note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool nb_stop_requested(void)
{
    return requested != 0;
}

nb_status nb_stop_check(nb_error *err)
{
    return nb_stop_requested() ? nb_fail(err, NB_STOPPED, "stopped on request") : NB_OK;
}
