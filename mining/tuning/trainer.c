#include "mining/tuning/trainer.h"

#include "common/clip/model/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Gradients are summed in units of 1 / UNITS. */
#define UNITS 0x1p40f

nb_trainer_plan nb_trainer_plan_default(void)
{
    return (nb_trainer_plan){
        .batch = 512, .tile = 16, .lambda = 0.001, .decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

static size_t trainer_tiles_of(const nb_trainer *t)
{
    return (t->plan.batch + t->plan.tile - 1) / t->plan.tile;
}

static size_t trainer_rows_of(const nb_trainer *t, size_t tile)
{
    size_t begin = tile * t->plan.tile;
    return t->plan.batch - begin < t->plan.tile ? t->plan.batch - begin : t->plan.tile;
}

static nb_status trainer_make(nb_trainer *t, nb_error *err)
{
    const nb_clip_config *c = &t->clip->config;
    size_t own = t->slice.end - t->slice.begin, rows = t->plan.batch * c->projection;
    nb_status status;
    NB_TRY_NEW(t->m, own);
    NB_TRY_NEW(t->v, own);
    NB_TRY_NEW(t->own, own);
    NB_TRY_NEW(t->sums, t->parameters);
    NB_TRY_NEW(t->pixels, t->plan.tile * 3 * c->image_size * c->image_size);
    NB_TRY_NEW(t->ids, t->plan.tile * c->context);
    NB_TRY_NEW(t->lengths, t->plan.tile);
    NB_TRY_NEW(t->images, 2 * rows);
    t->texts = t->images + rows;
    NB_TRY_NEW(t->dimages, rows);
    NB_TRY_NEW(t->dtexts, rows);
    t->gradients = nb_alloc_aligned(t->parameters, sizeof *t->gradients, err);
    NB_TRY(t->gradients ? NB_OK : NB_ERR_LIMIT);
    NB_TRY(nb_text_tape_create(&t->text, t->clip, t->plan.tile, t->plan.recompute, err));
    NB_TRY(nb_image_tape_create(&t->image, t->clip, t->plan.tile, t->plan.recompute, err));
    NB_TRY(nb_loss_create(&t->loss, t->plan.batch, c->projection, err));
done:
    return status;
}

nb_status nb_trainer_create(nb_trainer *t, const nb_comm *comm, nb_model *model, const nb_trainer_plan *plan,
                            const nb_pair_source *pairs, nb_error *err)
{
    nb_status status = NB_OK;
    *t = (nb_trainer){.comm = comm, .clip = model->clip, .weights = &model->weights, .plan = *plan, .source = *pairs};
    t->parameters = nb_clip_parameters(&model->clip->config);
    t->slice = nb_slice_of(comm, comm->rank, t->parameters);
    if (plan->batch < 1 || plan->batch > NB_TUNE_BATCH_MAX || plan->tile < 1) {
        status = nb_fail(err, NB_ERR_USAGE, "a batch of %zu pairs in tiles of %zu: 1 to %d pairs are possible",
                         plan->batch, plan->tile, NB_TUNE_BATCH_MAX);
    } else {
        t->plan.tile = plan->tile < plan->batch ? plan->tile : plan->batch;
        status = trainer_make(t, err);
    }
    status = nb_comm_agree(comm, status, err);
    if (status != NB_OK) {
        nb_trainer_destroy(t);
    }
    return status;
}

void nb_trainer_destroy(nb_trainer *t)
{
    if (t->comm) {
        nb_text_tape_destroy(&t->text);
        nb_image_tape_destroy(&t->image);
        nb_loss_destroy(&t->loss);
        void *const parts[] = {t->m,   t->v,       t->own,    t->gradients, t->sums,  t->pixels,
                               t->ids, t->lengths, t->images, t->dimages,   t->dtexts};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            free(parts[i]);
        }
        *t = (nb_trainer){0};
    }
}

/* Reads a tile's pairs and computes their embeddings. */
static nb_status trainer_forward(nb_trainer *t, const size_t *pairs, size_t tile, nb_error *err)
{
    const nb_clip_config *c = &t->clip->config;
    size_t begin = tile * t->plan.tile, n = trainer_rows_of(t, tile), each = 3 * c->image_size * c->image_size;
    nb_status status = NB_OK;
    for (size_t i = 0; i < n; i++) {
        nb_pair pair = {.pixels = t->pixels + i * each, .ids = t->ids + i * c->context};
        NB_TRY(t->source.read(t->source.state, begin + i, pairs[begin + i], &pair, err));
        t->lengths[i] = pair.length;
    }
    nb_image_tape_forward(&t->image, t->pixels, n, t->images + begin * c->projection);
    nb_text_tape_forward(&t->text, t->ids, t->lengths, n, t->texts + begin * c->projection);
done:
    return status;
}

/* This rank's rows of the embeddings; those of others stay 0. The tapes hold its last tile. */
static nb_status trainer_embed(nb_trainer *t, const size_t *pairs, nb_error *err)
{
    nb_status status = NB_OK;
    memset(t->images, 0, 2 * t->plan.batch * t->clip->config.projection * sizeof *t->images);
    for (size_t tile = 0; tile < trainer_tiles_of(t) && status == NB_OK; tile++) {
        if (nb_comm_owns(t->comm, tile)) {
            status = trainer_forward(t, pairs, tile, err);
        }
    }
    return status;
}

/* The gradients of this rank's tiles into its sums, the last tile first: the tapes still hold it. */
static nb_status trainer_backward(nb_trainer *t, const size_t *pairs, nb_error *err)
{
    size_t d = t->clip->config.projection;
    nb_gradient_sink sink = {.weights = t->weights->base, .gradients = t->gradients};
    float limit = 0x1p62f / UNITS / (float)trainer_tiles_of(t);
    bool held = true;
    nb_status status = NB_OK;
    memset(t->sums, 0, t->parameters * sizeof *t->sums);
    for (size_t tile = trainer_tiles_of(t); tile-- > 0;) {
        if (!nb_comm_owns(t->comm, tile)) {
            continue;
        }
        if (!held) {
            NB_TRY(trainer_forward(t, pairs, tile, err));
        }
        held = false;
        memset(t->gradients, 0, t->parameters * sizeof *t->gradients);
        nb_image_tape_backward(&t->image, t->dimages + tile * t->plan.tile * d, &sink);
        nb_text_tape_backward(&t->text, t->dtexts + tile * t->plan.tile * d, &sink);
        float largest = t->image.tape.gradient->add_fixed(t->sums, t->gradients, t->parameters, UNITS, limit);
        if (!(largest < limit)) {
            status = nb_fail(err, NB_ERR_NUMERIC, "a gradient of %g", (double)largest);
            goto done;
        }
    }
done:
    return status;
}

double nb_trainer_gradient(const nb_trainer *t, size_t i)
{
    return (double)t->sums[i] / (double)UNITS;
}

nb_status nb_trainer_adopt(nb_trainer *t, nb_error *err)
{
    nb_status status = nb_shared_publish(t->weights, t->comm, err);
    if (status == NB_OK) {
        status = nb_clip_weights_bind(t->clip, t->weights->base, err); /* the logit scale is a copy */
    }
    return nb_comm_agree(t->comm, status, err);
}

static nb_status trainer_check_finite(const float *weights, size_t count, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(weights[i])) {
            return nb_fail(err, NB_ERR_NUMERIC, "the update makes a weight %g", (double)weights[i]);
        }
    }
    return NB_OK;
}

/* AdamW on this rank's slice, then everybody's slices to all. */
static nb_status trainer_update(nb_trainer *t, double rate, nb_error *err)
{
    size_t own = t->slice.end - t->slice.begin;
    nb_adamw a = nb_adamw_at(rate, t->plan.decay, t->plan.beta1, t->plan.beta2, t->plan.epsilon, t->step + 1);
    float *gradient = t->gradients; /* of a tile no more */
    for (size_t i = 0; i < own; i++) {
        gradient[i] = (float)nb_trainer_gradient(t, t->slice.begin + i);
    }
    memcpy(t->own, (const float *)t->weights->base + t->slice.begin, own * sizeof *t->own);
    t->image.tape.gradient->adamw(&a, t->own, t->m, t->v, gradient, own);
    nb_status status = nb_comm_agree(t->comm, trainer_check_finite(t->own, own, err), err);
    if (status == NB_OK) {
        status = nb_training_all_gather(t->comm, t->own, t->weights->base, t->parameters, t->weights->first, err);
    }
    status = nb_comm_agree(t->comm, status, err);
    if (status == NB_OK) {
        status = nb_trainer_adopt(t, err);
        t->step++;
    }
    return status;
}

nb_status nb_trainer_step(nb_trainer *t, const size_t *pairs, double rate, nb_loss_terms *terms, nb_error *err)
{
    size_t batch = t->plan.batch, d = t->clip->config.projection;
    const nb_loss_batch all = {.image = t->images,
                               .text = t->texts,
                               .count = batch,
                               .logit_scale = (double)t->clip->logit_scale,
                               .lambda = t->plan.lambda};
    nb_loss_gradients gradients = {.image = t->dimages, .text = t->dtexts};
    nb_status status;
    NB_TRY(nb_comm_agree(t->comm, trainer_embed(t, pairs, err), err));
    NB_TRY(nb_comm_or(t->comm, t->images, batch * d, err)); /* pairs of floats: images and texts */
    status = nb_loss_compute(&t->loss, &all, terms, &gradients, err);
    NB_TRY(nb_comm_agree(t->comm, status, err));
    NB_TRY(nb_comm_agree(t->comm, trainer_backward(t, pairs, err), err));
    NB_TRY(nb_training_reduce_scatter(t->comm, t->sums, t->parameters, err));
    if (t->slice.end == t->parameters) { /* the logit scale is the last */
        t->sums[t->parameters - 1] += llrint(gradients.scale * (double)UNITS);
    }
    NB_TRY(trainer_update(t, rate, err));
done:
    if (status == NB_ERR_NUMERIC) {
        nb_context(err, "step %zu", t->step + 1);
        nb_hint(err, "the weights are as before it; a lower --lr or a longer --warmup helps, or data without faults");
    }
    return status;
}
