#include "common/clip/model/text_encoder.h"

#include "common/base/memory.h"
#include "common/clip/towers/forward.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

enum { TRIE_ROWS = 4096 }; /* rows computed together: enough for the products' speed, bounded memory */

struct nb_text_encoder {
    const nb_clip *clip;
    size_t batch;
    int32_t *ids;    /* [batch, context] */
    size_t *lengths; /* [batch] */
    size_t *order;   /* [batch] */
    float *pooled;   /* [batch, projection] in the trie's order */
    nb_trie trie;
    nb_forward forward;
};

nb_status nb_text_encoder_create(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t rows = batch * c->context < TRIE_ROWS ? batch * c->context : TRIE_ROWS;
    nb_status status;
    *out = NULL;
    nb_text_encoder *e = nb_alloc(1, sizeof *e, err);
    if (!e) {
        return NB_ERR_LIMIT;
    }
    e->clip = clip;
    e->batch = batch;
    NB_TRY_NEW(e->ids, batch * c->context);
    NB_TRY_NEW(e->lengths, batch);
    NB_TRY_NEW(e->order, batch);
    NB_TRY_NEW(e->pooled, batch * c->projection);
    NB_TRY(nb_trie_create(&e->trie, batch, c->context, rows, err));
    NB_TRY(nb_forward_create(&e->forward, clip->engine, &c->text, clip->text_blocks,
                             &(nb_forward_size){e->trie.row_capacity, batch, c->context, true}, err));
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
        free(e->order);
        free(e->pooled);
        nb_trie_destroy(&e->trie);
        nb_forward_destroy(&e->forward);
        free(e);
    }
}

/* Tokens up to and including the first end token: where CLIP reads the text, and all its causal tower sees of it. */
static nb_status text_encoder_tokenize(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count,
                                       nb_error *err)
{
    const nb_clip *m = e->clip;
    size_t context = m->config.context;
    int32_t end = nb_tokenizer_end(m->tokenizer);
    for (size_t i = 0; i < count; i++) {
        int32_t *ids = e->ids + i * context;
        size_t tokens;
        nb_status status =
            nb_tokenizer_encode(m->tokenizer, nb_strings_get(texts, begin + i), nb_strings_len(texts, begin + i),
                                (nb_token_array){ids, context}, &tokens, err);
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

/* Token and position embeddings of the trie's rows. */
static void text_encoder_embed_rows(nb_text_encoder *e)
{
    const nb_clip *m = e->clip;
    size_t w = m->config.text.width;
    for (size_t r = 0; r < e->trie.rows; r++) {
        const float *token = m->token_embedding + (size_t)e->trie.tokens[r] * w;
        e->forward.vector->add(e->forward.x + r * w, token, m->text_position + (size_t)e->trie.depths[r] * w, w);
    }
}

/* Final layer norm and projection of the trie's texts, put where the texts stand in the batch. */
static void text_encoder_pool(nb_text_encoder *e, float *out)
{
    const nb_clip *m = e->clip;
    size_t w = m->config.text.width, d = m->config.projection;
    e->forward.vector->layer_norm(e->forward.normed, e->forward.pooled_x, e->trie.count,
                                  &(nb_norm_layer){m->text_norm_weight, m->text_norm_bias, w, m->config.text.epsilon});
    nb_sgemm_nt(nb_matrix_of(e->forward.normed, e->trie.count, w), nb_matrix_of(m->text_projection, d, w), 0.0f,
                e->pooled, d);
    for (size_t i = 0; i < e->trie.count; i++) {
        memcpy(out + e->trie.texts[i].text * d, e->pooled + i * d, d * sizeof *out);
    }
}

nb_status nb_text_encoder_run(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count, float *out,
                              nb_error *err)
{
    size_t context = e->clip->config.context;
    nb_status status = text_encoder_tokenize(e, texts, begin, count, err);
    if (status != NB_OK) {
        return status;
    }
    nb_trie_order(e->order, &(nb_trie_batch){e->ids, e->lengths, context}, count);
    for (size_t at = 0; at < count;) {
        at += nb_trie_build(&e->trie, e->order, at, count, &(nb_trie_batch){e->ids, e->lengths, context});
        text_encoder_embed_rows(e);
        nb_forward_trie(&e->forward, &e->trie);
        text_encoder_pool(e, out);
    }
    return NB_OK;
}
