/* One training step over all ranks: embeddings, loss, gradients, AdamW.
 *
 * The loss couples the whole batch, so a step goes over it twice: a forward pass gives the embeddings, which all ranks
 * gather; every rank computes the loss from all of them; a second pass takes the gradients back through the towers.
 * (A rank's last tile is computed once.) The batch is cut into tiles of fixed size, whole tiles go to ranks, and
 * gradients of tiles are added as whole numbers in units of 2^-40: a step has the same bits for any number of ranks.
 * Beside Adam's epsilon of 1e-8 that unit, 1e-12, is nothing. Memory is bounded by the tile, not by the batch.
 *
 * A rank holds: gradients of a tile (4 bytes a parameter), sums (8), the optimiser's state of its slice (8 / ranks),
 * the tapes of a tile (nb_tapes_bytes). The weights lie once a node. */
#ifndef NB_MINING_TUNING_TRAINER_H
#define NB_MINING_TUNING_TRAINER_H

#include "common/clip/gradients/backward_towers.h"
#include "common/parallel/team.h"
#include "mining/tuning/loss.h"
#include "mining/tuning/training_exchange.h"

enum { NB_TUNE_BATCH_MAX = 16384 }; /* the loss holds two squares of it in doubles */

/* Reads pair `number`, which stands at `place` of the batch: pixels [3, size, size], ids [context] and, in *length, how
 * many of them count. */
typedef nb_status (*nb_pair_reader)(void *reader, size_t place, size_t number, float *pixels, int32_t *ids,
                                    size_t *length, nb_error *err);

typedef struct nb_trainer_plan {
    size_t batch, tile; /* pairs */
    double lambda;      /* 0: CLIP's own loss */
    double decay, beta1, beta2, epsilon;
    bool recompute; /* common/clip/gradients/backward.h */
} nb_trainer_plan;

/* Weight decay 0.1, betas 0.9 and 0.999, epsilon 1e-8: CMA's. */
nb_trainer_plan nb_trainer_plan_default(void);

typedef struct nb_trainer {
    const nb_team *team;
    nb_clip *clip;      /* its weights change */
    nb_shared *weights; /* [parameters] the clip's arena, once a node */
    nb_trainer_plan plan;
    size_t parameters, step; /* steps taken */
    nb_slice slice;          /* of this rank */
    float *m, *v, *own;      /* [slice] the optimiser's state; scratch for weights */
    float *gradients;        /* [parameters] of one tile */
    int64_t *sums;           /* [parameters] over the tiles; after a step, in the slice, those of all ranks */
    nb_text_tape text;
    nb_image_tape image;
    nb_loss loss;
    float *pixels;                            /* [tile, 3, size, size] */
    int32_t *ids;                             /* [tile, context] */
    size_t *lengths;                          /* [tile] */
    float *images, *texts, *dimages, *dtexts; /* [batch, projection]; images and texts are one block */
    nb_pair_reader read;
    void *reader;
} nb_trainer;

/* Collective. clip and weights (its arena) are borrowed. NB_ERR_USAGE for a batch out of bounds. */
nb_status nb_trainer_create(nb_trainer *out, const nb_team *team, nb_clip *clip, nb_shared *weights,
                            const nb_trainer_plan *plan, nb_pair_reader read, void *reader, nb_error *err);
/* Takes {0}. */
void nb_trainer_destroy(nb_trainer *trainer);

/* Collective; everything agrees on all ranks. One step on pairs [batch] at this rate. NB_ERR_NUMERIC naming the step
 * when loss or a gradient is not finite: the weights are then as before it. */
nb_status nb_trainer_step(nb_trainer *trainer, const size_t *pairs, double rate, nb_loss_terms *terms, nb_error *err);

/* The gradient of parameter i of this rank's slice in the last step. */
double nb_trainer_gradient(const nb_trainer *trainer, size_t i);

/* Collective. The model takes over what nb_exchange_weights or a resume put into the weights. */
nb_status nb_trainer_adopt(nb_trainer *trainer, nb_error *err);

#endif
