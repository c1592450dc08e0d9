#include "jobs/inspect/inspect_diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MAX = 10, PATH_BYTES = 256 };

/* An entry of a list in the order of texts and tags. */
typedef struct entry {
    const nb_diff_list *side;
    size_t at;
} entry;

static int inspect_diff_sides_compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const nb_strings *s = x->side->texts, *t = y->side->texts;
    int order = nb_bytes_compare(nb_strings_get(s, x->at), nb_strings_len(s, x->at), nb_strings_get(t, y->at),
                                 nb_strings_len(t, y->at));
    if (order == 0 && x->side->tags && y->side->tags) {
        order = x->side->tags[x->at] - y->side->tags[y->at];
    }
    return order;
}

static nb_status inspect_diff_sides_sort_side(entry **out, const nb_diff_list *side, nb_error *err)
{
    size_t n = side->texts->count;
    *out = nb_alloc(n, sizeof **out, err);
    for (size_t i = 0; *out && i < n; i++) {
        (*out)[i] = (entry){side, i};
    }
    if (*out) {
        qsort(*out, n, sizeof **out, inspect_diff_sides_compare_entries);
    }
    return *out ? NB_OK : NB_ERR_LIMIT;
}

/* What is found on the way. */
typedef struct comparison {
    json_int_t only, common, moved, rows, values, ids;
    double distance, gap;
    json_t *named;
} comparison;

static double inspect_diff_sides_distance(const double *a, const double *b, size_t d)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++) {
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    }
    return sqrt(sum);
}

static void inspect_diff_sides_compare_pair(comparison *t, const nb_diff_list *a, size_t i, const nb_diff_list *b,
                                            size_t j, size_t d)
{
    t->common++;
    t->moved += i != j;
    if (d && a->rows && b->rows) {
        double gap = inspect_diff_sides_distance(a->rows + i * d, b->rows + j * d, d);
        t->rows += gap > 0;
        t->distance = fmax(t->distance, gap);
    }
    if (a->values && b->values) {
        double gap = fabs(a->values[i] - b->values[j]);
        t->values += gap > 0;
        t->gap = fmax(t->gap, gap);
    }
    t->ids += a->ids && b->ids && a->ids[i] != b->ids[j];
}

/* Goes through `a` in its own order; entries that `sorted` (of b, count m) lacks are counted and the first named. */
static void inspect_diff_sides_look_up(comparison *t, const nb_diff_list *a, const entry *sorted, const nb_diff_list *b,
                                       size_t d, bool pairs)
{
    for (size_t i = 0; i < a->texts->count; i++) {
        entry key = {a, i};
        const entry *hit = bsearch(&key, sorted, b->texts->count, sizeof *sorted, inspect_diff_sides_compare_entries);
        if (hit && pairs) {
            inspect_diff_sides_compare_pair(t, a, i, b, hit->at, d);
        } else if (!hit && t->only++ < NAMED_MAX) {
            json_array_append_new(t->named, json_stringn(nb_strings_get(a->texts, i), nb_strings_len(a->texts, i)));
        }
    }
}

nb_status nb_diff_sides(const nb_diff_list *a, const nb_diff_list *b, json_t **out, bool *same, nb_error *err)
{
    size_t d = a->d == b->d ? a->d : 0;
    entry *in_a = NULL, *in_b = NULL;
    comparison forward = {.named = json_array()}, backward = {.named = json_array()};
    nb_status status;
    *out = NULL;
    NB_TRY(inspect_diff_sides_sort_side(&in_a, a, err));
    NB_TRY(inspect_diff_sides_sort_side(&in_b, b, err));
    inspect_diff_sides_look_up(&forward, a, in_b, b, d, true);
    inspect_diff_sides_look_up(&backward, b, in_a, a, d, false);
    *out =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O}", "a", (json_int_t)a->texts->count, "b",
                  (json_int_t)b->texts->count, "in_both", forward.common, "only_a", forward.only, "only_b",
                  backward.only, "moved", forward.moved, "first_only_a", forward.named, "first_only_b", backward.named);
    if (d && a->rows && b->rows) {
        json_object_set_new(*out, "embeddings_differing", json_integer(forward.rows));
        json_object_set_new(*out, "largest_distance", json_real(forward.distance));
    }
    if (a->values && b->values) {
        json_object_set_new(*out, "values_differing", json_integer(forward.values));
        json_object_set_new(*out, "largest_value_difference", json_real(forward.gap));
    }
    if (a->ids && b->ids) {
        json_object_set_new(*out, "ids_differing", json_integer(forward.ids));
    }
    *same = *same && !forward.only && !backward.only && !forward.moved && !forward.rows && !forward.values &&
            !forward.ids && !a->rows == !b->rows;
done:
    json_decref(forward.named);
    json_decref(backward.named);
    free(in_a);
    free(in_b);
    return status;
}

void nb_diff_objects(json_t *out, const char *path, const json_t *a, const json_t *b)
{
    const char *key;
    const json_t *value;
    char at[PATH_BYTES];
    if (!json_is_object(a) || !json_is_object(b)) {
        if (!json_equal(a, b)) {
            json_object_set_new(out, path, json_pack("{s:O?, s:O?}", "a", a, "b", b));
        }
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        snprintf(at, sizeof at, "%.120s%s%.120s", path, *path ? "/" : "", key);
        nb_diff_objects(out, at, value, json_object_get(b, key));
    }
    json_object_foreach((json_t *)(uintptr_t)b, key, value)
    {
        snprintf(at, sizeof at, "%.120s%s%.120s", path, *path ? "/" : "", key);
        if (!json_object_get(a, key)) {
            nb_diff_objects(out, at, NULL, value);
        }
    }
}
