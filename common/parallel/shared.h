/* Memory shared by the ranks of one node: what is large and the same for all (weights) lies there once. */
#ifndef NB_PARALLEL_SHARED_H
#define NB_PARALLEL_SHARED_H

#include "common/parallel/team.h"

typedef struct nb_shared {
    MPI_Comm node; /* the ranks of this node */
    MPI_Win window;
    void *base; /* 64-byte aligned; the same memory on all ranks of the node */
    bool first; /* this rank fills it */
} nb_shared;

/* Collective over the team; all ranks pass the same size. The memory is zeroed. NB_ERR_LIMIT where a node has none. */
nb_status nb_shared_create(nb_shared *out, const nb_team *team, size_t bytes, nb_error *err);
/* Collective over the team: what the first rank of each node wrote is seen by all behind this. */
nb_status nb_shared_publish(nb_shared *shared, const nb_team *team, nb_error *err);
/* Collective over the team; harmless on {0}, which all ranks must then hold. */
void nb_shared_destroy(nb_shared *shared);

#endif
