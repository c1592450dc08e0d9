/* What `publish` and `pull` share: the options of transfers, trusted keys, and passwords. */
#ifndef NB_JOBS_TRANSFER_H
#define NB_JOBS_TRANSFER_H

#include "common/transfer/index.h"
#include "jobs/job.h"

/** How a command transfers: its options. */
typedef struct nb_transfer_choice {
    nb_transfer_options http;
    const char *cache;
} nb_transfer_choice;

/** Rows of a settings struct with an nb_transfer_choice `transfer`. */
#define NB_HTTP_OPTION(TYPE, NAME, MEMBER, ...) OPT_##TYPE(NAME, transfer.http.MEMBER, __VA_ARGS__, OPT_UNRECORDED)
/* clang-format off */
#define NB_TRANSFER_OPTIONS                                                                                            \
    OPT_TEXT("cache", transfer.cache, "DIR", NULL,                                                                     \
             "cache folder (default: $XDG_CACHE_HOME/negbank or ~/.cache/negbank)", OPT_UNRECORDED),                   \
        NB_HTTP_OPTION(INPUT, "ca-file", ca_file, "PEM",                                                               \
                       "certificates to trust (default: CURL_CA_BUNDLE, SSL_CERT_FILE, the system's)"),                \
        NB_HTTP_OPTION(REAL, "connect-timeout", connect_timeout, "S", "30", 0.001, 86400,                              \
                       "seconds until a server answers"),                                                              \
        NB_HTTP_OPTION(REAL, "stall-timeout", stall_timeout, "S", "30", 1, 86400,                                      \
                       "seconds below --min-speed until a connection counts as dead"),                                 \
        NB_HTTP_OPTION(INT, "min-speed", min_speed, "N", "1000", 0, 1e12, "bytes/s that count as alive"),              \
        NB_HTTP_OPTION(REAL, "request-timeout", total_timeout, "S", "0", 0, 1e6,                                       \
                       "seconds one request may take; 0: no limit"),                                                   \
        NB_HTTP_OPTION(INT, "retries", retries, "N", "6", 0, 10000,                                                    \
                       "failures in a row, without progress, to get over"),                                            \
        NB_HTTP_OPTION(REAL, "retry-wait", retry_wait, "S", "1", 0, 3600,                                              \
                       "seconds before the first retry; doubles"),                                                     \
        NB_HTTP_OPTION(REAL, "retry-longest", retry_longest, "S", "60", 0, 86400,                                      \
                       "the longest wait in seconds; a server that asks for more ends it")
/* clang-format on */

/** Reads the words of --verify, each a key or a key file. Not collective.
 * @param words the keys, or paths of their files
 * @param extra for how many more keys to allocate
 * @param keys  receives room for words->count + extra keys; the caller frees *keys, after a failure too
 * @param count receives how many were read
 * @return NB_OK; NB_ERR_INPUT for what is no key; NB_ERR_IO for a file that cannot be read; NB_ERR_LIMIT without memory
 */
nb_status nb_job_trusted_keys(const nb_strings *words, size_t extra, nb_public_key **keys, size_t *count,
                              nb_error *err);

/** An nb_password_source. Not collective.
 * @param state the --password-file, or NULL
 * @param path  the key the password is for
 * @param out   receives the password, with a NUL; the caller wipes it
 * @return as nb_password_get */
nb_status nb_job_password(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err);

#endif
