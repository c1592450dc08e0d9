/* Provenance: where a file of ours comes from.
 *
 * Two halves. What decides the content (program, commit, command, options, digests of the inputs, kernel family) is
 * written INTO the file, so the same inputs give the same bytes and the same digest wherever and on however many ranks
 * they were made. What belongs to one run (host, ranks, start, end, paths, options that only say how to run) is written
 * beside it as NAME.run.json. SOURCE_DATE_EPOCH, when set, replaces the clock there. */
#ifndef NB_STORE_PROVENANCE_H
#define NB_STORE_PROVENANCE_H

#include "common/base/digest.h"
#include "common/options/option.h"

#include <jansson.h>

typedef struct nb_provenance {
    const nb_parsed *options; /* borrowed */
    json_t *content;          /* goes into the file */
    json_t *run;              /* goes beside it */
} nb_provenance;

/* `ranks` and `host` describe the run. */
nb_status nb_provenance_start(nb_provenance *p, const nb_parsed *options, int ranks, const char *host, nb_error *err);
void nb_provenance_end(nb_provenance *p);

/* Records an input: what it is ("texts", "labels"), its path and digest. */
nb_status nb_provenance_input(nb_provenance *p, const char *role, const char *path, const char *digest, nb_error *err);
/* Hashes the file at `path`, then nb_provenance_input. */
nb_status nb_provenance_file(nb_provenance *p, const char *role, const char *path, nb_error *err);
/* A fact about the content beyond options and inputs: "blas kernel", "Cooperlake". */
nb_status nb_provenance_fact(nb_provenance *p, const char *name, const char *value, nb_error *err);

/* The facts that name the towers' engine, and the kernels of OpenBLAS and of our own. */
#define NB_PROVENANCE_ENGINE  "engine"
#define NB_PROVENANCE_KERNELS "kernels"

/* NB_ERR_INPUT naming both where two content halves state the fact differently. `path` holds `old`. */
nb_status nb_provenance_same_fact(const char *path, const char *old, const char *fresh, const char *name,
                                  nb_error *err);
/* What was measured in this run, an object under `name` in its record. Takes over `value`; NULL is NB_ERR_LIMIT. */
nb_status nb_provenance_measured(nb_provenance *p, const char *name, json_t *value, nb_error *err);
/* The digest of the first input of that role in a content half as it stands in a file. False, *digest untouched, when
 * there is none or `text` is no such record. */
bool nb_provenance_find(const char *text, const char *role, nb_digest *digest);

/* The content half as JSON, freed by the caller. */
nb_status nb_provenance_text(const nb_provenance *p, char **text, nb_error *err);
/* Writes PATH.run.json for the output at `path`. digest may be NULL. */
nb_status nb_provenance_run(nb_provenance *p, const char *path, const char *digest, nb_error *err);

#endif
