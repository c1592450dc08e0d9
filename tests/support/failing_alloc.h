/* Allocations that fail on request, for programs linked with --wrap (negbank_failing_alloc of tests/CMakeLists.txt).
 * Counted are those of our own code. What HDF5, zstd, OpenBLAS and MPI allocate for themselves passes, and so does what
 * jansson does, which (2.14) ends the process when it has no memory for a text it reads (common/base/json.h). */
#ifndef NB_TESTS_FAILING_ALLOC_H
#define NB_TESTS_FAILING_ALLOC_H

#include <stdbool.h>

/* Counting begins anew; the n-th allocation fails, and with `onwards` every one behind it. n = 0: none fails. */
void fail_allocation(long n, bool onwards);
/* Allocations since then, those that failed among them. */
long allocations(void);
/* Blocks of memory that are allocated and not freed, ever since the program began. */
long blocks_held(void);

#endif
