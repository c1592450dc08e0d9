/* What `publish` and `pull` share: the options of transfers, trusted keys, and passwords. */
#ifndef NB_JOBS_TRANSFER_H
#define NB_JOBS_TRANSFER_H

#include "common/transfer/index.h"
#include "jobs/job.h"

typedef struct nb_transfer_choice {
    nb_transfer_options http;
    const char *cache;
} nb_transfer_choice;

/* `set` has an nb_transfer_choice `transfer`. */
#define NB_TRANSFER_REAL(set, option, member, standard, low, high, unit, words)                                        \
    {                                                                                                                  \
        .name = option, .type = NB_OPTION_REAL, .offset = offsetof(set, transfer.http.member), .fallback = standard,   \
        .min = low, .max = high, .value = unit, .unrecorded = true, .help = words                                      \
    }
#define NB_TRANSFER_OPTIONS(set)                                                                                       \
    {.name = "cache",                                                                                                  \
     .type = NB_OPTION_TEXT,                                                                                           \
     .offset = offsetof(set, transfer.cache),                                                                          \
     .value = "DIR",                                                                                                   \
     .unrecorded = true,                                                                                               \
     .help = "cache folder (default: $XDG_CACHE_HOME/negbank or ~/.cache/negbank)"},                                   \
        {.name = "ca-file",                                                                                            \
         .type = NB_OPTION_INPUT,                                                                                      \
         .offset = offsetof(set, transfer.http.ca_file),                                                               \
         .value = "PEM",                                                                                               \
         .unrecorded = true,                                                                                           \
         .help = "certificates to trust (default: CURL_CA_BUNDLE, SSL_CERT_FILE, the system's)"},                      \
        NB_TRANSFER_REAL(set, "connect-timeout", connect_timeout, "30", 0.001, 86400, "S",                             \
                         "s until a server answers"),                                                                  \
        NB_TRANSFER_REAL(set, "stall-timeout", stall_timeout, "30", 1, 86400, "S",                                     \
                         "s below --min-speed until a connection counts as dead"),                                     \
        {.name = "min-speed",                                                                                          \
         .type = NB_OPTION_INT,                                                                                        \
         .offset = offsetof(set, transfer.http.min_speed),                                                             \
         .fallback = "1000",                                                                                           \
         .max = 1e12,                                                                                                  \
         .value = "N",                                                                                                 \
         .unrecorded = true,                                                                                           \
         .help = "bytes/s that count as alive"},                                                                       \
        NB_TRANSFER_REAL(set, "request-timeout", total_timeout, "0", 0, 1e6, "S",                                      \
                         "s one request may take, 0: no limit"),                                                       \
        {.name = "retries",                                                                                            \
         .type = NB_OPTION_INT,                                                                                        \
         .offset = offsetof(set, transfer.http.retries),                                                               \
         .fallback = "6",                                                                                              \
         .max = 10000,                                                                                                 \
         .value = "N",                                                                                                 \
         .unrecorded = true,                                                                                           \
         .help = "failures in a row, without progress, to get over"},                                                  \
        NB_TRANSFER_REAL(set, "retry-wait", retry_wait, "1", 0, 3600, "S", "s before the first retry; doubles"),       \
        NB_TRANSFER_REAL(set, "retry-longest", retry_longest, "60", 0, 86400, "S",                                     \
                         "the longest s to wait, also when a server asks for it")

/* Reads --verify: each a key or a key file. The caller frees *keys. */
nb_status nb_job_trusted_keys(const nb_strings *words, size_t room, nb_public_key **keys, size_t *count, nb_error *err);

/* An nb_password_source; `state` is the --password-file, or NULL. */
nb_status nb_job_password(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err);

#endif
