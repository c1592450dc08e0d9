/* The cache folder: downloaded banks under their digests, what is under way, copies of indexes, and the memory of how
 * new each index was when it was last seen. Processes that share it wait for one another by file locks.
 *
 * It may be another user's, or one that several users write into. What lies there is read when its content verifies;
 * links are not followed when something is written, and no file of another user is written into. A cache that cannot be
 * written is read without locks. Nothing here is collective. */
#ifndef NB_TRANSFER_CACHE_H
#define NB_TRANSFER_CACHE_H

#include "common/base/digest.h"
#include "common/base/log.h"

/** An open cache; close it with nb_cache_close. */
typedef struct nb_cache {
    char *folder;
} nb_cache;

/** Opens the cache, and makes its folder when it is missing.
 *
 * @param out    the cache; {0} on failure
 * @param folder NULL or "": $XDG_CACHE_HOME/negbank, else ~/.cache/negbank
 * @return NB_OK, NB_ERR_USAGE when there is no place for it, NB_ERR_IO when the folder cannot be made, or NB_ERR_LIMIT
 * when memory is out. */
NB_CHECKED nb_status nb_cache_open(nb_cache *out, const char *folder, nb_error *err);

/** Frees what `cache` holds; the folder stays. Takes NULL. */
void nb_cache_close(nb_cache *cache);

/** "FOLDER/KIND/NAMESUFFIX", with FOLDER/KIND made when it is missing and FOLDER can be written.
 *
 * @param out    freed by the caller; NULL on failure
 * @param cache  of FOLDER
 * @param kind   KIND
 * @param name   NAME
 * @param suffix SUFFIX
 * @return NB_OK, NB_ERR_IO when the folder cannot be made or is another user's link, or NB_ERR_LIMIT when memory is
 * out. */
NB_CHECKED nb_status nb_cache_path(char **out, const nb_cache *cache, const char *kind, const char *name,
                                   const char *suffix, nb_error *err);

/** Whether a file can be written at a `path` from nb_cache_path: its folder is writable, and what is there already is
 * neither another user's nor a link. */
bool nb_cache_takes(const char *path);

/** Waits until this process alone holds a lock. A lock ends with its process.
 *
 * @param lock  given back with nb_cache_unlock; -1 on failure, and where the cache cannot be written
 * @param cache whose processes are kept out
 * @param name  of the lock
 * @param log   hears when it has to wait
 * @return NB_OK, NB_ERR_IO when the file system has no locks, or as nb_cache_path. */
NB_CHECKED nb_status nb_cache_lock(int *lock, const nb_cache *cache, const char *name, const nb_log *log,
                                   nb_error *err);

/** Gives a `lock` back; it becomes -1, which is no lock. */
void nb_cache_unlock(int *lock);

#endif
