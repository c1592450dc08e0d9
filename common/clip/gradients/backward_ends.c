#include "common/clip/gradients/backward_ends.h"

#include "common/linear/blas.h"

#include <string.h>

void nb_end_forward(const nb_end *e, const float *top, size_t count, float *normed, float *out)
{
    e->vector->layer_norm(normed, top, count, e->width, e->norm_weight, e->norm_bias, e->epsilon);
    nb_sgemm_nt(count, e->d, e->width, normed, e->width, e->projection, e->width, 0.0f, out, e->d);
}

void nb_end_back(const nb_end *e, const float *top, const float *normed, const float *dout, size_t count, float *dtop,
                 float *scratch, const nb_sink *sink)
{
    if (sink->gradients) {
        nb_sgemm_tn(e->d, e->width, count, 1.0f, dout, e->d, normed, e->width, 1.0f, nb_sink_at(sink, e->projection),
                    e->width);
    }
    nb_sgemm_nn(count, e->width, e->d, dout, e->d, e->projection, e->width, scratch, e->width);
    memset(dtop, 0, count * e->width * sizeof *dtop);
    e->gradient->layer_norm(dtop, nb_sink_at(sink, e->norm_weight), nb_sink_at(sink, e->norm_bias), scratch, top, count,
                            e->width, e->norm_weight, e->epsilon);
}
