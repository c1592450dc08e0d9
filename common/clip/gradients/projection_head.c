#include "common/clip/gradients/projection_head.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_pooled_rows_create(nb_pooled_rows *r, size_t batch, size_t width, nb_error *err)
{
    nb_status status;
    *r = (nb_pooled_rows){0};
    NB_TRY_NEW(r->pooled, batch * width);
    NB_TRY_NEW(r->normed, batch * width);
    NB_TRY_NEW(r->dpooled, batch * width);
    NB_TRY_NEW(r->scratch, batch * width);
done:
    return status;
}

void nb_pooled_rows_destroy(nb_pooled_rows *r)
{
    free(r->pooled);
    free(r->normed);
    free(r->dpooled);
    free(r->scratch);
    *r = (nb_pooled_rows){0};
}

static nb_norm_layer projection_head_norm(const nb_projection_head *e)
{
    return (nb_norm_layer){e->norm_weight, e->norm_bias, e->width, e->epsilon};
}

void nb_projection_head_forward(const nb_projection_head *e, nb_pooled_rows *r, size_t count, float *out)
{
    const nb_norm_layer norm = projection_head_norm(e);
    e->vector->layer_norm(r->normed, r->pooled, count, &norm);
    nb_sgemm_nt(nb_matrix_of(r->normed, count, e->width), nb_matrix_of(e->projection, e->d, e->width), 0.0f, out, e->d);
}

void nb_projection_head_backward(const nb_projection_head *e, nb_pooled_rows *r, const float *dout, size_t count,
                                 const nb_gradient_sink *sink)
{
    const nb_norm_layer norm = projection_head_norm(e);
    const nb_norm_gradient dnorm = {nb_gradient_sink_at(sink, e->norm_weight), nb_gradient_sink_at(sink, e->norm_bias)};
    nb_matrix d = nb_matrix_of(dout, count, e->d);
    if (sink->gradients) {
        nb_sgemm_tn(1.0f, d, nb_matrix_of(r->normed, count, e->width), 1.0f, nb_gradient_sink_at(sink, e->projection),
                    e->width);
    }
    nb_sgemm_nn(d, nb_matrix_of(e->projection, e->d, e->width), r->scratch, e->width);
    memset(r->dpooled, 0, count * e->width * sizeof *r->dpooled);
    e->gradient->layer_norm(r->dpooled, &dnorm, r->scratch, r->pooled, count, &norm);
}
