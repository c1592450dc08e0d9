#include "common/clip/tokenizer/sentencepiece/segment.h"

#include <stdlib.h>
#include <string.h>

/* ---- merges ---- */

static size_t segment_hash(int32_t left, int32_t right)
{
    uint64_t h = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    h *= 0x9E3779B97F4A7C15u;
    return (size_t)(h ^ h >> 29);
}

/* The entry of a pair, or the empty one where it would stand. */
static size_t segment_slot(const nb_piece_merges *m, int32_t left, int32_t right)
{
    size_t at = segment_hash(left, right) & m->mask;
    while (m->table[at] != UINT32_MAX && (m->merges[m->table[at]][0] != left || m->merges[m->table[at]][1] != right)) {
        at = (at + 1) & m->mask;
    }
    return at;
}

nb_status nb_piece_merges_finish(nb_piece_merges *m, const char *path, nb_error *err)
{
    size_t entries = 2;
    nb_status status;
    while (entries < 2 * m->count + 1) {
        entries *= 2;
    }
    NB_TRY_NEW(m->table, entries);
    m->mask = entries - 1;
    memset(m->table, 0xFF, entries * sizeof *m->table);
    for (size_t i = 0; i < m->count; i++) {
        size_t at = segment_slot(m, m->merges[i][0], m->merges[i][1]);
        if (m->table[at] != UINT32_MAX) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': merges %u and %zu are of the same pair", path, m->table[at], i);
            goto done;
        }
        m->table[at] = (uint32_t)i;
    }
done:
    return status;
}

void nb_piece_merges_free(nb_piece_merges *m)
{
    free(m->merges);
    free(m->table);
    *m = (nb_piece_merges){0};
}

/* ---- symbols and candidates ---- */

typedef struct symbol {
    uint32_t at, len;       /* in the text; no bytes: joined to the one on its left */
    int32_t previous, next; /* -1 at the ends */
    int32_t id;             /* -1 while the text is no piece */
    bool whole;             /* a user-defined piece: never joined */
} symbol;

/* Two neighbours that may be joined; the least comes first. */
typedef struct candidate {
    double key; /* the rank, or minus the score */
    int32_t left, id;
} candidate;

typedef struct merging {
    const nb_pieces *pieces;
    const nb_piece_merges *merges;
    const char *text;
    symbol *symbols;
    size_t count, cap_symbols;
    candidate *heap;
    size_t heap_count, cap_heap;
} merging;

static bool segment_before(const candidate *a, const candidate *b)
{
    return a->key < b->key || (a->key == b->key && a->left < b->left);
}

static nb_status segment_heap_push(merging *m, candidate c, nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY_ROOM(m->heap, m->heap_count, m->cap_heap, 64);
    size_t at = m->heap_count++;
    for (; at && segment_before(&c, &m->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        m->heap[at] = m->heap[(at - 1) / 2];
    }
    m->heap[at] = c;
done:
    return status;
}

static candidate segment_heap_pop(merging *m)
{
    candidate top = m->heap[0], last = m->heap[--m->heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < m->heap_count; at = child) {
        child += child + 1 < m->heap_count && segment_before(&m->heap[child + 1], &m->heap[child]);
        if (!segment_before(&m->heap[child], &last)) {
            break;
        }
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = last;
    return top;
}

/* The piece that a symbol and its right neighbour make, -1 for none. */
static int32_t segment_joined(const merging *m, int32_t left, double *key)
{
    const symbol *a = &m->symbols[left], *b = a->next < 0 ? NULL : &m->symbols[a->next];
    if (!b || a->len == 0 || a->whole || b->whole) {
        return -1;
    }
    if (m->merges->table) {
        uint32_t rank = m->merges->table[segment_slot(m->merges, a->id, b->id)];
        *key = rank;
        return rank == UINT32_MAX ? -1 : m->merges->merges[rank][2];
    }
    int32_t id = nb_piece_index_find(&m->pieces->text, m->text + a->at, a->len + b->len);
    *key = id < 0 ? 0 : -m->pieces->scores[id];
    return id;
}

static nb_status segment_offer_pair(merging *m, int32_t left, nb_error *err)
{
    double key;
    int32_t id = left < 0 ? -1 : segment_joined(m, left, &key);
    return id < 0 ? NB_OK : segment_heap_push(m, (candidate){key, left, id}, err);
}

static nb_status segment_add_symbol(merging *m, size_t at, size_t len, int32_t id, nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY_ROOM(m->symbols, m->count, m->cap_symbols, 64);
    m->symbols[m->count] = (symbol){(uint32_t)at, (uint32_t)len, (int32_t)m->count - 1, -1, id, false};
    if (m->count) {
        m->symbols[m->count - 1].next = (int32_t)m->count;
    }
    m->count++;
done:
    return status;
}

/* The symbols that the text starts as: characters and user-defined pieces; where merges are pairs of ids, characters
 * that are no piece as bytes or as one unknown piece. */
static nb_status segment_start(merging *m, size_t len, nb_error *err)
{
    const nb_pieces *p = m->pieces;
    nb_status status = NB_OK;
    for (size_t at = 0, step; at < len; at += step) {
        int32_t user = m->merges->table ? -1 : nb_piece_index_longest(&p->users, m->text + at, len - at);
        step = user >= 0 ? nb_strings_len(&p->texts, (size_t)user) : nb_piece_character(m->text + at, len - at);
        int32_t id = user >= 0 ? user : nb_piece_index_find(&p->text, m->text + at, step);
        if (id >= 0 || !m->merges->table) {
            NB_TRY(segment_add_symbol(m, at, step, id, err));
            m->symbols[m->count - 1].whole = user >= 0;
        } else if (p->byte_fallback) {
            for (size_t i = 0; i < step; i++) {
                NB_TRY(segment_add_symbol(m, at + i, 1, p->bytes[(unsigned char)m->text[at + i]], err));
            }
        } else if (p->unknown >= 0) {
            symbol *last = m->count ? &m->symbols[m->count - 1] : NULL;
            if (last && last->id == p->unknown) {
                last->len += (uint32_t)step;
            } else {
                NB_TRY(segment_add_symbol(m, at, step, p->unknown, err));
            }
        }
    }
done:
    return status;
}

static nb_status segment_join(merging *m, candidate c, nb_error *err)
{
    double key;
    nb_status status = NB_OK;
    if (segment_joined(m, c.left, &key) != c.id) {
        return NB_OK; /* one of the two has changed since */
    }
    symbol *a = &m->symbols[c.left], *b = &m->symbols[a->next];
    a->len += b->len;
    a->id = c.id;
    a->next = b->next;
    b->len = 0;
    if (a->next >= 0) {
        m->symbols[a->next].previous = c.left;
    }
    NB_TRY(segment_offer_pair(m, a->previous, err));
    NB_TRY(segment_offer_pair(m, c.left, err));
done:
    return status;
}

nb_status nb_segment_pairs(const nb_pieces *p, const nb_piece_merges *merges, const char *text, size_t len,
                           nb_id_list *out, nb_error *err)
{
    merging m = {.pieces = p, .merges = merges, .text = text};
    bool after_unknown = false;
    nb_status status;
    if (len >= INT32_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "a text of %zu bytes is too long to be cut into pieces", len);
    }
    NB_TRY(segment_start(&m, len, err));
    for (size_t i = 0; i < m.count; i++) {
        NB_TRY(segment_offer_pair(&m, (int32_t)i, err));
    }
    while (m.heap_count) {
        NB_TRY(segment_join(&m, segment_heap_pop(&m), err));
    }
    for (int32_t i = m.count ? 0 : -1; i >= 0; i = m.symbols[i].next) {
        const symbol *s = &m.symbols[i];
        if (s->id < 0) {
            NB_TRY(nb_pieces_push_unknown(p, text + s->at, s->len, &after_unknown, out, err));
        } else {
            after_unknown = false;
            NB_TRY(nb_id_list_push(out, s->id, err));
        }
    }
done:
    free(m.symbols);
    free(m.heap);
    return status;
}
