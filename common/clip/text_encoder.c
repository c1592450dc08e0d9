#include "common/base/memory.h"
#include "common/clip/model.h"
#include "common/linear/blas.h"
#include "common/linear/kernels.h"

#include <stdlib.h>
#include <string.h>

struct nb_text_encoder {
    const nb_clip *clip;
    size_t batch;
    int32_t *ids;    /* [batch, context] */
    size_t *lengths; /* [batch] */
    float *x;        /* [batch * context, width] */
    float *pooled;   /* [batch, width] */
    nb_tower_scratch scratch;
};

nb_status nb_text_encoder_create(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t rows = batch * c->context;
    nb_status status;
    *out = NULL;
    nb_text_encoder *e = nb_alloc(1, sizeof *e, err);
    if (!e) {
        return NB_ERR_LIMIT;
    }
    e->clip = clip;
    e->batch = batch;
    NB_TRY_NEW(e->ids, rows);
    NB_TRY_NEW(e->lengths, batch);
    NB_TRY_NEW(e->x, rows * c->text.width);
    NB_TRY_NEW(e->pooled, batch * c->text.width);
    NB_TRY(nb_tower_scratch_create(&e->scratch, &c->text, rows, c->context, err));
    *out = e;
    e = NULL;
done:
    nb_text_encoder_destroy(e);
    return status;
}

void nb_text_encoder_destroy(nb_text_encoder *e)
{
    if (e) {
        free(e->ids);
        free(e->lengths);
        free(e->x);
        free(e->pooled);
        nb_tower_scratch_destroy(&e->scratch);
        free(e);
    }
}

/* Tokens up to and including the first end token: where CLIP reads the text, and all its causal tower sees of it. */
static nb_status tokenize(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count, nb_error *err)
{
    const nb_clip *m = e->clip;
    size_t context = m->config.context;
    int32_t end = nb_tokenizer_end(m->tokenizer);
    for (size_t i = 0; i < count; i++) {
        int32_t *ids = e->ids + i * context;
        size_t tokens;
        nb_status status = nb_tokenizer_encode(m->tokenizer, nb_strings_get(texts, begin + i),
                                               nb_strings_len(texts, begin + i), context, ids, &tokens, err);
        if (status != NB_OK) {
            return nb_context(err, "text %zu", begin + i);
        }
        e->lengths[i] = 1;
        while (e->lengths[i] < tokens && ids[e->lengths[i] - 1] != end) {
            e->lengths[i]++;
        }
    }
    return NB_OK;
}

static void embed_tokens(nb_text_encoder *e, size_t count)
{
    const nb_clip *m = e->clip;
    size_t w = m->config.text.width;
    float *x = e->x;
    for (size_t i = 0; i < count; i++) {
        const int32_t *ids = e->ids + i * m->config.context;
        for (size_t k = 0; k < e->lengths[i]; k++, x += w) {
            memcpy(x, m->token_embedding + (size_t)ids[k] * w, w * sizeof *x);
            nb_add(x, m->text_position + k * w, w);
        }
    }
}

nb_status nb_text_encoder_run(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count, float *out,
                              nb_error *err)
{
    const nb_clip *m = e->clip;
    size_t w = m->config.text.width;
    nb_status status = tokenize(e, texts, begin, count, err);
    if (status != NB_OK) {
        return status;
    }
    embed_tokens(e, count);
    nb_tower_forward(&m->config.text, m->text_blocks, e->x, e->lengths, count, true, &e->scratch);
    for (size_t i = 0, row = 0; i < count; i++) {
        row += e->lengths[i];
        nb_layer_norm(e->pooled + i * w, e->x + (row - 1) * w, 1, w, m->text_norm_weight, m->text_norm_bias,
                      m->config.text.epsilon);
    }
    nb_sgemm_nt(count, m->config.projection, w, e->pooled, w, m->text_projection, w, 0.0f, out, m->config.projection);
    return NB_OK;
}
