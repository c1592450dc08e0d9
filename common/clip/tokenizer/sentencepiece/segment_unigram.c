#include "common/clip/tokenizer/sentencepiece/segment.h"

#include <stdlib.h>
#include <string.h>

/* What a character that no piece covers costs more than the least probable piece, and what a user-defined piece gives
 * up of being free. */
static const double unknown_penalty = 10.0, user_penalty = 0.1;

/* The best path that ends at a byte. */
typedef struct path {
    double score;
    int32_t id;     /* its last piece; -1: no path ends here, -2: a character that no piece covers */
    uint32_t start; /* where that piece starts */
} path;

enum { NO_PATH = -1, UNCOVERED = -2 };

/* A longer path replaces one of the same end only when it is better. */
static void segment_offer(const nb_pieces *p, path *end, double score, int32_t id, size_t start)
{
    if (end->id == NO_PATH || score > end->score) {
        *end = (path){p->single ? (double)(float)score : score, id, (uint32_t)start};
    }
}

/* Every piece that starts at this byte. */
static void segment_from(const nb_pieces *p, const char *text, size_t len, size_t start, path *ends)
{
    size_t character = nb_piece_character(text + start, len - start);
    bool covered = false;
    double here = ends[start].score, lowest = p->single ? (double)((float)p->lowest - 10.0f) : p->lowest;
    nb_piece_range range = nb_piece_range_all(&p->text);
    for (size_t at = start; at < len && nb_piece_range_step(&p->text, &range, text[at]); at++) {
        int32_t id = nb_piece_range_whole(&p->text, &range);
        if (id < 0 || p->kinds[id] == NB_PIECE_UNUSED) {
            continue;
        }
        double score = p->kinds[id] == NB_PIECE_USER_DEFINED
                           ? (double)(float)((float)range.depth * (float)p->highest) - user_penalty
                           : p->scores[id];
        segment_offer(p, &ends[at + 1], score + here, id, start);
        covered = covered || range.depth == character;
    }
    if (!covered) {
        double score = p->single ? (double)(float)(lowest + here) : lowest - unknown_penalty + here;
        segment_offer(p, &ends[start + character], score, UNCOVERED, start);
    }
}

nb_status nb_segment_unigram(const nb_pieces *p, const char *text, size_t len, nb_id_list *out, nb_error *err)
{
    nb_status status = NB_OK;
    path *ends = NULL;
    bool after_unknown = false;
    if (len >= INT32_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "a text of %zu bytes is too long to be cut into pieces", len);
    }
    NB_TRY_NEW(ends, len + 1);
    for (size_t i = 1; i <= len; i++) {
        ends[i].id = NO_PATH;
    }
    for (size_t at = 0; at < len; at += nb_piece_character(text + at, len - at)) {
        segment_from(p, text, len, at, ends);
    }
    /* From the end back to the start, each step noting where the next one goes on. */
    size_t next = len;
    for (size_t at = len; at > 0;) {
        size_t start = ends[at].start;
        ends[at].start = (uint32_t)next;
        next = at;
        at = start;
    }
    for (size_t start = 0, at = next; start < len; start = at, at = ends[at].start) {
        if (ends[at].id == UNCOVERED || ends[at].id == p->unknown) {
            NB_TRY(nb_pieces_push_unknown(p, text + start, at - start, &after_unknown, out, err));
        } else {
            after_unknown = false;
            NB_TRY(nb_id_list_push(out, ends[at].id, err));
        }
    }
done:
    free(ends);
    return status;
}
