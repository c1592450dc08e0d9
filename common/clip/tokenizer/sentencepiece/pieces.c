#include "common/clip/tokenizer/sentencepiece/pieces.h"

#include "common/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_id_list_push(nb_id_list *list, int32_t id, nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY_ROOM(list->ids, list->count, list->cap, 64);
    list->ids[list->count++] = id;
done:
    return status;
}

size_t nb_piece_character(const char *text, size_t len)
{
    unsigned char c = (unsigned char)text[0];
    size_t bytes = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return bytes < len ? bytes : len;
}

/* ---- the index ---- */

/* An entry while it is sorted: qsort passes no context. */
typedef struct entry {
    const char *text;
    size_t len;
    uint32_t number;
} entry;

static int pieces_compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return nb_bytes_compare(x->text, x->len, y->text, y->len);
}

nb_status nb_piece_index_build(nb_piece_index *index, const nb_strings *texts, uint32_t *wanted, size_t count,
                               const char *path, nb_error *err)
{
    nb_status status;
    entry *entries = NULL;
    *index = (nb_piece_index){texts, wanted, count};
    NB_TRY_NEW(entries, count);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (entry){nb_strings_get(texts, wanted[i]), nb_strings_len(texts, wanted[i]), wanted[i]};
    }
    qsort(entries, count, sizeof *entries, pieces_compare);
    for (size_t i = 0; i < count; i++) {
        if (i && pieces_compare(&entries[i - 1], &entries[i]) == 0) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': piece \"%.64s\" has two ids, %u and %u", path, entries[i].text,
                             entries[i - 1].number, entries[i].number);
            goto done;
        }
        wanted[i] = entries[i].number;
    }
done:
    free(entries);
    if (status != NB_OK) {
        free(wanted);
        *index = (nb_piece_index){0};
    }
    return status;
}

nb_piece_range nb_piece_range_all(const nb_piece_index *index)
{
    return (nb_piece_range){0, index->count, 0};
}

/* The byte of a string at the range's depth, -1 behind its end. */
static int pieces_byte(const nb_piece_index *index, size_t place, size_t depth)
{
    uint32_t number = index->sorted[place];
    return depth < nb_strings_len(index->texts, number) ? (unsigned char)nb_strings_get(index->texts, number)[depth]
                                                        : -1;
}

/* The first place of [low, high) whose byte is over or, with `equal`, at least this one. */
static size_t pieces_bound(const nb_piece_index *index, nb_piece_range range, int byte, bool equal)
{
    while (range.low < range.high) {
        size_t middle = range.low + (range.high - range.low) / 2;
        int there = pieces_byte(index, middle, range.depth);
        if (there < byte || (!equal && there == byte)) {
            range.low = middle + 1;
        } else {
            range.high = middle;
        }
    }
    return range.low;
}

bool nb_piece_range_step(const nb_piece_index *index, nb_piece_range *range, char byte)
{
    int wanted = (unsigned char)byte;
    range->low = pieces_bound(index, *range, wanted, true);
    range->high = pieces_bound(index, *range, wanted, false);
    range->depth++;
    return range->low < range->high;
}

int32_t nb_piece_range_whole(const nb_piece_index *index, const nb_piece_range *range)
{
    uint32_t first = index->sorted[range->low];
    return nb_strings_len(index->texts, first) == range->depth ? (int32_t)first : -1;
}

int32_t nb_piece_index_find(const nb_piece_index *index, const char *text, size_t len)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t number = index->sorted[middle];
        int order =
            nb_bytes_compare(nb_strings_get(index->texts, number), nb_strings_len(index->texts, number), text, len);
        if (order == 0) {
            return (int32_t)number;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

int32_t nb_piece_index_longest(const nb_piece_index *index, const char *text, size_t len)
{
    nb_piece_range range = nb_piece_range_all(index);
    int32_t longest = -1;
    for (size_t i = 0; i < len && nb_piece_range_step(index, &range, text[i]); i++) {
        int32_t whole = nb_piece_range_whole(index, &range);
        longest = whole >= 0 ? whole : longest;
    }
    return longest;
}

/* ---- the vocabulary ---- */

nb_status nb_pieces_add(nb_pieces *p, const char *text, size_t len, double score, nb_piece_kind kind, nb_error *err)
{
    size_t at = p->texts.count;
    nb_status status;
    NB_TRY_ROOM(p->scores, at, p->cap_scores, 1024);
    NB_TRY_ROOM(p->kinds, at, p->cap_kinds, 1024);
    NB_TRY(nb_strings_push(&p->texts, text, len, err));
    p->scores[at] = score;
    p->kinds[at] = (uint8_t)kind;
done:
    return status;
}

static nb_status pieces_check(const nb_pieces *p, size_t i, const char *path, nb_error *err)
{
    const char *text = nb_strings_get(&p->texts, i);
    size_t len = nb_strings_len(&p->texts, i);
    if (len == 0 || !nb_utf8_valid(text, len)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': piece %zu is %s", path, i, len ? "not UTF-8" : "empty");
    }
    return isfinite(p->scores[i])
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT, "'%s': the score of piece %zu, \"%.64s\", is no number", path, i, text);
}

/* Notes a piece "<0x41>". */
static void pieces_note_byte(nb_pieces *p, size_t i)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *text = nb_strings_get(&p->texts, i);
    if (nb_strings_len(&p->texts, i) == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>') {
        const char *high = memchr(digits, text[3], 16), *low = memchr(digits, text[4], 16);
        if (high && low) {
            p->bytes[(high - digits) * 16 + (low - digits)] = (int32_t)i;
        }
    }
}

static nb_status pieces_index(const nb_pieces *p, nb_piece_index *index, bool users, const char *path, nb_error *err)
{
    uint32_t *wanted = NULL;
    size_t count = 0;
    nb_status status;
    NB_TRY_NEW(wanted, p->texts.count);
    for (size_t i = 0; i < p->texts.count; i++) {
        bool user = p->kinds[i] == NB_PIECE_USER_DEFINED;
        if (user || (!users && (p->kinds[i] == NB_PIECE_NORMAL || p->kinds[i] == NB_PIECE_UNUSED))) {
            wanted[count++] = (uint32_t)i;
        }
    }
    status = nb_piece_index_build(index, &p->texts, wanted, count, path, err);
done:
    return status;
}

nb_status nb_pieces_finish(nb_pieces *p, const char *path, nb_error *err)
{
    nb_status status = NB_OK;
    p->lowest = INFINITY;
    p->highest = -INFINITY;
    for (size_t b = 0; b < 256; b++) {
        p->bytes[b] = -1;
    }
    for (size_t i = 0; i < p->texts.count; i++) {
        NB_TRY(pieces_check(p, i, path, err));
        pieces_note_byte(p, i);
        if (p->kinds[i] == NB_PIECE_NORMAL) {
            p->lowest = fmin(p->lowest, p->scores[i]);
            p->highest = fmax(p->highest, p->scores[i]);
        }
    }
    for (size_t b = 0; b < 256 && p->byte_fallback; b++) {
        if (p->bytes[b] < 0) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' has no piece <0x%02X>, although unknown text is written as bytes",
                             path, (unsigned)b);
            goto done;
        }
    }
    if (!(p->lowest <= p->highest)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has no piece of text", path);
        goto done;
    }
    NB_TRY(pieces_index(p, &p->text, false, path, err));
    NB_TRY(pieces_index(p, &p->users, true, path, err));
done:
    return status;
}

void nb_pieces_free(nb_pieces *p)
{
    nb_strings_free(&p->texts);
    free(p->scores);
    free(p->kinds);
    free(p->text.sorted);
    free(p->users.sorted);
    *p = (nb_pieces){0};
}

int32_t nb_pieces_named(const nb_pieces *p, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < p->texts.count; i++) {
        if (nb_strings_len(&p->texts, i) == len && memcmp(nb_strings_get(&p->texts, i), text, len) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

nb_status nb_pieces_push_unknown(const nb_pieces *p, const char *text, size_t len, bool *after_unknown, nb_id_list *out,
                                 nb_error *err)
{
    nb_status status = NB_OK;
    if (!p->byte_fallback) {
        NB_TRY(*after_unknown || p->unknown < 0 ? NB_OK : nb_id_list_push(out, p->unknown, err));
        *after_unknown = true;
        goto done;
    }
    for (size_t i = 0; i < len; i++) {
        NB_TRY(nb_id_list_push(out, p->bytes[(unsigned char)text[i]], err));
    }
done:
    return status;
}
