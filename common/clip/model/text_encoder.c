#include "common/clip/model/text_encoder.h"

#include "common/base/memory.h"
#include "common/clip/model/embedding_head.h"
#include "common/clip/towers/forward.h"

#include <stdlib.h>
#include <string.h>

enum { TRIE_ROWS = 4096 }; /* rows computed together: enough for the products' speed, bounded memory */

struct nb_text_encoder {
    const nb_clip *clip;
    size_t batch;
    int32_t *ids;    /* [batch, context] */
    size_t *lengths; /* [batch] */
    size_t *order;   /* [batch] */
    size_t *wanted;  /* [batch] the rows that a bidirectional tower pools */
    float *pooled;   /* [batch, projection] in the order of computing */
    nb_trie trie;
    nb_forward forward;
};

nb_status nb_text_encoder_create(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t rows = batch * c->context < TRIE_ROWS ? batch * c->context : TRIE_ROWS;
    bool causal = !c->text.bidirectional;
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
    NB_TRY_NEW(e->wanted, batch);
    NB_TRY_NEW(e->pooled, batch * c->projection);
    NB_TRY(nb_trie_create(&e->trie, batch, c->context, rows, err));
    NB_TRY(nb_forward_create(&e->forward, clip->engine, &c->text, clip->text_blocks,
                             &(nb_forward_size){e->trie.row_capacity, batch, c->context, causal}, err));
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
        free(e->wanted);
        free(e->pooled);
        nb_trie_destroy(&e->trie);
        nb_forward_destroy(&e->forward);
        free(e);
    }
}

/* Tokens of one text, of which those matter that the row sees which the tower pools: up to the first end token where a
 * causal tower reads there; the padding too where it reads behind it or every token sees every other one. */
static size_t text_encoder_cut(const nb_text_encoder *e, int32_t *ids, size_t tokens)
{
    const nb_tower_config *c = &e->clip->config.text;
    size_t context = e->clip->config.context, length = 1;
    int32_t end = nb_tokenizer_end(e->clip->tokenizer);
    if (c->bidirectional || c->pooling == NB_POOL_LAST) {
        size_t padding = context - tokens, from = c->pads_left ? 0 : tokens;
        memmove(ids + (c->pads_left ? padding : 0), ids, tokens * sizeof *ids);
        for (size_t k = from; k < from + padding; k++) {
            ids[k] = c->pad;
        }
        return context;
    }
    while (c->pooling != NB_POOL_FIRST && length < tokens && ids[length - 1] != end) {
        length++;
    }
    return length;
}

static nb_status text_encoder_tokenize(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count,
                                       nb_error *err)
{
    const nb_clip *m = e->clip;
    size_t context = m->config.context;
    for (size_t i = 0; i < count; i++) {
        int32_t *ids = e->ids + i * context;
        size_t tokens;
        nb_status status =
            nb_tokenizer_encode(m->tokenizer, nb_strings_get(texts, begin + i), nb_strings_len(texts, begin + i),
                                (nb_token_array){ids, context}, &tokens, err);
        if (status != NB_OK) {
            return nb_context(err, "text %zu", begin + i);
        }
        for (size_t k = 0; k < tokens; k++) {
            if ((size_t)ids[k] >= m->config.vocabulary) {
                return nb_fail(err, NB_ERR_INPUT, "text %zu has the token %d, which the checkpoint does not embed",
                               begin + i, (int)ids[k]);
            }
        }
        e->lengths[i] = text_encoder_cut(e, ids, tokens);
    }
    return NB_OK;
}

/* Token and position embedding of one row. */
static void text_encoder_embed(nb_text_encoder *e, size_t row, int32_t token, size_t place)
{
    const nb_clip *m = e->clip;
    size_t w = m->config.text.width;
    e->forward.vector->add(e->forward.x + row * w, m->token_embedding + (size_t)token * w, m->text_position + place * w,
                           w);
}

/* Embeddings of the pooled rows, into e->pooled. */
static void text_encoder_project(nb_text_encoder *e, size_t count)
{
    const nb_embedding_head head = nb_text_embedding_head(e->clip);
    nb_embedding_head_run(&head, e->forward.pooled_x, count, e->pooled);
}

/* ---- causal towers: texts share their prefixes ---- */

static void text_encoder_run_causal(nb_text_encoder *e, size_t count, float *out)
{
    size_t d = e->clip->config.projection;
    const nb_trie_batch batch = {e->ids, e->lengths, e->clip->config.context};
    for (size_t at = 0; at < count;) {
        at += nb_trie_build(&e->trie, e->order, at, count, &batch);
        for (size_t r = 0; r < e->trie.rows; r++) {
            text_encoder_embed(e, r, e->trie.tokens[r], e->trie.depths[r]);
        }
        nb_forward_trie(&e->forward, &e->trie);
        text_encoder_project(e, e->trie.count);
        for (size_t i = 0; i < e->trie.count; i++) {
            memcpy(out + e->trie.texts[i].text * d, e->pooled + i * d, d * sizeof *out);
        }
    }
}

/* ---- bidirectional towers: a row depends on the whole text, so only equal texts are computed once ---- */

static bool text_encoder_same(const nb_text_encoder *e, size_t a, size_t b)
{
    size_t context = e->clip->config.context;
    return memcmp(e->ids + a * context, e->ids + b * context, context * sizeof *e->ids) == 0;
}

/* The row that the tower pools. */
static size_t text_encoder_wanted(const nb_text_encoder *e, const int32_t *ids)
{
    nb_pooling pooling = e->clip->config.text.pooling;
    size_t at = 0, last = e->clip->config.context - 1;
    int32_t end = nb_tokenizer_end(e->clip->tokenizer);
    if (pooling == NB_POOL_LAST) {
        return last;
    }
    while (pooling == NB_POOL_TOKEN && at < last && ids[at] != end) {
        at++;
    }
    return at;
}

static void text_encoder_run_bidirectional(nb_text_encoder *e, size_t count, float *out)
{
    size_t context = e->clip->config.context, d = e->clip->config.projection, fit = e->forward.rows / context;
    for (size_t at = 0, end = 0; at < count; at = end) {
        size_t texts = 0;
        for (end = at; end < count; end++) {
            const int32_t *ids = e->ids + e->order[end] * context;
            if (end > at && text_encoder_same(e, e->order[end], e->order[end - 1])) {
                continue;
            }
            if (texts == fit) {
                break;
            }
            for (size_t k = 0; k < context; k++) {
                text_encoder_embed(e, texts * context + k, ids[k], k);
            }
            e->wanted[texts++] = text_encoder_wanted(e, ids);
        }
        nb_forward_full(&e->forward, &(nb_forward_batch){texts, context, e->wanted});
        text_encoder_project(e, texts);
        for (size_t i = at, own = 0; i < end; i++) {
            own += i > at && !text_encoder_same(e, e->order[i], e->order[i - 1]);
            memcpy(out + e->order[i] * d, e->pooled + own * d, d * sizeof *out);
        }
    }
}

nb_status nb_text_encoder_run(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count, float *out,
                              nb_error *err)
{
    nb_status status = text_encoder_tokenize(e, texts, begin, count, err);
    if (status != NB_OK) {
        return status;
    }
    nb_trie_order(e->order, &(nb_trie_batch){e->ids, e->lengths, e->clip->config.context}, count);
    if (e->clip->config.text.bidirectional) {
        text_encoder_run_bidirectional(e, count, out);
    } else {
        text_encoder_run_causal(e, count, out);
    }
    return NB_OK;
}
