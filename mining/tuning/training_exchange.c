#include "mining/tuning/training_exchange.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 22 }; /* elements a call */

nb_slice nb_slice_of(const nb_comm *comm, int rank, size_t parameters)
{
    size_t size = (size_t)comm->size, r = (size_t)rank, each = parameters / size, rest = parameters % size;
    size_t begin = r * each + (r < rest ? r : rest);
    return (nb_slice){begin, begin + each + (r < rest ? 1 : 0)};
}

static size_t training_exchange_part_of(nb_slice s, size_t at)
{
    return s.end - at < CHUNK ? s.end - at : CHUNK;
}

static nb_status training_exchange_failed(const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INTERNAL, "%s failed", what);
}

nb_status nb_training_reduce_scatter(const nb_comm *comm, int64_t *sums, size_t parameters, nb_error *err)
{
    for (int root = 0; root < comm->size; root++) {
        nb_slice s = nb_slice_of(comm, root, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            bool mine = comm->rank == root;
            if (MPI_Reduce(mine ? MPI_IN_PLACE : sums + at, mine ? sums + at : NULL,
                           (int)training_exchange_part_of(s, at), MPI_INT64_T, MPI_SUM, root,
                           comm->handle) != MPI_SUCCESS) {
                return training_exchange_failed("MPI_Reduce", err);
            }
        }
    }
    return NB_OK;
}

nb_status nb_training_all_gather(const nb_comm *comm, const float *own, float *weights, size_t parameters, bool first,
                                 nb_error *err)
{
    nb_status status = NB_OK;
    float *chunk = nb_alloc(CHUNK, sizeof *chunk, err);
    NB_TRY(nb_comm_agree(comm, chunk ? NB_OK : NB_ERR_LIMIT, err));
    for (int root = 0; root < comm->size; root++) {
        nb_slice s = nb_slice_of(comm, root, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            size_t n = training_exchange_part_of(s, at);
            if (comm->rank == root) {
                memcpy(chunk, own + (at - s.begin), n * sizeof *chunk);
            }
            if (comm->size > 1 && MPI_Bcast(chunk, (int)n, MPI_FLOAT, root, comm->handle) != MPI_SUCCESS) {
                status = training_exchange_failed("MPI_Bcast", err);
                goto done;
            }
            if (first) {
                memcpy(weights + at, chunk, n * sizeof *chunk);
            }
        }
    }
done:
    free(chunk);
    return status;
}

nb_status nb_training_gather(const nb_comm *comm, const float *own, float *all, size_t parameters, nb_error *err)
{
    for (int from = 0; from < comm->size; from++) {
        nb_slice s = nb_slice_of(comm, from, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            int n = (int)training_exchange_part_of(s, at), code = MPI_SUCCESS;
            if (comm->rank == 0 && from == 0) {
                memcpy(all + at, own + (at - s.begin), (size_t)n * sizeof *all);
            } else if (comm->rank == 0) {
                code = MPI_Recv(all + at, n, MPI_FLOAT, from, 0, comm->handle, MPI_STATUS_IGNORE);
            } else if (comm->rank == from) {
                code = MPI_Send(own + (at - s.begin), n, MPI_FLOAT, 0, 0, comm->handle);
            }
            if (code != MPI_SUCCESS) {
                return training_exchange_failed("MPI_Send", err);
            }
        }
    }
    return NB_OK;
}

nb_status nb_training_scatter(const nb_comm *comm, const float *all, float *own, size_t parameters, nb_error *err)
{
    for (int to = 0; to < comm->size; to++) {
        nb_slice s = nb_slice_of(comm, to, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            int n = (int)training_exchange_part_of(s, at), code = MPI_SUCCESS;
            if (comm->rank == 0 && to == 0) {
                memcpy(own + (at - s.begin), all + at, (size_t)n * sizeof *all);
            } else if (comm->rank == 0) {
                code = MPI_Send(all + at, n, MPI_FLOAT, to, 0, comm->handle);
            } else if (comm->rank == to) {
                code = MPI_Recv(own + (at - s.begin), n, MPI_FLOAT, 0, 0, comm->handle, MPI_STATUS_IGNORE);
            }
            if (code != MPI_SUCCESS) {
                return training_exchange_failed("MPI_Send", err);
            }
        }
    }
    return NB_OK;
}
