#include "common/store/hdf5/h5_error.h"

#include <hdf5.h>
#include <stdio.h>

/* What was set for HDF5's errors when the first file of ours was opened; HDF5 keeps that a thread, where it knows any.
 */
typedef struct loudness {
    unsigned files;  /* that are open */
    unsigned second; /* whether it was set by H5Eset_auto2, by H5Eset_auto1 otherwise */
    H5E_auto2_t print;
    void *data;
#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5E_auto1_t print_first;
#endif
    hid_t stack;
} loudness;

static _Thread_local loudness before;

static void h5_error_remember(void)
{
    before.second = 1;
    before.stack = H5Eget_current_stack(); /* first: other calls clear it */
#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5Eauto_is_v2(H5E_DEFAULT, &before.second);
    if (!before.second) {
        H5Eget_auto1(&before.print_first, &before.data);
        return;
    }
#endif
    H5Eget_auto2(H5E_DEFAULT, &before.print, &before.data);
}

void nb_h5_quiet(void)
{
    if (before.files++ == 0) {
        h5_error_remember();
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    }
}

void nb_h5_loud(void)
{
    if (before.files == 0 || --before.files > 0) {
        return;
    }
    if (before.second) {
        H5Eset_auto2(H5E_DEFAULT, before.print, before.data);
    }
#ifndef H5_NO_DEPRECATED_SYMBOLS
    else {
        H5Eset_auto1(before.print_first, before.data);
    }
#endif
    if (before.stack >= 0) {
        H5Eset_current_stack(before.stack); /* last, and closes it */
    }
}

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
