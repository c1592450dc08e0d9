/* Downloads that go on where a broken connection, or a killed process, left them. Nothing here is collective.
 *
 * What has come lies in a file the caller names; the validator it belongs to (a strong ETag) lies beside it as
 * FILE.from. A later request asks for the rest with Range and If-Range; a server that cannot do that, or has other
 * bytes now, starts over. The file is not to be trusted before its digest was checked. A link, or a file of another
 * user, is not written into; what is complete is synced. */
#ifndef NB_TRANSFER_DOWNLOAD_H
#define NB_TRANSFER_DOWNLOAD_H

#include "common/transfer/http.h"

/** What is fetched, and where it goes; all of it is borrowed. */
typedef struct nb_download {
    const nb_url *url;
    const char *path;  /**< what has come so far, created when missing */
    int64_t expect;    /**< bytes it must have, -1 unknown: NB_ERR_VERIFY for another size */
    int64_t max_bytes; /**< NB_ERR_LIMIT above */
    bool checked;      /**< a digest will be checked: going on without a validator is safe */
    bool optional;     /**< an answer 404 is no failure, but `found` is false */
} nb_download;

/** What became of it. */
typedef struct nb_downloaded {
    bool found;
    int64_t bytes;         /**< the file's size */
    bool joined;           /**< it came in more than one piece: they may be of different files */
    char linked_etag[256]; /**< see nb_http_reply */
} nb_downloaded;

/** Fetches a file, tried again while failures are transient. Retries are counted anew behind some progress.
 *
 * @param http   the connection
 * @param what   address and file; on failure what came stays there, for the next call
 * @param result set
 * @return NB_OK when the file is complete; NB_ERR_NETWORK when the server refuses or cannot be reached, NB_ERR_VERIFY
 * for another size, NB_ERR_LIMIT over max_bytes or when memory is out, NB_ERR_IO when it cannot be written, NB_STOPPED
 * when the options say so, or NB_ERR_USAGE for half of a pair of S3 keys. */
NB_CHECKED nb_status nb_download_run(nb_http *http, const nb_download *what, nb_downloaded *result, nb_error *err);

/** nb_download_run of a file whose digest is known. A file that came in pieces is fetched anew once before it is given
 * up.
 *
 * @param http the connection
 * @param what address and file
 * @param want SHA-256 in lower-case hexadecimal; "": any will do
 * @return as nb_download_run; NB_ERR_VERIFY for another digest, and nothing of the file stays. */
NB_CHECKED nb_status nb_download_verified(nb_http *http, const nb_download *what, const char *want, nb_error *err);

/** Removes the file at `path` and what is beside it. */
void nb_download_forget(const char *path);

#endif
