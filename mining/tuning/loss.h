/* CMA's loss (Kim, Hwang: Enhanced OoD Detection through Cross-Modal Alignment of Multi-Modal Representations, CVPR
 * 2025): CLIP's contrastive loss plus lambda times the energies of both directions.
 *
 * With E the normalised rows and L = exp(logit scale) E_img E_txt^T, targets on the diagonal:
 *     loss = (CE(L) + lambda mean(-lse_row L) + CE(L^T) + lambda mean(-lse_row L^T)) / 2.
 * lambda 0 is CLIP's own loss. Everything is computed in double precision. */
#ifndef NB_MINING_TUNING_LOSS_H
#define NB_MINING_TUNING_LOSS_H

#include "common/base/memory.h"

typedef struct nb_loss_terms {
    double loss, image_ce, text_ce, image_energy, text_energy; /* energies are means of -lse */
    size_t right;                                              /* images whose own text is the best of the batch */
} nb_loss_terms;

/* Memory for batches of up to `batch` pairs of width d. */
typedef struct nb_loss {
    size_t batch, d;
    double *image, *text;             /* [batch, d] normalised */
    double *image_norms, *text_norms; /* [batch] */
    double *logits, *slopes;          /* [batch, batch] logits, then gradients by them; and those transposed */
    double *sums;                     /* [2, batch] log-sum-exp of rows and columns */
    double *mixed, *turned;           /* [batch, d] */
} nb_loss;

nb_status nb_loss_create(nb_loss *out, size_t batch, size_t d, nb_error *err);
/* Takes {0}. */
void nb_loss_destroy(nb_loss *loss);

/* image, text [count, d]: raw embeddings, pair i in row i. Sets dimage, dtext [count, d], the gradients by them, and
 * *dscale, that by the logit scale's logarithm. Not collective: every rank that has all embeddings gets the same.
 * NB_ERR_NUMERIC when an embedding has no length or the loss is not finite. */
nb_status nb_loss_compute(nb_loss *loss, const float *image, const float *text, size_t count, double logit_scale,
                          double lambda, nb_loss_terms *terms, float *dimage, float *dtext, double *dscale,
                          nb_error *err);

#endif
