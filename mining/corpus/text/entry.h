// clang-format off
/** @file
 * One candidate on its way through the sort, as bytes in the order of the machine, without padding:
 *
 *     at      bytes     what
 *     ---------------------------------------------------
 *     0       8         place, u64
 *     8       2         length, u16
 *     10      1         tag, u8
 *     11      length    text, canonical, without a NUL
 *
 * Entries are ordered by (text, tag, place); of those equal in text and tag the first is kept. place is the number of
 * the piece and the line in it, so its order is that of (input, line) whoever read the piece. Nothing here is
 * collective. */
// clang-format on
#ifndef NB_MINING_CORPUS_TEXT_ENTRY_H
#define NB_MINING_CORPUS_TEXT_ENTRY_H

#include "mining/corpus/text/normalise.h"

#include <string.h>

/** Bytes of an entry before its text and at most, bits of the line in a place, pieces at most. */
enum {
    NB_ENTRY_HEAD = 11,
    NB_ENTRY_MAX = NB_ENTRY_HEAD + NB_TEXT_BYTES_MAX,
    NB_PLACE_LINE_BITS = 40,
    NB_PIECES_MAX = 1 << 23
};

/** An entry. */
typedef struct nb_entry {
    const char *text; /**< [len] borrowed */
    uint64_t place;
    uint16_t len; /**< bytes */
    uint8_t tag;  /**< nb_tag */
} nb_entry;

/** The place of a line.
 * @param piece its number
 * @param line in the piece; the lowest NB_PLACE_LINE_BITS of it count
 * @return the place */
static inline uint64_t nb_place(size_t piece, uint64_t line)
{
    return (uint64_t)piece << NB_PLACE_LINE_BITS | (line & (((uint64_t)1 << NB_PLACE_LINE_BITS) - 1));
}

/** The piece of a place.
 * @param place from nb_place
 * @return its number */
static inline size_t nb_place_piece(uint64_t place)
{
    return (size_t)(place >> NB_PLACE_LINE_BITS);
}

/** The line of a place.
 * @param place from nb_place
 * @return the line in the piece */
static inline uint64_t nb_place_line(uint64_t place)
{
    return place & (((uint64_t)1 << NB_PLACE_LINE_BITS) - 1);
}

/** Writes the head of an entry; the text follows it.
 * @param at [NB_ENTRY_HEAD] where to
 * @param place, len, tag as in nb_entry */
static inline void nb_entry_put(char *at, uint64_t place, uint16_t len, uint8_t tag)
{
    memcpy(at, &place, sizeof place);
    memcpy(at + 8, &len, sizeof len);
    at[10] = (char)tag;
}

/** Reads an entry.
 * @param at its bytes
 * @return the entry, whose text lies in them */
static inline nb_entry nb_entry_get(const char *at)
{
    nb_entry e = {.text = at + NB_ENTRY_HEAD, .tag = (uint8_t)at[10]};
    memcpy(&e.place, at, sizeof e.place);
    memcpy(&e.len, at + 8, sizeof e.len);
    return e;
}

/** The bytes an entry takes.
 * @param e the entry
 * @return head and text */
static inline size_t nb_entry_size(const nb_entry *e)
{
    return (size_t)NB_ENTRY_HEAD + e->len;
}

/** Bytes [depth, depth + 8) of a text as a number that orders like them; zeros behind the end.
 * @param text [len] the text
 * @param len bytes
 * @param depth the first byte
 * @return the number */
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

/** The order of (text, tag, place).
 * @param a, b two entries
 * @return below, at or above 0 as a is before, like or behind b */
static inline int nb_entry_compare(const nb_entry *a, const nb_entry *b)
{
    size_t common = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->text, b->text, common);
    order = order ? order : (a->len > b->len) - (a->len < b->len);
    order = order ? order : (a->tag > b->tag) - (a->tag < b->tag);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

/** Whether two entries are one candidate.
 * @param a, b two entries
 * @return true when text and tag are equal */
static inline bool nb_entry_same(const nb_entry *a, const nb_entry *b)
{
    return a->len == b->len && a->tag == b->tag && memcmp(a->text, b->text, a->len) == 0;
}

#endif
