#define NB_STATUS_DEFINITIONS
#include "common/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *nb_status_name(nb_status status)
{
    switch (status) {
    case NB_OK: return "ok";
    case NB_ERR_USAGE: return "usage";
    case NB_ERR_INPUT: return "bad input";
    case NB_ERR_IO: return "I/O";
    case NB_ERR_LIMIT: return "out of memory or limit";
    case NB_ERR_NUMERIC: return "numerical failure";
    case NB_ERR_VERIFY: return "verification failed";
    case NB_ERR_NETWORK: return "network";
    case NB_ERR_INTERNAL: return "internal error";
    case NB_STOPPED: return "stopped";
    }
    return "unknown";
}

void nb_error_clear(nb_error *err)
{
    if (err) {
        memset(err, 0, sizeof *err);
    }
}

static void status_set(nb_error *err, nb_status status, const char *format, va_list args)
{
    if (!err) {
        return;
    }
    nb_error_clear(err);
    err->status = status;
    vsnprintf(err->message, sizeof err->message, format, args);
}

nb_status nb_fail(nb_error *err, nb_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status_set(err, status, format, args);
    va_end(args);
    return status;
}

nb_status nb_fail_errno(nb_error *err, nb_status status, const char *format, ...)
{
    int code = errno;
    va_list args;
    va_start(args, format);
    status = code == ENOMEM ? NB_ERR_LIMIT : status;
    status_set(err, status, format, args);
    va_end(args);
    if (err) {
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(code));
    }
    return status;
}

nb_status nb_hint(nb_error *err, const char *format, ...)
{
    if (!err) {
        return NB_ERR_INTERNAL;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return err->status;
}

nb_status nb_context(nb_error *err, const char *format, ...)
{
    if (!err) {
        return NB_ERR_INTERNAL;
    }
    char before[NB_MESSAGE_MAX];
    memcpy(before, err->message, sizeof before);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", before);
    return err->status;
}
