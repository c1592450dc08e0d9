#include "jobs/run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t asked, child;

static void launch_pass_on(int number)
{
    int saved = errno;
    asked = 1;
    if (child > 0 && number != SIGINT) {
        kill((pid_t)child, SIGUSR1);
    }
    errno = saved;
}

void nb_launch_listen(void)
{
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action = {.sa_handler = launch_pass_on};
        sigemptyset(&action.sa_mask);
        sigaction(numbers[i], &action, NULL);
    }
}

bool nb_launch_stop_asked(void)
{
    return asked != 0;
}

/* In the child: requests to stop are the started program's own affair. Returns only when it cannot be started. */
static void launch_become(char *const words[])
{
    setenv("PMIX_MCA_gds", "hash", 0); /* common/parallel/comm.c; here for mpirun, which has such locks of its own */
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    execvp(words[0], words);
}

/* Says through the pipe, which a successful start closes, why there was none. */
static nb_status launch_started(int pipe_end, const char *program, nb_error *err)
{
    int number = 0;
    ssize_t got;
    do {
        got = read(pipe_end, &number, sizeof number);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof number) {
        return NB_OK;
    }
    errno = number;
    return nb_fail_errno(err, NB_ERR_USAGE, "cannot start '%s'", program);
}

nb_status nb_launch(const nb_strings *words, int *code, nb_error *err)
{
    char **argv = NULL;
    int ends[2] = {-1, -1}, how = 0;
    nb_status status;
    NB_TRY_NEW(argv, words->count + 1);
    for (size_t i = 0; i < words->count; i++) {
        argv[i] = words->bytes + words->offset[i];
    }
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        status = nb_fail_errno(err, NB_ERR_LIMIT, "cannot make a pipe");
        goto done;
    }
    sigset_t ours, before; /* no request may fall between the fork and the note of its child */
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        launch_become(argv);
        int number = errno;
        ssize_t sent = write(ends[1], &number, sizeof number);
        _exit(sent == (ssize_t)sizeof number ? 127 : 126);
    }
    child = (sig_atomic_t)pid;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        child = 0;
        status = nb_fail_errno(err, NB_ERR_LIMIT, "cannot start '%s'", argv[0]);
        goto done;
    }
    close(ends[1]);
    ends[1] = -1;
    status = launch_started(ends[0], argv[0], err);
    pid_t waited;
    do {
        waited = waitpid(pid, &how, 0);
    } while (waited < 0 && errno == EINTR);
    child = 0;
    *code = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
done:
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
    }
    free(argv);
    return status;
}

nb_status nb_own_program(char *out, size_t size, nb_error *err)
{
    ssize_t got = readlink("/proc/self/exe", out, size - 1);
    if (got < 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot tell where this program lies");
    }
    out[got] = '\0';
    return NB_OK;
}
