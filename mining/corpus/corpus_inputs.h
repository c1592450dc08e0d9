/** @file
 * The input files of a corpus: names, patterns, addresses and manifests become one list without repetition.
 *
 * A word is a path, or, when no such file exists and it holds one of *?[, a pattern as the shell knows it (glob(7)).
 * "@FILE" stands for a manifest: a path or pattern a line, from the manifest's folder on unless absolute; blank lines
 * and lines beginning with '#' are passed over. A line "DIGEST  PATH", as sha256sum writes it, also says the SHA-256
 * that the file must have. An http(s):// or s3:// address is taken as it is, here and in manifests: it is no pattern.
 *
 * The list is ordered by (base name, size, path or address) and holds each path once, so it does not depend on the
 * order in which files are given, and seldom on the folder, or the server, they lie in. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_CORPUS_INPUTS_H
#define NB_MINING_CORPUS_CORPUS_INPUTS_H

#include "common/base/text.h"

/** The list; all members have the same count. */
typedef struct nb_inputs {
    nb_strings paths;     /**< "" for what is to be fetched yet (fetch.h) */
    nb_strings names;     /**< the paths as they were given, or the addresses without what may be secret */
    nb_strings digests;   /**< SHA-256 in hexadecimal, or "" */
    nb_strings addresses; /**< "" for files */
    size_t *named; /**< [count] the place in which each was named first, by words and manifests; patterns: in order
                    * of names */
} nb_inputs;

/** Makes the list of the words of a command line and of one more manifest.
 * @param out becomes the list, {0} on failure; free with nb_inputs_free
 * @param words paths, patterns, addresses, "@FILE"
 * @param manifest a path, or NULL
 * @param given names by which files were given that are kept under others ("-" for standard input): a manifest's lines
 * begin at the folder of its name, and at the current one for standard input and /dev; NULL: none are
 * @return NB_OK; NB_ERR_INPUT for a file that is missing or no regular file, a pattern nothing matches, an empty list,
 * or two digests for one file; NB_ERR_USAGE for an address that is none or ends without a name; NB_ERR_IO when a
 * manifest cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_inputs_open(nb_inputs *out, const nb_strings *words, const char *manifest, const nb_renames *given,
                         nb_error *err);

/** Gives every address its local file, and the list its order.
 * @param inputs the list
 * @param paths the files of the addresses, in the order of the list
 * @return NB_OK; NB_ERR_INPUT when one of the files is missing, or two digests are listed for one address; NB_ERR_LIMIT
 * without memory. */
nb_status nb_inputs_place(nb_inputs *inputs, const nb_strings *paths, nb_error *err);

/** Frees the list.
 * @param inputs a list or {0} */
void nb_inputs_free(nb_inputs *inputs);

#endif
