#include "mining/tuning/training_exchange.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 22 }; /* elements a call */

nb_slice nb_slice_of(const nb_team *team, int rank, size_t parameters)
{
    size_t size = (size_t)team->size, r = (size_t)rank, each = parameters / size, rest = parameters % size;
    size_t begin = r * each + (r < rest ? r : rest);
    return (nb_slice){begin, begin + each + (r < rest ? 1 : 0)};
}

static size_t part_of(nb_slice s, size_t at)
{
    return s.end - at < CHUNK ? s.end - at : CHUNK;
}

static nb_status failed(const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INTERNAL, "%s failed", what);
}

nb_status nb_exchange_sums(const nb_team *team, int64_t *sums, size_t parameters, nb_error *err)
{
    for (int root = 0; root < team->size; root++) {
        nb_slice s = nb_slice_of(team, root, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            bool mine = team->rank == root;
            if (MPI_Reduce(mine ? MPI_IN_PLACE : sums + at, mine ? sums + at : NULL, (int)part_of(s, at), MPI_INT64_T,
                           MPI_SUM, root, team->comm) != MPI_SUCCESS) {
                return failed("MPI_Reduce", err);
            }
        }
    }
    return NB_OK;
}

nb_status nb_exchange_weights(const nb_team *team, const float *own, float *weights, size_t parameters, bool first,
                              nb_error *err)
{
    nb_status status = NB_OK;
    float *chunk = nb_alloc(CHUNK, sizeof *chunk, err);
    NB_TRY(nb_team_agree(team, chunk ? NB_OK : NB_ERR_LIMIT, err));
    for (int root = 0; root < team->size; root++) {
        nb_slice s = nb_slice_of(team, root, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            size_t n = part_of(s, at);
            if (team->rank == root) {
                memcpy(chunk, own + (at - s.begin), n * sizeof *chunk);
            }
            if (team->size > 1 && MPI_Bcast(chunk, (int)n, MPI_FLOAT, root, team->comm) != MPI_SUCCESS) {
                status = failed("MPI_Bcast", err);
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

nb_status nb_exchange_gather(const nb_team *team, const float *own, float *all, size_t parameters, nb_error *err)
{
    for (int from = 0; from < team->size; from++) {
        nb_slice s = nb_slice_of(team, from, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            int n = (int)part_of(s, at), code = MPI_SUCCESS;
            if (team->rank == 0 && from == 0) {
                memcpy(all + at, own + (at - s.begin), (size_t)n * sizeof *all);
            } else if (team->rank == 0) {
                code = MPI_Recv(all + at, n, MPI_FLOAT, from, 0, team->comm, MPI_STATUS_IGNORE);
            } else if (team->rank == from) {
                code = MPI_Send(own + (at - s.begin), n, MPI_FLOAT, 0, 0, team->comm);
            }
            if (code != MPI_SUCCESS) {
                return failed("MPI_Send", err);
            }
        }
    }
    return NB_OK;
}

nb_status nb_exchange_deal(const nb_team *team, const float *all, float *own, size_t parameters, nb_error *err)
{
    for (int to = 0; to < team->size; to++) {
        nb_slice s = nb_slice_of(team, to, parameters);
        for (size_t at = s.begin; at < s.end; at += CHUNK) {
            int n = (int)part_of(s, at), code = MPI_SUCCESS;
            if (team->rank == 0 && to == 0) {
                memcpy(own + (at - s.begin), all + at, (size_t)n * sizeof *all);
            } else if (team->rank == 0) {
                code = MPI_Send(all + at, n, MPI_FLOAT, to, 0, team->comm);
            } else if (team->rank == to) {
                code = MPI_Recv(own + (at - s.begin), n, MPI_FLOAT, 0, 0, team->comm, MPI_STATUS_IGNORE);
            }
            if (code != MPI_SUCCESS) {
                return failed("MPI_Send", err);
            }
        }
    }
    return NB_OK;
}
