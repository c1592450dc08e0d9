/** @file
 * WordNet's lexicographer files by name (lexnames(5)). Nothing here is collective. */
#ifndef NB_MINING_CORPUS_WORDNET_LEXNAMES_H
#define NB_MINING_CORPUS_WORDNET_LEXNAMES_H

#include "common/base/status.h"

#include <stdint.h>

/** Names of lexicographer files (lexnames(5)), as bits in the order of their numbers. */
typedef uint64_t nb_lexnames;

/** Parses a list of names like "noun.person,adj.pert".
 * @param out becomes the bits
 * @param list names with commas between them; NULL or "": none
 * @return NB_OK, or NB_ERR_USAGE for an unknown name. */
nb_status nb_lexnames_parse(nb_lexnames *out, const char *list, nb_error *err);

/** Which lexicographer file a word list is named after: "noun.person" for lists/noun.person.txt.gz.
 * @param path a path
 * @return its bit; 0: none */
nb_lexnames nb_lexnames_of_path(const char *path);

#endif
