#define _XOPEN_SOURCE 700 /* nftw */
#include "support/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static char scratch[64];
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

const char *scratch_path(const char *name)
{
    if (!scratch[0]) {
        snprintf(scratch, sizeof scratch, "/tmp/negbank-test-XXXXXX");
        if (!mkdtemp(scratch)) {
            fail_msg("cannot create a scratch folder");
        }
        scratch_owner = getpid();
        atexit(remove_scratch);
    }
    return slot(scratch, name);
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
