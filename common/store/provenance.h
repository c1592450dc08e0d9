/* Provenance: where a file of ours comes from.
 *
 * Two halves. What decides the content (program, commit, command, options, digests of the inputs, kernel family) is
 * written INTO the file, so the same inputs give the same bytes and the same digest wherever and on however many ranks
 * they were made. What belongs to one run (host, ranks, start, end, paths, options that only say how to run) is written
 * beside it as NAME.run.json. SOURCE_DATE_EPOCH, when set, replaces the clock there. Nothing here is collective. */
#ifndef NB_STORE_PROVENANCE_H
#define NB_STORE_PROVENANCE_H

#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/options/option.h"

#include <jansson.h>

/** Both halves while they grow. */
typedef struct nb_provenance {
    const nb_parsed *options; /**< borrowed */
    const nb_renames *names;  /**< borrowed; as inputs are recorded; NULL: as they are */
    json_t *content;          /**< goes into the file */
    json_t *run;              /**< goes beside it */
} nb_provenance;

/** Begins both halves with program, commit, command and options. Under Slurm (SLURM_JOB_ID) the run names the job.
 *
 * @param p       ended by the caller with nb_provenance_end, also on failure
 * @param options of the command, borrowed
 * @param ranks   of the run
 * @param host    of the run
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_provenance_start(nb_provenance *p, const nb_parsed *options, int ranks, const char *host,
                                         nb_error *err);

/** Frees what `p` holds and makes it {0}. */
void nb_provenance_end(nb_provenance *p);

/** Records an input.
 *
 * @param p      the halves
 * @param role   what it is: "texts", "labels"
 * @param path   goes beside the file
 * @param digest hexadecimal; goes into the file and beside it
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_provenance_input(nb_provenance *p, const char *role, const char *path, const char *digest,
                                         nb_error *err);

/** Hashes a file, then nb_provenance_input.
 *
 * @param p    the halves
 * @param role what it is
 * @param path the file
 * @return as nb_digest_file and nb_provenance_input. */
NB_CHECKED nb_status nb_provenance_file(nb_provenance *p, const char *role, const char *path, nb_error *err);

/** States a fact about the content beyond options and inputs: "blas kernel", "Cooperlake".
 *
 * @param p     the halves
 * @param name  of the fact
 * @param value UTF-8
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_provenance_fact(nb_provenance *p, const char *name, const char *value, nb_error *err);

/** The facts that name the towers' engine, and the kernels of OpenBLAS and of our own. */
#define NB_PROVENANCE_ENGINE  "engine"
#define NB_PROVENANCE_KERNELS "kernels"
/** The engine that embedded a bank's texts, where it is int8. */
#define NB_PROVENANCE_TEXTS_ENGINE "texts engine"

/** Compares a fact of two content halves.
 *
 * @param path  the file that holds `old`, for the message
 * @param old   a content half as text
 * @param fresh another
 * @param name  of the fact
 * @return NB_OK, also where one of them does not state it, or NB_ERR_INPUT naming both values where they differ. */
NB_CHECKED nb_status nb_provenance_same_fact(const char *path, const char *old, const char *fresh, const char *name,
                                             nb_error *err);

/** Records what was measured in this run.
 *
 * @param p     the halves
 * @param name  under which it stands beside the file
 * @param value taken over, also on failure
 * @return NB_OK, or NB_ERR_LIMIT when `value` is NULL or memory is out. */
NB_CHECKED nb_status nb_provenance_measured(nb_provenance *p, const char *name, json_t *value, nb_error *err);

/** Finds a fact in a content half as it stands in a file.
 *
 * @param text  the half; may be NULL
 * @param name  of the fact
 * @param value becomes it, cut to its size, or "" where there is none
 * @param size  of value, at least 1 */
void nb_provenance_find_fact(const char *text, const char *name, char *value, size_t size);

/** Finds the first input of a role in a content half as it stands in a file.
 *
 * @param text   the half; may be NULL
 * @param role   of the input
 * @param digest of it; untouched when the result is false
 * @return false when there is none or `text` is no such record. */
bool nb_provenance_find(const char *text, const char *role, nb_digest *digest);

/** The content half as JSON.
 *
 * @param p    the halves
 * @param text freed by the caller; NULL on failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_provenance_text(const nb_provenance *p, char **text, nb_error *err);

/** Writes PATH.run.json for an output.
 *
 * @param p      the halves; the time of the end is put in
 * @param path   the output
 * @param digest of it; may be NULL
 * @return as nb_file_write, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_provenance_run(nb_provenance *p, const char *path, const char *digest, nb_error *err);

#endif
