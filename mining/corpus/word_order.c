#include "mining/corpus/word_order.h"

#include <stdlib.h>
#include <string.h>

/* A release's word list has some 70 000 words. */
enum { WORDS_MAX = 20000000 };

nb_drop nb_corpus_judge(const nb_corpus_plan *plan, const nb_source *source, nb_normaliser *n,
                        const nb_normaliser *text)
{
    nb_lexnames list = plan->excluded_lexnames ? nb_lexnames_of_path(source->path) : 0;
    if (list & plan->excluded_lexnames) {
        return NB_DROP_LEXNAME;
    }
    nb_drop drop = plan->wordnet ? nb_wordnet_judge(plan->wordnet, n, text->text, text->len, source->tag) : NB_KEPT;
    return list && drop == NB_DROP_LEXNAME ? NB_KEPT : drop; /* a list is of its own lexicographer file */
}

/* ---- the words in their order ---- */

typedef struct gatherer {
    const nb_corpus_plan *plan;
    const nb_source *source;
    nb_normaliser text, key;
    nb_strings *words;
    nb_buffer *tags;
} gatherer;

static nb_status word_order_take(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line,
                                 nb_error *err)
{
    gatherer *g = state;
    const char tag = (char)g->source->tag;
    (void)line;
    if (known != NB_KEPT || nb_normalise(&g->text, bytes, len, g->source->underscores) != NB_KEPT ||
        nb_corpus_judge(g->plan, g->source, &g->key, &g->text) != NB_KEPT) {
        return NB_OK;
    }
    if (g->words->count == WORDS_MAX) {
        nb_fail(err, NB_ERR_LIMIT, "superclasses are drawn for at most %d words", WORDS_MAX);
        return nb_hint(err, "--superclass-choice all needs no draw");
    }
    nb_status status = nb_strings_push(g->words, g->text.text, g->text.len, err);
    return status == NB_OK ? nb_buffer_append(g->tags, &tag, 1, err) : status;
}

static nb_status word_order_read(gatherer *g, nb_error *err)
{
    const nb_candidate_sink sink = {.state = g, .take = word_order_take};
    nb_source_piece piece = {.source = g->source, .begin = 0, .end = UINT64_MAX};
    nb_status status;
    NB_TRY(nb_byte_stream_open(&piece.in, g->source->path, nb_line_start(0), err));
    NB_TRY(g->source->format->read(&piece, &sink, err));
done:
    nb_byte_stream_close(piece.in);
    return status;
}

/* Rank 0's part: words of all inputs, first named first. */
static nb_status word_order_gather(const nb_corpus_plan *plan, nb_strings *words, nb_buffer *tags, nb_error *err)
{
    gatherer g = {.plan = plan, .words = words, .tags = tags};
    size_t *place = NULL;
    nb_status status;
    tags->max = WORDS_MAX;
    NB_TRY_NEW(place, plan->count);
    for (size_t i = 0; i < plan->count; i++) { /* each after all that were named before it */
        size_t before = 0;
        for (size_t k = 0; k < plan->count; k++) {
            before += plan->files.named[k] < plan->files.named[i];
        }
        place[before] = i;
    }
    NB_TRY(nb_normaliser_open(&g.text, plan->settings.max_bytes, err));
    NB_TRY(nb_normaliser_open(&g.key, plan->settings.max_bytes, err));
    for (size_t i = 0; i < plan->count; i++) {
        g.source = &plan->inputs[place[i]];
        NB_TRY(word_order_read(&g, err));
    }
done:
    nb_normaliser_close(&g.text);
    nb_normaliser_close(&g.key);
    free(place);
    return status;
}

/* ---- to the other ranks ---- */

/* Collective. The words, each with a NUL behind it, and their tags. */
static nb_status word_order_share(const nb_comm *comm, nb_strings *words, nb_buffer *tags, nb_error *err)
{
    nb_buffer block = {.max = SIZE_MAX / 2};
    uint64_t sizes[2] = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; status == NB_OK && i < words->count; i++) {
        status = nb_buffer_append(&block, nb_strings_get(words, i), nb_strings_len(words, i) + 1, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    sizes[0] = words->count;
    sizes[1] = block.len;
    NB_TRY(nb_comm_broadcast(comm, sizes, sizeof sizes, err));
    if (comm->rank != 0) {
        block.data = nb_alloc((size_t)sizes[1] + 1, 1, err);
        tags->data = nb_alloc((size_t)sizes[0] + 1, 1, err);
        status = block.data && tags->data ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, block.data, (size_t)sizes[1], err));
    NB_TRY(nb_comm_broadcast(comm, tags->data, (size_t)sizes[0], err));
    const char *at = block.data;
    for (size_t i = words->count; status == NB_OK && at && i < sizes[0]; i++) {
        size_t len = strlen(at);
        status = nb_strings_push(words, at, len, err);
        at += len + 1;
    }
done:
    free(block.data);
    return status;
}

nb_status nb_corpus_join_superclasses(nb_corpus_plan *plan, const nb_comm *comm, nb_error *err)
{
    const nb_strings *names = plan->settings.superclasses;
    nb_superclasses *s = &plan->superclasses;
    nb_strings words = {0};
    nb_buffer tags = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; status == NB_OK && i < names->count; i++) {
        status = nb_strings_push(&s->names, nb_strings_get(names, i), nb_strings_len(names, i), err);
    }
    plan->settings.superclasses = NULL;
    if (status == NB_OK && plan->settings.draw && comm->rank == 0) {
        status = word_order_gather(plan, &words, &tags, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    if (plan->settings.draw) {
        NB_TRY(nb_comm_agree(comm, word_order_share(comm, &words, &tags, err), err));
        status = nb_superclasses_draw(s, &words, (const uint8_t *)tags.data, plan->settings.draw_seed, err);
        NB_TRY(nb_comm_agree(comm, status, err));
    }
done:
    nb_strings_free(&words);
    nb_buffer_free(&tags);
    return status;
}
