#include "mining/corpus/corpus.h"

#include "common/base/file.h"

#include <stdlib.h>

nb_status nb_corpus_push(nb_corpus *c, const char *text, size_t len, uint8_t tag, uint32_t source, uint64_t line,
                         nb_error *err)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        uint8_t *tags = nb_grow(c->tags, cap, sizeof *tags, err);
        c->tags = tags ? tags : c->tags;
        uint32_t *sources = tags ? nb_grow(c->source, cap, sizeof *sources, err) : NULL;
        c->source = sources ? sources : c->source;
        uint64_t *lines = sources ? nb_grow(c->line, cap, sizeof *lines, err) : NULL;
        c->line = lines ? lines : c->line;
        if (!lines) {
            return NB_ERR_LIMIT;
        }
        c->cap = cap;
    }
    nb_status status = nb_strings_push(&c->texts, text, len, err);
    if (status == NB_OK) {
        c->tags[c->count] = tag;
        c->source[c->count] = source;
        c->line[c->count] = line;
        c->count++;
    }
    return status;
}

void nb_corpus_free(nb_corpus *c)
{
    if (c) {
        nb_strings_free(&c->texts);
        free(c->tags);
        free(c->source);
        free(c->line);
        *c = (nb_corpus){0};
    }
}

static nb_status exclude(nb_corpus_plan *plan, const nb_strings *labels, nb_error *err)
{
    nb_normaliser n;
    nb_status status = nb_normaliser_open(&n, NB_TEXT_BYTES_MAX, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY(nb_label_set_open(&plan->excluded, labels->count, err));
    for (size_t i = 0; i < labels->count; i++) {
        size_t index;
        nb_drop drop = nb_normalise_key(&n, nb_strings_get(labels, i), nb_strings_len(labels, i));
        if (drop != NB_KEPT) {
            status =
                nb_fail(err, NB_ERR_INPUT, "label %zu of the excluded ones is no text: %s", i + 1, nb_drop_name(drop));
            goto done;
        }
        NB_TRY(nb_label_set_add(&plan->excluded, &n, &index, err));
    }
done:
    nb_normaliser_close(&n);
    return status;
}

nb_status nb_corpus_plan_open(nb_corpus_plan *plan, const nb_strings *inputs, const nb_corpus_settings *settings,
                              nb_error *err)
{
    nb_status status = NB_OK;
    *plan = (nb_corpus_plan){.settings = *settings};
    nb_corpus_settings *s = &plan->settings;
    s->format = s->format ? s->format : "auto";
    s->tag = s->tag ? s->tag : "by-file";
    s->max_bytes = s->max_bytes ? s->max_bytes : NB_TEXT_BYTES_DEFAULT;
    s->excluded = NULL;
    if (!inputs->count || inputs->count > UINT32_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "a corpus needs 1 to %u inputs, %zu are given", UINT32_MAX, inputs->count);
    }
    if (s->max_bytes > NB_TEXT_BYTES_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "texts of %zu bytes are too long, at most %d are possible", s->max_bytes,
                       NB_TEXT_BYTES_MAX);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        NB_TRY(nb_strings_push(&plan->paths, nb_strings_get(inputs, i), nb_strings_len(inputs, i), err));
    }
    NB_TRY_NEW(plan->inputs, inputs->count);
    plan->count = inputs->count;
    for (size_t i = 0; i < plan->count; i++) {
        NB_TRY(nb_source_open(&plan->inputs[i], nb_strings_get(&plan->paths, i), s->format, s->tag, err));
        plan->bytes += plan->inputs[i].bytes;
    }
    if (settings->excluded && settings->excluded->count) {
        NB_TRY(exclude(plan, settings->excluded, err));
    }
done:
    if (status != NB_OK) {
        nb_corpus_plan_close(plan);
    }
    return status;
}

void nb_corpus_plan_close(nb_corpus_plan *plan)
{
    nb_strings_free(&plan->paths);
    free(plan->inputs);
    nb_label_set_close(&plan->excluded);
    *plan = (nb_corpus_plan){0};
}

typedef struct reader {
    const nb_corpus_plan *plan;
    nb_corpus *out;
    nb_corpus_counts *counts;
    uint32_t input;
    nb_normaliser text, key;
} reader;

static nb_status take(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err)
{
    reader *r = state;
    const nb_source *source = &r->plan->inputs[r->input];
    nb_drop drop = known == NB_KEPT ? nb_normalise(&r->text, bytes, len, source->underscores) : known;
    if (drop == NB_KEPT && nb_label_set_has(&r->plan->excluded, &r->key, r->text.text, r->text.len)) {
        drop = NB_DROP_EXCLUDED;
    }
    if (drop == NB_KEPT) {
        nb_status status = nb_corpus_push(r->out, r->text.text, r->text.len, (uint8_t)source->tag, r->input, line, err);
        if (status != NB_OK) {
            return status;
        }
        r->counts->kept++;
    } else {
        r->counts->dropped[drop]++;
    }
    r->counts->read++;
    return NB_OK;
}

nb_status nb_corpus_read_bytes(nb_corpus *out, nb_corpus_counts *counts, const nb_corpus_plan *plan, size_t input,
                               const nb_source_share *share, nb_error *err)
{
    reader r = {.plan = plan, .out = out, .counts = counts, .input = (uint32_t)input};
    const nb_sink sink = {.state = &r, .take = take};
    nb_status status = NB_OK;
    if (input >= plan->count || share->part >= share->parts) {
        return nb_fail(err, NB_ERR_INTERNAL, "input %zu of %zu, part %zu of %zu was asked for", input, plan->count,
                       share->part, share->parts);
    }
    NB_TRY(nb_normaliser_open(&r.text, plan->settings.max_bytes, err));
    NB_TRY(nb_normaliser_open(&r.key, plan->settings.max_bytes, err));
    NB_TRY(plan->inputs[input].format->read(share, &sink, err));
done:
    nb_normaliser_close(&r.key);
    nb_normaliser_close(&r.text);
    return status;
}

static nb_status read_input(nb_corpus *out, nb_corpus_counts *counts, const nb_corpus_plan *plan, size_t input,
                            size_t part, size_t parts, nb_error *err)
{
    const nb_source *source = &plan->inputs[input];
    nb_map map;
    nb_status status = nb_map_open(&map, source->path, err);
    if (status != NB_OK) {
        return status;
    }
    if (map.len != source->bytes) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' had %zu bytes at the start and now has %zu", source->path,
                         source->bytes, map.len);
        goto done;
    }
    const nb_source_share share = {source->path, (const char *)map.data, map.len, part, parts};
    NB_TRY(nb_corpus_read_bytes(out, counts, plan, input, &share, err));
done:
    nb_map_close(&map);
    return status;
}

nb_status nb_corpus_read(nb_corpus *out, nb_corpus_counts *counts, const nb_corpus_plan *plan, size_t part,
                         size_t parts, nb_error *err)
{
    nb_status status = NB_OK;
    *out = (nb_corpus){0};
    *counts = (nb_corpus_counts){0};
    for (size_t i = 0; i < plan->count; i++) {
        NB_TRY(read_input(out, counts, plan, i, part, parts, err));
    }
done:
    if (status != NB_OK) {
        nb_corpus_free(out);
    }
    return status;
}

/* Eight bytes of a text as a number: sorting by these, run by run, hardly ever looks at the texts. */
typedef struct sort_key {
    uint64_t piece;
    size_t index;
} sort_key;

enum { SORT_RUN_MIN = 16, SORT_DEPTH_MAX = 64 }; /* texts, bytes: whole texts are compared beyond */

static uint64_t piece_of(const nb_corpus *c, size_t i, size_t depth)
{
    const unsigned char *text = (const unsigned char *)nb_strings_get(&c->texts, i);
    size_t len = nb_strings_len(&c->texts, i);
    uint64_t piece = 0;
    for (size_t k = depth; k < depth + 8; k++) {
        piece = piece << 8 | (k < len ? text[k] : 0);
    }
    return piece;
}

static int compare_texts(const nb_corpus *c, size_t a, size_t b)
{
    int order = nb_bytes_compare(nb_strings_get(&c->texts, a), nb_strings_len(&c->texts, a),
                                 nb_strings_get(&c->texts, b), nb_strings_len(&c->texts, b));
    return order ? order : (c->tags[a] > c->tags[b]) - (c->tags[a] < c->tags[b]);
}

static int compare_pieces(const void *left, const void *right)
{
    const sort_key *a = left, *b = right;
    return (a->piece > b->piece) - (a->piece < b->piece);
}

static int compare_whole(const void *left, const void *right, void *corpus)
{
    const nb_corpus *c = corpus;
    size_t a = ((const sort_key *)left)->index, b = ((const sort_key *)right)->index;
    int order = compare_texts(c, a, b);
    if (!order) {
        order = (c->source[a] > c->source[b]) - (c->source[a] < c->source[b]);
    }
    return order ? order : (c->line[a] > c->line[b]) - (c->line[a] < c->line[b]);
}

/* Sorts keys of texts that agree in their first depth bytes. */
static void sort_keys(nb_corpus *c, sort_key *keys, size_t count, size_t depth)
{
    if (count < SORT_RUN_MIN || depth >= SORT_DEPTH_MAX) {
        qsort_r(keys, count, sizeof *keys, compare_whole, c);
        return;
    }
    for (size_t k = 0; k < count; k++) {
        keys[k].piece = piece_of(c, keys[k].index, depth);
    }
    qsort(keys, count, sizeof *keys, compare_pieces);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && keys[end].piece == keys[begin].piece;) {
            end++;
        }
        if (end - begin > 1) {
            /* a piece that ends in NUL reaches the end of the text: duplicates, told apart by where they come from */
            bool ended = (keys[begin].piece & 0xFF) == 0;
            sort_keys(c, keys + begin, end - begin, ended ? SORT_DEPTH_MAX : depth + 8);
        }
    }
}

nb_status nb_corpus_canonicalise(nb_corpus *c, nb_corpus_counts *counts, nb_error *err)
{
    nb_status status = NB_OK;
    nb_corpus sorted = {0};
    sort_key *keys = NULL;
    NB_TRY_NEW(keys, c->count);
    for (size_t i = 0; i < c->count; i++) {
        keys[i].index = i;
    }
    sort_keys(c, keys, c->count, 0);
    for (size_t k = 0; k < c->count; k++) {
        size_t i = keys[k].index;
        if (k && compare_texts(c, keys[k - 1].index, i) == 0) {
            continue;
        }
        NB_TRY(nb_corpus_push(&sorted, nb_strings_get(&c->texts, i), nb_strings_len(&c->texts, i), c->tags[i],
                              c->source[i], c->line[i], err));
    }
    counts->dropped[NB_DROP_DUPLICATE] += c->count - sorted.count;
    counts->kept -= c->count - sorted.count;
    nb_corpus_free(c);
    *c = sorted;
    sorted = (nb_corpus){0};
done:
    nb_corpus_free(&sorted);
    free(keys);
    return status;
}

nb_status nb_corpus_merge(nb_corpus *into, const nb_corpus *part, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < part->count && status == NB_OK; i++) {
        status = nb_corpus_push(into, nb_strings_get(&part->texts, i), nb_strings_len(&part->texts, i), part->tags[i],
                                part->source[i], part->line[i], err);
    }
    return status;
}

void nb_corpus_counts_add(nb_corpus_counts *into, const nb_corpus_counts *part)
{
    into->read += part->read;
    into->kept += part->kept;
    for (int i = 0; i < NB_DROP_COUNT; i++) {
        into->dropped[i] += part->dropped[i];
    }
}

void nb_corpus_apply_limit(nb_corpus *c, nb_corpus_counts *counts, size_t limit)
{
    if (limit && c->count > limit) {
        counts->dropped[NB_DROP_LIMIT] += c->count - limit;
        counts->kept -= c->count - limit;
        c->count = limit;
        c->texts.count = limit;
    }
}
