/* --precision: which engine computes the towers (common/linear/engine.h). */
#ifndef NB_JOBS_PRECISION_H
#define NB_JOBS_PRECISION_H

#include "common/linear/engine.h"
#include "jobs/job.h"

/** An option for `member` of a settings struct. Unrecorded: what it came to is recorded instead, so that auto and the
 * precision it picks give the same bytes. */
#define NB_PRECISION_OPTION(member)                                                                                    \
    OPT_CHOICE("precision", member, "TYPE", "fp32", "fp32|bf16|auto",                                                  \
               "precision of the towers' products; auto: bf16 where it is faster on every CPU, else fp32",             \
               OPT_UNRECORDED)

/** The engine all ranks use, after a warning of slow kernels: of those that `wanted` allows the first that every rank's
 * CPU has; fp32 where there is none, which the log reports.
 *
 * Collective for a command that runs under MPI.
 * @param job    of the command
 * @param wanted "fp32", "bf16" or "auto"
 * @param out    receives the engine, which lives as long as the program
 * @return NB_OK; NB_ERR_LIMIT when another rank has failed */
nb_status nb_job_engine(nb_job *job, const char *wanted, const nb_engine **out, nb_error *err);

/** Records the engine in the content half of provenance. Not collective.
 * @param job    whose provenance it is
 * @param engine that nb_job_engine gave
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_job_record_engine(nb_job *job, const nb_engine *engine, nb_error *err);

#endif
