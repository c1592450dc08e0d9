#include "mining/corpus/plan.h"

#include "mining/corpus/text/entry.h"
#include "mining/corpus/word_order.h"

#include <stdlib.h>

enum { FORMAT_NAME_MAX = 16, PACKED_FACTOR = 4, READ_WEIGHT = 3, UNITS_FINER = 16 };

static nb_status plan_exclude(nb_corpus_plan *plan, const nb_strings *labels, nb_error *err)
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

static nb_status plan_fill_settings(nb_corpus_plan *plan, const nb_corpus_settings *settings, nb_error *err)
{
    *plan = (nb_corpus_plan){.settings = *settings};
    nb_corpus_settings *s = &plan->settings;
    s->choice.format = s->choice.format ? s->choice.format : "auto";
    s->choice.tag = s->choice.tag ? s->choice.tag : "by-file";
    s->max_bytes = s->max_bytes ? s->max_bytes : NB_TEXT_BYTES_DEFAULT;
    s->excluded = NULL;
    plan->excluded_lexnames = s->wordnet ? s->wordnet->excluded : 0;
    if (s->max_bytes > NB_TEXT_BYTES_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "texts of %zu bytes are too long, at most %d are possible", s->max_bytes,
                       NB_TEXT_BYTES_MAX);
    }
    return settings->excluded && settings->excluded->count ? plan_exclude(plan, settings->excluded, err) : NB_OK;
}

/* Rank 0's part: what there is. */
static nb_status plan_list(nb_corpus_plan *plan, const nb_strings *words, const char *manifest, nb_error *err)
{
    if (!words->count && !manifest) {
        return nb_fail(err, NB_ERR_USAGE, "a corpus needs inputs, none are given");
    }
    nb_status status = nb_inputs_open(&plan->files, words, manifest, plan->settings.given, err);
    if (status == NB_OK && plan->files.paths.count > NB_PIECES_MAX / 2) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu inputs are too many, at most %d are possible", plan->files.paths.count,
                         NB_PIECES_MAX / 2);
    }
    return status;
}

/* --column and --key must name something: where no input has columns or keys, the inputs are not what they were taken
 * for, and would be read whole. */
static nb_status plan_check_choice(const nb_corpus_plan *plan, nb_error *err)
{
    const nb_source_choice *choice = &plan->settings.choice;
    bool column = !choice->column, key = !choice->key;
    for (size_t i = 0; i < plan->count; i++) {
        column = column || plan->inputs[i].format->uses_column;
        key = key || plan->inputs[i].key;
    }
    if (column && key) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_USAGE, "--%s '%s' applies to no input: '%s' is read as %s", column ? "key" : "column",
            column ? choice->key : choice->column, nb_strings_get(&plan->files.names, 0), plan->inputs[0].format->name);
    return nb_hint(err, "--format NAME says what the inputs are; without the option they are read whole");
}

/* Rank 0's part: what is in it. */
static nb_status plan_inspect(nb_corpus_plan *plan, nb_error *err)
{
    nb_status status;
    plan->count = plan->files.paths.count;
    NB_TRY_NEW(plan->inputs, plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        NB_TRY(nb_source_open(&plan->inputs[i], nb_strings_get(&plan->files.paths, i), &plan->settings.choice, err));
    }
    NB_TRY(plan_check_choice(plan, err));
done:
    return status;
}

/* ---- from rank 0 to the others: the sources as they lie in memory, with names in the place of addresses ---- */

typedef struct wire {
    nb_source source; /* without its addresses */
    char format[FORMAT_NAME_MAX];
    bool keyed; /* it has a key */
} wire;

static nb_status plan_pack(const nb_corpus_plan *plan, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    out->max = SIZE_MAX / 2;
    for (size_t i = 0; i < plan->count; i++) {
        wire w;
        memset(&w, 0, sizeof w);
        w.source = plan->inputs[i];
        w.keyed = w.source.key != NULL;
        w.source.path = w.source.key = NULL;
        w.source.format = NULL;
        memcpy(w.format, plan->inputs[i].format->name, strnlen(plan->inputs[i].format->name, FORMAT_NAME_MAX - 1));
        NB_TRY(nb_buffer_append(out, &w, sizeof w, err));
        NB_TRY(nb_buffer_append(out, nb_strings_get(&plan->files.paths, i), nb_strings_len(&plan->files.paths, i) + 1,
                                err));
        NB_TRY(nb_buffer_append(out, nb_strings_get(&plan->files.names, i), nb_strings_len(&plan->files.names, i) + 1,
                                err));
        NB_TRY(nb_buffer_append(out, nb_strings_get(&plan->files.digests, i),
                                nb_strings_len(&plan->files.digests, i) + 1, err));
    }
done:
    return status;
}

static nb_status plan_unpack(nb_corpus_plan *plan, const char *at, size_t count, nb_error *err)
{
    nb_status status;
    plan->count = count;
    NB_TRY_NEW(plan->inputs, count);
    for (size_t i = 0; i < count; i++) {
        wire w;
        memcpy(&w, at, sizeof w);
        at += sizeof w;
        NB_TRY(nb_strings_push(&plan->files.paths, at, strlen(at), err));
        at += strlen(at) + 1;
        NB_TRY(nb_strings_push(&plan->files.names, at, strlen(at), err));
        at += strlen(at) + 1;
        NB_TRY(nb_strings_push(&plan->files.digests, at, strlen(at), err));
        at += strlen(at) + 1;
        plan->inputs[i] = w.source;
        plan->inputs[i].format = nb_source_format_find(w.format);
        plan->inputs[i].key = w.keyed ? plan->settings.choice.key : NULL;
    }
    for (size_t i = 0; i < count; i++) {
        plan->inputs[i].path = nb_strings_get(&plan->files.paths, i);
    }
done:
    return status;
}

static nb_status plan_share(nb_corpus_plan *plan, const nb_comm *comm, nb_error *err)
{
    nb_buffer block = {0};
    uint64_t sizes[2] = {0};
    nb_status status = NB_OK;
    if (comm->rank == 0) {
        status = plan_pack(plan, &block, err);
        sizes[0] = plan->count;
        sizes[1] = block.len;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, sizes, sizeof sizes, err));
    if (comm->rank != 0) {
        block.data = nb_alloc((size_t)sizes[1], 1, err);
        status = block.data ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, block.data, (size_t)sizes[1], err));
    if (comm->rank != 0) {
        status = plan_unpack(plan, block.data, (size_t)sizes[0], err);
    }
done:
    free(block.data);
    return status;
}

/* ---- pieces ---- */

static uint64_t plan_pieces_of(const nb_source *s, uint64_t piece_bytes)
{
    uint64_t part = s->units ? piece_bytes / UNITS_FINER : piece_bytes; /* which are compressed inside */
    uint64_t parts = s->splits ? (s->bytes + part - 1) / part : 1;
    return s->units && s->units < parts ? s->units : parts;
}

/* The first byte of a piece: where there are few units, the pieces are equal parts. */
static uint64_t plan_begin_of(const nb_source *s, uint64_t piece, uint64_t parts, uint64_t piece_bytes)
{
    return s->units ? s->bytes / parts * piece + s->bytes % parts * piece / parts : piece * piece_bytes;
}

static nb_status plan_cut(nb_corpus_plan *plan, nb_error *err)
{
    uint64_t piece_bytes = NB_PIECE_BYTES, total;
    nb_status status;
    do {
        total = 0;
        for (size_t i = 0; i < plan->count; i++) {
            total += plan_pieces_of(&plan->inputs[i], piece_bytes);
        }
        piece_bytes *= total > NB_PIECES_MAX ? 2 : 1;
    } while (total > NB_PIECES_MAX);
    NB_TRY_NEW(plan->pieces, (size_t)total);
    for (size_t i = 0; i < plan->count; i++) {
        const nb_source *s = &plan->inputs[i];
        uint64_t parts = plan_pieces_of(s, piece_bytes);
        for (uint64_t p = 0; p < parts; p++) {
            uint64_t end = p + 1 < parts ? plan_begin_of(s, p + 1, parts, piece_bytes) : UINT64_MAX;
            plan->pieces[plan->piece_count++] = (nb_piece){(uint32_t)i, plan_begin_of(s, p, parts, piece_bytes), end};
        }
        plan->bytes += s->bytes;
    }
done:
    return status;
}

/* Every rank reads the database, where there is something to look up in it. */
static nb_status plan_open_wordnet(nb_corpus_plan *plan, bool first, nb_error *err)
{
    const nb_wordnet_rules *rules = plan->settings.wordnet;
    bool look_up = rules && (rules->proper || rules->labels);
    size_t unknown = 0;
    for (size_t i = 0; rules && rules->excluded && i < plan->count; i++) {
        look_up = look_up || !nb_lexnames_of_path(plan->inputs[i].path);
    }
    nb_status status = look_up ? nb_wordnet_open(&plan->wordnet, rules, &unknown, err) : NB_OK;
    if (status == NB_OK && first && unknown && plan->settings.log) {
        nb_log_warn(plan->settings.log, "WordNet does not have %zu of %zu labels: no kinds of these are left out",
                    unknown, rules->labels->count);
    }
    return status;
}

nb_status nb_corpus_plan_open(nb_corpus_plan *plan, const nb_comm *comm, const nb_strings *words, const char *manifest,
                              const nb_corpus_settings *settings, nb_error *err)
{
    bool first = comm->rank == 0;
    nb_status status = plan_fill_settings(plan, settings, err);
    if (status == NB_OK && first) {
        status = plan_list(plan, words, manifest, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    if (settings->fetch) {
        NB_TRY(nb_corpus_fetch(&plan->fetched, &plan->files, comm, settings->fetch, err));
    }
    NB_TRY(nb_comm_agree(comm, first ? plan_inspect(plan, err) : NB_OK, err));
    NB_TRY(nb_comm_agree(comm, comm->size > 1 ? plan_share(plan, comm, err) : NB_OK, err));
    NB_TRY(nb_comm_agree(comm, plan_cut(plan, err), err));
    NB_TRY(nb_comm_agree(comm, plan_open_wordnet(plan, first, err), err));
    if (settings->superclasses) {
        NB_TRY(nb_corpus_join_superclasses(plan, comm, err));
    }
done:
    if (status != NB_OK) {
        nb_corpus_plan_close(plan);
    }
    return status;
}

void nb_corpus_plan_forget(const nb_corpus_plan *plan)
{
    nb_corpus_fetched_forget(&plan->fetched);
}

void nb_corpus_plan_close(nb_corpus_plan *plan)
{
    nb_corpus_fetched_close(&plan->fetched);
    nb_inputs_free(&plan->files);
    free(plan->inputs);
    free(plan->pieces);
    nb_label_set_close(&plan->excluded);
    nb_superclasses_close(&plan->superclasses);
    nb_wordnet_close(plan->wordnet);
    *plan = (nb_corpus_plan){0};
}

/* ---- the order of the work ---- */

typedef struct work {
    uint64_t weight;
    size_t number;
} work;

static uint64_t plan_unpacked(const nb_source *s)
{
    return s->packing == NB_PACKING_NONE ? s->bytes : PACKED_FACTOR * s->bytes;
}

static int plan_heaviest_first(const void *left, const void *right)
{
    const work *a = left, *b = right;
    int order = (a->weight < b->weight) - (a->weight > b->weight);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

nb_status nb_corpus_order(size_t **order, const nb_corpus_plan *plan, nb_error *err)
{
    size_t count = plan->piece_count + plan->count;
    work *items = NULL;
    nb_status status;
    *order = NULL;
    NB_TRY_NEW(items, count);
    NB_TRY_NEW(*order, count);
    for (size_t i = 0; i < count; i++) {
        bool digest = i >= plan->piece_count;
        const nb_piece *p = digest ? NULL : &plan->pieces[i];
        const nb_source *s = &plan->inputs[p ? p->input : i - plan->piece_count];
        uint64_t whole = p ? READ_WEIGHT * plan_unpacked(s) : s->bytes;
        bool part = p && p->end != UINT64_MAX;
        items[i] = (work){part ? READ_WEIGHT * (p->end - p->begin) : p ? whole - READ_WEIGHT * p->begin : whole, i};
    }
    qsort(items, count, sizeof *items, plan_heaviest_first);
    for (size_t i = 0; i < count; i++) {
        (*order)[i] = items[i].number;
    }
done:
    free(items);
    return status;
}

nb_corpus_estimate nb_corpus_estimate_of(uint64_t text, uint64_t lines, int size, uint64_t memory)
{
    uint64_t ranks = (uint64_t)size, entries = text + NB_ENTRY_HEAD * lines;
    bool fits = (entries + 16 * lines) / ranks <= memory / 2 && 2 * entries / ranks <= memory / 8 * 3;
    return (nb_corpus_estimate){.memory = memory + NB_CORPUS_OVERHEAD,
                                .scratch = fits ? 0 : 2 * entries / ranks,
                                .sent = entries / ranks * (ranks - 1)};
}
