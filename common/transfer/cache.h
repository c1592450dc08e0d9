/* The cache folder: downloaded banks under their digests, what is under way, copies of indexes, and the memory of how
 * new each index was when it was last seen. Processes that share it wait for one another by file locks. */
#ifndef NB_TRANSFER_CACHE_H
#define NB_TRANSFER_CACHE_H

#include "common/base/digest.h"
#include "common/base/log.h"

typedef struct nb_cache {
    char *folder;
} nb_cache;

/* `folder` NULL: $XDG_CACHE_HOME/negbank, else ~/.cache/negbank. Made when missing. */
nb_status nb_cache_open(nb_cache *out, const char *folder, nb_error *err);
void nb_cache_close(nb_cache *cache);

/* "FOLDER/KIND/NAMESUFFIX", with FOLDER/KIND made when missing; the caller frees. */
nb_status nb_cache_path(char **out, const nb_cache *cache, const char *kind, const char *name, const char *suffix,
                        nb_error *err);

/* Waits until this process alone holds the lock of that name; says so in the log when it has to wait. A lock ends with
 * its process. */
nb_status nb_cache_lock(int *lock, const nb_cache *cache, const char *name, const nb_log *log, nb_error *err);
void nb_cache_unlock(int *lock); /* -1 is no lock */

#endif
