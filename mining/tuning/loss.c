#include "mining/tuning/loss.h"

#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>

nb_status nb_loss_create(nb_loss *l, size_t batch, size_t d, nb_error *err)
{
    nb_status status;
    *l = (nb_loss){.batch = batch, .d = d};
    NB_TRY_NEW(l->image, batch * d);
    NB_TRY_NEW(l->text, batch * d);
    NB_TRY_NEW(l->image_norms, batch);
    NB_TRY_NEW(l->text_norms, batch);
    NB_TRY_NEW(l->logits, batch * batch);
    NB_TRY_NEW(l->slopes, batch * batch);
    NB_TRY_NEW(l->sums, 2 * batch);
    NB_TRY_NEW(l->product, batch * d);
    NB_TRY_NEW(l->transposed, batch * d);
done:
    if (status != NB_OK) {
        nb_loss_destroy(l);
    }
    return status;
}

void nb_loss_destroy(nb_loss *l)
{
    free(l->image);
    free(l->text);
    free(l->image_norms);
    free(l->text_norms);
    free(l->logits);
    free(l->slopes);
    free(l->sums);
    free(l->product);
    free(l->transposed);
    *l = (nb_loss){0};
}

static void loss_normalise(double *out, double *norms, const float *rows, size_t count, size_t d)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < d; k++) {
            out[i * d + k] = (double)rows[i * d + k];
        }
        norms[i] = nb_normalise_row(out + i * d, out + i * d, d);
    }
}

static nb_status loss_check_norms(const double *norms, size_t count, const char *what, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!(norms[i] > 0) || !isfinite(norms[i])) {
            return nb_fail(err, NB_ERR_NUMERIC, "the %s embedding of pair %zu of the batch has norm %g", what, i,
                           norms[i]);
        }
    }
    return NB_OK;
}

/* out [d, count] = rows [count, d] transposed. */
static void loss_transpose(double *out, const double *rows, size_t count, size_t d)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < d; k++) {
            out[k * count + i] = rows[i * d + k];
        }
    }
}

/* The terms, from logits [n, n] and, in l->slopes, the logits transposed. */
static void loss_take_terms(nb_loss *l, size_t n, double lambda, nb_loss_terms *t)
{
    *t = (nb_loss_terms){0};
    for (size_t i = 0; i < n; i++) {
        const double *row = l->logits + i * n;
        size_t best = 0;
        l->sums[i] = nb_log_sum_exp(row, n);
        l->sums[n + i] = nb_log_sum_exp(l->slopes + i * n, n);
        t->image_ce += (l->sums[i] - row[i]) / (double)n;
        t->text_ce += (l->sums[n + i] - row[i]) / (double)n;
        t->image_energy -= l->sums[i] / (double)n;
        t->text_energy -= l->sums[n + i] / (double)n;
        for (size_t k = 1; k < n; k++) {
            best = row[k] > row[best] ? k : best;
        }
        t->right += best == i;
    }
    t->loss = 0.5 * (t->image_ce + t->text_ce + lambda * (t->image_energy + t->text_energy));
}

/* Gradients by the raw rows from those by the normalised ones: what lies along the row falls away. */
static void loss_through_norm(float *out, const double *d_unit, const double *unit, const double *norms, size_t count,
                              size_t d)
{
    for (size_t i = 0; i < count; i++) {
        double along = nb_dot(d_unit + i * d, unit + i * d, d);
        for (size_t k = 0; k < d; k++) {
            out[i * d + k] = (float)((d_unit[i * d + k] - unit[i * d + k] * along) / norms[i]);
        }
    }
}

nb_status nb_loss_compute(nb_loss *l, const nb_loss_batch *batch, nb_loss_terms *terms, nb_loss_gradients *gradients,
                          nb_error *err)
{
    size_t d = l->d, n = batch->count;
    double lambda = batch->lambda, scale = exp(batch->logit_scale), each = 0.5 / (double)n;
    nb_status status;
    loss_normalise(l->image, l->image_norms, batch->image, n, d);
    loss_normalise(l->text, l->text_norms, batch->text, n, d);
    NB_TRY(loss_check_norms(l->image_norms, n, "image", err));
    NB_TRY(loss_check_norms(l->text_norms, n, "text", err));
    nb_dgemm_nt(scale, nb_double_matrix_of(l->image, n, d), nb_double_matrix_of(l->text, n, d), l->logits, n);
    loss_transpose(l->slopes, l->logits, n, n);
    loss_take_terms(l, n, lambda, terms);
    if (!isfinite(terms->loss)) {
        status = nb_fail(err, NB_ERR_NUMERIC, "the loss is %g at logit scale %g", terms->loss, batch->logit_scale);
        goto done;
    }
    gradients->scale = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            double x = l->logits[i * n + k];
            double weight = exp(x - l->sums[i]) + exp(x - l->sums[n + k]);
            double slope = each * ((1.0 - lambda) * weight - (i == k ? 2.0 : 0.0));
            gradients->scale += slope * x;
            l->logits[i * n + k] = slope;
        }
    }
    loss_transpose(l->slopes, l->logits, n, n);
    loss_transpose(l->transposed, l->text, n, d);
    nb_dgemm_nt(scale, nb_double_matrix_of(l->logits, n, n), nb_double_matrix_of(l->transposed, d, n), l->product, d);
    loss_through_norm(gradients->image, l->product, l->image, l->image_norms, n, d);
    loss_transpose(l->transposed, l->image, n, d);
    nb_dgemm_nt(scale, nb_double_matrix_of(l->slopes, n, n), nb_double_matrix_of(l->transposed, d, n), l->product, d);
    loss_through_norm(gradients->text, l->product, l->text, l->text_norms, n, d);
done:
    return status;
}
