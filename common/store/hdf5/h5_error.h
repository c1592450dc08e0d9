/* What HDF5 says when it fails, as an error of ours, and nothing on the terminal.
 *
 * A program that loads our library may use HDF5 itself: what it has set for its errors is put back. */
#ifndef NB_COMMON_STORE_HDF5_H5_ERROR_H
#define NB_COMMON_STORE_HDF5_H5_ERROR_H

#include "common/base/status.h"

/** Keeps HDF5 from printing its errors until nb_h5_loud, and puts aside what its error stack holds. Calls nest. For one
 * thread at a time, as HDF5 is. Not collective. */
void nb_h5_quiet(void);

/** Ends what nb_h5_quiet began: how errors are printed, and the error stack, are as they were before the first of them.
 */
void nb_h5_loud(void);

/** Sets "HDF5 cannot WHAT 'NAME': " and the innermost reason on HDF5's error stack. Not collective.
 *
 * @param err    set; may be NULL
 * @param status the status to give back
 * @param what   a verb, "open dataset"
 * @param name   of what
 * @return `status`, as nb_fail. */
nb_status nb_h5_fail(nb_error *err, nb_status status, const char *what, const char *name);
#ifdef __clang_analyzer__ /* as in common/base/status.h */
#define nb_h5_fail(err, status, what, name) ((nb_h5_fail)((err), (status), (what), (name)), (status))
#endif

#endif
