#include "common/clip/model/stored_tensor.h"

#include "common/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void stored_print_shape(char out[160], size_t rank, const size_t *size)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < rank && at < 160; i++) {
        at += (size_t)snprintf(out + at, 160 - at, "%s%zu", i ? ", " : "", size[i]);
    }
}

static nb_status stored_check(const nb_stored_tensors *from, size_t at, const nb_tensor_shape *s, nb_error *err)
{
    const nb_tensor *t = nb_checkpoint_at(from->checkpoint, at);
    const char *path = nb_checkpoint_path_at(from->checkpoint, at);
    /* open_clip can store a scalar as [1], timm has positions as [1, rows, width] */
    size_t extra = t->rank > s->rank ? t->rank - s->rank : 0;
    bool fits = t->rank == s->rank + extra;
    for (size_t i = 0; fits && i < t->rank; i++) {
        fits = t->shape[i] == (i < extra ? 1 : s->size[i - extra]);
    }
    if (!fits) {
        char have[160], want[160];
        stored_print_shape(have, t->rank, t->shape);
        stored_print_shape(want, s->rank, s->size);
        return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%s' has shape [%s], %s says [%s]", path, t->name, have,
                       from->config, want);
    }
    if (t->dtype != NB_F32 && t->dtype != NB_F16 && t->dtype != NB_BF16) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%s' has dtype %s; F32, F16 and BF16 are read", path, t->name,
                       nb_dtype_name(t->dtype));
    }
    return NB_OK;
}

static nb_status stored_check_finite(const nb_stored_tensors *from, size_t at, const float *values, nb_error *err)
{
    const nb_tensor *t = nb_checkpoint_at(from->checkpoint, at);
    for (size_t i = 0; i < t->count; i++) {
        if (!isfinite(values[i])) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': element %zu of tensor '%s' is %g: the checkpoint is damaged",
                           nb_checkpoint_path_at(from->checkpoint, at), i, t->name, (double)values[i]);
        }
    }
    return NB_OK;
}

/* The tensor as float into `to`, its two dimensions exchanged when the scheme has them so. */
static nb_status stored_convert(const nb_stored_tensors *from, size_t at, bool transposed, float *to, nb_error *err)
{
    const nb_tensor *t = nb_checkpoint_at(from->checkpoint, at);
    float *straight = NULL;
    nb_status status;
    if (transposed) {
        NB_TRY_NEW(straight, t->count);
    }
    float *values = transposed ? straight : to;
    status = nb_tensor_to_float(t, values, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", nb_checkpoint_path_at(from->checkpoint, at));
        goto done;
    }
    NB_TRY(stored_check_finite(from, at, values, err));
    for (size_t r = 0; transposed && r < t->shape[0]; r++) {
        for (size_t c = 0; c < t->shape[1]; c++) {
            to[c * t->shape[0] + r] = straight[r * t->shape[1] + c];
        }
    }
done:
    nb_checkpoint_drop(from->checkpoint, at); /* else file and weights would be in memory together */
    free(straight);
    return status;
}

nb_status nb_stored_tensor_take(const nb_stored_tensors *from, size_t at, const nb_tensor_shape *shape, bool transposed,
                                float *to, nb_error *err)
{
    nb_tensor_shape stored = *shape;
    if (transposed) {
        stored.size[0] = shape->size[1];
        stored.size[1] = shape->size[0];
    }
    nb_status status = stored_check(from, at, &stored, err);
    if (status != NB_OK) {
        return status;
    }
    nb_checkpoint_use(from->checkpoint, at);
    return to ? stored_convert(from, at, transposed, to, err) : NB_OK;
}
