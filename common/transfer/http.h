/* Requests over libcurl: one at a time, with time limits, retries and signatures for S3, and no secret in any message.
 *
 * Proxies come from http_proxy, https_proxy, all_proxy and no_proxy; trusted certificates from --ca-file, else
 * CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR, else the system; passwords from the address or ~/.netrc; a bearer
 * token from NEGBANK_HTTP_TOKEN (sent to the first host only, never on to another); S3 keys from AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. S3 requests carry x-amz-content-sha256, which libcurl leaves out. */
#ifndef NB_TRANSFER_HTTP_H
#define NB_TRANSFER_HTTP_H

#include "common/transfer/retry.h"
#include "common/transfer/url.h"

typedef struct nb_http nb_http;

/* `options` and `log` are borrowed. */
nb_status nb_http_create(nb_http **out, const nb_transfer_options *options, const nb_log *log, nb_error *err);
void nb_http_destroy(nb_http *http);
const nb_transfer_options *nb_http_options(const nb_http *http);
const nb_log *nb_http_log(const nb_http *http);
/** The retries of a new request: none yet. */
nb_retry nb_http_retry(const nb_http *http);

/* What came back. Start from {0}; free with nb_http_reply_free. */
typedef struct nb_http_reply {
    long status;                /* 200, 404, ...; a file:// that is missing gives 404 */
    char etag[256];             /* "" without; quotes kept */
    char linked_etag[256];      /* x-linked-etag of any answer on the way: a hub's digest of a large file */
    int64_t length;             /* Content-Length, -1 unknown */
    int64_t range_begin, total; /* of Content-Range, -1 without */
    double retry_after;         /* s, -1 without */
    double date, modified;      /* the server's clock and Last-Modified, s since 1970, -1 without */
    nb_buffer body;             /* of an answer that no sink took: all of it, or the start of an error's text */
} nb_http_reply;
void nb_http_reply_free(nb_http_reply *reply);

/* Takes bytes of a 2xx answer as they come. `reply` holds the headers. */
typedef nb_status (*nb_http_sink)(void *state, const nb_http_reply *reply, const void *bytes, size_t len,
                                  nb_error *err);

typedef struct nb_http_request {
    const char *method; /* GET HEAD PUT POST DELETE MKCOL MOVE */
    const nb_url *url;
    const char *query;      /* S3: "partNumber=1&uploadId=x", sorted and encoded, or NULL */
    const char *headers[4]; /* "Name: value", NULL-ended */
    const void *body;       /* PUT, POST */
    size_t body_len;
    size_t max_reply; /* bytes kept of an answer without sink */
    nb_http_sink sink;
    void *sink_state;
    void (*progress)(void *state, int64_t sent, int64_t received);
    void *progress_state;
} nb_http_request;

/* One attempt. NB_OK whenever an answer came, whatever its status; else NB_ERR_NETWORK, NB_STOPPED, or the sink's
 * failure. *transient says whether trying again makes sense: a broken connection, or an answer 408, 425, 429 or 5xx. */
nb_status nb_http_once(nb_http *http, const nb_http_request *request, nb_http_reply *reply, bool *transient,
                       nb_error *err);

/* As nb_http_once, tried again while failures are transient. NB_OK with any other answer. */
nb_status nb_http_do(nb_http *http, const nb_http_request *request, nb_http_reply *reply, nb_error *err);

/* GET of a small thing. NB_OK with the status in reply; NB_ERR_LIMIT over `max` bytes. */
nb_status nb_http_get(nb_http *http, const nb_url *url, size_t max, nb_http_reply *reply, nb_error *err);

/* Turns an unwelcome answer into NB_ERR_NETWORK with its status, the server's words and a hint. */
nb_status nb_http_refused(const nb_http_request *request, const nb_http_reply *reply, nb_error *err);

#endif
