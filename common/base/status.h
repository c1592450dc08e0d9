/* Named statuses and error messages.
 *
 * Every function that can fail returns nb_status and takes an nb_error as its last argument, into which the first
 * failure writes what went wrong, where, with which value, and a hint. A status is also the exit code of the program.
 * `err` may be NULL where nobody reads it, but not with functions that are collective. Nothing here is collective.
 */
#ifndef NB_BASE_STATUS_H
#define NB_BASE_STATUS_H

#include <stddef.h>

/** How a function ended. */
typedef enum nb_status {
    NB_OK = 0,
    NB_ERR_USAGE = 2,     /**< an option or argument is wrong */
    NB_ERR_INPUT = 3,     /**< an input file is not what it should be */
    NB_ERR_IO = 4,        /**< reading or writing failed */
    NB_ERR_LIMIT = 5,     /**< out of memory, or over a stated limit */
    NB_ERR_NUMERIC = 6,   /**< a computation gave no usable number */
    NB_ERR_VERIFY = 7,    /**< a digest, checksum or signature does not match */
    NB_ERR_NETWORK = 8,   /**< a transfer failed */
    NB_ERR_INTERNAL = 70, /**< a defect of the program or of a library under it */
    NB_STOPPED = 85       /**< stopped on request, state saved: run again to continue */
} nb_status;

/** Bytes of a message and of a hint, with the NUL; longer ones are cut. */
enum { NB_MESSAGE_MAX = 1024, NB_HINT_MAX = 512 };

/** One failure. Plain bytes, so that it can travel between ranks. Set it to {0} (or nb_error_clear) before use. */
typedef struct nb_error {
    nb_status status;
    int rank;   /**< the rank that failed; 0 without MPI */
    int agreed; /**< 1 once all ranks hold it (common/parallel/comm.h) */
    char host[64];
    char message[NB_MESSAGE_MAX];
    char hint[NB_HINT_MAX];
} nb_error;

/** In front of a function whose status must not be passed over: the compiler warns where a call drops it. */
#define NB_CHECKED __attribute__((warn_unused_result))

/** "usage", "bad input", ... for a `status`; "unknown" for a number that is none. Not to be freed. */
const char *nb_status_name(nb_status status);

/** Makes `err` {0}. */
void nb_error_clear(nb_error *err);

/** Sets an error, so that `return nb_fail(err, ...)` reads as one step.
 *
 * @param err    what it held is replaced
 * @param status what went wrong
 * @param format of the message, as printf takes it
 * @return `status` */
nb_status nb_fail(nb_error *err, nb_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** nb_fail with ": " and the text of errno behind the message.
 *
 * @param err    what it held is replaced
 * @param status what went wrong
 * @param format of the message, as printf takes it
 * @return `status`, or NB_ERR_LIMIT when errno is ENOMEM */
nb_status nb_fail_errno(nb_error *err, nb_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Adds a hint, what to do about it, to an error that is set.
 *
 * @param err    the error
 * @param format of the hint, as printf takes it
 * @return the status of `err`, or NB_ERR_INTERNAL when it is NULL */
nb_status nb_hint(nb_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Puts "context: " before the message of an error that is set.
 *
 * @param err    the error
 * @param format of the context, as printf takes it
 * @return the status of `err`, or NB_ERR_INTERNAL when it is NULL */
nb_status nb_context(nb_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** For functions with one exit: a local `nb_status status` and a label `done`, left through when `call` fails. */
#define NB_TRY(call)                                                                                                   \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != NB_OK) {                                                                                         \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* Analysers look into one file at a time: this tells them that what fails never returns NB_OK. */
#if defined(__clang_analyzer__) && !defined(NB_STATUS_DEFINITIONS)
#define nb_fail(err, status, ...)       (nb_fail((err), (status), __VA_ARGS__), (status))
#define nb_fail_errno(err, status, ...) (nb_fail_errno((err), (status), __VA_ARGS__), (status))
#define nb_hint(...)                    (nb_hint(__VA_ARGS__), NB_ERR_INTERNAL)
#define nb_context(...)                 (nb_context(__VA_ARGS__), NB_ERR_INTERNAL)
#endif

#endif
