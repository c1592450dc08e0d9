/* Reading indexes from servers, and the memory of how new they were. */
#include "common/base/file.h"
#include "common/transfer/index.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The name of an address in the cache. */
static nb_digest index_load_key_of(const nb_index_place *place)
{
    return nb_digest_bytes(place->url->request, strlen(place->url->request));
}

static nb_status index_load_compare(const nb_index *x, const json_t *before, const char *file, const nb_url *url,
                                    nb_error *err)
{
    json_int_t serial = json_integer_value(json_object_get(before, "serial"));
    bool was_signed = json_is_true(json_object_get(before, "signed"));
    const char *problem = NULL;
    if (x->serial < serial) {
        problem = "is older than what was seen there before";
    } else if (x->serial == serial && strcmp(nb_index_text_of(before, "sha256"), x->digest.hex) != 0) {
        problem = "has other content than before under the same serial";
    } else if (was_signed && !x->signature) {
        problem = "has lost its signature";
    }
    if (!problem) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_VERIFY, "index '%s' %s (serial %lld, seen %lld)", url->shown, problem, (long long)x->serial,
            (long long)serial);
    return nb_hint(err, "if it was begun anew on purpose, remove '%s'", file);
}

/* The caller holds the lock of this address from before it asked the server, so that nothing newer can have been
 * remembered since. `wrote`: it is our own change, which another may have followed already. */
static nb_status index_load_remember(const nb_index *x, const nb_index_place *place, bool wrote, nb_error *err)
{
    char *path = NULL, *text = NULL;
    json_t *before = NULL, *now = NULL;
    nb_status status;
    NB_TRY(nb_cache_path(&path, place->cache, "seen", index_load_key_of(place).hex, ".json", err));
    before = json_load_file(path, 0, NULL);
    if (wrote && json_integer_value(json_object_get(before, "serial")) >= x->serial) {
        goto done;
    }
    if (before) {
        NB_TRY(index_load_compare(x, before, path, place->url, err));
    }
    now = json_pack("{s:s, s:I, s:b, s:s}", "index", place->url->shown, "serial", x->serial, "signed",
                    x->signature != NULL, "sha256", x->digest.hex);
    if (now && x->serial > 0 && !json_equal(now, before)) {
        text = json_dumps(now, JSON_INDENT(1));
        NB_TRY(nb_file_write(path, true, text ? text : "", text ? strlen(text) : 0, err));
    }
done:
    json_decref(before);
    json_decref(now);
    free(text);
    free(path);
    return status;
}

nb_status nb_index_wrote(const nb_index *x, const nb_index_place *place, nb_error *err)
{
    int lock = -1;
    nb_status status;
    NB_TRY(nb_cache_lock(&lock, place->cache, index_load_key_of(place).hex, &(nb_log){0}, err));
    NB_TRY(index_load_remember(x, place, true, err));
done:
    nb_cache_unlock(&lock);
    return status;
}

nb_status nb_index_load(nb_index *out, nb_http *http, const nb_index_place *place, bool unsigned_too,
                        nb_http_reply *reply, nb_error *err)
{
    const nb_url *url = place->url;
    int lock = -1;
    nb_status status;
    *out = (nb_index){0};
    NB_TRY(nb_cache_lock(&lock, place->cache, index_load_key_of(place).hex, &(nb_log){0}, err));
    NB_TRY(nb_http_get(http, url, NB_INDEX_TEXT_MAX, reply, err));
    if (reply->status == 404) {
        NB_TRY(nb_index_empty(out, err));
    } else if (reply->status != 200) {
        status = nb_http_refused(&(nb_http_request){.method = "GET", .url = url}, reply, err);
        goto done;
    } else {
        NB_TRY(nb_index_parse(out, url->shown, reply->body.len ? reply->body.data : "", reply->body.len, err));
        if (place->trusted.count && (out->signature || !unsigned_too)) {
            NB_TRY(nb_index_verify(out, url->shown, &place->trusted, err));
        }
    }
    NB_TRY(index_load_remember(out, place, false, err));
done:
    nb_cache_unlock(&lock);
    return status;
}

nb_status nb_index_fetch(nb_index *out, nb_http *http, const nb_index_place *place, nb_error *err)
{
    nb_http_reply reply = {0};
    char *copy = NULL;
    int lock = -1;
    nb_status status;
    NB_TRY(nb_index_load(out, http, place, false, &reply, err));
    if (reply.status != 200) {
        status = nb_http_refused(&(nb_http_request){.method = "GET", .url = place->url}, &reply, err);
        goto done;
    }
    NB_TRY(nb_cache_lock(&lock, place->cache, index_load_key_of(place).hex, &(nb_log){0}, err));
    NB_TRY(nb_cache_path(&copy, place->cache, "indexes", index_load_key_of(place).hex, ".json", err));
    NB_TRY(nb_file_write(copy, true, reply.body.data, reply.body.len, err));
done:
    nb_cache_unlock(&lock);
    free(copy);
    nb_http_reply_free(&reply);
    return status;
}

nb_status nb_index_kept(nb_index *out, const nb_index_place *place, nb_error *err)
{
    const nb_url *url = place->url;
    char *copy = NULL, *text = NULL;
    size_t len = 0;
    nb_status status;
    *out = (nb_index){0};
    NB_TRY(nb_cache_path(&copy, place->cache, "indexes", index_load_key_of(place).hex, ".json", err));
    if (access(copy, F_OK) != 0) {
        nb_fail(err, NB_ERR_NETWORK, "there is no copy of index '%s' in the cache", url->shown);
        status = nb_hint(err, "ask once without --offline");
        goto done;
    }
    NB_TRY(nb_file_read(copy, NB_INDEX_TEXT_MAX, &text, &len, err));
    NB_TRY(nb_index_parse(out, url->shown, text, len, err));
    if (place->trusted.count) {
        NB_TRY(nb_index_verify(out, url->shown, &place->trusted, err));
    }
done:
    free(text);
    free(copy);
    return status;
}
