/* Changing an index that others change too. */
#include "common/transfer/index.h"
#include "common/transfer/upload.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS_MAX = 10000, TOKEN_TEXT = 33 };

typedef enum guard { GUARD_UNKNOWN, GUARD_CONDITION, GUARD_LOCK, GUARD_NONE } guard;

typedef struct changer {
    nb_http *http;
    const nb_index_change *change;
    guard guard;
    char token[TOKEN_TEXT]; /* of this publisher */
    nb_url lock, owner;     /* the folder made by MKCOL and the file in it that says whose it is */
    bool held;
} changer;

/* Milliseconds, so that publishers who met do not meet again. */
static void index_change_step_aside(uint32_t most)
{
    struct timespec t = {.tv_nsec = 1000000L * (long)(10 + randombytes_uniform(most))};
    nanosleep(&t, NULL);
}

/* A request with a text as its body, or none. */
static nb_status index_change_send_text(changer *c, nb_http_request request, nb_http_reply *reply, nb_error *err)
{
    request.body_len = request.body ? strlen(request.body) : 0;
    return nb_http_do(c->http, &request, reply, err);
}

/* ---- which guard ---- */

/* A condition that cannot hold, on a name nobody uses: whoever heeds it refuses. */
static nb_status index_change_find_guard(changer *c, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_url probe = {0};
    char suffix[TOKEN_TEXT + 16];
    nb_status status;
    snprintf(suffix, sizeof suffix, ".probe-%s", c->token);
    NB_TRY(nb_url_suffixed(&probe, c->change->place.url, suffix, err));
    NB_TRY(index_change_send_text(
        c,
        (nb_http_request){
            .method = "PUT", .url = &probe, .headers = {"If-Match: \"negbank-probe\""}, .body = "probe\n"},
        &reply, err));
    if (reply.status == 412 || reply.status == 404 || reply.status == 409) {
        c->guard = GUARD_CONDITION;
    } else if (reply.status >= 200 && reply.status < 300) {
        NB_TRY(index_change_send_text(c, (nb_http_request){.method = "DELETE", .url = &probe}, &reply, err));
        c->guard = c->change->place.url->scheme == NB_SCHEME_S3 ? GUARD_NONE : GUARD_LOCK;
    } else {
        nb_http_request r = {.method = "PUT", .url = &probe};
        status = nb_http_refused(&r, &reply, err);
    }
done:
    nb_url_free(&probe);
    nb_http_reply_free(&reply);
    return status;
}

static nb_status index_change_unguarded(changer *c, nb_error *err)
{
    if (c->change->unguarded) {
        c->guard = GUARD_NONE;
        nb_log_warn(nb_http_log(c->http), "nothing guards '%s': a publisher at the same time may lose its entry",
                    c->change->place.url->shown);
        return NB_OK;
    }
    nb_fail(err, NB_ERR_NETWORK, "'%s': the server heeds no If-Match and makes no folders (MKCOL)",
            c->change->place.url->shown);
    return nb_hint(err, "where nobody else publishes at the same time, --unguarded does without");
}

/* ---- the lock ---- */

/* Whose lock it is, "" when nobody's, and for how many seconds by the server's clock. */
static nb_status index_change_look_at_lock(changer *c, char owner[TOKEN_TEXT], double *age, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_status status = nb_http_get(c->http, &c->owner, 256, &reply, err);
    owner[0] = '\0';
    *age = 0;
    if (status == NB_OK && reply.status == 200 && reply.body.len == TOKEN_TEXT - 1) {
        memcpy(owner, reply.body.data, TOKEN_TEXT);
        *age = reply.date >= 0 && reply.modified >= 0 ? reply.date - reply.modified : 0;
    }
    nb_http_reply_free(&reply);
    return status;
}

static nb_status index_change_folder_is_there(changer *c, bool *there, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_status status = index_change_send_text(c, (nb_http_request){.method = "HEAD", .url = &c->lock}, &reply, err);
    *there = status == NB_OK && reply.status != 404;
    nb_http_reply_free(&reply);
    return status;
}

/* A rename, which only one can do; should the lock have changed hands meanwhile, it goes back. */
static nb_status index_change_break_lock(changer *c, const char *stale, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_url away = {0}, moved = {0};
    nb_buffer to = {0};
    char suffix[TOKEN_TEXT + 16];
    nb_status status;
    snprintf(suffix, sizeof suffix, ".broken-%s/", c->token);
    NB_TRY(nb_url_suffixed(&away, c->change->place.url, suffix, err));
    NB_TRY(nb_url_suffixed(&moved, &away, "owner", err));
    NB_TRY(nb_buffer_printf(&to, err, "Destination: %s", away.request));
    NB_TRY(index_change_send_text(c, (nb_http_request){.method = "MOVE", .url = &c->lock, .headers = {to.data}}, &reply,
                                  err));
    if (reply.status >= 300) {
        goto done;
    }
    NB_TRY(nb_http_get(c->http, &moved, 256, &reply, err));
    if (reply.status == 200 && reply.body.len && strcmp(reply.body.data, stale) != 0) {
        nb_buffer_clear(&to);
        NB_TRY(nb_buffer_printf(&to, err, "Destination: %s", c->lock.request));
        NB_TRY(index_change_send_text(c, (nb_http_request){.method = "MOVE", .url = &away, .headers = {to.data}},
                                      &reply, err));
    } else {
        nb_log_warn(nb_http_log(c->http), "broke the lock of '%s': its publisher seems to be gone",
                    c->change->place.url->shown);
        NB_TRY(index_change_send_text(c, (nb_http_request){.method = "DELETE", .url = &away}, &reply, err));
    }
done:
    nb_url_free(&away);
    nb_url_free(&moved);
    nb_buffer_free(&to);
    nb_http_reply_free(&reply);
    return status;
}

/* One try; *unable: this server makes no folders. */
static nb_status index_change_try_lock(changer *c, double *ownerless, bool *unable, nb_error *err)
{
    nb_http_reply reply = {0};
    char owner[TOKEN_TEXT];
    double age;
    bool there = true;
    nb_status status;
    NB_TRY(index_change_send_text(c, (nb_http_request){.method = "MKCOL", .url = &c->lock}, &reply, err));
    if (reply.status == 201) {
        c->held = true;
        NB_TRY(index_change_send_text(c, (nb_http_request){.method = "PUT", .url = &c->owner, .body = c->token}, &reply,
                                      err));
        *unable = reply.status >= 300;
        goto done;
    }
    *unable = reply.status != 405 && reply.status != 409 && reply.status != 423;
    if (*unable) {
        goto done;
    }
    NB_TRY(index_change_look_at_lock(c, owner, &age, err));
    if (!owner[0]) { /* made just now, given back just now, or left by one that died at once */
        NB_TRY(index_change_folder_is_there(c, &there, err));
        age = *ownerless > 0 ? nb_clock() - *ownerless : 0;
        *ownerless = *ownerless > 0 ? *ownerless : nb_clock();
        *unable = !there && age > 2;
    } else {
        *ownerless = 0;
    }
    if (there && age > c->change->lock_stale) {
        NB_TRY(index_change_break_lock(c, owner, err));
        *ownerless = 0;
    }
done:
    nb_http_reply_free(&reply);
    return status;
}

static nb_status index_change_take_lock(changer *c, nb_error *err)
{
    double since = nb_clock(), ownerless = 0, longest = 4 * c->change->lock_stale;
    nb_status status = NB_OK;
    while (!c->held) {
        bool unable = false;
        NB_TRY(index_change_try_lock(c, &ownerless, &unable, err));
        if (unable) {
            c->held = false;
            return index_change_unguarded(c, err);
        }
        if (!c->held && nb_clock() - since > longest) {
            return nb_fail(err, NB_ERR_NETWORK, "'%s' is locked by other publishers for %.0f s now",
                           c->change->place.url->shown, longest);
        }
        if (!c->held) {
            index_change_step_aside(60);
        }
    }
done:
    return status;
}

static nb_status index_change_give_lock_back(changer *c, nb_error *err)
{
    nb_http_reply reply = {0};
    char owner[TOKEN_TEXT];
    double age;
    nb_status status = NB_OK;
    if (c->held) {
        c->held = false;
        NB_TRY(index_change_look_at_lock(c, owner, &age, err));
        if (strcmp(owner, c->token) == 0) {
            NB_TRY(index_change_send_text(c, (nb_http_request){.method = "DELETE", .url = &c->lock}, &reply, err));
        }
    }
done:
    nb_http_reply_free(&reply);
    return status;
}

/* ---- the change ---- */

/* What is there now, checked; serial 0 when there is nothing. */
static nb_status index_change_current(changer *c, nb_index *out, char etag[256], nb_error *err)
{
    const nb_index_change *x = c->change;
    nb_http_reply reply = {0};
    nb_status status;
    status = nb_index_load(out, c->http, &x->place, true, &reply, err);
    if (status == NB_OK && out->signature && !x->key) {
        nb_fail(err, NB_ERR_USAGE, "index '%s' is signed: a change needs a signature", x->place.url->shown);
        status = nb_hint(err, "give --sign KEY");
    }
    if (status == NB_OK && reply.status == 200 && x->key && !out->signature && !x->adopt) {
        nb_fail(err, NB_ERR_VERIFY, "index '%s' has no signature: to sign it is to vouch for all it lists (%zu banks)",
                x->place.url->shown, json_array_size(out->banks));
        status = nb_hint(err, "if it never had one and lists what you published, give --adopt");
    }
    memcpy(etag, reply.etag, 256);
    nb_http_reply_free(&reply);
    return status;
}

static nb_status index_change_write_index(changer *c, const nb_buffer *text, const char *etag, bool *lost,
                                          nb_error *err)
{
    const nb_index_change *x = c->change;
    char condition[300], owner[TOKEN_TEXT];
    double age;
    nb_uploaded result;
    nb_upload u = {.url = x->place.url, .bytes = text->data, .len = text->len, .type = "application/json"};
    nb_status status;
    *lost = false;
    if (c->guard == GUARD_CONDITION) {
        snprintf(condition, sizeof condition, etag[0] ? "If-Match: %s" : "If-None-Match: *", etag);
        u.if_match = condition;
    }
    if (c->guard == GUARD_LOCK) { /* slow ones may have lost it */
        NB_TRY(index_change_look_at_lock(c, owner, &age, err));
        if (strcmp(owner, c->token) != 0) {
            *lost = true;
            c->held = false;
            goto done;
        }
    }
    NB_TRY(nb_upload_run(c->http, &u, &result, err));
    *lost = result.lost_race;
done:
    return status;
}

/* One round; *again: somebody else was faster. */
static nb_status index_change_change_once(changer *c, nb_index *out, bool *again, nb_error *err)
{
    const nb_index_change *x = c->change;
    char etag[256];
    nb_buffer text = {0};
    nb_status status;
    *again = false;
    if (c->guard == GUARD_LOCK) {
        NB_TRY(index_change_take_lock(c, err));
    }
    NB_TRY(index_change_current(c, out, etag, err));
    const json_t *there = nb_index_find(out, nb_index_text_of(x->bank, "name"), nb_index_text_of(x->bank, "version"));
    if (there && json_equal((json_t *)(uintptr_t)there, x->bank)) {
        goto done; /* from an answer that was lost */
    }
    if (c->guard == GUARD_CONDITION && out->serial > 0 && (etag[0] != '"')) {
        c->guard = GUARD_LOCK; /* no strong validator to name */
        *again = true;
        goto done;
    }
    NB_TRY(nb_index_add(out, x->bank, x->force, err));
    NB_TRY(nb_index_write(out, x->key, &text, err));
    NB_TRY(index_change_write_index(c, &text, etag, again, err));
    if (!*again) {
        NB_TRY(nb_index_wrote(out, &x->place, err));
    }
done:
    nb_buffer_free(&text);
    return status;
}

nb_status nb_index_change_at(nb_index *out, nb_http *http, const nb_index_change *change, nb_error *err)
{
    changer c = {.http = http, .change = change};
    unsigned char random[(TOKEN_TEXT - 1) / 2];
    nb_error second = {0};
    bool again = true;
    nb_status status;
    *out = (nb_index){0};
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(c.token, sizeof c.token, random, sizeof random);
    NB_TRY(nb_url_suffixed(&c.lock, change->place.url, ".lock/", err));
    NB_TRY(nb_url_suffixed(&c.owner, &c.lock, "owner", err));
    NB_TRY(index_change_find_guard(&c, err));
    if (c.guard == GUARD_NONE) {
        NB_TRY(index_change_unguarded(&c, err));
    }
    for (int round = 0; again && round < ROUNDS_MAX; round++) {
        if (round) {
            nb_index_free(out);
            index_change_step_aside(80);
        }
        NB_TRY(index_change_change_once(&c, out, &again, err));
    }
    if (again) {
        status = nb_fail(err, NB_ERR_NETWORK, "'%s' changes too often to be changed", change->place.url->shown);
    }
done:
    if (index_change_give_lock_back(&c, status == NB_OK ? err : &second) != NB_OK && status == NB_OK) {
        nb_log_warn(nb_http_log(http), "the lock of '%s' could not be given back: %s", change->place.url->shown,
                    err->message);
    }
    nb_url_free(&c.lock);
    nb_url_free(&c.owner);
    return status;
}
