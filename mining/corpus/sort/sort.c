#include "mining/corpus/sort/sort.h"

enum { SMALL = 24, DIGITS = 256 };

typedef struct group {
    nb_record *records;
    size_t count, depth; /* all agree in the bytes before depth */
    int shift;           /* and in the bytes of the key above this bit */
} group;

static bool sort_before(const nb_record *a, const nb_record *b, const char *area)
{
    if (a->key != b->key) {
        return a->key < b->key;
    }
    nb_entry x = nb_entry_get(area + a->at), y = nb_entry_get(area + b->at);
    return nb_entry_compare(&x, &y) < 0;
}

static void sort_small(const group *g, const char *area)
{
    for (size_t i = 1; i < g->count; i++) {
        nb_record r = g->records[i];
        size_t k = i;
        for (; k && sort_before(&r, &g->records[k - 1], area); k--) {
            g->records[k] = g->records[k - 1];
        }
        g->records[k] = r;
    }
}

/* Records of one text in one group: their tag and place decide. They may be many, so this is a heap sort. */
static bool sort_later(const nb_record *a, const nb_record *b, const char *area)
{
    nb_entry x = nb_entry_get(area + a->at), y = nb_entry_get(area + b->at);
    return x.tag != y.tag ? x.tag > y.tag : x.place > y.place;
}

static void sort_sift(nb_record *r, size_t at, size_t count, const char *area)
{
    nb_record moving = r[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && sort_later(&r[child + 1], &r[child], area);
        if (!sort_later(&r[child], &moving, area)) {
            break;
        }
        r[at] = r[child];
        at = child;
    }
    r[at] = moving;
}

static void sort_equal(const group *g, const char *area)
{
    nb_record *r = g->records;
    for (size_t i = g->count / 2; i-- > 0;) {
        sort_sift(r, i, g->count, area);
    }
    for (size_t n = g->count; n-- > 1;) {
        nb_record last = r[n];
        r[n] = r[0];
        r[0] = last;
        sort_sift(r, 0, n, area);
    }
}

/* The next eight bytes of every text. False when the texts have ended, so that all are equal: a canonical text holds
 * no NUL, so a key whose last byte is 0 reaches behind its end. */
static bool sort_next_key(group *g, const char *area)
{
    if ((g->records[0].key & 0xFF) == 0) {
        return false;
    }
    g->depth += 8;
    g->shift = 56;
    for (size_t i = 0; i < g->count; i++) {
        if (i + NB_RECORDS_AHEAD < g->count) {
            nb_record_fetch(&g->records[i + NB_RECORDS_AHEAD], area);
        }
        nb_entry e = nb_entry_get(area + g->records[i].at);
        g->records[i].key = nb_entry_key(e.text, e.len, g->depth);
    }
    return true;
}

/* Moves every record to the bucket of its digit. */
static void sort_permute(nb_record *r, const size_t *begin, const size_t *end, int shift)
{
    size_t at[DIGITS];
    memcpy(at, begin, sizeof at);
    for (size_t d = 0; d < DIGITS; d++) {
        while (at[d] < end[d]) {
            nb_record held = r[at[d]];
            size_t to = held.key >> shift & 0xFF;
            while (to != d) {
                nb_record other = r[at[to]];
                r[at[to]++] = held;
                held = other;
                to = held.key >> shift & 0xFF;
            }
            r[at[d]++] = held;
        }
    }
}

static void sort_group(group g, const char *area)
{
    for (;;) {
        size_t begin[DIGITS], end[DIGITS], largest = 0;
        if (g.count < SMALL) {
            sort_small(&g, area);
            return;
        }
        if (g.shift < 0 && !sort_next_key(&g, area)) {
            sort_equal(&g, area);
            return;
        }
        memset(end, 0, sizeof end);
        for (size_t i = 0; i < g.count; i++) {
            end[g.records[i].key >> g.shift & 0xFF]++;
        }
        for (size_t d = 0, sum = 0; d < DIGITS; d++) {
            begin[d] = sum;
            sum += end[d];
            end[d] = sum;
            largest = end[d] - begin[d] > end[largest] - begin[largest] ? d : largest;
        }
        if (end[largest] - begin[largest] < g.count) {
            sort_permute(g.records, begin, end, g.shift);
        }
        for (size_t d = 0; d < DIGITS; d++) {
            if (d != largest && end[d] - begin[d] > 1) {
                sort_group((group){g.records + begin[d], end[d] - begin[d], g.depth, g.shift - 8}, area);
            }
        }
        g.records += begin[largest];
        g.count = end[largest] - begin[largest];
        g.shift -= 8;
    }
}

void nb_sort_records(nb_record *records, size_t count, const char *area)
{
    sort_group((group){records, count, 0, 56}, area);
}

size_t nb_sort_unique(nb_record *records, size_t count, const char *area, uint64_t *bytes)
{
    size_t kept = 0;
    nb_entry last = {0};
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + NB_RECORDS_AHEAD < count) {
            nb_record_fetch(&records[i + NB_RECORDS_AHEAD], area);
        }
        nb_entry e = nb_entry_get(area + records[i].at);
        if (!kept || !nb_entry_same(&last, &e)) {
            records[kept++] = records[i];
            *bytes += nb_entry_size(&e);
            last = e;
        }
    }
    return kept;
}
