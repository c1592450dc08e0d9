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

/* What was seen at an address is kept twice: of indexes whose signature was verified, and of all. Anybody who stands
 * between can show an index that is not verified, so its serial means nothing to who verifies. */
typedef struct memory {
    char *path;
    json_t *before; /* NULL: nothing was seen */
} memory;

static nb_status index_load_open_memory(memory *m, const nb_index_place *place, const char *suffix, nb_error *err)
{
    nb_status status = nb_cache_path(&m->path, place->cache, "seen", index_load_key_of(place).hex, suffix, err);
    if (status == NB_OK && nb_file_owner(m->path) == NB_OWNER_OURS) {
        m->before = json_load_file(m->path, 0, NULL);
    }
    return status;
}

static void index_load_close_memory(memory *m)
{
    json_decref(m->before);
    free(m->path);
}

static json_int_t index_load_serial(const memory *m)
{
    return json_integer_value(json_object_get(m->before, "serial"));
}

static nb_status index_load_compare(const nb_index *x, const memory *m, const nb_url *url, nb_error *err)
{
    json_int_t serial = index_load_serial(m);
    bool was_signed = json_is_true(json_object_get(m->before, "signed"));
    const char *problem = NULL;
    if (!m->before) {
        return NB_OK;
    }
    if (x->serial < serial) {
        problem = "is older than what was seen there before";
    } else if (x->serial == serial && strcmp(nb_index_text_of(m->before, "sha256"), x->digest.hex) != 0) {
        problem = "has other content than before under the same serial";
    } else if (was_signed && !x->signature) {
        problem = "has lost its signature";
    }
    if (!problem) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_VERIFY, "index '%s' %s (serial %lld, seen %lld)", url->shown, problem, (long long)x->serial,
            (long long)serial);
    return nb_hint(err, "if it was begun anew on purpose, remove '%s'", m->path);
}

static nb_status index_load_write_memory(const memory *m, const json_t *now, const nb_log *log, nb_error *err)
{
    char *text = NULL;
    nb_status status = NB_OK;
    if (json_equal((json_t *)(uintptr_t)now, m->before)) {
        return NB_OK;
    }
    if (!nb_cache_takes(m->path)) {
        nb_log_warn(log, "'%s' cannot be written: an older index will not be told from this one", m->path);
        return NB_OK;
    }
    text = json_dumps(now, JSON_INDENT(1));
    NB_TRY(nb_file_write(m->path, true, text ? text : "", text ? strlen(text) : 0, err));
done:
    free(text);
    return status;
}

/* An index and what is known of how it came. */
typedef struct seen {
    const nb_index *index;
    const nb_index_place *place;
    bool wrote; /* it is our own change, which another may have followed already */
    const nb_log *log;
} seen;

/* The caller holds the lock of this address from before it asked the server, so that nothing newer can have been
 * remembered since. */
static nb_status index_load_remember(const seen *s, nb_error *err)
{
    const nb_index *x = s->index;
    const nb_url *url = s->place->url;
    bool verified = x->signature && s->place->trusted.count;
    memory strong = {0}, weak = {0};
    json_t *now = NULL;
    nb_status status;
    NB_TRY(index_load_open_memory(&strong, s->place, ".verified.json", err));
    NB_TRY(index_load_open_memory(&weak, s->place, ".json", err));
    if (s->wrote && index_load_serial(verified ? &strong : &weak) >= x->serial) {
        goto done;
    }
    NB_TRY(index_load_compare(x, &strong, url, err));
    NB_TRY(verified ? NB_OK : index_load_compare(x, &weak, url, err));
    now = json_pack("{s:s, s:I, s:b, s:s}", "index", url->shown, "serial", x->serial, "signed", x->signature != NULL,
                    "sha256", x->digest.hex);
    if (now && x->serial > 0) {
        NB_TRY(verified ? index_load_write_memory(&strong, now, s->log, err) : NB_OK);
        NB_TRY(index_load_write_memory(&weak, now, s->log, err));
    }
done:
    json_decref(now);
    index_load_close_memory(&strong);
    index_load_close_memory(&weak);
    return status;
}

nb_status nb_index_wrote(const nb_index *x, const nb_index_place *place, nb_error *err)
{
    const nb_log silent = {0};
    int lock = -1;
    nb_status status;
    NB_TRY(nb_cache_lock(&lock, place->cache, index_load_key_of(place).hex, &silent, err));
    NB_TRY(index_load_remember(&(seen){x, place, true, &silent}, err));
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
    NB_TRY(index_load_remember(&(seen){out, place, false, nb_http_log(http)}, err));
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
    if (nb_cache_takes(copy)) {
        NB_TRY(nb_file_write(copy, true, reply.body.data, reply.body.len, err));
    }
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
    if (!place->trusted.count && nb_file_owner(copy) == NB_OWNER_OTHER) {
        nb_fail(err, NB_ERR_VERIFY, "the copy of index '%s' in the cache is another user's", url->shown);
        status = nb_hint(err, "--verify KEY tells whether it is to be trusted");
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
