#define _XOPEN_SOURCE 700 /* nftw */
#include "support/support.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *slot(const char *folder, const char *name)
{
    static char buffers[8][512];
    static unsigned next;
    char *out = buffers[next++ % 8];
    snprintf(out, sizeof buffers[0], "%s/%s", folder, name);
    return out;
}

static const char *present(const char *folder, const char *name)
{
    const char *path = slot(folder, name);
    if (access(path, R_OK) != 0) {
        fail_msg("the reference data lack '%s'", path);
    }
    return path;
}

const char *golden_path(const char *name)
{
    return present(NEGBANK_GOLDEN, name);
}

void need_shared(const char *name)
{
    const char *path = slot(NEGBANK_SHARED, name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: the data '%s' are absent\n", path);
        skip();
    }
}

const char *shared_path(const char *name)
{
    return present(NEGBANK_SHARED, name);
}

static char scratch[200]; /* what tests have room for, with a name behind it */
static pid_t scratch_owner;

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about, (void)kind, (void)place;
    return remove(path);
}

static void remove_scratch(void)
{
    if (getpid() == scratch_owner) { /* not in a child that ends */
        nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

/* Starts a process that outlives this one and then removes the folder: a program that is killed, as ctest does with one
 * that runs too long, cannot do so itself. The end of this one is that of a pipe. */
static void remove_after_death(void)
{
    int ends[2];
    if (pipe(ends) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0) {
        fail_msg("cannot open a pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        /* no child of the test, so that it is not killed with it, and with none of its files */
        if (setsid() < 0 || fork() != 0) {
            _exit(0);
        }
        int none = open("/dev/null", O_WRONLY);
        if (dup2(ends[0], 0) < 0 || dup2(none, 1) < 0 || dup2(none, 2) < 0) {
            _exit(1);
        }
        for (int fd = 3; fd < 1024; fd++) {
            close(fd);
        }
        execl("/bin/sh", "sh", "-c", "cat; rm -rf -- \"$1\"", "sh", scratch, (char *)NULL);
        _exit(1);
    }
    close(ends[0]);
    if (child < 0 || waitpid(child, NULL, 0) != child) {
        fail_msg("cannot start a process");
    }
}

const char *scratch_path(const char *name)
{
    if (!scratch[0]) {
        const char *parent = getenv("TMPDIR");
        char folder[sizeof scratch];
        int len = snprintf(folder, sizeof folder, "%s/negbank-test-XXXXXX", parent && parent[0] ? parent : "/tmp");
        if (len < 0 || (size_t)len >= sizeof folder || !mkdtemp(folder)) {
            fail_msg("no scratch folder '%s': TMPDIR is not there, or too long", folder);
        }
        memcpy(scratch, folder, sizeof scratch);
        scratch_owner = getpid();
        atexit(remove_scratch);
        remove_after_death();
    }
    return slot(scratch, name);
}

const char *absent_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/absent/%s", scratch_path("."), name);
    return path;
}

void must(nb_status status, const nb_error *err)
{
    if (status != NB_OK) {
        fail_msg("%s: %s (%s)", nb_status_name(status), err->message, err->hint);
    }
}

void must_fail(nb_status status, nb_status want, const nb_error *err, const char *word)
{
    if (status != want) {
        fail_msg("expected '%s', got '%s': %s", nb_status_name(want), nb_status_name(status), err->message);
    }
    if (!strstr(err->message, word) && !strstr(err->hint, word)) {
        fail_msg("message does not say '%s': %s", word, err->message);
    }
}
