/* Calls of MPI that return an error instead of ending the program, as errors of ours. */
#ifndef NB_COMMON_PARALLEL_MPI_CHECK_H
#define NB_COMMON_PARALLEL_MPI_CHECK_H

#include "common/base/status.h"

#include <mpi.h>

/** What an MPI call returned, as a status. Not collective, whatever the call was.
 *
 * @param code what the call returned
 * @param what the call's name, for the message
 * @return NB_OK for MPI_SUCCESS, else NB_ERR_INTERNAL with MPI's own text. */
NB_CHECKED static inline nb_status nb_mpi_check(int code, const char *what, nb_error *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int len = 0;
    if (code == MPI_SUCCESS) {
        return NB_OK;
    }
    MPI_Error_string(code, text, &len);
    return nb_fail(err, NB_ERR_INTERNAL, "%s failed: %s", what, text);
}

/** NB_TRY of an MPI call; `what` is its name. */
#define NB_TRY_MPI(call, what) NB_TRY(nb_mpi_check((call), (what), err))

#endif
