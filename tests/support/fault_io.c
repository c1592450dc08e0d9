/* Faults of input, output and memory, for a program that is started with this library in LD_PRELOAD. Calls that touch
 * files below a folder are counted; what NEGBANK_FAULT asks for befalls one of them, or all from it on.
 *
 *   NEGBANK_FAULT        CALLS:EFFECT:N[+], as in "write,sync:ENOSPC:3+"
 *     CALLS   of write (also what stdio writes), read, sync, rename, open, make (files that are created), space
 *             (fallocate, ftruncate), map, unlink (also rmdir); "any" for all of them; or memory: what the program
 *             itself, not the libraries under it, allocates; or clock: the time of day is asked for
 *     EFFECT  ENOSPC, EIO, EFBIG, EDQUOT, EINTR, ENOMEM; SHORT (half of what a write or read was asked for), KILL, or
 *             COUNT (nothing: to learn how many there are)
 *     N       the number of the call, from 1; N+ for all from there on
 *   NEGBANK_FAULT_BELOW  the folder, as realpath has it
 *   NEGBANK_FAULT_RANK   the rank that is hit (OMPI_COMM_WORLD_RANK), where there are ranks
 *   NEGBANK_FAULT_LOG    a file that gets a line "CALL FILE" at the first fault; with COUNT, as the process ends, one
 *                        "CALL N" for each kind of call
 *
 * A file mapped into memory that fails as it is touched is beyond it: that is a signal, not a call. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

typedef enum call { WRITE, READ, SYNC, RENAME, OPEN, MAKE, SPACE, MAP, UNLINK, MEMORY, CLOCK, CALLS } call;
typedef enum effect { COUNT, KILL, SHORT, JUMP, ERROR } effect;
typedef enum verdict { PASS, FAIL, CUT } verdict; /* CUT: do half of it */

static const char *const call_names[CALLS] = {"write", "read", "sync",   "rename", "open", "make",
                                              "space", "map",  "unlink", "memory", "clock"};

static struct plan {
    bool calls[CALLS], on;
    effect effect;
    int error;
    long at, seen, of[CALLS];
    bool onwards, logged;
    char below[PATH_MAX];
    size_t below_len;
    const char *log;
    uintptr_t code, code_end; /* of the program itself */
} plan;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct named {
    const char *name;
    effect effect;
    int error;
} effects[] = {{"ENOSPC", ERROR, ENOSPC}, {"EIO", ERROR, EIO},       {"EFBIG", ERROR, EFBIG}, {"EDQUOT", ERROR, EDQUOT},
               {"EINTR", ERROR, EINTR},   {"ENOMEM", ERROR, ENOMEM}, {"SHORT", SHORT, 0},     {"JUMP", JUMP, 0},
               {"KILL", KILL, 0},         {"COUNT", COUNT, 0}};

/* Past the wrappers below, which would count what the library itself writes. */
static void write_line(const char *text)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, plan.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0) {
        syscall(SYS_write, fd, text, strlen(text));
        syscall(SYS_close, fd);
    }
}

/* The first object is the program. */
static int find_code(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            plan.code = info->dlpi_addr + part->p_vaddr;
            plan.code_end = plan.code + part->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *spec = getenv("NEGBANK_FAULT"), *below = getenv("NEGBANK_FAULT_BELOW");
    const char *rank = getenv("OMPI_COMM_WORLD_RANK"), *wanted = getenv("NEGBANK_FAULT_RANK");
    char calls[128] = "", name[16] = "", more = 0;
    if (!spec || !below || (rank && wanted && strcmp(rank, wanted) != 0) ||
        sscanf(spec, "%127[^:]:%15[^:]:%ld%c", calls, name, &plan.at, &more) < 3) {
        return;
    }
    plan.onwards = more == '+';
    for (size_t i = 0; i < CALLS; i++) {
        plan.calls[i] = (strcmp(calls, "any") == 0 && i < MEMORY) || strstr(calls, call_names[i]);
    }
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++) {
        if (strcmp(effects[i].name, name) == 0) {
            plan.effect = effects[i].effect;
            plan.error = effects[i].error;
            plan.on = true;
        }
    }
    dl_iterate_phdr(find_code, NULL);
    snprintf(plan.below, sizeof plan.below, "%s", below);
    plan.below_len = strlen(plan.below);
    plan.log = getenv("NEGBANK_FAULT_LOG");
}

__attribute__((destructor)) static void end(void)
{
    char line[64];
    for (size_t i = 0; i < CALLS && plan.on && plan.effect == COUNT && plan.log; i++) {
        snprintf(line, sizeof line, "%s %ld\n", call_names[i], plan.of[i]);
        write_line(line);
    }
}

static bool below(const char *path)
{
    return strncmp(path, plan.below, plan.below_len) == 0 && path[plan.below_len] == '/';
}

/* Whether this call is the one. The rest of the process waits for a verdict, so that the n-th call is one. */
static verdict decide(call what, const char *path)
{
    verdict v = PASS;
    int before = errno;
    if (!plan.on || !(plan.calls[what] || plan.effect == COUNT) || !(what >= MEMORY || below(path))) {
        return PASS;
    }
    pthread_mutex_lock(&lock);
    long number = plan.calls[what] ? ++plan.seen : 0;
    plan.of[what]++;
    if (number && (number == plan.at || (plan.onwards && number > plan.at))) {
        char line[PATH_MAX + 32];
        if (!plan.logged && plan.effect != COUNT && plan.log) {
            snprintf(line, sizeof line, "%s %s\n", call_names[what], path);
            plan.logged = true;
            write_line(line);
        }
        if (plan.effect == KILL) {
            raise(SIGKILL);
        }
        v = plan.effect == ERROR || plan.effect == JUMP               ? FAIL
            : plan.effect == SHORT && (what == WRITE || what == READ) ? CUT
                                                                      : PASS;
    }
    pthread_mutex_unlock(&lock);
    errno = v == FAIL ? plan.error : before;
    return v;
}

static verdict decide_fd(call what, int fd)
{
    char link[64], path[PATH_MAX];
    int before = errno;
    if (!plan.on) {
        return PASS;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    errno = before;
    if (len < 0) {
        return PASS;
    }
    path[len] = '\0';
    return decide(what, path);
}

/* The folder is looked up as it is, the name in it as it is given: it may not be there yet. */
static verdict decide_path(call what, const char *path)
{
    char folder[PATH_MAX], full[2 * PATH_MAX];
    int before = errno;
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!plan.on || !path) {
        return PASS;
    }
    size_t len = slash ? (size_t)(slash - path) : 0;
    char *real = NULL;
    if (len < sizeof folder) {
        memcpy(folder, path, len);
        folder[len] = '\0';
        real = realpath(slash ? (len ? folder : "/") : ".", NULL);
    }
    errno = before;
    if (!real) {
        return PASS;
    }
    snprintf(full, sizeof full, "%s/%s", real, slash ? slash + 1 : path);
    free(real);
    errno = before;
    return decide(what, full);
}

/* ---- the calls ---- */

/* `real` becomes the function that would have been called. */
#define REAL(name)                                                                                                     \
    static __typeof__(name) *real;                                                                                     \
    if (!real) {                                                                                                       \
        void *found = dlsym(RTLD_NEXT, #name);                                                                         \
        memcpy(&real, &found, sizeof real);                                                                            \
    }

static size_t half_of(verdict v, size_t count)
{
    return v == CUT && count > 1 ? count / 2 : count;
}

#define TRANSFER(name, what, pointer)                                                                                  \
    ssize_t name(int fd, pointer bytes, size_t count)                                                                  \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        verdict v = decide_fd(what, fd);                                                                               \
        return v == FAIL ? -1 : real(fd, bytes, half_of(v, count));                                                    \
    }
#define TRANSFER_AT(name, what, pointer, offset)                                                                       \
    ssize_t name(int fd, pointer bytes, size_t count, offset at)                                                       \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        verdict v = decide_fd(what, fd);                                                                               \
        return v == FAIL ? -1 : real(fd, bytes, half_of(v, count), at);                                                \
    }
TRANSFER(read, READ, void *)
TRANSFER(write, WRITE, const void *)
TRANSFER_AT(pread, READ, void *, off_t)
TRANSFER_AT(pread64, READ, void *, off64_t)
TRANSFER_AT(pwrite, WRITE, const void *, off_t)
TRANSFER_AT(pwrite64, WRITE, const void *, off64_t)

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    REAL(fwrite)
    verdict v = decide_fd(WRITE, fileno(file));
    return v == FAIL ? 0 : real(bytes, size, half_of(v, count), file);
}

/* What a stream still holds is written as it is closed. */
int fclose(FILE *file)
{
    REAL(fclose)
    verdict v = decide_fd(WRITE, fileno(file));
    int error = errno, closed = real(file);
    errno = v == FAIL ? error : errno;
    return v == FAIL ? EOF : closed;
}

int fsync(int fd)
{
    REAL(fsync)
    return decide_fd(SYNC, fd) == FAIL ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync)
    return decide_fd(SYNC, fd) == FAIL ? -1 : real(fd);
}

#define SPACE_CALL(name, offset)                                                                                       \
    int name(int fd, offset size)                                                                                      \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        return decide_fd(SPACE, fd) == FAIL ? -1 : real(fd, size);                                                     \
    }
SPACE_CALL(ftruncate, off_t)
SPACE_CALL(ftruncate64, off64_t)

#define FALLOCATE(name, offset)                                                                                        \
    int name(int fd, int mode, offset begin, offset len)                                                               \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        return decide_fd(SPACE, fd) == FAIL ? -1 : real(fd, mode, begin, len);                                         \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

int rename(const char *from, const char *to)
{
    REAL(rename)
    return decide_path(RENAME, to) == FAIL ? -1 : real(from, to);
}

int unlink(const char *path)
{
    REAL(unlink)
    return decide_path(UNLINK, path) == FAIL ? -1 : real(path);
}

int rmdir(const char *path)
{
    REAL(rmdir)
    return decide_path(UNLINK, path) == FAIL ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir)
    return decide_path(MAKE, path) == FAIL ? -1 : real(path, mode);
}

static bool makes(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define OPEN_CALL(name)                                                                                                \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        mode_t mode = 0;                                                                                               \
        if (makes(flags)) {                                                                                            \
            va_list args;                                                                                              \
            va_start(args, flags);                                                                                     \
            mode = va_arg(args, mode_t);                                                                               \
            va_end(args);                                                                                              \
        }                                                                                                              \
        return decide_path(makes(flags) ? MAKE : OPEN, path) == FAIL ? -1 : real(path, flags, mode);                   \
    }
OPEN_CALL(open)
OPEN_CALL(open64)

#define FOPEN(name)                                                                                                    \
    FILE *name(const char *restrict path, const char *restrict mode)                                                   \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        return decide_path(mode[0] == 'r' ? OPEN : MAKE, path) == FAIL ? NULL : real(path, mode);                      \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define MKOSTEMP(name)                                                                                                 \
    int name(char *path, int flags)                                                                                    \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        return decide_path(MAKE, path) == FAIL ? -1 : real(path, flags);                                               \
    }
MKOSTEMP(mkostemp)
MKOSTEMP(mkostemp64)

#define MAP_CALL(name, offset)                                                                                         \
    void *name(void *where, size_t len, int protection, int flags, int fd, offset at)                                  \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        return fd >= 0 && decide_fd(MAP, fd) == FAIL ? MAP_FAILED : real(where, len, protection, flags, fd, at);       \
    }
MAP_CALL(mmap, off_t)
MAP_CALL(mmap64, off64_t)

/* Seconds to add to the time of day. */
static time_t jump(void)
{
    return decide(CLOCK, "") != FAIL ? 0 : plan.seen % 2 ? 24 * 3600 : -365 * 24 * 3600;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    REAL(clock_gettime)
    int code = real(clock, out);
    if (code == 0 && clock == CLOCK_REALTIME) {
        out->tv_sec += jump();
    }
    return code;
}

time_t time(time_t *out)
{
    REAL(time)
    time_t now = real(NULL) + jump();
    if (out) {
        *out = now;
    }
    return now;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    REAL(gettimeofday)
    int code = real(out, zone);
    if (code == 0) {
        out->tv_sec += jump();
    }
    return code;
}

/* glibc's own, under the names it keeps for this */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool out_of_memory(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    return plan.on && at >= plan.code && at < plan.code_end && decide(MEMORY, "") == FAIL;
}

void *malloc(size_t size)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = out_of_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
