/* What a user may say of transfers: how long to wait, how often to try again. */
#ifndef NB_COMMON_TRANSFER_TRANSFER_OPTIONS_H
#define NB_COMMON_TRANSFER_TRANSFER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/** Limits of a transfer. */
typedef struct nb_transfer_options {
    double connect_timeout; /**< s */
    double stall_timeout;   /**< s below min_speed until a transfer counts as dead */
    int64_t min_speed;      /**< bytes/s */
    double total_timeout;   /**< s for one request, 0: none */
    int64_t retries;        /**< failures in a row, without progress between them */
    double retry_wait;      /**< s before the first retry; doubles with each */
    double retry_longest;   /**< s, the most that is waited for, also when a server asks for more */
    const char *ca_file;    /**< PEM file of trusted certificates; NULL: from the environment */
    bool (*stopped)(
        void *state); /**< asked now and then, NULL: never; true ends a transfer with NB_STOPPED, no message */
    void *stop_state; /**< what `stopped` is given */
} nb_transfer_options;

#endif
