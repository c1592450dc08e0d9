#include "common/linear/engine_table.h"

#include "common/linear/cpu/cpu.h"
#include "common/linear/simd/weight_panels.h"

#include <stdlib.h>
#include <string.h>

static const nb_engine *const engines[] = {
#if defined(NEGBANK_AMX)
    &nb_engine_bf16_amx,
#endif
#if defined(NEGBANK_AVX512BF16)
    &nb_engine_bf16_pairs,
#endif
#if defined(NEGBANK_BFMMLA)
    &nb_engine_bf16_bfmmla,
#endif
    &nb_engine_bf16_emulated, &nb_engine_bf16_pairs_emulated, &nb_engine_bf16_bfmmla_emulated,
    &nb_engine_int8,          &nb_engine_fp32_panels,         &nb_engine_fp32,
};

enum { ENGINES = sizeof engines / sizeof *engines };

size_t nb_engines(const nb_engine *const **out)
{
    *out = engines;
    return ENGINES;
}

const nb_engine *nb_engine_fp32_best(void)
{
    return nb_weight_panels_best() ? &nb_engine_fp32_panels : &nb_engine_fp32;
}

static bool engine_table_amx_is(const char *value)
{
    const char *set = getenv("NEGBANK_AMX");
    return set && strcmp(set, value) == 0;
}

/* What the CPU's family makes of an engine that the CPU can run. */
static nb_engine_offer engine_table_of_family(const nb_engine *engine, const char **why)
{
    const nb_cpu_family *family = nb_cpu_family_used();
    bool behind_fp32 = false;
    *why = family->why;
    for (size_t i = 0; i < NB_CPU_ENGINES && family->engines[i]; i++) {
        if (strcmp(family->engines[i], engine->precision) == 0) {
            return behind_fp32 ? NB_ENGINE_ON_DEMAND : NB_ENGINE_GAIN;
        }
        behind_fp32 = behind_fp32 || strcmp(family->engines[i], nb_engine_fp32.precision) == 0;
    }
    if (engine == &nb_engine_int8) {
        *why = nb_int8_best() == &nb_int8_plain
                   ? "without instructions for it int8 is computed in plain C"
                   : "int8 is fast here, and less exact than bf16: check --precision int8 measures it";
        return NB_ENGINE_ON_DEMAND;
    }
    *why = "it is not among the engines of the family in use";
    return NB_ENGINE_NONE;
}

static bool engine_table_runs(const nb_engine *engine, const char **why)
{
    if (engine == &nb_engine_fp32_panels && !nb_weight_panels_best()) {
        *why = "this CPU has no fp32 kernels of our own";
        return false;
    }
    if (strcmp(engine->precision, "bf16 by AMX") == 0) {
        return nb_tiles_amx(why) != NULL;
    }
    if (strcmp(engine->precision, "bf16 by BFMMLA") == 0) {
        return nb_tiles_arm64(why) != NULL;
    }
    return strcmp(engine->precision, "bf16 by AVX512-BF16") != 0 || nb_tiles_avx512bf16(why) != NULL;
}

nb_engine_offer nb_engine_offered(const nb_engine *engine, const char **why)
{
    const char *ignored;
    why = why ? why : &ignored;
    if (engine_table_amx_is("emulate") && engine->tiles) { /* this one and no other */
        *why = "NEGBANK_AMX=emulate has AMX emulated";
        return engine == &nb_engine_bf16_emulated ? NB_ENGINE_GAIN : NB_ENGINE_NONE;
    }
    if (engine_table_amx_is("off") && strcmp(engine->precision, "bf16 by AMX") == 0) {
        *why = "NEGBANK_AMX=off hides AMX";
        return NB_ENGINE_NONE;
    }
    return engine_table_runs(engine, why) ? engine_table_of_family(engine, why) : NB_ENGINE_NONE;
}

const nb_engine *nb_engine_bf16(nb_engine_offer least, const char **why)
{
    const char *ignored;
    *(why ? why : &ignored) = engine_table_amx_is("off") ? "NEGBANK_AMX=off hides AMX" : nb_cpu_family_used()->why;
    for (size_t i = 0; i < ENGINES; i++) {
        if (engines[i]->tiles && nb_engine_offered(engines[i], NULL) >= least) {
            return engines[i];
        }
    }
    return NULL;
}
