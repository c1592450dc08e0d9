/* Files of every HDF5 kind with changed metadata, whose checksums and seal were made right again: each mutant is read
 * or refused with a word, in time and in bounded memory; none ends the process. NEGBANK_MUTANTS says how many of a kind
 * are tried (at most 20 000), NEGBANK_MUTANT_FIRST from which on, NEGBANK_MUTANT_KIND which kinds:
 * those with it in their name. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/store/hdf5/structure.h"
#include "common/store/hdf5/structure_checksum.h"
#include "support/sealed_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MUTANTS = 400, MUTANTS_MAX = 20000, CHANGES_MAX = 4, SECONDS_MAX = 1 };
static const rlim_t memory_max = (rlim_t)1 << 30; /* beside what the process has mapped before */

static sealed_file files[SEALED_FILES];

/* What became of the mutants of a kind; shared with the process that tries them. */
typedef struct tried {
    size_t current;
    size_t read, by_structure, later;
    double slowest;
} tried;

static size_t number_of(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

/* A number like those that parsers stumble over. */
static uint64_t odd_number(uint64_t was, uint64_t draw)
{
    const uint64_t odd[] = {
        0,          1,       was + 1,    was - 1,    was << 1,          was ^ 0x80, was ^ (draw >> 32),
        UINT64_MAX, 1 << 16, 0x7fffffff, 0xfffffff8, (uint64_t)1 << 63, draw >> 40, draw >> 52};
    return odd[draw % (sizeof odd / sizeof *odd)];
}

/* Mutant `number` of a file: a few numbers of one to eight bytes are others, mostly in the metadata. */
static void mutate(const sealed_file *f, size_t number, unsigned char *bytes)
{
    uint64_t counter = 0, stream = (uint64_t)(f - files);
#define DRAW nb_random_u64(number + 1, stream, counter++)
    memcpy(bytes, f->bytes, f->len);
    for (uint64_t i = DRAW % CHANGES_MAX + 1; i > 0; i--) {
        bool metadata = DRAW % 8 != 0;
        size_t at = metadata ? sealed_file_metadata(f, DRAW % f->metadata) : DRAW % f->len;
        size_t wide = (size_t)1 << DRAW % 4;
        wide = at + wide <= f->len ? wide : 1;
        uint64_t value = 0;
        for (size_t b = 0; b < wide; b++) {
            value |= (uint64_t)bytes[at + b] << (8 * b);
        }
        value = odd_number(value, DRAW);
        for (size_t b = 0; b < wide; b++) {
            bytes[at + b] = (unsigned char)(value >> (8 * b));
        }
    }
#undef DRAW
    sealed_file_checksums(f, bytes);
}

static void put(const char *path, const unsigned char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0);
}

/* The process that tries mutants: 0 when all went well. */
static int try_all(const sealed_file *f, const char *path, tried *t, size_t first, size_t count)
{
    unsigned char *bytes = malloc(f->len);
    struct rlimit limit = {.rlim_cur = memory_max, .rlim_max = memory_max};
    if (!bytes || (!NB_SANITIZED && setrlimit(RLIMIT_DATA, &limit) != 0)) {
        return 1;
    }
    for (size_t i = first; i < first + count; i++) {
        nb_error err = {0}, why = {0};
        t->current = i;
        mutate(f, i, bytes);
        put(path, bytes, f->len);
        const nb_map map = {bytes, f->len};
        clock_t begin = clock();
        nb_status walked = nb_structure_check(&map, path, NB_STRUCTURE_TEXTS_TIMES, &why);
        nb_status status = sealed_file_read(f, path, &err);
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        t->slowest = seconds > t->slowest ? seconds : t->slowest;
        t->read += status == NB_OK;
        t->by_structure += walked != NB_OK;
        t->later += walked == NB_OK && status != NB_OK;
        bool named = status == NB_OK || (err.status == status && err.message[0]);
        bool known = status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_LIMIT || status == NB_ERR_VERIFY;
        if (!named || !known || (walked != NB_OK && status == NB_OK)) {
            fprintf(stderr, "status %d, walked %d: %s\n", (int)status, (int)walked, err.message);
            return 2;
        }
        if (seconds > SECONDS_MAX && !NB_SANITIZED) {
            fprintf(stderr, "%.1f seconds\n", seconds);
            return 3;
        }
    }
    free(bytes);
    return 0;
}

/* One kind in a process of its own, so that the others are tried all the same. */
static void try_kind(const sealed_file *f)
{
    size_t count = number_of("NEGBANK_MUTANTS", MUTANTS), first = number_of("NEGBANK_MUTANT_FIRST", 0);
    const char *kind = getenv("NEGBANK_MUTANT_KIND");
    int how = 0;
    if (kind && !strstr(f->name, kind)) {
        skip();
    }
    tried *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(t != MAP_FAILED);
    const char *path = scratch_path("mutant");
    pid_t child = fork();
    if (child == 0) {
        _exit(try_all(f, path, t, first, count < MUTANTS_MAX ? count : MUTANTS_MAX));
    }
    assert_true(child > 0);
    while (waitpid(child, &how, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    printf("%s: %zu read, %zu refused by structure, %zu later; slowest %.3f s\n", f->name, t->read, t->by_structure,
           t->later, t->slowest);
    fflush(stdout);
    if (how != 0) {
        fail_msg("%s, mutant %zu: %s %d", f->name, t->current, WIFSIGNALED(how) ? "signal" : "exit",
                 WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    }
    assert_true(t->by_structure > 0);
    munmap(t, sizeof *t);
}

static void test_mutants(void **state)
{
    try_kind(*state);
}

/* As they were made they are read, and their checksums stay as they are. */
static void test_unchanged(void **state)
{
    (void)state;
    nb_error err = {0};
    for (size_t i = 0; i < SEALED_FILES; i++) {
        unsigned char *bytes = malloc(files[i].len);
        assert_non_null(bytes);
        memcpy(bytes, files[i].bytes, files[i].len);
        sealed_file_checksums(&files[i], bytes);
        assert_memory_equal(bytes, files[i].bytes, files[i].len);
        put(scratch_path("same"), bytes, files[i].len);
        must(sealed_file_read(&files[i], scratch_path("same"), &err), &err);
        free(bytes);
    }
}

int main(void)
{
    sealed_files_make(files, scratch_path("made"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unchanged),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_STORE_FP32]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_STORE_FP16]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_CORPUS]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_LONG_CORPUS]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_BANK_FP32]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_BANK_FP16]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_BANK_INT8]),
        cmocka_unit_test_prestate(test_mutants, &files[SEALED_SCORES]),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sealed_files_free(files);
    return failed;
}
