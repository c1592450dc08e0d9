/* Trying again after failures that may pass: how often, and how long to wait between. */
#ifndef NB_COMMON_TRANSFER_RETRY_H
#define NB_COMMON_TRANSFER_RETRY_H

#include "common/base/log.h"
#include "common/transfer/transfer_options.h"

/** Failures in a row. Start from nb_http_retry; set `failures` to 0 after progress. */
typedef struct nb_retry {
    const nb_transfer_options *options; /**< borrowed */
    const nb_log *log;                  /**< borrowed; hears of every wait */
    int64_t failures;
} nb_retry;

/** After a transient failure: counts it and waits. Not collective.
 *
 * @param retry       the failures so far
 * @param retry_after s that the server asks to wait, -1 when it does not
 * @param err         the failure; a hint or "given up after N retries" is put to it when it is final
 * @return NB_OK when it is time to try again; the status of `err` when the retries are spent, or the server asks for a
 *         longer wait than retry_longest. */
NB_CHECKED nb_status nb_retry_wait(nb_retry *retry, double retry_after, nb_error *err);

/** Seconds before a retry: retry_wait * 2^(failures - 1), at most retry_longest, times 0.5 + unit / 2, which keeps many
 * clients from returning all at once; never less than `retry_after`. Not collective.
 *
 * @param options     retry_wait and retry_longest
 * @param failures    the retry's number, from 1
 * @param retry_after s that the server asks for, -1 when it does not
 * @param unit        random, in [0, 1) */
double nb_retry_delay(const nb_transfer_options *options, int64_t failures, double retry_after, double unit);

#endif
