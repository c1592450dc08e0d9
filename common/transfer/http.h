/* Requests over libcurl: one at a time, with time limits, retries and signatures for S3, and no secret in any message.
 *
 * Proxies come from http_proxy, https_proxy, all_proxy and no_proxy; trusted certificates from --ca-file, else
 * CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR, else the system; passwords from the address or ~/.netrc; a bearer
 * token from NEGBANK_HTTP_TOKEN; S3 keys from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. S3
 * requests carry x-amz-content-sha256, which libcurl leaves out.
 *
 * A token is for one origin (scheme, host and port): that of NEGBANK_HTTP_TOKEN_HOST, "HOST", "HOST:PORT" or an address
 * of it, else that of the command's own address (nb_http_set_own). It goes there over https, or over http where
 * NEGBANK_HTTP_TOKEN_HOST says http://127.0.0.1:PORT or http://[::1]:PORT; addresses in indexes and lists, and
 * redirects, do not get it elsewhere. Over http ~/.netrc is asked for the command's own origin alone.
 *
 * Nothing here is collective; a connection belongs to one thread. */
#ifndef NB_TRANSFER_HTTP_H
#define NB_TRANSFER_HTTP_H

#include "common/transfer/retry.h"
#include "common/transfer/url.h"

/** A connection, kept open between requests. */
typedef struct nb_http nb_http;

/** Makes a connection; nothing is sent yet.
 *
 * @param out     destroyed by the caller; NULL on failure
 * @param options borrowed
 * @param log     borrowed; hears of retries
 * @return NB_OK, NB_ERR_USAGE for a NEGBANK_HTTP_TOKEN_HOST that is none, NB_ERR_LIMIT when memory is out, or
 * NB_ERR_INTERNAL when libcurl cannot be started. */
NB_CHECKED nb_status nb_http_create(nb_http **out, const nb_transfer_options *options, const nb_log *log,
                                    nb_error *err);

/** Says which address the user gave: its origin is where the token goes when NEGBANK_HTTP_TOKEN_HOST is not set.
 *
 * @param http the connection
 * @param url  the address
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_http_set_own(nb_http *http, const nb_url *url, nb_error *err);

/** Closes `http`. Takes NULL. */
void nb_http_destroy(nb_http *http);

/** The options that `http` was made with. */
const nb_transfer_options *nb_http_options(const nb_http *http);

/** The log that `http` was made with. */
const nb_log *nb_http_log(const nb_http *http);

/** The retries of a new request over `http`: none yet. */
nb_retry nb_http_retry(const nb_http *http);

/** What came back. Start from {0}; free with nb_http_reply_free. */
typedef struct nb_http_reply {
    long status;           /**< 200, 404, ...; a file:// that is missing gives 404 */
    char etag[256];        /**< "" without; quotes kept */
    char linked_etag[256]; /**< x-linked-etag of any answer on the way: a hub's digest of a large file */
    int64_t length;        /**< Content-Length, -1 unknown */
    int64_t range_begin;   /**< of Content-Range, -1 without */
    int64_t total;         /**< of Content-Range, -1 without */
    double retry_after;    /**< s, -1 without */
    double date, modified; /**< the server's clock and Last-Modified, s since 1970, -1 without */
    nb_buffer body;        /**< of an answer that no sink took: all of it, or the start of an error's text */
} nb_http_reply;

/** Frees what `reply` holds and makes it {0}. Takes NULL. */
void nb_http_reply_free(nb_http_reply *reply);

/** Takes bytes of a 2xx answer as they come. `reply` holds the headers. What it returns but NB_OK ends the request. */
typedef nb_status (*nb_http_sink)(void *state, const nb_http_reply *reply, const void *bytes, size_t len,
                                  nb_error *err);

/** What is asked; all of it is borrowed. */
typedef struct nb_http_request {
    const char *method; /**< GET HEAD PUT POST DELETE MKCOL MOVE */
    const nb_url *url;
    const char *query;      /**< S3: "partNumber=1&uploadId=x", sorted and encoded, or NULL */
    const char *headers[4]; /**< "Name: value", NULL-ended */
    const void *body;       /**< [body_len] of PUT and POST */
    size_t body_len;
    size_t max_reply;  /**< bytes kept of an answer without sink: NB_ERR_LIMIT above; 0: 4096 */
    nb_http_sink sink; /**< NULL: the answer goes into the reply's body */
    void *sink_state;
    void (*progress)(void *state, int64_t sent, int64_t received); /**< told now and then; may be NULL */
    void *progress_state;
} nb_http_request;

/** One attempt.
 *
 * @param http      the connection
 * @param request   what is asked
 * @param reply     the answer, in place of what it held
 * @param transient set to whether trying again makes sense: a broken connection, or an answer 408, 425, 429, 500,
 *                  502, 503 or 504
 * @return NB_OK whenever an answer came, whatever its status; else NB_ERR_NETWORK, NB_STOPPED when the options say so,
 *         NB_ERR_LIMIT over max_reply or when memory is out, NB_ERR_USAGE for half of a pair of S3 keys, or the sink's
 *         status. */
NB_CHECKED nb_status nb_http_once(nb_http *http, const nb_http_request *request, nb_http_reply *reply, bool *transient,
                                  nb_error *err);

/** nb_http_once, tried again while failures are transient.
 *
 * @param http    the connection
 * @param request what is asked
 * @param reply   the last answer
 * @return as nb_http_once; NB_ERR_NETWORK also when the retries are spent on transient answers. */
NB_CHECKED nb_status nb_http_do(nb_http *http, const nb_http_request *request, nb_http_reply *reply, nb_error *err);

/** GET of a small thing.
 *
 * @param http  the connection
 * @param url   what is asked for
 * @param max   bytes it may have
 * @param reply the answer, whatever its status
 * @return as nb_http_do; NB_ERR_LIMIT over `max` bytes. */
NB_CHECKED nb_status nb_http_get(nb_http *http, const nb_url *url, size_t max, nb_http_reply *reply, nb_error *err);

/** Turns an unwelcome answer into an error with its status, the server's words and a hint.
 *
 * @param request what was asked
 * @param reply   the answer
 * @return NB_ERR_NETWORK */
nb_status nb_http_refused(const nb_http_request *request, const nb_http_reply *reply, nb_error *err);

#endif
