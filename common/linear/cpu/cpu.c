#include "common/linear/cpu/cpu.h"

#include "common/linear/cpu/cpu_arm64.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* ---- instruction sets ---- */

#if defined(__x86_64__)
enum { EAX, EBX, ECX, EDX };

/* A bit of CPUID. Not __builtin_cpu_supports, whose names differ from compiler to compiler for the younger sets. */
static bool cpu_bit(unsigned leaf, unsigned subleaf, int reg, unsigned bit)
{
    unsigned r[4];
    return __get_cpuid_count(leaf, subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]) && (r[reg] & 1u << bit);
}

static bool cpu_is_of(const char vendor[12])
{
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) {
        return false;
    }
    const unsigned name[3] = {b, d, c};
    return memcmp(name, vendor, 12) == 0;
}

bool nb_cpu_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool nb_cpu_has_avx512(void)
{
    return nb_cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool nb_cpu_has_avx512_bf16(void)
{
    return nb_cpu_has_avx512() && cpu_bit(7, 1, EAX, 5);
}

bool nb_cpu_has_avx512_vnni(void)
{
    return nb_cpu_has_avx512() && cpu_bit(7, 0, ECX, 11);
}

static bool cpu_is_amd(void)
{
    return cpu_is_of("AuthenticAMD");
}

/* Of Intel's CPUs with AVX512-BF16, those before AVX512-FP16: Sapphire Rapids and later have both. */
static bool cpu_is_before_sapphire_rapids(void)
{
    return !cpu_bit(7, 0, EDX, 23);
}
#else
bool nb_cpu_has_avx2(void)
{
    return false;
}

bool nb_cpu_has_avx512(void)
{
    return false;
}

bool nb_cpu_has_avx512_bf16(void)
{
    return false;
}

bool nb_cpu_has_avx512_vnni(void)
{
    return false;
}

static bool cpu_is_amd(void)
{
    return false;
}

static bool cpu_is_before_sapphire_rapids(void)
{
    return false;
}
#endif

#if defined(__x86_64__) && defined(__linux__)
/* Linux: arch/x86/include/uapi/asm/prctl.h */
enum { REQUEST_STATE = 0x1023, TILE_DATA = 18 };

/* AMX-TILE and AMX-BF16, the AVX-512 the kernels are compiled with, and tile registers saved by the system. */
static bool cpu_has_tiles(void)
{
    unsigned low, high;
    const unsigned saved = 3u << 17 | 7u << 5; /* tiles and their configuration; AVX-512 */
    if (!cpu_bit(7, 0, EDX, 24) || !cpu_bit(7, 0, EDX, 22) || !cpu_bit(1, 0, ECX, 27)) {
        return false;
    }
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & saved) == saved && nb_cpu_has_avx512();
}

bool nb_cpu_has_amx(const char **why)
{
    const char *ignored;
    if (!cpu_has_tiles()) {
        *(why ? why : &ignored) = "this CPU has no AMX";
        return false;
    }
    if (syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) != 0) { /* a process asks once; asking again is harmless */
        *(why ? why : &ignored) = "the operating system does not grant the CPU's AMX (Linux 5.16 or later does)";
        return false;
    }
    return true;
}

bool nb_cpu_has_amx_int8(void)
{
    return nb_cpu_has_amx(NULL) && cpu_bit(7, 0, EDX, 25);
}
#else
bool nb_cpu_has_amx_int8(void)
{
    return false;
}

bool nb_cpu_has_amx(const char **why)
{
    const char *ignored;
    *(why ? why : &ignored) = "this CPU has no AMX";
    return false;
}
#endif

/* ---- the table ---- */

static bool cpu_always(void)
{
    return true;
}

static bool cpu_runs_amx(void)
{
    return nb_cpu_has_amx(NULL) && nb_cpu_has_avx512_vnni();
}

static bool cpu_runs_bf16(void)
{
    return nb_cpu_has_avx512_bf16() && nb_cpu_has_avx512_vnni();
}

static bool cpu_runs_bfmmla(void)
{
    return nb_cpu_has_bfmmla() && nb_cpu_has_usmmla();
}

#define AMX    "bf16 by AMX"
#define AVX512 "bf16 by AVX512-BF16"
#define BFMMLA "bf16 by BFMMLA"

/* The best first. AVX512-BF16 doubles fp32's peak on Zen 4 and halves it on Sapphire Rapids and later, where
 * vdpbf16ps goes through once in two cycles and fp32's multiply-add twice a cycle; measured on both. */
static const nb_cpu_family table[] = {
    {.name = "amx",
     .cpus = "Intel Sapphire, Emerald and Granite Rapids, where the system grants AMX",
     .runs = cpu_runs_amx,
     .is = cpu_always,
     .vector = "avx512",
     .panels = "avx512",
     .blas = "Cooperlake",
     .engines = {AMX, "fp32", AVX512},
     .int8 = "AMX-INT8",
     .why = "AMX multiplies bf16 about 16 times as fast as AVX-512 multiplies fp32"},
    {.name = "zen4",
     .cpus = "AMD Zen 4 and 5",
     .runs = cpu_runs_bf16,
     .is = cpu_is_amd,
     .vector = "avx512",
     .panels = "avx512",
     .blas = "Cooperlake",
     .engines = {AVX512, "fp32"},
     .int8 = "AVX512-VNNI",
     .why = "AVX512-BF16 multiplies bf16 twice as fast as AVX-512 multiplies fp32"},
    {.name = "cooperlake",
     .cpus = "Intel Cooper Lake",
     .runs = cpu_runs_bf16,
     .is = cpu_is_before_sapphire_rapids,
     .vector = "avx512",
     .panels = "avx512",
     .blas = "Cooperlake",
     .engines = {AVX512, "fp32"},
     .int8 = "AVX512-VNNI",
     .why = "by its maker's figures AVX512-BF16 multiplies bf16 up to twice as fast as fp32; not measured by us"},
    {.name = "sapphirerapids",
     .cpus = "Intel Sapphire Rapids and later without AMX",
     .runs = cpu_runs_bf16,
     .is = cpu_always,
     .vector = "avx512",
     .panels = "avx512",
     .blas = "Cooperlake",
     .engines = {"fp32", AVX512},
     .int8 = "AVX512-VNNI",
     .why = "without AMX these CPUs multiply bf16 at half the speed of fp32"},
    {.name = "icelake",
     .cpus = "Intel Cascade Lake, Ice Lake and others with AVX512-VNNI",
     .runs = nb_cpu_has_avx512_vnni,
     .is = cpu_always,
     .vector = "avx512",
     .panels = "avx512",
     .blas = "SkylakeX",
     .engines = {"fp32"},
     .int8 = "AVX512-VNNI",
     .why = "no bf16 in hardware"},
    {.name = "skylakex",
     .cpus = "Intel Skylake-SP and others with AVX-512",
     .runs = nb_cpu_has_avx512,
     .is = cpu_always,
     .vector = "avx512",
     .panels = "avx512",
     .blas = "SkylakeX",
     .engines = {"fp32"},
     .why = "no bf16 in hardware"},
    {.name = "haswell",
     .cpus = "Intel Haswell to Comet Lake, AMD Zen to Zen 3, and others with AVX2",
     .runs = nb_cpu_has_avx2,
     .is = cpu_always,
     .vector = "avx2",
     .panels = "avx2",
     .blas = "Haswell",
     .engines = {"fp32"},
     .why = "no bf16 in hardware"},
    {.name = "grace",
     .cpus = "NVIDIA Grace, AWS Graviton 3 and 4, and other arm64 with BF16 and I8MM",
     .runs = cpu_runs_bfmmla,
     .is = cpu_always,
     .vector = "neon",
     .panels = "neon",
     .blas = "neoversen2",
     .engines = {BFMMLA, "fp32"},
     .int8 = "USMMLA",
     .why = "a BFMMLA does 16 multiplications and fp32's instruction 4; not measured by us"},
    {.name = "neoverse-n1",
     .cpus = "Arm Neoverse N1 (Ampere Altra, AWS Graviton 2), and other arm64 with dot products",
     .runs = nb_cpu_has_sdot,
     .is = cpu_always,
     .vector = "neon",
     .panels = "neon",
     .engines = {"fp32"},
     .int8 = "SDOT",
     .why = "no bf16 in hardware"},
    {.name = "armv8",
     .cpus = "other arm64",
     .runs = nb_cpu_is_arm64,
     .is = cpu_always,
     .vector = "neon",
     .panels = "neon",
     .engines = {"fp32"},
     .why = "no bf16 in hardware"},
    {.name = "emulated-amx",
     .cpus = "any, for tests: AMX's arithmetic in plain C",
     .runs = cpu_always,
     .vector = NULL,
     .engines = {"bf16 by emulated AMX", "fp32"},
     .int8 = "emulated AMX-INT8",
     .why = "slow; the same bits as AMX"},
    {.name = "emulated-avx512bf16",
     .cpus = "any, for tests: AVX512-BF16's arithmetic in plain C",
     .runs = cpu_always,
     .vector = NULL,
     .engines = {"bf16 by emulated AVX512-BF16", "fp32"},
     .why = "slow; the same bits as AVX512-BF16"},
    {.name = "emulated-bfmmla",
     .cpus = "any, for tests: BFMMLA's arithmetic in plain C",
     .runs = cpu_always,
     .vector = NULL,
     .engines = {"bf16 by emulated BFMMLA", "fp32"},
     .why = "slow; the same bits as BFMMLA"},
    {.name = "generic",
     .cpus = "all others",
     .runs = cpu_always,
     .is = cpu_always,
     .vector = "plain",
     .engines = {"fp32"},
     .why = "plain C, as the compiler makes it, and the kernels that OpenBLAS chooses"},
};

enum { FAMILIES = sizeof table / sizeof *table };

const nb_cpu_family *nb_cpu_family_found(void)
{
    size_t i = 0;
    while (i + 1 < FAMILIES && !(table[i].is && table[i].runs() && table[i].is())) {
        i++;
    }
    return &table[i];
}

static const nb_cpu_family *cpu_named(const char *name)
{
    for (size_t i = 0; name && i < FAMILIES; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

static const char *cpu_forced(void)
{
    const char *name = getenv("NEGBANK_CPU");
    return name && *name ? name : NULL;
}

bool nb_cpu_is_forced(void)
{
    return cpu_forced() != NULL;
}

const nb_cpu_family *nb_cpu_family_used(void)
{
    static _Atomic(const nb_cpu_family *) used; /* every thread would find the same */
    const nb_cpu_family *found = atomic_load_explicit(&used, memory_order_relaxed);
    if (!found) {
        found = cpu_named(cpu_forced());
        if (!found || !found->runs()) {
            found = nb_cpu_family_found();
        }
        atomic_store_explicit(&used, found, memory_order_relaxed);
    }
    return found;
}

nb_status nb_cpu_check(nb_error *err)
{
    const char *name = cpu_forced();
    const nb_cpu_family *wanted = cpu_named(name);
    if (!name || (wanted && wanted->runs())) {
        return NB_OK;
    }
    char names[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < FAMILIES; i++) {
        size_t len = strlen(table[i].name);
        if (table[i].runs() && used + len + 3 < sizeof names) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", table[i].name);
        }
    }
    nb_fail(err, NB_ERR_USAGE,
            wanted ? "NEGBANK_CPU=%s: this CPU lacks instructions of that family"
                   : "NEGBANK_CPU=%s: there is no such family of CPUs",
            name);
    return nb_hint(err, "this CPU runs %s", names);
}

void nb_cpu_model(char *out, size_t size)
{
    char name[49] = "";
#if defined(__x86_64__)
    unsigned r[12];
    bool named = true;
    for (unsigned i = 0; i < 3 && named; i++) {
        named = __get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3]) != 0;
    }
    if (named) {
        memcpy(name, r, sizeof r);
    }
#endif
    const char *begin = name + strspn(name, " ");
    snprintf(out, size, "%s", begin);
    if (nb_cpu_is_arm64()) {
        nb_cpu_arm64_model(out, size);
    }
}
