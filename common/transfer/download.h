/* Downloads that go on where a broken connection, or a killed process, left them.
 *
 * What has come lies in a file the caller names; the validator it belongs to (a strong ETag) and its whole size lie
 * beside it as FILE.from. A later request asks for the rest with Range and If-Range; a server that cannot do that, or
 * has other bytes now, starts over. The file is not to be trusted before its digest was checked. */
#ifndef NB_TRANSFER_DOWNLOAD_H
#define NB_TRANSFER_DOWNLOAD_H

#include "common/transfer/http.h"

typedef struct nb_download {
    const nb_url *url;
    const char *path;  /* what has come so far, created when missing */
    int64_t expect;    /* bytes it must have, -1 unknown: NB_ERR_VERIFY for another size */
    int64_t max_bytes; /* NB_ERR_LIMIT above */
    bool checked;      /* a digest will be checked: going on without a validator is safe */
    bool optional;     /* an answer 404 is no failure, but `found` is false */
} nb_download;

typedef struct nb_downloaded {
    bool found;
    int64_t bytes;         /* the file's size */
    bool joined;           /* it came in more than one piece: they may be of different files */
    char linked_etag[256]; /* see nb_http_reply */
} nb_downloaded;

/* NB_OK when the file at `path` is complete. On failure what came stays, for the next call. */
nb_status nb_download_run(nb_http *http, const nb_download *what, nb_downloaded *result, nb_error *err);
/* The same, and the file has the SHA-256 `want` in lower-case hexadecimal ("": any will do), else NB_ERR_VERIFY and
 * nothing of it stays. A file that came in pieces is fetched anew once before it is given up. */
nb_status nb_download_verified(nb_http *http, const nb_download *what, const char *want, nb_error *err);
/* Removes the file and what is beside it. */
void nb_download_forget(const char *path);

#endif
