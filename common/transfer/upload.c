#include "common/transfer/upload.h"

#include "common/transfer/s3.h"
#include "common/transfer/upload_note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_FROM = 1 << 20 };

/* ---- what the server has ---- */

/* Content-Length of a HEAD; -1 when there is nothing, or the server does not say. */
static nb_status upload_remote_size(nb_http *http, const nb_url *url, int64_t *size, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_http_request r = {.method = "HEAD", .url = url};
    nb_status status = nb_http_do(http, &r, &reply, err);
    *size = status == NB_OK && reply.status == 200 ? reply.length : -1;
    nb_http_reply_free(&reply);
    return status;
}

static nb_status upload_check_size(nb_http *http, const nb_upload *what, nb_error *err)
{
    int64_t size;
    nb_status status = upload_remote_size(http, what->url, &size, err);
    if (status == NB_OK && size >= 0 && size != (int64_t)what->len) {
        return nb_fail(err, NB_ERR_NETWORK, "'%s' has %lld bytes there after %zu were sent", what->url->shown,
                       (long long)size, what->len);
    }
    return status;
}

/* ---- whole ---- */

typedef struct shown {
    nb_progress progress;
    bool drawn;
} shown;

static void upload_on_progress(void *state, int64_t sent, int64_t received)
{
    shown *s = state;
    (void)received;
    if (s->drawn) {
        nb_progress_update(&s->progress, (double)sent);
    }
}

static nb_status upload_put_whole(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err)
{
    nb_http_reply reply = {0};
    char type[128];
    shown s = {.drawn = what->len >= SHOWN_FROM};
    nb_http_request r = {.method = "PUT", .url = what->url, .body = what->bytes, .body_len = what->len};
    snprintf(type, sizeof type, "Content-Type: %s", what->type);
    r.headers[0] = type;
    r.headers[1] = what->if_match;
    r.progress = upload_on_progress;
    r.progress_state = &s;
    s.progress = nb_progress_start(nb_http_log(http), "bytes", (double)what->len);
    nb_status status;
    NB_TRY(nb_http_do(http, &r, &reply, err));
    if (what->if_match && (reply.status == 412 || reply.status == 409 || reply.status == 404)) {
        result->lost_race = true;
        goto done;
    }
    if (reply.status < 200 || reply.status >= 300) {
        status = nb_http_refused(&r, &reply, err);
        goto done;
    }
    result->sent = what->len;
    if (s.drawn) {
        nb_progress_finish(&s.progress);
    }
done:
    nb_http_reply_free(&reply);
    return status;
}

/* ---- blocks with Content-Range ---- */

typedef enum verdict { ACCEPTED, UNSUPPORTED, ABSENT } verdict;

static size_t upload_block_length(const nb_upload *what, size_t at)
{
    return what->len - at < what->block ? what->len - at : what->block;
}

/* ABSENT: the server adds to files only, there has to be one. `plain`: the block begins such a file. */
static nb_status upload_put_block(nb_http *http, const nb_upload *what, size_t at, bool plain, verdict *out,
                                  nb_error *err)
{
    size_t len = upload_block_length(what, at);
    nb_http_reply reply = {0};
    char type[128], range[128];
    nb_http_request r = {.method = "PUT", .url = what->url, .body = (const char *)what->bytes + at, .body_len = len};
    snprintf(type, sizeof type, "Content-Type: %s", what->type);
    snprintf(range, sizeof range, "Content-Range: bytes %zu-%zu/%zu", at, at + len - 1, what->len);
    r.headers[0] = type;
    r.headers[1] = plain ? NULL : range;
    nb_status status = nb_http_do(http, &r, &reply, err);
    if (status == NB_OK) {
        bool fine = reply.status >= 200 && reply.status < 300;
        bool names_it = reply.status == 400 || reply.status == 405 || reply.status == 411 || reply.status == 416 ||
                        reply.status == 501 || reply.status == 409 || reply.status == 404;
        *out = fine ? ACCEPTED : reply.status == 404 ? ABSENT : UNSUPPORTED;
        status = fine || names_it ? NB_OK : nb_http_refused(&r, &reply, err);
    }
    nb_http_reply_free(&reply);
    return status;
}

/* *done: all blocks are there, and together. Otherwise the server has no partial PUT. */
static nb_status upload_put_blocks(nb_http *http, const nb_upload *what, nb_uploaded *result, bool *done_,
                                   nb_error *err)
{
    nb_upload_note note = {0};
    verdict answer = ACCEPTED;
    int64_t size = -1;
    nb_status status;
    *done_ = false;
    NB_TRY(nb_upload_note_read(&note, what->note, err));
    size_t at = note.etags.count * what->block;
    if (at) {
        NB_TRY(upload_remote_size(http, what->url, &size, err));
    }
    if (!note.head || strcmp(note.head, "put") != 0 || size < (int64_t)at || at > what->len) {
        NB_TRY(nb_upload_note_begin(&note, what->note, "put", err));
        at = 0;
    }
    result->kept = at;
    nb_progress progress = nb_progress_start(nb_http_log(http), "bytes", (double)what->len);
    while (at < what->len) {
        size_t len = upload_block_length(what, at);
        NB_TRY(upload_put_block(http, what, at, false, &answer, err));
        if (answer == ABSENT && at == 0) {
            NB_TRY(upload_put_block(http, what, at, true, &answer, err));
        }
        at += len;
        if (answer == ACCEPTED && at <= 2 * what->block) { /* does it put blocks together? */
            NB_TRY(upload_remote_size(http, what->url, &size, err));
            answer = size == (int64_t)at || size == (int64_t)what->len ? ACCEPTED : UNSUPPORTED;
        }
        if (answer != ACCEPTED) {
            goto done;
        }
        result->sent += len;
        NB_TRY(nb_upload_note_add(&note, what->note, "-", err));
        nb_progress_update(&progress, (double)at);
    }
    nb_progress_finish(&progress);
    *done_ = result->in_blocks = true;
done:
    nb_upload_note_free(&note);
    return status;
}

nb_status nb_upload_run(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err)
{
    bool sent = false;
    nb_status status;
    *result = (nb_uploaded){0};
    bool large = what->len > what->whole_up_to && what->block > 0 && !what->if_match;
    if (large && what->url->scheme == NB_SCHEME_S3) {
        NB_TRY(nb_s3_upload(http, what, result, err));
        sent = true;
    } else if (large) {
        NB_TRY(upload_put_blocks(http, what, result, &sent, err));
    }
    if (!sent) {
        if (large) {
            nb_log_info(nb_http_log(http), "the server has no partial PUT: '%s' goes whole", what->url->shown);
        }
        *result = (nb_uploaded){0};
        NB_TRY(upload_put_whole(http, what, result, err));
    }
    if (large) {
        NB_TRY(upload_check_size(http, what, err));
    }
    if (what->note) {
        unlink(what->note);
    }
done:
    return status;
}
