#include "common/clip/model/text_encoder.h"

#include "common/base/memory.h"
#include "common/clip/model/embedding_head.h"
#include "common/clip/towers/forward.h"
#include "common/clip/towers/relative.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIE_ROWS = 4096 }; /* rows computed together: enough for the products' speed, bounded memory */

struct nb_text_encoder {
    const nb_clip *clip;
    size_t batch;
    size_t longest;     /* rows of a text at most */
    int32_t *ids;       /* [batch, longest] */
    uint16_t *places;   /* [batch, longest] of each token in its text; only of a tower that hides padding */
    size_t *lengths;    /* [batch] */
    size_t *order;      /* [batch] */
    size_t *wanted;     /* [batch] the rows that a bidirectional tower pools */
    size_t *starts;     /* [batch + 1] the texts' first rows, where padding is hidden */
    uint16_t *together; /* [rows] places of the rows that are computed together */
    float *position;    /* [longest, width] what is added to the tokens */
    float *relative;    /* what is added to scores; NULL: nothing */
    uint16_t *slots;    /* [rows] of a trie with hidden keys; else NULL */
    uint8_t *hidden;    /* [rows] */
    float *pooled;      /* [batch, projection] in the order of computing */
    float *scratch;     /* [batch, the larger of width and projection_hidden] of the head */
    nb_trie trie;
    nb_forward forward;
};

/* The positions of a tower that computes them: sines, then cosines, as fairseq and M2M100 have them. */
static void text_encoder_sinusoidal(const nb_tower_config *c, size_t place, float *out)
{
    size_t half = c->width / 2;
    for (size_t i = 0; i < half; i++) {
        double angle = (double)(place + c->position_first) * exp(-(double)i * log(10000.0) / (double)(half - 1));
        out[i] = (float)sin(angle);
        out[half + i] = (float)cos(angle);
    }
}

/* What is added to the token at every place: its position and the type that all tokens have. */
static void text_encoder_positions(nb_text_encoder *e)
{
    const nb_clip *m = e->clip;
    const nb_tower_config *c = &m->config.text;
    size_t w = c->width;
    for (size_t k = 0; k < e->longest; k++) {
        float *out = e->position + k * w;
        if (m->text_position) {
            memcpy(out, m->text_position + (k + c->position_first) * w, w * sizeof *out);
        } else if (c->positions == NB_POSITIONS_SINUSOIDAL) {
            text_encoder_sinusoidal(c, k, out);
        }
        if (m->text_types) {
            e->forward.vector->add(out, out, m->text_types, w);
        }
    }
}

static nb_status text_encoder_allocate(nb_text_encoder *e, nb_error *err)
{
    const nb_clip_config *c = &e->clip->config;
    size_t w = c->text.width, batch = e->batch, hidden = c->text.projection_hidden;
    nb_status status;
    NB_TRY_NEW(e->ids, batch * e->longest);
    NB_TRY_NEW(e->lengths, batch);
    NB_TRY_NEW(e->order, batch);
    NB_TRY_NEW(e->wanted, batch);
    NB_TRY_NEW(e->starts, batch + 1);
    NB_TRY_NEW(e->pooled, batch * c->projection);
    NB_TRY_NEW(e->position, e->longest * w);
    NB_TRY_NEW(e->scratch, c->text.tanh_head || hidden ? batch * (hidden > w ? hidden : w) : 1);
    NB_TRY_NEW(e->places, c->text.hides_padding ? batch * e->longest : 1);
    NB_TRY_NEW(e->together, c->text.hides_padding ? e->forward.rows : 1);
    if (c->text.class_token) {
        NB_TRY_NEW(e->slots, e->forward.rows);
        NB_TRY_NEW(e->hidden, e->forward.rows);
    }
    if (e->clip->text_relative) {
        NB_TRY(nb_relative_create(&e->relative, e->clip->text_relative, c->text.relative_buckets, c->text.heads,
                                  e->longest, err));
        e->forward.relative = e->relative;
    }
done:
    return status;
}

nb_status nb_text_encoder_create(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t longest = nb_clip_text_rows(c), rows = batch * longest < TRIE_ROWS ? batch * longest : TRIE_ROWS;
    bool causal = !c->text.bidirectional;
    nb_status status;
    *out = NULL;
    nb_text_encoder *e = nb_alloc(1, sizeof *e, err);
    if (!e) {
        return NB_ERR_LIMIT;
    }
    e->clip = clip;
    e->batch = batch;
    e->longest = longest;
    NB_TRY(nb_trie_create(&e->trie, batch, longest, rows, err));
    NB_TRY(nb_forward_create(&e->forward, clip->engine, &c->text, clip->text_blocks,
                             &(nb_forward_size){e->trie.row_capacity, batch, longest, causal}, err));
    NB_TRY(text_encoder_allocate(e, err));
    text_encoder_positions(e);
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
        free(e->places);
        free(e->lengths);
        free(e->order);
        free(e->wanted);
        free(e->starts);
        free(e->together);
        free(e->position);
        free(e->relative);
        free(e->slots);
        free(e->hidden);
        free(e->pooled);
        free(e->scratch);
        nb_trie_destroy(&e->trie);
        nb_forward_destroy(&e->forward);
        free(e);
    }
}

/* A text without its padding, which nothing sees; each token keeps its place. */
static size_t text_encoder_unpadded(const nb_text_encoder *e, size_t text, size_t tokens)
{
    int32_t *ids = e->ids + text * e->longest, pad = e->clip->config.text.pad;
    uint16_t *places = e->places + text * e->longest;
    size_t padding = e->clip->config.text.pads_left ? e->clip->config.context - tokens : 0, kept = 0;
    for (size_t k = 0; k < tokens; k++) {
        places[kept] = (uint16_t)(k + padding);
        ids[kept] = ids[k];
        kept += ids[k] != pad;
    }
    return kept ? kept : 1;
}

/* CoCa's class token, and before it the padding token of which its mask leaves one to be seen. */
static size_t text_encoder_close(const nb_text_encoder *e, int32_t *ids, size_t tokens)
{
    const nb_clip_config *c = &e->clip->config;
    if (c->text.class_mask == NB_CLASS_MASK_SHIFTED && tokens < c->context) {
        ids[tokens++] = c->text.pad;
    }
    ids[tokens++] = (int32_t)c->vocabulary;
    return tokens;
}

/* Tokens of one text, of which those matter that the row sees which the tower pools: up to the first end token where a
 * causal tower reads there; the padding too where it reads behind it or every token sees every other one. */
static size_t text_encoder_cut(const nb_text_encoder *e, size_t text, size_t tokens)
{
    const nb_tower_config *c = &e->clip->config.text;
    size_t context = e->clip->config.context, length = 1;
    int32_t *ids = e->ids + text * e->longest, end = nb_tokenizer_end(e->clip->tokenizer);
    if (c->class_token) {
        return text_encoder_close(e, ids, tokens);
    }
    if (c->hides_padding) {
        return text_encoder_unpadded(e, text, tokens);
    }
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
        int32_t *ids = e->ids + i * e->longest;
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
        e->lengths[i] = text_encoder_cut(e, i, tokens);
    }
    return NB_OK;
}

/* Token and position embedding of one row. The token behind the vocabulary is the class token, which stands behind the
 * whole context, wherever the text ends. */
static void text_encoder_embed(nb_text_encoder *e, size_t row, int32_t token, size_t place)
{
    const nb_clip *m = e->clip;
    const nb_vector *vector = e->forward.vector;
    size_t w = m->config.text.width;
    float scale = m->config.text.embedding_scale, *x = e->forward.x + row * w;
    bool class = (size_t)token == m->config.vocabulary;
    const float *embedding = class ? m->text_class : m->token_embedding + (size_t)token * w;
    const float *position = e->position + (class ? m->config.context : place) * w;
    vector->add(x, embedding, position, w);
    for (size_t i = 0; scale > 0 && i < w; i++) {
        x[i] = embedding[i] * scale + position[i];
    }
    if (m->text_pre_norm.weight) {
        nb_forward_norm(vector, &m->config.text, x, x, 1, m->text_pre_norm);
    }
}

/* Embeddings of the pooled rows, into e->pooled. */
static void text_encoder_project(nb_text_encoder *e, size_t count)
{
    nb_embedding_head head = nb_text_embedding_head(e->clip);
    head.scratch = e->scratch;
    nb_embedding_head_run(&head, e->forward.pooled_x, count, e->pooled);
}

/* ---- causal towers: texts share their prefixes ---- */

/* Which keys of a trie are hidden, and where the others then stand on their path: in the shifted mask those behind a
 * padding token, in the correct one padding tokens themselves. */
static void text_encoder_hide(nb_text_encoder *e)
{
    const nb_tower_config *c = &e->clip->config.text;
    nb_trie *t = &e->trie;
    for (size_t i = 0; i < t->count; i++) {
        const int32_t *ids = e->ids + t->texts[i].text * e->longest;
        uint16_t seen = 0;
        for (size_t d = 0; d < t->texts[i].shared + t->texts[i].count; d++) {
            bool hidden = c->class_mask == NB_CLASS_MASK_SHIFTED ? d > 0 && ids[d - 1] == c->pad : ids[d] == c->pad;
            if (d >= t->texts[i].shared) {
                size_t row = t->texts[i].first + d - t->texts[i].shared;
                e->slots[row] = seen;
                e->hidden[row] = hidden;
            }
            seen = (uint16_t)(seen + !hidden);
        }
    }
    t->slots = e->slots;
    t->hidden = e->hidden;
}

static void text_encoder_run_causal(nb_text_encoder *e, size_t count, float *out)
{
    size_t d = e->clip->config.projection;
    const nb_trie_batch batch = {e->ids, e->lengths, e->longest};
    for (size_t at = 0; at < count;) {
        at += nb_trie_build(&e->trie, e->order, at, count, &batch);
        for (size_t r = 0; r < e->trie.rows; r++) {
            text_encoder_embed(e, r, e->trie.tokens[r], e->trie.depths[r]);
        }
        if (e->slots) {
            text_encoder_hide(e);
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
    size_t length = e->lengths[a];
    const int32_t *x = e->ids + a * e->longest, *y = e->ids + b * e->longest;
    return length == e->lengths[b] && memcmp(x, y, length * sizeof *x) == 0 &&
           (!e->relative ||
            memcmp(e->places + a * e->longest, e->places + b * e->longest, length * sizeof *e->places) == 0);
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

/* The rows of one text, behind those of the others that are computed with it. */
static void text_encoder_add(nb_text_encoder *e, size_t text, size_t number)
{
    const int32_t *ids = e->ids + text * e->longest;
    bool hides = e->clip->config.text.hides_padding;
    size_t start = e->starts[number], length = e->lengths[text];
    for (size_t k = 0; k < length; k++) {
        text_encoder_embed(e, start + k, ids[k], k);
        if (hides) {
            e->together[start + k] = e->places[text * e->longest + k];
        }
    }
    e->starts[number + 1] = start + length;
    e->wanted[number] = text_encoder_wanted(e, ids);
}

/* The pooled rows of texts: one of each, or a mean. */
static void text_encoder_pool(nb_text_encoder *e, size_t texts)
{
    nb_forward *f = &e->forward;
    const nb_embedding_head head = nb_text_embedding_head(e->clip);
    const nb_forward_batch batch = {.count = texts, .starts = e->starts, .places = e->together, .wanted = e->wanted};
    size_t w = e->clip->config.text.width;
    if (nb_pools_by_row(&e->clip->config.text)) {
        nb_forward_full(f, &batch);
        return;
    }
    nb_forward_rows(f, &batch);
    for (size_t i = 0; i < texts; i++) {
        nb_embedding_head_pool(&head, f->x + e->starts[i] * w, 1, e->starts[i + 1] - e->starts[i], f->pooled_x + i * w);
    }
}

static void text_encoder_run_bidirectional(nb_text_encoder *e, size_t count, float *out)
{
    size_t d = e->clip->config.projection;
    for (size_t at = 0, end = 0; at < count; at = end) {
        size_t texts = 0;
        for (end = at; end < count; end++) {
            size_t text = e->order[end];
            if (end > at && text_encoder_same(e, text, e->order[end - 1])) {
                continue;
            }
            if (e->starts[texts] + e->lengths[text] > e->forward.rows) {
                break;
            }
            text_encoder_add(e, text, texts++);
        }
        text_encoder_pool(e, texts);
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
    nb_trie_order(e->order, &(nb_trie_batch){e->ids, e->lengths, e->longest}, count);
    if (e->clip->config.text.bidirectional) {
        text_encoder_run_bidirectional(e, count, out);
    } else {
        text_encoder_run_causal(e, count, out);
    }
    return NB_OK;
}
