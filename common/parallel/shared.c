#include "common/parallel/shared.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

nb_status nb_shared_create(nb_shared *s, const nb_comm *comm, size_t bytes, nb_error *err)
{
    int rank = 0, ranks = 1, unit;
    MPI_Aint size;
    void *mine;
    nb_status status = NB_OK;
    *s = (nb_shared){.node = MPI_COMM_NULL, .window = MPI_WIN_NULL};
    if (MPI_Comm_split_type(comm->handle, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &s->node) != MPI_SUCCESS) {
        status = nb_fail(err, NB_ERR_INTERNAL, "MPI cannot tell which ranks share a node");
    }
    status = nb_comm_agree(comm, status, err);
    if (status != NB_OK) {
        return status;
    }
    MPI_Comm_set_errhandler(s->node, MPI_ERRORS_RETURN);
    MPI_Comm_rank(s->node, &rank);
    MPI_Comm_size(s->node, &ranks);
    s->first = rank == 0;
    if (ranks == 1) { /* nobody to share with */
        s->base = nb_alloc_aligned(bytes, 1, err);
        if (!s->base) {
            MPI_Comm_free(&s->node); /* of this rank alone */
        }
        return nb_comm_agree(comm, s->base ? NB_OK : NB_ERR_LIMIT, err);
    }
    size = s->first ? (MPI_Aint)(bytes + ALIGN) : 0;
    if (MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, s->node, &mine, &s->window) != MPI_SUCCESS ||
        MPI_Win_shared_query(s->window, 0, &size, &unit, &mine) != MPI_SUCCESS) {
        nb_fail(err, NB_ERR_LIMIT, "%zu bytes of memory shared on a node are not to be had", bytes);
        status = nb_hint(err, "is /dev/shm large enough?");
    } else {
        s->base = (char *)mine + (ALIGN - (uintptr_t)mine % ALIGN) % ALIGN;
        if (s->first) {
            memset(s->base, 0, bytes);
        }
    }
    return nb_comm_agree(comm, status, err);
}

nb_status nb_shared_publish(nb_shared *s, const nb_comm *comm, nb_error *err)
{
    nb_status status = NB_OK;
    if (s->window != MPI_WIN_NULL && MPI_Win_fence(0, s->window) != MPI_SUCCESS) {
        status = nb_fail(err, NB_ERR_INTERNAL, "MPI_Win_fence failed on shared memory");
    }
    return nb_comm_agree(comm, status, err);
}

void nb_shared_destroy(nb_shared *s)
{
    if (s && s->base) {
        if (s->window == MPI_WIN_NULL) {
            free(s->base);
        } else {
            MPI_Win_free(&s->window);
        }
        MPI_Comm_free(&s->node);
        *s = (nb_shared){0};
    }
}
