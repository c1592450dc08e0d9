/* A checkpoint opened by all ranks together: its weights lie once on every node. */
#ifndef NB_MINING_EMBED_SHARED_MODEL_H
#define NB_MINING_EMBED_SHARED_MODEL_H

#include "common/clip/model/model.h"
#include "common/parallel/shared.h"

/** An open checkpoint. {0}: none. */
typedef struct nb_model {
    nb_clip *clip;     /**< bound to `weights` */
    nb_shared weights; /**< as the engine packs them, on every node */
} nb_model;

/** Opens a checkpoint: one rank a node reads the weights, as `engine` packs them, into memory its node shares.
 * Collective; all arguments agree on all ranks.
 *
 * @param out       closed by the caller with nb_model_close; {0} on failure
 * @param comm      the ranks; its communicator stays the caller's
 * @param directory the checkpoint
 * @param engine    computes the towers' products, borrowed
 * @return the same on all ranks: NB_OK, NB_ERR_VERIFY when nodes find different checkpoints under the name, as
 *         nb_clip_prepare, nb_clip_check and nb_clip_load, or as nb_shared_create. */
NB_CHECKED nb_status nb_model_open(nb_model *out, const nb_comm *comm, const char *directory, const nb_engine *engine,
                                   nb_error *err);

/** Closes a checkpoint. Collective, directly behind an agreement; harmless on {0}, which all ranks must then hold.
 *
 * @param model becomes {0} */
void nb_model_close(nb_model *model);

#endif
