#include "common/store/hdf5/structure_file.h"

#include "common/store/hdf5/structure_checksum.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_structure_refuse(const nb_structure *s, uint64_t at, const char *what, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is not stored as negbank stores it: %s at byte %llu", s->path, what,
            (unsigned long long)(s->base + at));
    return nb_hint(err, "it was damaged or altered, or another program wrote it");
}

nb_status nb_structure_over(const nb_structure *s, const char *limit, uint64_t most, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_LIMIT, "'%s' has over %llu %s (limit %s)", s->path, (unsigned long long)most, what,
                   limit);
}

bool nb_structure_holds(const nb_structure *s, uint64_t begin, uint64_t len)
{
    return begin <= s->size && len <= s->size - begin;
}

nb_status nb_structure_claim(nb_structure *s, uint64_t begin, uint64_t len, bool shared, nb_error *err)
{
    nb_status status = NB_OK;
    if (!nb_structure_holds(s, begin, len)) {
        return nb_structure_refuse(s, begin, "bytes beyond the end of the file", err);
    }
    if (len) {
        NB_TRY_ROOM(s->extents, s->extent_count, s->extent_capacity, 64);
        s->extents[s->extent_count++] = (nb_extent){begin, begin + len, shared};
    }
done:
    return status;
}

nb_status nb_structure_block(nb_structure *s, uint64_t begin, uint64_t len, const char *magic,
                             const unsigned char **out, nb_error *err)
{
    nb_status status = nb_structure_claim(s, begin, len, false, err);
    if (status != NB_OK) {
        return status;
    }
    *out = s->data + begin;
    nb_cursor sum = {.at = *out + (len - 4), .left = 4};
    if (magic && memcmp(*out, magic, 4) != 0) {
        return nb_structure_refuse(s, begin, "another kind of metadata than belongs there", err);
    }
    if (nb_cursor_take(&sum, 4) != nb_structure_checksum(*out, (size_t)len - 4)) {
        return nb_structure_refuse(s, begin, "metadata with a wrong checksum", err);
    }
    return NB_OK;
}

static int structure_compare(const void *a, const void *b)
{
    const nb_extent *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

nb_status nb_structure_disjoint(nb_structure *s, nb_error *err)
{
    if (s->extent_count) {
        qsort(s->extents, s->extent_count, sizeof *s->extents, structure_compare);
    }
    for (size_t i = 1; i < s->extent_count; i++) {
        const nb_extent *a = &s->extents[i - 1], *b = &s->extents[i];
        bool same = a->shared && b->shared && a->begin == b->begin && a->end == b->end;
        if (b->begin < a->end && !same) {
            return nb_structure_refuse(s, b->begin, "two things in one place", err);
        }
    }
    return NB_OK;
}

void nb_structure_end(nb_structure *s)
{
    free(s->extents);
    s->extents = NULL;
    s->extent_count = s->extent_capacity = 0;
}

uint64_t nb_cursor_take(nb_cursor *c, size_t bytes)
{
    const unsigned char *at = nb_cursor_bytes(c, bytes);
    uint64_t value = 0;
    for (size_t i = 0; at && i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

const unsigned char *nb_cursor_bytes(nb_cursor *c, size_t bytes)
{
    const unsigned char *at = c->at;
    if (bytes > c->left) {
        c->beyond = true;
        c->left = 0;
        return NULL;
    }
    c->at += bytes;
    c->left -= bytes;
    return at;
}

bool nb_cursor_done(const nb_cursor *c)
{
    return !c->beyond && c->left == 0;
}
