#include "common/base/log.h"

#include "common/base/version.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double nb_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void nb_clock_iso(char out[32])
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    int64_t epoch = 0;
    time_t now = fixed && nb_parse_int(fixed, &epoch) ? (time_t)epoch : time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

nb_log nb_log_open(const char *command, bool speak, bool json, bool quiet)
{
    return (nb_log){.out = speak ? stderr : NULL,
                    .json = json,
                    .quiet = quiet,
                    .terminal = speak && !json && isatty(STDERR_FILENO),
                    .command = command};
}

static void log_json_line(const nb_log *log, FILE *out, const char *level, json_t *object)
{
    char now[32];
    nb_clock_iso(now);
    json_t *line = json_pack("{s:s, s:s, s:s}", "time", now, "level", level, "command", log->command);
    json_object_update(line, object);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    if (text) {
        fprintf(out, "%s\n", text);
    }
    free(text);
    json_decref(line);
    json_decref(object);
}

static void log_say(const nb_log *log, const char *level, const char *before, const char *format, va_list args)
{
    char text[NB_MESSAGE_MAX];
    vsnprintf(text, sizeof text, format, args);
    nb_text_rename(text, sizeof text, log->names);
    nb_text_sanitise(text);
    nb_text_hide_passwords(text);
    if (log->json) {
        log_json_line(log, log->out, level, json_pack("{s:s}", "message", text));
    } else {
        fprintf(log->out, "%s%s\n", before, text);
    }
    fflush(log->out);
}

void nb_log_info(const nb_log *log, const char *format, ...)
{
    if (log->out && !log->quiet) {
        va_list args;
        va_start(args, format);
        log_say(log, "info", "", format, args);
        va_end(args);
    }
}

void nb_log_warn(const nb_log *log, const char *format, ...)
{
    if (log->out) {
        va_list args;
        va_start(args, format);
        log_say(log, "warning", "warning: ", format, args);
        va_end(args);
    }
}

void nb_log_error(const nb_log *log, const nb_error *given)
{
    nb_error sanitised = *given;
    const nb_error *err = &sanitised;
    nb_text_rename(sanitised.message, sizeof sanitised.message, log->names);
    nb_text_rename(sanitised.hint, sizeof sanitised.hint, log->names);
    nb_text_sanitise(sanitised.message);
    nb_text_hide_passwords(sanitised.message);
    nb_text_sanitise(sanitised.hint);
    if (log->json) {
        log_json_line(log, stderr, "error",
                      json_pack("{s:s, s:s, s:i, s:s, s:s}", "status", nb_status_name(err->status), "message",
                                err->message, "rank", err->rank, "host", err->host, "hint", err->hint));
        return;
    }
    fprintf(stderr, "%s: negbank %s: ", err->status == NB_STOPPED ? "stopped" : "error", nb_version());
    if (err->host[0]) {
        fprintf(stderr, "rank %d on %s: ", err->rank, err->host);
    }
    fprintf(stderr, "%s (%s)\n", err->message, nb_status_name(err->status));
    if (err->hint[0]) {
        fprintf(stderr, "hint: %s\n", err->hint);
    }
}

nb_progress nb_progress_start(const nb_log *log, const char *what, double total)
{
    double now = nb_clock();
    return (nb_progress){
        .log = log, .what = what, .total = total, .start = now, .last = now, .period = log->terminal ? 0.5 : 10};
}

static void log_draw(nb_progress *p, double done, double now)
{
    char text[288], did[32], all[32], rate[32], left[32];
    double speed = now > p->start ? (done - p->before) / (now - p->start) : 0;
    nb_format_count(did, done);
    nb_format_count(all, p->total);
    nb_format_count(rate, speed);
    nb_format_seconds(left, speed > 0 ? (p->total - done) / speed : 0);
    snprintf(text, sizeof text, "%s of %s %s (%.0f %%), %s/s, %s left%s", did, all, p->what,
             p->total > 0 ? 100 * done / p->total : 100, rate, left, p->note);
    if (p->log->terminal) {
        fprintf(p->log->out, "\r\033[K%s", text);
        fflush(p->log->out);
        p->drawn = true;
    } else {
        nb_log_info(p->log, "%s", text);
    }
}

bool nb_progress_due(const nb_progress *p)
{
    return p->log->out && !p->log->quiet && nb_clock() - p->last >= p->period;
}

void nb_progress_update(nb_progress *p, double done)
{
    if (nb_progress_due(p)) {
        p->last = nb_clock();
        log_draw(p, done, p->last);
    }
}

void nb_progress_finish(nb_progress *p)
{
    if (!p->log->out) {
        return;
    }
    char took[32], rate[32], all[32];
    double seconds = nb_clock() - p->start;
    if (p->drawn) {
        fputs("\r\033[K", p->log->out);
    }
    nb_format_seconds(took, seconds);
    nb_format_count(all, p->total);
    nb_format_count(rate, seconds > 0 ? (p->total - p->before) / seconds : 0);
    nb_log_info(p->log, "%s %s in %s (%s/s)%s", all, p->what, took, rate, p->note);
}
