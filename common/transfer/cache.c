#include "common/transfer/cache.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

nb_status nb_cache_open(nb_cache *out, const char *folder, nb_error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    nb_buffer b = {0};
    nb_status status;
    *out = (nb_cache){0};
    if (folder && *folder) {
        NB_TRY(nb_buffer_printf(&b, err, "%s", folder));
    } else if (cache && *cache == '/') {
        NB_TRY(nb_buffer_printf(&b, err, "%s/negbank", cache));
    } else if (home && *home) {
        NB_TRY(nb_buffer_printf(&b, err, "%s/.cache/negbank", home));
    } else {
        nb_fail(err, NB_ERR_USAGE, "there is no place for the cache: HOME is not set");
        status = nb_hint(err, "give --cache DIR");
        goto done;
    }
    NB_TRY(nb_make_directories(b.data, err));
    out->folder = b.data;
    b = (nb_buffer){0};
done:
    nb_buffer_free(&b);
    return status;
}

void nb_cache_close(nb_cache *cache)
{
    if (cache) {
        free(cache->folder);
        *cache = (nb_cache){0};
    }
}

/* A folder of a cache that is another user's is taken as it is. A link in place of it leads into a folder that whoever
 * made it chose. */
static nb_status cache_make_folder(const nb_cache *cache, const char *path, nb_error *err)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != geteuid() && st.st_uid != 0) {
        nb_fail(err, NB_ERR_IO, "'%s' is a link that another user made", path);
        return nb_hint(err, "give --cache DIR, a folder of your own");
    }
    return access(cache->folder, W_OK) == 0 || access(path, F_OK) == 0 ? nb_make_directories(path, err) : NB_OK;
}

bool nb_cache_takes(const char *path)
{
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    bool takes = false;
    if (slash) {
        *slash = '\0';
        takes = access(folder, W_OK) == 0 && nb_file_owner(path) != NB_OWNER_OTHER;
    }
    free(folder);
    return takes;
}

nb_status nb_cache_path(char **out, const nb_cache *cache, const char *kind, const char *name, const char *suffix,
                        nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    *out = NULL;
    NB_TRY(nb_buffer_printf(&b, err, "%s/%s", cache->folder, kind));
    NB_TRY(cache_make_folder(cache, b.data, err));
    NB_TRY(nb_buffer_printf(&b, err, "/%s%s", name, suffix));
    *out = b.data;
    b = (nb_buffer){0};
done:
    nb_buffer_free(&b);
    return status;
}

nb_status nb_cache_lock(int *lock, const nb_cache *cache, const char *name, const nb_log *log, nb_error *err)
{
    char *path = NULL;
    nb_status status;
    *lock = -1;
    NB_TRY(nb_cache_path(&path, cache, "locks", name, "", err));
    *lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (*lock < 0 && access(path, W_OK) != 0) { /* a cache that is only read needs no lock */
        *lock = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (*lock < 0 && errno != ELOOP) {
            goto done;
        }
    }
    if (*lock < 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", path);
        goto done;
    }
    int got = flock(*lock, LOCK_EX | LOCK_NB);
    if (got != 0 && errno == EWOULDBLOCK) {
        nb_log_info(log, "waiting for another process that has the same under way");
        do {
            got = flock(*lock, LOCK_EX);
        } while (got != 0 && errno == EINTR);
    }
    if (got != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot lock '%s'", path);
        nb_cache_unlock(lock);
    }
done:
    free(path);
    return status;
}

void nb_cache_unlock(int *lock)
{
    if (*lock >= 0) {
        close(*lock);
        *lock = -1;
    }
}
