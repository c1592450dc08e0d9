#include "common/linear/int8/int8_hardware.h"

#include "common/linear/cpu/cpu.h"
#include "common/linear/cpu/cpu_arm64.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const nb_int8 *nb_int8_vnni(void)
{
#if defined(NEGBANK_AVX512VNNI)
    return nb_cpu_has_avx512_vnni() ? &nb_int8_hardware : NULL;
#else
    return NULL;
#endif
}

const nb_int8 *nb_int8_amx(void)
{
#if defined(NEGBANK_AMX_INT8)
    const char *set = getenv("NEGBANK_AMX");
    return nb_cpu_has_amx_int8() && !(set && strcmp(set, "off") == 0) ? &nb_int8_tiles : NULL;
#else
    return NULL;
#endif
}

const nb_int8 *nb_int8_neon(const char *name)
{
#if defined(NEGBANK_USMMLA)
    if (strcmp(name, nb_int8_usmmla.name) == 0 && nb_cpu_has_usmmla()) {
        return &nb_int8_usmmla;
    }
#endif
#if defined(NEGBANK_SDOT)
    if (strcmp(name, nb_int8_sdot.name) == 0 && nb_cpu_has_sdot()) {
        return &nb_int8_sdot;
    }
#endif
    (void)name;
    return NULL;
}

/* What the family names, or the next one that is there. */
static const nb_int8 *int8_of_family(void)
{
    const char *name = nb_cpu_family_used()->int8;
    if (name && strcmp(name, nb_int8_tiles_emulated.name) == 0) {
        return &nb_int8_tiles_emulated;
    }
    const nb_int8 *found = name && strcmp(name, "AMX-INT8") == 0 ? nb_int8_amx() : NULL;
    found = !found && name ? nb_int8_neon(name) : found;
    found = !found && name ? nb_int8_vnni() : found;
    return found ? found : &nb_int8_plain;
}

const nb_int8 *nb_int8_best(void)
{
    static _Atomic(const nb_int8 *) best; /* every thread would find the same; asking a virtual CPU takes long */
    const nb_int8 *found = atomic_load_explicit(&best, memory_order_relaxed);
    if (!found) {
        found = int8_of_family();
        atomic_store_explicit(&best, found, memory_order_relaxed);
    }
    return found;
}

/* The scale of one output: what its largest element is of 127. Rows near the end of fp32's range count as zeros. */
static float int8_scale_of(const float *in, size_t k)
{
    float largest = 0;
    for (size_t i = 0; i < k; i++) {
        largest = fmaxf(largest, fabsf(in[i]));
    }
    return largest < 1e-30f ? 0 : largest / 127;
}

/* One output to its place in a panel. */
static void int8_pack_output(int8_t *panel, size_t place, const float *in, size_t k)
{
    int8_t *to = panel + place * NB_INT8_GROUP;
    float *scales = (void *)(panel + nb_int8_integers(k)), scale = int8_scale_of(in, k);
    int32_t *sums = (void *)(scales + NB_INT8_PANEL), sum = 0;
    for (size_t i = 0; i < k && scale > 0; i++) {
        int32_t q = (int32_t)lrintf(in[i] / scale);
        to[i / NB_INT8_GROUP * NB_INT8_PANEL * NB_INT8_GROUP + i % NB_INT8_GROUP] = (int8_t)q;
        sum += q;
    }
    scales[place] = scale;
    sums[place] = sum;
}

void nb_int8_pack(int8_t *out, const float *in, size_t n, size_t k)
{
    memset(out, 0, (n + NB_INT8_PANEL - 1) / NB_INT8_PANEL * nb_int8_panel_bytes(k));
    for (size_t o = 0; o < n; o++) {
        int8_pack_output(out + o / NB_INT8_PANEL * nb_int8_panel_bytes(k), o % NB_INT8_PANEL, in + o * k, k);
    }
}
