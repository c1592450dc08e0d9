#include "mining/corpus/fetch.h"

#include "common/base/file.h"
#include "common/base/pack.h"
#include "common/parallel/pool.h"
#include "common/transfer/download.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct fetch {
    const nb_comm *comm;
    const nb_fetch_options *options;
    nb_fetched *out;
    nb_strings addresses, digests; /* digests: "" where none is listed */
    nb_cache cache;
    nb_transfer_options http_options; /* the caller's, with a way to stop */
    nb_http *http;
    nb_pool *pool; /* while a tile is worked on */
} fetch;

/* ---- what there is to fetch ---- */

static nb_status fetch_list(fetch *f, const nb_inputs *files, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < files->paths.count; i++) {
        const char *address = nb_strings_get(&files->addresses, i), *digest = nb_strings_get(&files->digests, i);
        if (address[0]) {
            NB_TRY(nb_strings_push(&f->addresses, address, strlen(address), err));
            NB_TRY(nb_strings_push(&f->digests, digest, strlen(digest), err));
        }
    }
done:
    return status;
}

/* Collective. Rank 0's list to all. */
static nb_status fetch_share(fetch *f, nb_error *err)
{
    nb_buffer block = {.max = SIZE_MAX / 2};
    uint64_t len;
    nb_status status = NB_OK;
    if (f->comm->rank == 0) {
        status = nb_pack_strings(&block, &f->addresses, err);
        status = status == NB_OK ? nb_pack_strings(&block, &f->digests, err) : status;
    }
    len = block.len;
    NB_TRY(nb_comm_agree(f->comm, status, err));
    NB_TRY(nb_comm_broadcast(f->comm, &len, sizeof len, err));
    if (f->comm->rank != 0) {
        block.data = nb_alloc((size_t)len, 1, err);
        status = block.data ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(f->comm, status, err));
    NB_TRY(nb_comm_broadcast(f->comm, block.data, (size_t)len, err));
    if (f->comm->rank != 0) {
        nb_unpack in = {.bytes = block.data, .len = (size_t)len};
        NB_TRY(nb_unpack_strings(&in, &f->addresses, err));
        NB_TRY(nb_unpack_strings(&in, &f->digests, err));
    }
done:
    nb_buffer_free(&block);
    return nb_comm_agree(f->comm, status, err);
}

static nb_status fetch_name_paths(fetch *f, const nb_digest *set, nb_error *err)
{
    nb_buffer folder = {0}, path = {0};
    nb_url url = {0};
    char *name = NULL;
    nb_status status;
    NB_TRY(nb_buffer_printf(&folder, err, "%s/corpus/%s", f->cache.folder, set->hex));
    for (size_t i = 0; i < f->addresses.count; i++) {
        NB_TRY(nb_url_parse(&url, nb_strings_get(&f->addresses, i), err));
        NB_TRY(nb_url_name(&name, &url, err));
        nb_buffer_clear(&path);
        NB_TRY(nb_buffer_printf(&path, err, "%s/%zu/%s", folder.data, i, name));
        NB_TRY(nb_strings_push(&f->out->paths, path.data, path.len, err));
        nb_url_free(&url);
        free(name);
        name = NULL;
    }
    f->out->folder = folder.data;
    folder = (nb_buffer){0};
done:
    nb_url_free(&url);
    free(name);
    nb_buffer_free(&folder);
    nb_buffer_free(&path);
    return status;
}

/* Each rank for itself; rank 0 waits here for another run of the same addresses. */
static nb_status fetch_prepare(fetch *f, nb_error *err)
{
    nb_buffer all = {0};
    nb_url own = {0};
    nb_digest set;
    nb_status status;
    for (size_t i = 0; i < f->addresses.count; i++) {
        NB_TRY(nb_buffer_printf(&all, err, "%s\n", nb_strings_get(&f->addresses, i)));
    }
    set = nb_digest_bytes(all.data, all.len);
    NB_TRY(nb_cache_open(&f->cache, f->options->cache, err));
    NB_TRY(fetch_name_paths(f, &set, err));
    if (f->comm->rank == 0) {
        NB_TRY(nb_cache_lock(&f->out->lock, &f->cache, set.hex, f->options->log, err));
    }
    NB_TRY(nb_http_create(&f->http, &f->http_options, f->options->log, err));
    if (f->options->own) {
        NB_TRY(nb_url_parse(&own, f->options->own, err));
        NB_TRY(nb_http_set_own(f->http, &own, err));
    }
done:
    nb_url_free(&own);
    nb_buffer_free(&all);
    return status;
}

/* ---- fetching ---- */

static bool fetch_stopped(void *state)
{
    const fetch *f = state;
    return nb_pool_report(f->pool, 0) != NB_OK;
}

static nb_status fetch_visit(void *state, nb_pool *pool, size_t tile, nb_error *err)
{
    fetch *f = state;
    const char *digest = nb_strings_get(&f->digests, tile), *path = nb_strings_get(&f->out->paths, tile);
    char *folder = NULL;
    nb_url url = {0};
    nb_status status;
    f->pool = pool;
    NB_TRY(nb_url_parse(&url, nb_strings_get(&f->addresses, tile), err));
    NB_TRY_NEW(folder, strlen(path) + 1);
    memcpy(folder, path, (size_t)(nb_path_base(path) - path));
    NB_TRY(nb_make_directories(folder, err));
    const nb_download what = {
        .url = &url, .path = path, .expect = -1, .max_bytes = INT64_MAX / 2, .checked = digest[0] != '\0'};
    NB_TRY(nb_download_verified(f->http, &what, digest, err));
    pool->counters.items++;
done:
    free(folder);
    nb_url_free(&url);
    return status;
}

/* Collective. */
static nb_status fetch_all(fetch *f, nb_error *err)
{
    const nb_pool_work work = {.what = "downloads",
                               .hint = "what came is kept for the next run",
                               .total = f->addresses.count,
                               .tiles = f->addresses.count,
                               .run = {1, false},
                               .sharing = NB_SHARING_AUTO,
                               .visit = fetch_visit,
                               .state = f};
    return nb_pool_run(f->comm, f->options->log, &work, NULL, err);
}

/* Ranks on another node may have another folder under the same name. */
static nb_status fetch_check_shared(const fetch *f, nb_error *err)
{
    for (size_t i = 0; i < f->out->paths.count; i++) {
        const char *path = nb_strings_get(&f->out->paths, i);
        if (access(path, R_OK) != 0) {
            nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", path);
            return nb_hint(err, "--cache must be a folder that all nodes share");
        }
    }
    return NB_OK;
}

nb_status nb_corpus_fetch(nb_fetched *out, nb_inputs *files, const nb_comm *comm, const nb_fetch_options *options,
                          nb_error *err)
{
    fetch f = {.comm = comm, .options = options, .out = out, .http_options = *options->http};
    bool first = comm->rank == 0;
    uint64_t count;
    nb_status status;
    *out = (nb_fetched){.lock = -1};
    f.http_options.stopped = fetch_stopped;
    f.http_options.stop_state = &f;
    NB_TRY(nb_comm_agree(comm, first ? fetch_list(&f, files, err) : NB_OK, err));
    count = f.addresses.count;
    NB_TRY(nb_comm_broadcast(comm, &count, sizeof count, err));
    if (!count) {
        goto done;
    }
    NB_TRY(fetch_share(&f, err));
    NB_TRY(nb_comm_agree(comm, fetch_prepare(&f, err), err));
    NB_TRY(fetch_all(&f, err));
    status = fetch_check_shared(&f, err);
    if (status == NB_OK && first) {
        status = nb_inputs_place(files, &out->paths, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
done:
    nb_http_destroy(f.http);
    nb_cache_close(&f.cache);
    nb_strings_free(&f.addresses);
    nb_strings_free(&f.digests);
    if (status != NB_OK) {
        nb_corpus_fetched_close(out);
    }
    return status;
}

void nb_corpus_fetched_forget(const nb_fetched *fetched)
{
    for (size_t i = 0; i < fetched->paths.count; i++) {
        const char *path = nb_strings_get(&fetched->paths, i);
        char *folder = strdup(path);
        nb_download_forget(path);
        if (folder) {
            *strrchr(folder, '/') = '\0';
            rmdir(folder);
        }
        free(folder);
    }
    if (fetched->folder) {
        rmdir(fetched->folder);
    }
}

void nb_corpus_fetched_close(nb_fetched *fetched)
{
    if (fetched->folder) {
        nb_cache_unlock(&fetched->lock);
    }
    nb_strings_free(&fetched->paths);
    free(fetched->folder);
    *fetched = (nb_fetched){0};
}
