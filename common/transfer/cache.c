#include "common/transfer/cache.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

nb_status nb_cache_path(char **out, const nb_cache *cache, const char *kind, const char *name, const char *suffix,
                        nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    *out = NULL;
    NB_TRY(nb_buffer_printf(&b, err, "%s/%s", cache->folder, kind));
    NB_TRY(nb_make_directories(b.data, err));
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
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
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
