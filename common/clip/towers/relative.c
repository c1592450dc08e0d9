#include "common/clip/towers/relative.h"

#include "common/base/memory.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FARTHEST = 128 /* from which on distances are all of one kind */ };

size_t nb_relative_kind(int distance, size_t kinds)
{
    size_t side = kinds / 2, near = side / 2, at = distance > 0 ? side : 0, n = (size_t)abs(distance);
    if (n < near) {
        return at + n;
    }
    float steps = logf((float)n / (float)near) / logf((float)FARTHEST / (float)near) * (float)(side - near);
    size_t kind = near + (size_t)steps;
    return at + (kind < side ? kind : side - 1);
}

nb_status nb_relative_create(float **out, const float *table, size_t kinds, size_t heads, size_t longest, nb_error *err)
{
    size_t span = 2 * longest - 1;
    nb_status status;
    NB_TRY_NEW(*out, heads * span);
    for (size_t i = 0; i < span; i++) {
        size_t kind = nb_relative_kind((int)i - (int)(longest - 1), kinds);
        for (size_t h = 0; h < heads; h++) {
            (*out)[h * span + i] = table[kind * heads + h];
        }
    }
done:
    return status;
}

void nb_relative_attend(const nb_attention *a, const nb_relative *r)
{
    float *scores = a->scratch;
    for (size_t i = 0; i < a->m; i++) {
        const float *q = a->q + i * a->q_stride;
        float *out = a->out + i * a->out_stride;
        for (size_t j = 0; j < a->n; j++) {
            const float *k = a->k + j * a->stride;
            float sum = 0;
            for (size_t d = 0; d < a->head; d++) {
                sum += q[d] * k[d];
            }
            scores[j] = sum + r->added[(int)r->key[j] - (int)r->query[i]];
        }
        nb_softmax_rows(scores, 1, a->n, a->n);
        memset(out, 0, a->head * sizeof *out);
        for (size_t j = 0; j < a->n; j++) {
            const float *v = a->v + j * a->stride;
            for (size_t d = 0; d < a->head; d++) {
                out[d] += scores[j] * v[d];
            }
        }
    }
}
