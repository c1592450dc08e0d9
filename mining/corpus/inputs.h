/* The input files of a corpus: names, patterns and manifests become one list without repetition.
 *
 * A word is a path, or, when no such file exists and it holds one of *?[, a pattern as the shell knows it (glob(7)).
 * "@FILE" stands for a manifest: a path or pattern a line, from the manifest's folder on unless absolute; blank lines
 * and lines beginning with '#' are passed over. A line "DIGEST  PATH", as sha256sum writes it, also says the SHA-256
 * that the file must have.
 *
 * The list is ordered by (base name, size, path) and holds each path once, so it does not depend on the order in which
 * files are given, and seldom on the folder they lie in. */
#ifndef NB_CORPUS_INPUTS_H
#define NB_CORPUS_INPUTS_H

#include "common/base/memory.h"

typedef struct nb_inputs {
    nb_strings paths;
    nb_strings digests; /* [paths.count] SHA-256 in hexadecimal, or "" */
} nb_inputs;

/* manifest may be NULL. NB_ERR_INPUT for a file that is missing or no regular file, a pattern nothing matches, or two
 * digests for one file. Free with nb_inputs_free, which takes {0}. */
nb_status nb_inputs_open(nb_inputs *out, const nb_strings *words, const char *manifest, nb_error *err);
void nb_inputs_free(nb_inputs *inputs);

#endif
