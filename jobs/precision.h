/* --precision: which engine computes the towers (common/linear/engine.h). */
#ifndef NB_JOBS_PRECISION_H
#define NB_JOBS_PRECISION_H

#include "common/linear/engine.h"
#include "jobs/job.h"

/** An option for `member` of a settings struct. Unrecorded: what it came to is recorded instead, so that auto and the
 * precision it picks give the same bytes. */
#define NB_PRECISION_OPTION(member)                                                                                    \
    OPT_CHOICE("precision", member, "TYPE", "fp32", "fp32|bf16|int8|auto",                                             \
               "precision of the towers' products; auto: bf16 where it is faster on every CPU, else fp32; int8: "      \
               "8 bits, the fastest without AMX, and the least exact (check --precision int8 --texts --images)",       \
               OPT_UNRECORDED)

/** The engine all ranks use, after a warning of slow kernels: of those that `wanted` allows the first that every rank's
 * CPU has; fp32 where there is none, which the log reports.
 *
 * Collective for a command that runs under MPI.
 * @param job    of the command
 * @param wanted "fp32", "bf16", "int8" or "auto"
 * @param out    receives the engine, which lives as long as the program
 * @return NB_OK; NB_ERR_LIMIT when another rank has failed */
nb_status nb_job_engine(nb_job *job, const char *wanted, const nb_engine **out, nb_error *err);

/** Bytes of an engine's name in provenance, with the NUL. */
enum { NB_ENGINE_NAME_MAX = 64 };

/** Whether embeddings of two engines should not be compared: those of int8 with any others, which are nearer to one
 * another than to these. Not collective.
 * @param a as provenance has it; "" where it is not known, which passes
 * @param b likewise */
bool nb_engines_clash(const char *a, const char *b);

/** Records the engine in the content half of provenance. Not collective.
 * @param job    whose provenance it is
 * @param engine that nb_job_engine gave
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_job_record_engine(nb_job *job, const nb_engine *engine, nb_error *err);

#endif
