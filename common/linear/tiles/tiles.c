#include "common/linear/tiles/tiles_hardware.h"

#include "common/linear/cpu/cpu.h"
#include "common/linear/cpu/cpu_arm64.h"

const nb_tiles *nb_tiles_amx(const char **why)
{
    const char *ignored;
    if (!nb_cpu_has_amx(why)) {
        return NULL;
    }
#if defined(NEGBANK_AMX)
    (void)ignored;
    return &nb_tiles_hardware;
#else
    *(why ? why : &ignored) = "this build has no AMX kernels";
    return NULL;
#endif
}

const nb_tiles *nb_tiles_avx512bf16(const char **why)
{
    const char *ignored;
    if (!nb_cpu_has_avx512_bf16()) {
        *(why ? why : &ignored) = "this CPU has no AVX512-BF16";
        return NULL;
    }
#if defined(NEGBANK_AVX512BF16)
    return &nb_tiles_pairs;
#else
    *(why ? why : &ignored) = "this build has no AVX512-BF16 kernels";
    return NULL;
#endif
}

const nb_tiles *nb_tiles_arm64(const char **why)
{
    const char *ignored;
    if (!nb_cpu_has_bfmmla()) {
        *(why ? why : &ignored) = "this CPU has no BFMMLA";
        return NULL;
    }
#if defined(NEGBANK_BFMMLA)
    return &nb_tiles_bfmmla;
#else
    *(why ? why : &ignored) = "this build has no BFMMLA kernels";
    return NULL;
#endif
}
