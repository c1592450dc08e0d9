/* One candidate on its way through the sort, as bytes:
 *
 *     place u64, length u16, tag u8, text [length]
 *
 * in the byte order of the machine, without padding. Entries are ordered by (text, tag, place); of those equal in text
 * and tag the first is kept. place is the number of the piece and the line in it, so its order is that of (input, line)
 * whoever read the piece. */
#ifndef NB_MINING_CORPUS_TEXT_ENTRY_H
#define NB_MINING_CORPUS_TEXT_ENTRY_H

#include "mining/corpus/text/normalise.h"

#include <string.h>

enum {
    NB_ENTRY_HEAD = 11,
    NB_ENTRY_MAX = NB_ENTRY_HEAD + NB_TEXT_BYTES_MAX,
    NB_PLACE_LINE_BITS = 40,
    NB_PIECES_MAX = 1 << 23
};

typedef struct nb_entry {
    const char *text;
    uint64_t place;
    uint16_t len;
    uint8_t tag;
} nb_entry;

static inline uint64_t nb_place(size_t piece, uint64_t line)
{
    return (uint64_t)piece << NB_PLACE_LINE_BITS | (line & (((uint64_t)1 << NB_PLACE_LINE_BITS) - 1));
}

static inline size_t nb_place_piece(uint64_t place)
{
    return (size_t)(place >> NB_PLACE_LINE_BITS);
}

static inline uint64_t nb_place_line(uint64_t place)
{
    return place & (((uint64_t)1 << NB_PLACE_LINE_BITS) - 1);
}

/* Writes the head of an entry; the text follows it. */
static inline void nb_entry_put(char *at, uint64_t place, uint16_t len, uint8_t tag)
{
    memcpy(at, &place, sizeof place);
    memcpy(at + 8, &len, sizeof len);
    at[10] = (char)tag;
}

static inline nb_entry nb_entry_get(const char *at)
{
    nb_entry e = {.text = at + NB_ENTRY_HEAD, .tag = (uint8_t)at[10]};
    memcpy(&e.place, at, sizeof e.place);
    memcpy(&e.len, at + 8, sizeof e.len);
    return e;
}

static inline size_t nb_entry_size(const nb_entry *e)
{
    return (size_t)NB_ENTRY_HEAD + e->len;
}

/* Bytes [depth, depth + 8) of a text as a number that orders like them; zeros behind the end. */
static inline uint64_t nb_entry_key(const char *text, size_t len, size_t depth)
{
    uint64_t key = 0;
    if (depth < len) {
        size_t part = len - depth < 8 ? len - depth : 8;
        memcpy(&key, text + depth, part);
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    key = __builtin_bswap64(key);
#endif
    return key;
}

/* Order of (text, tag, place). */
static inline int nb_entry_compare(const nb_entry *a, const nb_entry *b)
{
    size_t common = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->text, b->text, common);
    order = order ? order : (a->len > b->len) - (a->len < b->len);
    order = order ? order : (a->tag > b->tag) - (a->tag < b->tag);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static inline bool nb_entry_same(const nb_entry *a, const nb_entry *b)
{
    return a->len == b->len && a->tag == b->tag && memcmp(a->text, b->text, a->len) == 0;
}

#endif
