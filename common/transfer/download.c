#include "common/transfer/download.h"

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A transfer that crawls on by less than this between failures makes no progress. */
enum { PROGRESS_BYTES = 16384, SHOWN_FROM = 1 << 20, NOTE_MAX = 512 };

typedef struct state {
    const nb_download *what;
    nb_http *http;
    char *note; /* path of FILE.from */
    char etag[256];
    int fd;
    int64_t at;    /* bytes in the file that are good */
    int64_t begin; /* where the request under way began */
    int64_t total; /* -1 unknown */
    bool began;    /* the answer was accepted and bytes are being written */
    bool drawn;
    nb_progress progress;
} state;

void nb_download_forget(const char *path)
{
    nb_buffer note = {0};
    unlink(path);
    if (nb_buffer_printf(&note, NULL, "%s.from", path) == NB_OK) {
        unlink(note.data);
    }
    nb_buffer_free(&note);
}

/* ---- the note beside the file ---- */

static bool download_strong(const char *etag)
{
    size_t len = strlen(etag);
    return len > 2 && etag[0] == '"' && etag[len - 1] == '"';
}

static void download_read_note(state *s)
{
    char *text = NULL;
    size_t len = 0;
    s->etag[0] = '\0';
    if (nb_file_owner(s->note) == NB_OWNER_OURS && nb_file_read(s->note, NOTE_MAX, &text, &len, NULL) == NB_OK) {
        size_t line = strcspn(text, "\n");
        if (line < sizeof s->etag) {
            memcpy(s->etag, text, line);
            s->etag[line] = '\0';
        }
    }
    free(text);
}

/* Before the first byte of new content is written. */
static nb_status download_write_note(state *s, const nb_http_reply *reply, nb_error *err)
{
    char text[NOTE_MAX];
    memcpy(s->etag, reply->etag, sizeof s->etag);
    int len = snprintf(text, sizeof text, "%s\n", download_strong(s->etag) ? s->etag : "");
    return nb_file_write(s->note, true, text, (size_t)len, err);
}

/* ---- bytes ---- */

static nb_status download_start_over(state *s, nb_error *err)
{
    s->at = s->begin = 0;
    if (ftruncate(s->fd, 0) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot empty '%s'", s->what->path);
    }
    return NB_OK;
}

static nb_status download_check_size(const state *s, nb_error *err)
{
    const nb_download *w = s->what;
    if (w->expect >= 0 && s->total >= 0 && s->total != w->expect) {
        return nb_fail(err, NB_ERR_VERIFY, "'%s' has %lld bytes, it should have %lld", w->url->shown,
                       (long long)s->total, (long long)w->expect);
    }
    if (s->total > w->max_bytes) {
        return nb_fail(err, NB_ERR_LIMIT, "'%s' has %lld bytes, at most %lld are accepted (limit max-size)",
                       w->url->shown, (long long)s->total, (long long)w->max_bytes);
    }
    return NB_OK;
}

static nb_status download_accept_answer(state *s, const nb_http_reply *reply, nb_error *err)
{
    nb_status status = NB_OK;
    if (reply->status == 206) {
        if (reply->range_begin != s->begin) {
            return nb_fail(err, NB_ERR_NETWORK, "'%s': the server sent bytes from %lld on instead of %lld",
                           s->what->url->shown, (long long)reply->range_begin, (long long)s->begin);
        }
        s->total = reply->total;
    } else {
        NB_TRY(download_start_over(s, err));
        NB_TRY(download_write_note(s, reply, err));
        s->total = reply->length;
    }
    NB_TRY(download_check_size(s, err));
    s->began = true;
    if (!s->drawn && s->total >= SHOWN_FROM) {
        s->progress = nb_progress_start(nb_http_log(s->http), "bytes", (double)s->total);
        s->drawn = true;
    }
done:
    return status;
}

static nb_status download_take(void *self, const nb_http_reply *reply, const void *bytes, size_t len, nb_error *err)
{
    state *s = self;
    nb_status status = NB_OK;
    if (!s->began) {
        NB_TRY(download_accept_answer(s, reply, err));
    }
    if ((int64_t)len > s->what->max_bytes - s->at) {
        return nb_fail(err, NB_ERR_LIMIT, "'%s' is larger than %lld bytes (limit max-size)", s->what->url->shown,
                       (long long)s->what->max_bytes);
    }
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(s->fd, (const char *)bytes + done, len - done, (off_t)s->at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", s->what->path);
        }
        done += (size_t)n;
        s->at += n;
    }
    if (s->drawn) {
        nb_progress_update(&s->progress, (double)s->at);
    }
done:
    return status;
}

/* ---- requests ---- */

/* One request for what is missing. *complete: the file is whole. */
static nb_status download_request_rest(state *s, nb_http_reply *reply, bool *transient, bool *complete, nb_error *err)
{
    char range[64], condition[300];
    nb_http_request r = {.method = "GET", .url = s->what->url, .sink = download_take, .sink_state = s};
    s->begin = s->at;
    s->began = false;
    *complete = false;
    if (s->at > 0) {
        snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)s->at);
        r.headers[0] = range;
        if (download_strong(s->etag)) {
            snprintf(condition, sizeof condition, "If-Range: %s", s->etag);
            r.headers[1] = condition;
        }
    }
    nb_status status = nb_http_once(s->http, &r, reply, transient, err);
    if (status != NB_OK) {
        return status;
    }
    if (reply->status == 200 || reply->status == 206) {
        if (!s->began) { /* an empty body */
            NB_TRY(download_accept_answer(s, reply, err));
        }
        *complete = s->total < 0 || s->at == s->total;
        *transient = true;
        return *complete ? NB_OK
                         : nb_fail(err, NB_ERR_NETWORK, "'%s' ended after %lld of %lld bytes", s->what->url->shown,
                                   (long long)s->at, (long long)s->total);
    }
    if (reply->status == 416 && s->at > 0) {
        *complete = reply->total == s->at;
        *transient = true;
        s->etag[0] = '\0';
        if (*complete) {
            s->total = s->at;
            return download_check_size(s, err);
        }
        NB_TRY(download_start_over(s, err));
    }
    status = nb_http_refused(&r, reply, err);
done:
    return status;
}

/* What a former process left: kept when the bytes can be tied to what the server has, or a digest will tell. */
static nb_status download_open_partial(state *s, nb_error *err)
{
    struct stat st;
    nb_status status = nb_file_open_own(&s->fd, s->what->path, err);
    if (status != NB_OK) {
        return status;
    }
    if (fstat(s->fd, &st) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", s->what->path);
    }
    download_read_note(s);
    s->at = (int64_t)st.st_size;
    bool usable = (download_strong(s->etag) || s->what->checked) && s->what->url->scheme != NB_SCHEME_FILE &&
                  (s->what->expect < 0 || s->at <= s->what->expect);
    return usable ? NB_OK : download_start_over(s, err);
}

nb_status nb_download_verified(nb_http *http, const nb_download *what, const char *want, nb_error *err)
{
    nb_downloaded got;
    nb_digest sum;
    nb_status status;
    for (int attempt = 0;; attempt++) {
        NB_TRY(nb_download_run(http, what, &got, err));
        if (!want[0]) {
            break;
        }
        NB_TRY(nb_digest_file(&sum, what->path, err));
        if (strcmp(sum.hex, want) == 0) {
            break;
        }
        nb_download_forget(what->path);
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' has SHA-256 %s, it should be %s", what->url->shown, sum.hex, want);
        if (!got.joined || attempt) {
            goto done;
        }
        nb_log_warn(nb_http_log(http), "%s; it is fetched anew", err->message);
        nb_error_clear(err);
    }
done:
    return status;
}

nb_status nb_download_run(nb_http *http, const nb_download *what, nb_downloaded *result, nb_error *err)
{
    state s = {.what = what, .http = http, .fd = -1, .total = -1};
    nb_http_reply reply = {0};
    nb_retry retry = nb_http_retry(http);
    nb_buffer note = {0};
    nb_status status;
    *result = (nb_downloaded){.found = true};
    NB_TRY(nb_buffer_printf(&note, err, "%s.from", what->path));
    s.note = note.data;
    NB_TRY(download_open_partial(&s, err));
    for (bool complete = false; !complete;) {
        bool transient;
        int64_t before = s.at;
        nb_error now = {0};
        status = download_request_rest(&s, &reply, &transient, &complete, &now);
        result->joined = s.begin > 0;
        if (status != NB_OK && what->optional && reply.status == 404) {
            result->found = false;
            status = NB_OK;
            goto done;
        }
        if (s.at - before >= PROGRESS_BYTES) {
            retry.failures = 0;
        }
        if (status != NB_OK && (!transient || nb_retry_wait(&retry, reply.retry_after, &now) != NB_OK)) {
            *err = now;
            goto done;
        }
    }
    status = NB_OK;
    result->bytes = s.at;
    memcpy(result->linked_etag, reply.linked_etag, sizeof result->linked_etag);
    if (s.drawn) {
        nb_progress_finish(&s.progress);
    }
    if (what->expect >= 0 && s.at != what->expect) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' has %lld bytes, it should have %lld", what->url->shown,
                         (long long)s.at, (long long)what->expect);
    } else if (fsync(s.fd) != 0 && errno != EINVAL && errno != EROFS) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", what->path);
    }
done:
    if (s.fd >= 0) {
        close(s.fd);
    }
    nb_http_reply_free(&reply);
    nb_buffer_free(&note);
    return status;
}
