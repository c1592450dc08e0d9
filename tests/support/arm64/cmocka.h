/* As much of cmocka as the tests of the kernels use, for cli/arm64.sh: Debian's is for the machine's own CPU. The first
 * failure ends the program. */
#ifndef NB_TESTS_ARM64_CMOCKA_H
#define NB_TESTS_ARM64_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

static jmp_buf cmocka_skipped;

#define cmocka_unit_test(test)                                                                                         \
    {                                                                                                                  \
#test, test                                                                                                    \
    }
#define print_message printf
#define skip()        longjmp(cmocka_skipped, 1)
#define fail_msg(...) (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__), exit(1))

#define assert_true(is)              ((is) ? (void)0 : fail_msg("not so: %s\n", #is))
#define assert_non_null(is)          assert_true((is) != NULL)
#define assert_int_equal(a, b)       assert_true((uint64_t)(int64_t)(a) == (uint64_t)(int64_t)(b))
#define assert_ptr_equal(a, b)       assert_true((const void *)(a) == (const void *)(b))
#define assert_string_equal(a, b)    assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define assert_float_equal(a, b, by) assert_true((a) - (b) <= (by) && (b) - (a) <= (by))

static inline int cmocka_run(const struct CMUnitTest *tests, size_t count)
{
    size_t skipped = 0;
    for (volatile size_t i = 0; i < count; i++) {
        void *state = NULL;
        if (setjmp(cmocka_skipped)) {
            skipped++;
        } else {
            tests[i].run(&state);
        }
    }
    printf("%zu tests passed, %zu skipped\n", count - skipped, skipped);
    return 0;
}

#define cmocka_run_group_tests(tests, before, after) cmocka_run(tests, sizeof(tests) / sizeof *(tests))

#endif
