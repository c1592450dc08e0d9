#include "common/transfer/http.h"

#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/transfer/key.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ERROR_TEXT_MAX = 4096, REDIRECTS_MAX = 10 };

struct nb_http {
    CURL *curl;
    const nb_transfer_options *options;
    const nb_log *log;
    char *own;          /* the origin of the command's own address, NULL: not said */
    char *token_origin; /* NEGBANK_HTTP_TOKEN_HOST's, NULL: that of `own`, over https */
    bool withheld;      /* that a token does not go over http was said */
    char said[CURL_ERROR_SIZE];
};

/* One request under way. */
typedef struct http_exchange {
    nb_http *http;
    const nb_http_request *request;
    nb_http_reply *reply;
    size_t sent; /* of the body, by our side */
    size_t kept; /* most that `body` may hold */
    nb_status failed;
    nb_error *err;
} http_exchange;

static const char *http_set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static nb_status http_read_token_host(nb_http *http, nb_error *err)
{
    const char *host = http_set_variable("NEGBANK_HTTP_TOKEN_HOST");
    nb_buffer b = {0};
    nb_url url = {0};
    nb_status status = NB_OK;
    if (!host) {
        return NB_OK;
    }
    NB_TRY(nb_buffer_printf(&b, err, "%s%s", nb_url_like(host) ? "" : "https://", host));
    NB_TRY(nb_url_parse(&url, b.data, err));
    NB_TRY(nb_url_origin(&http->token_origin, &url, err));
    if (url.scheme == NB_SCHEME_S3 ||
        (url.scheme == NB_SCHEME_HTTP && strncmp(http->token_origin, "http://127.0.0.1:", 17) != 0 &&
         strncmp(http->token_origin, "http://[::1]:", 13) != 0)) {
        nb_fail(err, NB_ERR_USAGE, "'%s': a token goes over https, and over http to this machine alone", url.shown);
        status = NB_ERR_USAGE;
    }
done:
    if (status != NB_OK) {
        nb_context(err, "NEGBANK_HTTP_TOKEN_HOST");
        nb_hint(err, "write HOST, HOST:PORT, or http://127.0.0.1:PORT");
    }
    nb_url_free(&url);
    nb_buffer_free(&b);
    return status;
}

nb_status nb_http_set_own(nb_http *http, const nb_url *url, nb_error *err)
{
    free(http->own);
    http->own = NULL;
    return url->scheme == NB_SCHEME_FILE ? NB_OK : nb_url_origin(&http->own, url, err);
}

nb_status nb_http_create(nb_http **out, const nb_transfer_options *options, const nb_log *log, nb_error *err)
{
    nb_http *http = nb_alloc(1, sizeof *http, err);
    *out = NULL;
    if (!http) {
        return NB_ERR_LIMIT;
    }
    nb_signing_start();
    http->options = options;
    http->log = log;
    http->curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (!http->curl) {
        free(http);
        return nb_fail(err, NB_ERR_INTERNAL, "libcurl cannot be started");
    }
    nb_status status = http_read_token_host(http, err);
    if (status != NB_OK) {
        nb_http_destroy(http);
        return status;
    }
    *out = http;
    return NB_OK;
}

void nb_http_destroy(nb_http *http)
{
    if (http) {
        curl_easy_cleanup(http->curl);
        free(http->own);
        free(http->token_origin);
        free(http);
    }
}

const nb_transfer_options *nb_http_options(const nb_http *http)
{
    return http->options;
}

const nb_log *nb_http_log(const nb_http *http)
{
    return http->log;
}

nb_retry nb_http_retry(const nb_http *http)
{
    return (nb_retry){.options = http->options, .log = http->log};
}

void nb_http_reply_free(nb_http_reply *reply)
{
    if (reply) {
        nb_buffer_free(&reply->body);
        *reply = (nb_http_reply){0};
    }
}

static void http_reply_reset(nb_http_reply *r)
{
    nb_buffer body = r->body;
    nb_buffer_clear(&body);
    *r = (nb_http_reply){.length = -1, .range_begin = -1, .total = -1, .retry_after = -1, .date = -1, .modified = -1};
    r->body = body;
}

/* ---- headers ---- */

/* The value of header `name` in a line, without blanks around it; false when the line is another header. */
static bool http_header_value(char *out, size_t size, const char *line, size_t len, const char *name)
{
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') {
        return false;
    }
    const char *p = line + n + 1, *end = line + len;
    while (p < end && isspace((unsigned char)*p)) {
        p++;
    }
    while (end > p && isspace((unsigned char)end[-1])) {
        end--;
    }
    size_t count = (size_t)(end - p);
    bool fits = count < size;
    memcpy(out, p, fits ? count : 0);
    out[fits ? count : 0] = '\0';
    return true;
}

/* "bytes 100-199/1000"; a total that is not known is a star */
static void http_read_range(nb_http_reply *r, const char *value)
{
    char begin[32], total[32];
    int64_t number;
    if (sscanf(value, "bytes */%31[0-9]", total) == 1) { /* of an answer 416 */
        r->total = nb_parse_int(total, &number) ? number : -1;
        return;
    }
    if (sscanf(value, "bytes %31[0-9]-%*[0-9]/%31[0-9*]", begin, total) != 2) {
        return;
    }
    r->range_begin = nb_parse_int(begin, &number) ? number : -1;
    r->total = nb_parse_int(total, &number) ? number : -1;
}

static double http_date(const char *value)
{
    return (double)curl_getdate(value, NULL);
}

static size_t http_on_header(char *line, size_t one, size_t len, void *state)
{
    http_exchange *x = state;
    nb_http_reply *r = x->reply;
    char value[256];
    int64_t number;
    (void)one;
    if (len >= 5 && strncmp(line, "HTTP/", 5) == 0) { /* the next answer of a chain of redirects */
        char linked[sizeof r->linked_etag];
        memcpy(linked, r->linked_etag, sizeof linked);
        http_reply_reset(r);
        memcpy(r->linked_etag, linked, sizeof linked);
    } else if (http_header_value(value, sizeof value, line, len, "ETag")) {
        memcpy(r->etag, value, sizeof value);
    } else if (http_header_value(value, sizeof value, line, len, "X-Linked-ETag")) {
        memcpy(r->linked_etag, value, sizeof value);
    } else if (http_header_value(value, sizeof value, line, len, "Content-Length")) {
        r->length = nb_parse_int(value, &number) && number >= 0 ? number : -1;
    } else if (http_header_value(value, sizeof value, line, len, "Content-Range")) {
        http_read_range(r, value);
    } else if (http_header_value(value, sizeof value, line, len, "Retry-After")) {
        r->retry_after = nb_parse_int(value, &number) && number >= 0 ? (double)number : -1;
        if (r->retry_after < 0 && http_date(value) >= 0) {
            double wait = http_date(value) - (double)time(NULL);
            r->retry_after = wait > 0 ? wait : 0;
        }
    } else if (http_header_value(value, sizeof value, line, len, "Date")) {
        r->date = http_date(value);
    } else if (http_header_value(value, sizeof value, line, len, "Last-Modified")) {
        r->modified = http_date(value);
    }
    return len;
}

/* ---- bodies ---- */

static size_t http_on_body(char *bytes, size_t one, size_t len, void *state)
{
    http_exchange *x = state;
    long code = 0;
    (void)one;
    curl_easy_getinfo(x->http->curl, CURLINFO_RESPONSE_CODE, &code);
    x->reply->status = code;
    bool file = x->request->url->scheme == NB_SCHEME_FILE;
    if (x->request->sink && (file || (code >= 200 && code < 300))) {
        x->failed = x->request->sink(x->request->sink_state, x->reply, bytes, len, x->err);
        return x->failed == NB_OK ? len : 0;
    }
    bool fine = file || code < 300;
    size_t max = fine ? x->kept : ERROR_TEXT_MAX, capacity = max > x->reply->body.len ? max - x->reply->body.len : 0;
    if (fine && len > capacity) {
        x->failed = nb_fail(x->err, NB_ERR_LIMIT, "'%s' is larger than the %zu bytes such a file may have",
                            x->request->url->shown, max);
        return 0;
    }
    x->failed = nb_buffer_append(&x->reply->body, bytes, len < capacity ? len : capacity, x->err);
    return x->failed == NB_OK ? len : 0;
}

static size_t http_on_read(char *out, size_t one, size_t len, void *state)
{
    http_exchange *x = state;
    (void)one;
    size_t left = x->request->body_len - x->sent, take = left < len ? left : len;
    if (take) {
        memcpy(out, (const char *)x->request->body + x->sent, take);
    }
    x->sent += take;
    return take;
}

static int http_on_seek(void *state, curl_off_t offset, int origin)
{
    http_exchange *x = state;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->request->body_len) {
        return CURL_SEEKFUNC_FAIL;
    }
    x->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int http_on_progress(void *state, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    http_exchange *x = state;
    (void)down_total, (void)up_total;
    if (x->request->progress) {
        x->request->progress(x->request->progress_state, up, down);
    }
    const nb_transfer_options *o = x->http->options;
    if (o->stopped && x->failed == NB_OK && o->stopped(o->stop_state)) {
        x->failed = NB_STOPPED;
    }
    return x->failed == NB_STOPPED;
}

/* ---- setting up ---- */

static void http_set_limits(CURL *c, const nb_transfer_options *o)
{
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->connect_timeout * 1000));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)o->min_speed);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(o->stall_timeout < 1 ? 1 : o->stall_timeout));
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(o->total_timeout * 1000));
    const char *bundle = o->ca_file ? o->ca_file : http_set_variable("CURL_CA_BUNDLE");
    bundle = bundle ? bundle : http_set_variable("SSL_CERT_FILE");
    if (bundle) {
        curl_easy_setopt(c, CURLOPT_CAINFO, bundle);
    }
    if (!o->ca_file && http_set_variable("SSL_CERT_DIR")) {
        curl_easy_setopt(c, CURLOPT_CAPATH, http_set_variable("SSL_CERT_DIR"));
    }
}

/* libcurl itself keeps what it sends to an origin from the redirects that lead to another. */
static nb_status http_set_http_identity(nb_http *http, const nb_url *url, nb_error *err)
{
    const char *token = http_set_variable("NEGBANK_HTTP_TOKEN");
    char *origin = NULL;
    nb_status status;
    if (url->scheme == NB_SCHEME_FILE) {
        return NB_OK;
    }
    if (url->user || url->password) {
        curl_easy_setopt(http->curl, CURLOPT_USERNAME, url->user ? url->user : "");
        curl_easy_setopt(http->curl, CURLOPT_PASSWORD, url->password ? url->password : "");
        return NB_OK;
    }
    NB_TRY(nb_url_origin(&origin, url, err));
    bool own = http->own && strcmp(origin, http->own) == 0, https = url->scheme == NB_SCHEME_HTTPS;
    bool meant = http->token_origin ? strcmp(origin, http->token_origin) == 0 : own;
    if (token && meant && (https || http->token_origin)) {
        curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(http->curl, CURLOPT_XOAUTH2_BEARER, token);
        goto done;
    }
    if (token && meant && !http->withheld) {
        nb_log_warn(http->log, "NEGBANK_HTTP_TOKEN is not sent to '%s': anybody on the way could read it", url->shown);
        http->withheld = true;
    }
    if (https || own) {
        curl_easy_setopt(http->curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    }
done:
    free(origin);
    return status;
}

/* Keys for S3, or whatever the address, ~/.netrc or the environment say. Lists extra headers in *list. */
static nb_status http_set_identity(http_exchange *x, struct curl_slist **list, nb_error *err)
{
    CURL *c = x->http->curl;
    const nb_url *url = x->request->url;
    if (url->scheme != NB_SCHEME_S3) {
        return http_set_http_identity(x->http, url, err);
    }
    const char *id = http_set_variable("AWS_ACCESS_KEY_ID"), *secret = http_set_variable("AWS_SECRET_ACCESS_KEY");
    const char *token = http_set_variable("AWS_SESSION_TOKEN");
    if (!id && !secret) {
        return NB_OK; /* a public bucket */
    }
    if (!id || !secret) {
        nb_fail(err, NB_ERR_USAGE, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set");
        return nb_hint(err, "set both for a private bucket, neither for a public one");
    }
    nb_buffer b = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&b, err, "aws:amz:%s:s3", url->region));
    curl_easy_setopt(c, CURLOPT_AWS_SIGV4, b.data);
    curl_easy_setopt(c, CURLOPT_USERNAME, id);
    curl_easy_setopt(c, CURLOPT_PASSWORD, secret);
    nb_buffer_clear(&b);
    NB_TRY(nb_buffer_printf(&b, err, "x-amz-content-sha256: %s",
                            nb_digest_bytes(x->request->body ? x->request->body : "", x->request->body_len).hex));
    *list = curl_slist_append(*list, b.data);
    if (token) {
        nb_buffer_clear(&b);
        NB_TRY(nb_buffer_printf(&b, err, "x-amz-security-token: %s", token));
        *list = curl_slist_append(*list, b.data);
    }
done:
    nb_buffer_free(&b);
    return status;
}

static void http_set_method(http_exchange *x)
{
    CURL *c = x->http->curl;
    const nb_http_request *r = x->request;
    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (strcmp(r->method, "PUT") == 0) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, http_on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, x);
        curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, http_on_seek);
        curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
    } else if (strcmp(r->method, "POST") == 0) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    } else if (strcmp(r->method, "GET") != 0) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static nb_status http_set_up(http_exchange *x, struct curl_slist **list, nb_error *err)
{
    CURL *c = x->http->curl;
    const nb_http_request *r = x->request;
    nb_buffer b = {0};
    nb_status status;
    bool s3 = r->url->scheme == NB_SCHEME_S3;
    curl_easy_reset(c); /* connections stay open */
    x->http->said[0] = '\0';
    http_set_limits(c, x->http->options);
    http_set_method(x);
    NB_TRY(nb_buffer_printf(&b, err, "%s%s%s", r->url->request, r->query ? "?" : "", r->query ? r->query : ""));
    curl_easy_setopt(c, CURLOPT_URL, b.data);
    const char *protocols = r->url->scheme == NB_SCHEME_FILE                   ? "file"
                            : strncasecmp(r->url->request, "https://", 8) == 0 ? "https"
                                                                               : "http,https";
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, protocols); /* never from https down to http */
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, s3 ? 0L : 1L);   /* a signature is for one host */
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->http->said);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, http_on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, http_on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, http_on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    nb_buffer_clear(&b);
    NB_TRY(nb_buffer_printf(&b, err, "negbank/%s", nb_version()));
    curl_easy_setopt(c, CURLOPT_USERAGENT, b.data);
    for (size_t i = 0; i < sizeof r->headers / sizeof *r->headers && r->headers[i]; i++) {
        *list = curl_slist_append(*list, r->headers[i]);
    }
    NB_TRY(http_set_identity(x, list, err));
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, *list);
done:
    nb_buffer_free(&b);
    return status;
}

/* ---- what became of it ---- */

static bool http_worth_another_try(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_AGAIN: return true;
    default: return false;
    }
}

static bool http_transient_answer(long status)
{
    return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

static nb_status http_broken(const http_exchange *x, CURLcode code, nb_error *err)
{
    const char *said = x->http->said[0] ? x->http->said : curl_easy_strerror(code);
    nb_fail(err, NB_ERR_NETWORK, "%s '%s': %s", x->request->method, x->request->url->shown, said);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return nb_hint(err, "the server's certificate is not to be trusted; for a CA of your own give --ca-file FILE");
    case CURLE_SSL_CACERT_BADFILE: return nb_hint(err, "--ca-file, CURL_CA_BUNDLE or SSL_CERT_FILE is no PEM file");
    case CURLE_TOO_MANY_REDIRECTS: return nb_hint(err, "the server sends requests around in a circle");
    case CURLE_COULDNT_RESOLVE_HOST: return nb_hint(err, "check the address and, behind a proxy, https_proxy");
    case CURLE_COULDNT_CONNECT: return nb_hint(err, "is the server up, and is a proxy needed (https_proxy)?");
    default: return NB_ERR_NETWORK;
    }
}

nb_status nb_http_once(nb_http *http, const nb_http_request *request, nb_http_reply *reply, bool *transient,
                       nb_error *err)
{
    http_exchange x = {.http = http, .request = request, .reply = reply, .kept = request->max_reply, .err = err};
    struct curl_slist *list = NULL;
    nb_status status;
    *transient = false;
    http_reply_reset(reply);
    x.kept = x.kept ? x.kept : ERROR_TEXT_MAX;
    NB_TRY(http_set_up(&x, &list, err));
    CURLcode code = curl_easy_perform(http->curl);
    if (x.failed != NB_OK) {
        status = x.failed;
        goto done;
    }
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &reply->status);
    if (request->url->scheme == NB_SCHEME_FILE && (code == CURLE_OK || code == CURLE_FILE_COULDNT_READ_FILE)) {
        reply->status = code == CURLE_OK ? 200 : 404;
        goto done;
    }
    if (code == CURLE_SEND_ERROR && reply->status >= 400) {
        code = CURLE_OK; /* the server answered before it had all of the body, and closed */
    }
    if (code != CURLE_OK) {
        *transient = http_worth_another_try(code);
        status = http_broken(&x, code, err);
        goto done;
    }
    *transient = http_transient_answer(reply->status);
done:
    curl_slist_free_all(list);
    return status;
}

nb_status nb_http_do(nb_http *http, const nb_http_request *request, nb_http_reply *reply, nb_error *err)
{
    nb_retry retry = nb_http_retry(http);
    for (;;) {
        bool transient;
        nb_error now = {0};
        nb_status status = nb_http_once(http, request, reply, &transient, &now);
        if (status == NB_OK && transient) {
            status = nb_http_refused(request, reply, &now);
        }
        if (status == NB_OK) {
            return NB_OK;
        }
        if (!transient || nb_retry_wait(&retry, reply->retry_after, &now) != NB_OK) {
            *err = now;
            return status;
        }
    }
}

nb_status nb_http_get(nb_http *http, const nb_url *url, size_t max, nb_http_reply *reply, nb_error *err)
{
    nb_http_request request = {.method = "GET", .url = url, .max_reply = max};
    return nb_http_do(http, &request, reply, err);
}
