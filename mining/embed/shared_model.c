#include "mining/embed/shared_model.h"

#include "common/clip/model/weights.h"

#include <string.h>

/* Every rank but the node's first takes the weights that the first one read. */
static nb_status shared_model_adopt(nb_model *m, const nb_comm *comm, nb_error *err)
{
    nb_digest digest = m->clip->digest; /* empty where the weights were not read */
    nb_status status;
    NB_TRY(nb_shared_publish(&m->weights, comm, err));
    NB_TRY(nb_comm_broadcast(comm, &digest, sizeof digest, err));
    if (!m->weights.first) {
        status = nb_clip_bind(m->clip, m->weights.base, &digest, err);
    } else if (strcmp(digest.hex, m->clip->digest.hex) != 0) {
        nb_fail(err, NB_ERR_VERIFY, "the checkpoint here has digest %.16s..., that of rank 0 %.16s...",
                m->clip->digest.hex, digest.hex);
        status = nb_hint(err, "the nodes see different files under one name");
    }
done:
    return nb_comm_agree(comm, status, err);
}

nb_status nb_model_open(nb_model *m, const nb_comm *comm, const char *directory, const nb_engine *engine, nb_error *err)
{
    nb_status status;
    *m = (nb_model){0};
    status = nb_clip_prepare(&m->clip, directory, engine, err);
    if (status == NB_OK && comm->rank == 0) { /* before memory is asked for as the configuration says */
        status = nb_clip_check(m->clip, directory, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_shared_create(&m->weights, comm, nb_clip_weight_bytes(&m->clip->config, engine), err));
    if (m->weights.first) {
        status = nb_clip_load(m->clip, directory, m->weights.base, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(shared_model_adopt(m, comm, err));
done:
    if (status != NB_OK) {
        nb_model_close(m);
    }
    return status;
}

void nb_model_close(nb_model *m)
{
    nb_clip_close(m->clip);
    nb_shared_destroy(&m->weights);
    *m = (nb_model){0};
}
