#include "jobs/precision.h"

#include <string.h>

/* Most engines of a build; nb_engines() gives fewer. */
enum { ENGINES_MAX = 16 };

static bool precision_is_fp32(const nb_engine *engine)
{
    return strcmp(engine->name, nb_engine_fp32.name) == 0;
}

/* Whether this rank can take part with an engine; fp32 is what ranks without another one in common get. */
static bool precision_can(const nb_engine *engine, const char *wanted)
{
    bool automatic = strcmp(wanted, "auto") == 0;
    bool meant = automatic ? engine->tiles != NULL : strcmp(engine->name, wanted) == 0;
    return (meant || precision_is_fp32(engine)) &&
           nb_engine_offered(engine, NULL) >= (automatic ? NB_ENGINE_GAIN : NB_ENGINE_ON_DEMAND);
}

/* The first engine that all ranks have, of fp32's or of the others. */
static const nb_engine *precision_common(const nb_job *job, const uint64_t *able, bool fp32)
{
    const nb_engine *const *engines;
    size_t count = nb_engines(&engines);
    for (size_t i = 0; i < count; i++) {
        if (able[i] == (uint64_t)job->comm.size && precision_is_fp32(engines[i]) == fp32) {
            return engines[i];
        }
    }
    return NULL;
}

/* Why it is fp32 after all; `any`: ranks that can take part with some engine. */
static void precision_tell(const nb_job *job, const char *wanted, uint64_t any)
{
    bool asked = strcmp(wanted, "bf16") == 0;
    const char *why;
    nb_engine_bf16(asked ? NB_ENGINE_ON_DEMAND : NB_ENGINE_GAIN, &why);
    if (any) {
        nb_log_warn(&job->log,
                    "the ranks' CPUs have no bf16 engine in common: --precision %s means fp32 for all of them", wanted);
    } else if (asked) {
        nb_log_warn(&job->log, "%s: there is no bf16 engine here, fp32 is used", why);
    } else {
        nb_log_info(&job->log, "%s: --precision auto means fp32", why);
    }
}

static void precision_tell_slow(const nb_job *job, const nb_engine *engine)
{
    const char *why;
    bool slow = engine->tiles || (engine == &nb_engine_int8 && nb_int8_best() == &nb_int8_plain);
    if (slow && nb_engine_offered(engine, &why) == NB_ENGINE_ON_DEMAND) {
        nb_log_warn(&job->log, "%s: --precision fp32 is faster here", why);
    }
}

nb_status nb_job_engine(nb_job *job, const char *wanted, const nb_engine **out, nb_error *err)
{
    const nb_engine *const *engines;
    size_t count = nb_engines(&engines);
    uint64_t able[ENGINES_MAX + 1] = {0}; /* ranks for each engine; for any but fp32's */
    for (size_t i = 0; i < count; i++) {
        able[i] = precision_can(engines[i], wanted);
        able[count] |= able[i] && !precision_is_fp32(engines[i]);
    }
    nb_status status = nb_agree(job, NB_OK, err); /* before the sum: a rank may have failed since the last one */
    if (status == NB_OK && job->options->command->mpi) {
        status = nb_comm_sum(&job->comm, able, count + 1, err);
    }
    if (status != NB_OK) {
        return status;
    }
    nb_job_log_kernels(job);
    *out = precision_common(job, able, false);
    if (*out) {
        precision_tell_slow(job, *out);
        return NB_OK;
    }
    *out = precision_common(job, able, true);
    *out = *out ? *out : &nb_engine_fp32;
    if (strcmp(wanted, nb_engine_fp32.name) != 0) {
        precision_tell(job, wanted, able[count]);
    }
    return NB_OK;
}

bool nb_engines_clash(const char *a, const char *b)
{
    const char *int8 = nb_engine_int8.precision;
    return *a && *b && (strcmp(a, int8) == 0) != (strcmp(b, int8) == 0);
}

nb_status nb_job_record_engine(nb_job *job, const nb_engine *engine, nb_error *err)
{
    return nb_provenance_fact(&job->provenance, NB_PROVENANCE_ENGINE, engine->precision, err);
}
