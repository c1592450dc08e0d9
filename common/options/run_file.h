/* Run files: YAML mappings, flattened to pairs of a dotted key and a value. */
#ifndef NB_COMMON_OPTIONS_RUN_FILE_H
#define NB_COMMON_OPTIONS_RUN_FILE_H

#include "common/base/memory.h"

/** The pairs of a run file, in its order. */
typedef struct nb_pairs {
    nb_strings keys;   /**< "mine.count"; a sequence gives its key once an element */
    nb_strings values; /**< one a key, variables replaced by their values */
} nb_pairs;

/** Reads a run file of at most 1 MiB. Not collective.
 * @param out receives the pairs; the caller frees them with nb_pairs_free, after a failure too
 * @param path of the run file
 * @return NB_OK; NB_ERR_INPUT when it is not YAML, not a mapping of keys to values or lists of them, or names a
 * variable that is not set; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory */
nb_status nb_config_read(nb_pairs *out, const char *path, nb_error *err);

/** Frees the pairs; NULL is fine. Not collective. */
void nb_pairs_free(nb_pairs *pairs);

#endif
