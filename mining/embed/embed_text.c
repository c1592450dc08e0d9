#include "mining/embed/embed.h"

#include "common/base/tag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_text_embedder_create(nb_text_embedder *e, const nb_clip *clip, const nb_prompts *prompts,
                                  const nb_strings *texts, nb_corpus_reader *corpus, nb_error *err)
{
    size_t d = clip->config.projection;
    nb_status status;
    *e = (nb_text_embedder){.clip = clip, .prompts = prompts, .texts = texts, .corpus = corpus};
    NB_TRY(nb_text_encoder_create(&e->encoder, clip, NB_TEXT_TILE, err));
    NB_TRY_NEW(e->tags, NB_TEXT_TILE);
    NB_TRY_NEW(e->row, NB_TEXT_TILE);
    NB_TRY_NEW(e->raw, NB_TEXT_TILE * d);
    NB_TRY_NEW(e->sum, NB_TEXT_TILE * d);
done:
    if (status != NB_OK) {
        nb_text_embedder_destroy(e);
    }
    return status;
}

void nb_text_embedder_destroy(nb_text_embedder *e)
{
    if (e) {
        nb_text_encoder_destroy(e->encoder);
        nb_strings_free(&e->filled);
        nb_strings_free(&e->tile);
        free(e->tags);
        free(e->row);
        free(e->raw);
        free(e->sum);
        *e = (nb_text_embedder){0};
    }
}

/* The texts [first, first + count) that a tile is made of, as they lie in memory. */
typedef struct embed_text_span {
    const nb_strings *texts;
    size_t first, count;
} embed_text_span;

static const nb_strings *embed_text_prompts_of(const nb_text_embedder *e, size_t i)
{
    return e->corpus && e->tags[i] == NB_TAG_ADJ ? &e->prompts->adjectives : &e->prompts->nouns;
}

/* Fills the k-th template of every text that has one. */
static nb_status embed_text_fill(nb_text_embedder *e, const embed_text_span *span, size_t k, nb_error *err)
{
    nb_buffer prompt = {0};
    nb_status status = NB_OK;
    nb_strings_free(&e->filled);
    for (size_t i = 0; i < span->count; i++) {
        const nb_strings *templates = embed_text_prompts_of(e, i);
        if (k >= templates->count) {
            continue;
        }
        nb_buffer_clear(&prompt);
        NB_TRY(nb_prompt_fill(&prompt, nb_strings_get(templates, k), nb_strings_get(span->texts, span->first + i),
                              nb_strings_len(span->texts, span->first + i), err));
        e->row[e->filled.count] = i;
        NB_TRY(nb_strings_push(&e->filled, prompt.data, prompt.len, err));
    }
done:
    nb_buffer_free(&prompt);
    return status;
}

/* Adds the k-th template's embeddings to the sums: raw when it is a text's only one, else normalised. */
static nb_status embed_text_add_template(nb_text_embedder *e, const embed_text_span *span, size_t k, nb_error *err)
{
    size_t d = e->clip->config.projection;
    nb_status status = embed_text_fill(e, span, k, err);
    if (status != NB_OK || !e->filled.count) {
        return status;
    }
    status = nb_text_encoder_run(e->encoder, &e->filled, 0, e->filled.count, e->raw, err);
    for (size_t r = 0; status == NB_OK && r < e->filled.count; r++) {
        const float *raw = e->raw + r * d;
        double *sum = e->sum + e->row[r] * d, norm = 0;
        for (size_t i = 0; i < d; i++) {
            norm += (double)raw[i] * (double)raw[i];
        }
        size_t templates = embed_text_prompts_of(e, e->row[r])->count;
        double scale = templates == 1    ? 1.0
                       : e->prompts->raw ? 1.0 / (double)templates
                       : norm > 0        ? 1.0 / (sqrt(norm) * (double)templates)
                                         : 0;
        for (size_t i = 0; i < d; i++) {
            sum[i] += (double)raw[i] * scale;
        }
    }
    return status;
}

/* The texts of a tile: in memory already, or read now. */
static nb_status embed_text_take(nb_text_embedder *e, embed_text_span *span, nb_error *err)
{
    double reading = nb_clock();
    nb_status status;
    span->texts = e->texts;
    if (!e->corpus) {
        return NB_OK;
    }
    nb_strings_free(&e->tile);
    status = nb_corpus_reader_rows(e->corpus, span->first, span->count, &e->tile, e->tags, err);
    span->texts = &e->tile;
    span->first = 0;
    e->times.read += nb_clock() - reading;
    return status;
}

nb_status nb_text_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err)
{
    nb_text_embedder *e = embedder;
    size_t d = e->clip->config.projection;
    embed_text_span span = {.first = begin, .count = count};
    size_t most =
        e->prompts->nouns.count > e->prompts->adjectives.count ? e->prompts->nouns.count : e->prompts->adjectives.count;
    nb_status status = embed_text_take(e, &span, err);
    double computing = nb_clock();
    memset(e->sum, 0, count * d * sizeof *e->sum);
    for (size_t k = 0; k < most && status == NB_OK; k++) {
        status = embed_text_add_template(e, &span, k, err);
    }
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        norms[i] = nb_embed_finish_row(rows + i * d, e->sum + i * d, d);
        if (!(norms[i] > 0)) {
            status = nb_fail(err, NB_ERR_NUMERIC, "the embedding of text '%.80s' has norm %g",
                             nb_strings_get(span.texts, span.first + i), (double)norms[i]);
        }
    }
    e->times.compute += nb_clock() - computing;
    return status;
}

nb_status nb_embed_texts(const nb_clip *clip, const nb_prompts *prompts, const nb_strings *texts, float *out,
                         nb_error *err)
{
    nb_text_embedder e;
    float norms[NB_TEXT_TILE];
    nb_status status = nb_text_embedder_create(&e, clip, prompts, texts, NULL, err);
    for (size_t at = 0; status == NB_OK && at < texts->count; at += NB_TEXT_TILE) {
        size_t count = texts->count - at < NB_TEXT_TILE ? texts->count - at : NB_TEXT_TILE;
        status = nb_text_embedder_tile(&e, at, count, out + at * clip->config.projection, norms, err);
    }
    nb_text_embedder_destroy(&e);
    return status;
}
