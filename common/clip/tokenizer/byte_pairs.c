#include "common/clip/tokenizer/byte_pairs.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum {
    SHORT_WORD = 256, /* symbols up to which each merge scans the whole word */
    NO_ENTRY = -1,
    MERGED_AWAY = -1
};
#define NO_RANK    UINT32_MAX
#define STALE_RANK (UINT32_MAX - 1)

static size_t byte_pairs_slot_of(const nb_byte_pairs *p, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key = (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
    return (size_t)(key ^ key >> 32) & p->mask;
}

static uint32_t byte_pairs_rank_of(const nb_byte_pairs *p, int32_t left, int32_t right)
{
    for (size_t slot = byte_pairs_slot_of(p, left, right);; slot = (slot + 1) & p->mask) {
        uint32_t rank = p->table[slot];
        if (rank == NO_RANK || (p->merges[rank].left == left && p->merges[rank].right == right)) {
            return rank;
        }
    }
}

nb_status nb_byte_pairs_build(nb_byte_pairs *p, nb_byte_pair *merges, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    *p = (nb_byte_pairs){.merges = merges, .count = count};
    size_t slots = 16;
    while (slots < 2 * count) {
        slots *= 2;
    }
    p->mask = slots - 1;
    NB_TRY_NEW(p->table, slots);
    for (size_t i = 0; i < slots; i++) {
        p->table[i] = NO_RANK;
    }
    for (size_t i = 0; i < count; i++) {
        size_t slot = byte_pairs_slot_of(p, merges[i].left, merges[i].right);
        while (p->table[slot] != NO_RANK) {
            slot = (slot + 1) & p->mask;
        }
        p->table[slot] = (uint32_t)i;
    }
done:
    if (status != NB_OK) {
        nb_byte_pairs_free(p);
    }
    return status;
}

void nb_byte_pairs_free(nb_byte_pairs *p)
{
    free(p->merges);
    free(p->table);
    *p = (nb_byte_pairs){0};
}

/* Looks up the ranks that are stale and returns the lowest. */
static uint32_t byte_pairs_lowest_rank(const nb_byte_pairs *p, const int32_t *ids, uint32_t *rank, size_t n)
{
    uint32_t lowest = NO_RANK;
    for (size_t i = 0; i + 1 < n; i++) {
        if (rank[i] == STALE_RANK) {
            rank[i] = byte_pairs_rank_of(p, ids[i], ids[i + 1]);
        }
        lowest = rank[i] < lowest ? rank[i] : lowest;
    }
    return lowest;
}

static size_t byte_pairs_merge_short(const nb_byte_pairs *p, int32_t *ids, size_t n)
{
    uint32_t rank[SHORT_WORD]; /* of the pair (i, i + 1) */
    for (size_t i = 0; i < n; i++) {
        rank[i] = STALE_RANK;
    }
    for (uint32_t best; (best = byte_pairs_lowest_rank(p, ids, rank, n)) != NO_RANK;) {
        size_t kept = 0;
        for (size_t i = 0; i < n; kept++) {
            if (i + 1 < n && rank[i] == best) {
                ids[kept] = p->merges[best].id;
                rank[kept] = STALE_RANK;
                if (kept) {
                    rank[kept - 1] = STALE_RANK;
                }
                i += 2;
            } else {
                ids[kept] = ids[i];
                rank[kept] = rank[i];
                i++;
            }
        }
        n = kept;
    }
    return n;
}

/* A long word as a linked list of symbols with, for each rank, a queue of the places where that pair was seen. */
typedef struct long_word {
    const nb_byte_pairs *pairs;
    int32_t *ids;            /* [n]; MERGED_AWAY: part of the symbol before */
    int32_t *before, *after; /* [n] neighbouring symbols, NO_ENTRY at the ends */
    int32_t *place, *link;   /* [2 n] entries of the queues; link is the next entry of the queue or of the free list */
    int32_t *head, *tail;    /* [count of merges], NO_ENTRY: empty */
    uint64_t *waiting;       /* [count of merges / 64 + 1] bits of the queues that are not empty */
    size_t lowest;           /* no element of waiting before this one has a bit */
    int32_t free_entry;
} long_word;

static void byte_pairs_queue_pair(long_word *w, int32_t left)
{
    int32_t right = left == NO_ENTRY ? NO_ENTRY : w->after[left];
    uint32_t rank = right == NO_ENTRY ? NO_RANK : byte_pairs_rank_of(w->pairs, w->ids[left], w->ids[right]);
    if (rank == NO_RANK) {
        return;
    }
    int32_t entry = w->free_entry;
    w->free_entry = w->link[entry];
    w->place[entry] = left;
    w->link[entry] = NO_ENTRY;
    if (w->head[rank] == NO_ENTRY) {
        w->head[rank] = entry;
        w->waiting[rank / 64] |= (uint64_t)1 << rank % 64;
        w->lowest = rank / 64 < w->lowest ? rank / 64 : w->lowest;
    } else {
        w->link[w->tail[rank]] = entry;
    }
    w->tail[rank] = entry;
}

/* Merges the pair of this rank at all its places. Entries may be stale: the pair at the place may have changed since.
 * A queue is in text order: the entries of a pair come from the round that makes the later of its two symbols, which
 * have one maker each, and a round runs in text order. */
static void byte_pairs_merge_queue(long_word *w, uint32_t rank)
{
    nb_byte_pair m = w->pairs->merges[rank];
    int32_t entry = w->head[rank];
    w->head[rank] = NO_ENTRY;
    w->waiting[rank / 64] &= ~((uint64_t)1 << rank % 64);
    while (entry != NO_ENTRY) {
        int32_t at = w->place[entry], right = w->after[at], next = w->link[entry];
        w->link[entry] = w->free_entry;
        w->free_entry = entry;
        entry = next;
        if (w->ids[at] != m.left || right == NO_ENTRY || w->ids[right] != m.right) {
            continue;
        }
        w->ids[at] = m.id;
        w->ids[right] = MERGED_AWAY;
        w->after[at] = w->after[right];
        if (w->after[at] != NO_ENTRY) {
            w->before[w->after[at]] = at;
        }
        byte_pairs_queue_pair(w, w->before[at]);
        byte_pairs_queue_pair(w, at);
    }
}

static nb_status byte_pairs_open_long(long_word *w, const nb_byte_pairs *p, int32_t *ids, size_t n, nb_error *err)
{
    nb_status status = NB_OK;
    *w = (long_word){.pairs = p, .ids = ids};
    if (n >= (size_t)1 << 30) {
        return nb_fail(err, NB_ERR_LIMIT, "a word of %zu bytes is too long to tokenize", n);
    }
    NB_TRY_NEW(w->before, n);
    NB_TRY_NEW(w->after, n);
    NB_TRY_NEW(w->place, 2 * n);
    NB_TRY_NEW(w->link, 2 * n);
    NB_TRY_NEW(w->head, p->count);
    NB_TRY_NEW(w->tail, p->count);
    NB_TRY_NEW(w->waiting, p->count / 64 + 1);
    for (size_t i = 0; i < n; i++) {
        w->before[i] = i ? (int32_t)i - 1 : NO_ENTRY;
        w->after[i] = i + 1 < n ? (int32_t)i + 1 : NO_ENTRY;
    }
    for (size_t i = 0; i < 2 * n; i++) {
        w->link[i] = i + 1 < 2 * n ? (int32_t)(i + 1) : NO_ENTRY;
    }
    for (size_t i = 0; i < p->count; i++) {
        w->head[i] = NO_ENTRY;
    }
done:
    return status;
}

static void byte_pairs_close_long(long_word *w)
{
    free(w->before);
    free(w->after);
    free(w->place);
    free(w->link);
    free(w->head);
    free(w->tail);
    free(w->waiting);
}

/* Entries never run out: there are n - 1 at first, and each merge returns one and takes at most two. */
static nb_status byte_pairs_merge_long(const nb_byte_pairs *p, int32_t *ids, size_t *n, nb_error *err)
{
    nb_status status = NB_OK;
    long_word w;
    NB_TRY(byte_pairs_open_long(&w, p, ids, *n, err));
    for (size_t i = 0; i < *n; i++) {
        byte_pairs_queue_pair(&w, (int32_t)i);
    }
    while (w.lowest <= p->count / 64) {
        uint64_t bits = w.waiting[w.lowest];
        if (bits) {
            byte_pairs_merge_queue(&w, (uint32_t)(w.lowest * 64) + (uint32_t)__builtin_ctzll(bits));
        } else {
            w.lowest++;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (ids[i] != MERGED_AWAY) {
            ids[kept++] = ids[i];
        }
    }
    *n = kept;
done:
    byte_pairs_close_long(&w);
    return status;
}

nb_status nb_byte_pairs_merge(const nb_byte_pairs *p, int32_t *ids, size_t *count, nb_error *err)
{
    if (*count > SHORT_WORD) {
        return byte_pairs_merge_long(p, ids, count, err);
    }
    *count = byte_pairs_merge_short(p, ids, *count);
    return NB_OK;
}
