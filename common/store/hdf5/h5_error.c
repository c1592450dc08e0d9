#include "common/store/hdf5/h5_error.h"

#include <hdf5.h>
#include <stdio.h>

/* The innermost description of HDF5's error stack. */
static herr_t h5_error_innermost(unsigned n, const H5E_error2_t *entry, void *out)
{
    if (n == 0 && entry->desc) {
        snprintf(out, NB_HINT_MAX, "%s", entry->desc);
    }
    return 0;
}

nb_status(nb_h5_fail)(nb_error *err, nb_status status, const char *what, const char *name)
{
    char reason[NB_HINT_MAX] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, h5_error_innermost, reason);
    return nb_fail(err, status, "HDF5 cannot %s '%s': %s", what, name, reason);
}
