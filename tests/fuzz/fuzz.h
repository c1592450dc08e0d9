/* What the fuzzers of files share: the fuzzed bytes under a path, without touching a disk. */
#ifndef NB_TESTS_FUZZ_H
#define NB_TESTS_FUZZ_H

#include "common/base/status.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* abort() is how a fuzzer says that a promise was broken. */
static inline void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A failure is named and says something; success leaves no trace. */
static inline void require_message(nb_status status, const nb_error *err)
{
    require(status == NB_OK || (err->status == status && err->message[0]));
}

/* A file in memory that holds the bytes; the same one at every call. The path lives as long as the process. */
static inline const char *memory_file(const void *bytes, size_t len)
{
    static char path[32];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        require(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    require(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
    return path;
}

static inline int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static inline void remove_memory_folder(void);

/* A fresh folder in memory for this process, removed at its end. */
static inline const char *memory_folder(void)
{
    static char path[64];
    if (!path[0]) {
        /* else where files are slower */
        snprintf(path, sizeof path, "%s/negbank-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        require(mkdtemp(path) != NULL && atexit(remove_memory_folder) == 0);
    }
    return path;
}

static inline void remove_memory_folder(void)
{
    nftw(memory_folder(), remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

/* Writes FOLDER/NAME. */
static inline void put_file(const char *folder, const char *name, const void *bytes, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    require(f != NULL);
    require(fwrite(bytes, 1, len, f) == len);
    require(fclose(f) == 0);
}

#endif
