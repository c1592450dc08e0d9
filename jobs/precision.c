#include "jobs/precision.h"

#include <stdlib.h>
#include <string.h>

static nb_status precision_same_engine(nb_job *job, const nb_engine *engine, nb_error *err)
{
    if (!job->options->command->mpi) {
        return NB_OK;
    }
    nb_status status = nb_comm_same(&job->comm, "the engine", engine->precision, err);
    return status == NB_OK ? NB_OK : nb_hint(err, "set NEGBANK_AMX alike for all ranks, or not at all");
}

nb_status nb_job_engine(nb_job *job, const char *wanted, const nb_engine **out, nb_error *err)
{
    const char *why = NULL;
    const nb_engine *mine = strcmp(wanted, "fp32") == 0 ? &nb_engine_fp32 : nb_engine_bf16(&why);
    uint64_t able = mine != NULL, ranks = (uint64_t)job->comm.size;
    nb_status status = nb_agree(job, NB_OK, err); /* before the sum: a rank may have failed since the last one */
    if (status == NB_OK && job->options->command->mpi) {
        status = nb_comm_sum(&job->comm, &able, 1, err);
    }
    if (status != NB_OK) {
        return status;
    }
    nb_job_log_kernels(job);
    if (mine && able == ranks) {
        *out = mine;
        return precision_same_engine(job, mine, err);
    }
    *out = &nb_engine_fp32;
    if (able) {
        nb_log_warn(&job->log, "%llu of %llu ranks have no AMX: --precision %s means fp32 for all of them",
                    (unsigned long long)(ranks - able), (unsigned long long)ranks, wanted);
    } else if (strcmp(wanted, "bf16") == 0) {
        nb_log_warn(&job->log, "%s: bf16 would be no gain here, fp32 is used", why ? why : "no AMX");
    } else {
        nb_log_info(&job->log, "%s: --precision auto means fp32", why ? why : "no AMX");
    }
    return NB_OK;
}

nb_status nb_job_record_engine(nb_job *job, const nb_engine *engine, nb_error *err)
{
    return nb_provenance_fact(&job->provenance, NB_PROVENANCE_ENGINE, engine->precision, err);
}
