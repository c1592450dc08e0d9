/* What HDF5 says when it fails, as an error of ours. */
#ifndef NB_COMMON_STORE_HDF5_H5_ERROR_H
#define NB_COMMON_STORE_HDF5_H5_ERROR_H

#include "common/base/status.h"

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
