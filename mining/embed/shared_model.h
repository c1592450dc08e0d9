/* A checkpoint opened by all ranks together: its weights lie once on every node. */
#ifndef NB_MINING_EMBED_SHARED_MODEL_H
#define NB_MINING_EMBED_SHARED_MODEL_H

#include "common/clip/model/model.h"
#include "common/parallel/shared.h"

typedef struct nb_model {
    nb_clip *clip;
    nb_shared weights;
} nb_model;

/* Collective. One rank a node reads the weights, as `engine` packs them, into memory its node shares; all ranks pass
 * the same engine. NB_ERR_VERIFY when nodes find different checkpoints under the name. */
nb_status nb_model_open(nb_model *out, const nb_team *team, const char *directory, const nb_engine *engine,
                        nb_error *err);
/* Collective; harmless on {0}, which all ranks must then hold. */
void nb_model_close(nb_model *model);

#endif
