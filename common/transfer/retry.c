#include "common/transfer/retry.h"

#include <math.h>
#include <sodium.h>
#include <time.h>

double nb_retry_delay(const nb_transfer_options *o, int64_t failures, double retry_after, double unit)
{
    double wait = o->retry_wait * exp2(fmin((double)failures - 1, 60));
    wait = fmin(wait, o->retry_longest) * (0.5 + unit / 2);
    return fmax(wait, retry_after);
}

static void retry_pause_for(double seconds)
{
    double whole = floor(seconds);
    struct timespec left = {.tv_sec = (time_t)whole, .tv_nsec = (long)((seconds - whole) * 1e9)};
    nanosleep(&left, NULL);
}

nb_status nb_retry_wait(nb_retry *retry, double retry_after, nb_error *err)
{
    const nb_transfer_options *o = retry->options;
    nb_status status = err->status;
    retry->failures++;
    if (retry->failures > o->retries) {
        if (o->retries > 0) {
            nb_context(err, "given up after %lld retries", (long long)o->retries);
        }
        return status;
    }
    if (retry_after > o->retry_longest) {
        return nb_hint(err, "the server asks to come back in %.0f s, longer than --retry-longest", retry_after);
    }
    double wait = nb_retry_delay(o, retry->failures, retry_after, (double)randombytes_uniform(1U << 20) / (1U << 20));
    nb_log_info(retry->log, "%s; trying again in %.1f s (%lld of %lld)", err->message, wait, (long long)retry->failures,
                (long long)o->retries);
    retry_pause_for(wait);
    return NB_OK;
}
