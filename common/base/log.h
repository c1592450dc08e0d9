/* The log: one voice, that of rank 0, on standard error. Other ranks hold a silent log. Nothing here is collective. */
#ifndef NB_BASE_LOG_H
#define NB_BASE_LOG_H

#include "common/base/text.h"

#include <stdbool.h>
#include <stdio.h>

/** Where lines go, and how. {0} is silent. */
typedef struct nb_log {
    FILE *out;               /**< NULL: silent */
    bool json;               /**< one JSON object a line */
    bool quiet;              /**< warnings only */
    bool terminal;           /**< progress may redraw its line */
    const char *command;     /**< borrowed; stands in JSON lines */
    const nb_renames *names; /**< borrowed; as files are written in lines; NULL: as they are */
} nb_log;

/** A log on standard error.
 *
 * @param command the command that runs, borrowed
 * @param speak   true on rank 0 only; false: silent
 * @param json    one JSON object a line
 * @param quiet   warnings only */
nb_log nb_log_open(const char *command, bool speak, bool json, bool quiet);

/** Logs a line; `format` as printf takes it. Nothing on a silent or quiet `log`. */
void nb_log_info(const nb_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Logs a line with "warning: " in front; `format` as printf takes it. Nothing on a silent `log`. */
void nb_log_warn(const nb_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Prints `err` and its hint with program, version, rank and host to standard error, on a `log` of any rank. */
void nb_log_error(const nb_log *log, const nb_error *err);

/** Progress of a long loop: done of total items, rate and time left, at most one line every `period` seconds (on a
 * terminal one line redrawn). */
typedef struct nb_progress {
    const nb_log *log;  /**< borrowed */
    const char *what;   /**< items in the plural, "texts"; borrowed */
    double total;       /**< items in all */
    double start, last; /**< nb_clock of the begin, and of the last line */
    double period;      /**< s */
    double before;      /**< of `total`, done before the start: they count for no rate */
    char note[96];      /**< put behind the line */
    bool drawn;         /**< a line of a terminal is to be taken away */
} nb_progress;

/** Begins with 0 of `total` items, `what` in the plural, on `log`; both are borrowed. */
nb_progress nb_progress_start(const nb_log *log, const char *what, double total);

/** True when nb_progress_update would print a line of `p` now: time to work out its note. */
bool nb_progress_due(const nb_progress *p);

/** Prints a line when one is due: `done` items, those of p->before included. */
void nb_progress_update(nb_progress *p, double done);

/** Ends the line of `p` and says how long all of it took. */
void nb_progress_finish(nb_progress *p);

/** Seconds of a monotonic clock. */
double nb_clock(void);

/** The time now into `out` as "2026-11-21T08:00:00Z"; SOURCE_DATE_EPOCH, when set, instead of the clock. */
void nb_clock_iso(char out[32]);

#endif
