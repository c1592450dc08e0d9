#include "common/clip/towers/trie.h"

#include "common/base/memory.h"

#include <stdlib.h>

nb_status nb_trie_create(nb_trie *t, size_t texts, size_t context, size_t rows, nb_error *err)
{
    nb_status status;
    *t = (nb_trie){.row_capacity = rows > context ? rows : context, .text_capacity = texts};
    NB_TRY_NEW(t->tokens, t->row_capacity);
    NB_TRY_NEW(t->depths, t->row_capacity);
    NB_TRY_NEW(t->texts, texts);
done:
    if (status != NB_OK) {
        nb_trie_destroy(t);
    }
    return status;
}

void nb_trie_destroy(nb_trie *t)
{
    if (t) {
        free(t->tokens);
        free(t->depths);
        free(t->texts);
        *t = (nb_trie){0};
    }
}

/* Tokens both begin with. */
static size_t trie_common_prefix(const int32_t *a, size_t a_len, const int32_t *b, size_t b_len)
{
    size_t n = 0;
    while (n < a_len && n < b_len && a[n] == b[n]) {
        n++;
    }
    return n;
}

static int trie_compare(const void *a, const void *b, void *opaque)
{
    const nb_trie_batch *t = opaque;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    const int32_t *x = t->ids + i * t->context, *y = t->ids + k * t->context;
    size_t n = trie_common_prefix(x, t->lengths[i], y, t->lengths[k]);
    if (n < t->lengths[i] && n < t->lengths[k]) {
        return x[n] < y[n] ? -1 : 1;
    }
    if (t->lengths[i] != t->lengths[k]) {
        return t->lengths[i] < t->lengths[k] ? -1 : 1;
    }
    return (i > k) - (i < k);
}

void nb_trie_order(size_t *order, const nb_trie_batch *batch, size_t count)
{
    nb_trie_batch t = *batch;
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    qsort_r(order, count, sizeof *order, trie_compare, &t);
}

size_t nb_trie_build(nb_trie *t, const size_t *order, size_t begin, size_t end, const nb_trie_batch *b)
{
    t->rows = t->count = 0;
    for (size_t i = begin; i < end && t->count < t->text_capacity; i++) {
        const int32_t *own = b->ids + order[i] * b->context;
        size_t len = b->lengths[order[i]], shared = 0, last = 0;
        if (i > begin) {
            shared = trie_common_prefix(own, len, b->ids + order[i - 1] * b->context, b->lengths[order[i - 1]]);
            last = t->texts[t->count - 1].last;
        }
        if (len - shared > t->row_capacity - t->rows) {
            break;
        }
        nb_trie_text *text = &t->texts[t->count++];
        *text = (nb_trie_text){.text = order[i], .first = t->rows, .count = len - shared, .shared = shared};
        for (size_t d = shared; d < len; d++, t->rows++) {
            t->tokens[t->rows] = own[d];
            t->depths[t->rows] = (uint16_t)d;
        }
        text->last = text->count ? t->rows - 1 : last;
    }
    return t->count;
}
