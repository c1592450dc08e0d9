/* The log: one voice, that of rank 0, on standard error. Other ranks hold a silent log. */
#ifndef NB_BASE_LOG_H
#define NB_BASE_LOG_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct nb_log {
    FILE *out;     /* NULL: silent */
    bool json;     /* one JSON object a line */
    bool quiet;    /* warnings only */
    bool terminal; /* progress may redraw its line */
    const char *command;
} nb_log;

/* `command` is borrowed. speak is true on rank 0 only. */
nb_log nb_log_open(const char *command, bool speak, bool json, bool quiet);
void nb_log_info(const nb_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nb_log_warn(const nb_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the error and its hint with program, version, rank and host. Works on a log of any rank. */
void nb_log_error(const nb_log *log, const nb_error *err);

/* Progress of a long loop: done of total items, rate and time left, at most one line every `period` seconds (on a
 * terminal one line redrawn). Not collective. */
typedef struct nb_progress {
    const nb_log *log;
    const char *what; /* unit in the plural, "texts" */
    double total, start, last, period;
    double before; /* of `total`, done before the start: they count for no rate */
    char note[96]; /* put behind the line */
    bool drawn;
} nb_progress;

nb_progress nb_progress_start(const nb_log *log, const char *what, double total);
/* True when a line would be printed now: time to work out `note`. */
bool nb_progress_due(const nb_progress *p);
void nb_progress_update(nb_progress *p, double done);
/* Ends the line and says how long all of it took. */
void nb_progress_finish(nb_progress *p);

/* Seconds of a monotonic clock. */
double nb_clock(void);
/* The time now as "2026-11-21T08:00:00Z"; SOURCE_DATE_EPOCH, when set, instead of the clock. */
void nb_clock_iso(char out[32]);

#endif
