#include "common/linear/amx/tiles_hardware.h"

#include "common/linear/simd/instruction_set.h"

#include <stdbool.h>

#if defined(NEGBANK_AMX)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux: arch/x86/include/uapi/asm/prctl.h */
enum { REQUEST_STATE = 0x1023, TILE_DATA = 18 };

/* AMX-TILE and AMX-BF16, the AVX-512 the file is compiled with, and tile registers saved by the system. */
static bool tiles_cpu_has_amx(void)
{
    unsigned a, b, c, d, low, high;
    const unsigned saved = 3u << 17 | 7u << 5; /* tiles and their configuration; AVX-512 */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & 1u << 24) || !(d & 1u << 22) ||
        !__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) {
        return false;
    }
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & saved) == saved && nb_cpu_has_avx512();
}

static const nb_tiles *tiles_find(const char **why)
{
    if (!tiles_cpu_has_amx()) {
        *why = "this CPU has no AMX";
        return NULL;
    }
    if (syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) != 0) { /* a process asks once; asking again is harmless */
        *why = "the operating system does not grant the CPU's AMX (Linux 5.16 or later does)";
        return NULL;
    }
    return &nb_tiles_hardware;
}
#else
static const nb_tiles *tiles_find(const char **why)
{
    *why = "this build has no AMX kernels";
    return NULL;
}
#endif

const nb_tiles *nb_tiles_amx(const char **why)
{
    const char *ignored;
    return tiles_find(why ? why : &ignored);
}
