/** @file
 * CMA's loss (Kim, Hwang: Enhanced OoD Detection through Cross-Modal Alignment of Multi-Modal Representations, CVPR
 * 2025): CLIP's contrastive loss plus lambda times the energies of both directions.
 *
 * With E the normalised rows and L = exp(logit scale) E_img E_txt^T, targets on the diagonal:
 *
 *     loss = (CE(L) + lambda mean(-lse_row L) + CE(L^T) + lambda mean(-lse_row L^T)) / 2.
 *
 * lambda 0 is CLIP's own loss. Everything is computed in double precision. Nothing here is collective: every rank that
 * has all embeddings gets the same. */
#ifndef NB_MINING_TUNING_LOSS_H
#define NB_MINING_TUNING_LOSS_H

#include "common/base/memory.h"

/** The loss and its parts. */
typedef struct nb_loss_terms {
    double loss, image_ce, text_ce, image_energy, text_energy; /**< energies are means of -lse */
    size_t right;                                              /**< images whose own text is the best of the batch */
} nb_loss_terms;

/** Memory for batches of up to `batch` pairs of width d. */
typedef struct nb_loss {
    size_t batch, d;
    double *image, *text;             /**< [batch, d] normalised */
    double *image_norms, *text_norms; /**< [batch] */
    double *logits, *slopes;          /**< [batch, batch] logits, then gradients by them; and those transposed */
    double *sums;                     /**< [2, batch] log-sum-exp of rows and columns */
    double *product, *transposed;     /**< [batch, d] */
} nb_loss;

/** Makes memory.
 * @param out freed by the caller with nb_loss_destroy; {0} on failure
 * @param batch pairs at most
 * @param d width of the embeddings
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_loss_create(nb_loss *out, size_t batch, size_t d, nb_error *err);

/** Frees memory.
 * @param loss what nb_loss_create made, or {0} */
void nb_loss_destroy(nb_loss *loss);

/** A batch of pairs. */
typedef struct nb_loss_batch {
    const float *image, *text; /**< [count, d] raw embeddings, pair i in row i; borrowed */
    size_t count;              /**< at most the batch of nb_loss_create */
    double logit_scale;        /**< its logarithm, as CLIP has it */
    double lambda;
} nb_loss_batch;

/** The gradients of the loss. */
typedef struct nb_loss_gradients {
    float *image, *text; /**< [count, d] by the raw embeddings; the caller's */
    double scale;        /**< by the logarithm of the logit scale */
} nb_loss_gradients;

/** Computes loss and gradients.
 * @param loss memory
 * @param batch the pairs
 * @param terms becomes the loss and its parts
 * @param gradients becomes the gradients
 * @return NB_OK, or NB_ERR_NUMERIC when an embedding has no length or the loss is not finite. */
nb_status nb_loss_compute(nb_loss *loss, const nb_loss_batch *batch, nb_loss_terms *terms, nb_loss_gradients *gradients,
                          nb_error *err);

#endif
