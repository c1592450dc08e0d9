#include "mining/corpus/read_piece.h"

#include "mining/corpus/word_order.h"

enum { PROGRESS_LINES = 4096 };

typedef struct reader {
    const nb_corpus_plan *plan;
    const nb_source *source;
    nb_sorter *out;
    nb_corpus_counts *counts;
    size_t piece;
    const nb_source_piece *in;
    const nb_corpus_progress *progress;
    nb_normaliser text, key;
    nb_buffer sanitised, joined;
    uint64_t lines;
} reader;

static nb_status read_piece_sanitise(reader *r, nb_drop *drop, const char *bytes, size_t len, nb_error *err)
{
    nb_buffer_clear(&r->sanitised);
    nb_status status = nb_utf8_replace(&r->sanitised, bytes, len, err);
    if (status == NB_OK) {
        *drop = nb_normalise(&r->text, r->sanitised.data, r->sanitised.len, r->source->underscores);
        r->counts->sanitised++;
    }
    return status;
}

/* Whether a drop says that something is wrong with an input; blank lines, say, doubles, and texts over a limit that was
 * asked for are no more than common. */
static bool read_piece_odd(nb_drop drop, nb_drop known)
{
    return drop == NB_DROP_JSON || drop == NB_DROP_MISSING || drop == NB_DROP_UTF8 || drop == NB_DROP_CONTROL ||
           known == NB_DROP_LONG;
}

static nb_status read_piece_stop(const reader *r, nb_drop drop, uint64_t line, nb_error *err)
{
    if (r->source->units) { /* of which a piece knows its own rows */
        nb_fail(err, NB_ERR_INPUT, "'%s' row %llu from byte %llu on: %s", r->source->path, (unsigned long long)line,
                (unsigned long long)r->in->begin, nb_drop_name(drop));
    } else {
        nb_fail(err, NB_ERR_INPUT, "'%s' line %llu: %s", r->source->path,
                (unsigned long long)nb_source_line(r->in, line), nb_drop_name(drop));
    }
    return nb_hint(err, "--strict stops here; without it such lines are counted and left out");
}

/* One candidate, canonical. */
static nb_status read_piece_add(reader *r, nb_drop drop, const char *text, size_t len, uint64_t line, nb_error *err)
{
    r->counts->read++;
    if (drop == NB_KEPT && nb_label_set_has(&r->plan->excluded, &r->key, text, len)) {
        drop = NB_DROP_EXCLUDED;
    }
    if (drop != NB_KEPT) {
        r->counts->dropped[drop]++;
        return NB_OK;
    }
    r->counts->kept++;
    return nb_sorter_add(r->out, text, len, (uint8_t)r->source->tag, nb_place(r->piece, line), err);
}

/* A canonical text becomes candidates: itself, or an adjective with its superclasses. */
static nb_status read_piece_join(reader *r, uint64_t line, nb_error *err)
{
    const nb_superclasses *s = &r->plan->superclasses;
    size_t first, count;
    nb_status status = NB_OK;
    if (!nb_superclasses_of(s, &r->text, r->source->tag, &first, &count)) {
        return read_piece_add(r, NB_DROP_DUPLICATE, r->text.text, r->text.len, line, err);
    }
    if (!count) {
        return read_piece_add(r, NB_KEPT, r->text.text, r->text.len, line, err);
    }
    for (size_t i = first; status == NB_OK && i < first + count; i++) {
        nb_buffer_clear(&r->joined);
        NB_TRY(nb_buffer_append(&r->joined, r->text.text, r->text.len, err));
        NB_TRY(nb_buffer_printf(&r->joined, err, " %s", nb_strings_get(&s->names, i)));
        nb_drop drop = r->joined.len > r->plan->settings.max_bytes ? NB_DROP_LONG : NB_KEPT;
        NB_TRY(read_piece_add(r, drop, r->joined.data, r->joined.len, line, err));
    }
done:
    return status;
}

static nb_status read_piece_take(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line,
                                 nb_error *err)
{
    reader *r = state;
    nb_status status = NB_OK;
    nb_drop drop = known == NB_KEPT ? nb_normalise(&r->text, bytes, len, r->source->underscores) : known;
    if (drop == NB_DROP_UTF8 && known == NB_KEPT && r->source->replace) {
        NB_TRY(read_piece_sanitise(r, &drop, bytes, len, err));
    }
    if (r->source->strict && read_piece_odd(drop, known)) {
        status = read_piece_stop(r, drop, line, err);
        goto done;
    }
    drop = drop == NB_KEPT ? nb_corpus_judge(r->plan, r->source, &r->key, &r->text) : drop;
    NB_TRY(drop == NB_KEPT ? read_piece_join(r, line, err) : read_piece_add(r, drop, NULL, 0, line, err));
    if (++r->lines % PROGRESS_LINES == 0 && r->progress) {
        /* a row group may lie elsewhere than where it counts as lying */
        uint64_t begin = r->in->begin, size = r->in->end - begin, at = nb_byte_stream_place(r->in->in);
        at = at > begin ? at - begin : 0;
        NB_TRY(r->progress->progress(r->progress->state, at < size ? at : size));
    }
done:
    return status;
}

static nb_status read_piece_open_piece(nb_source_piece *out, const nb_corpus_piece *what, nb_error *err)
{
    const nb_piece *piece = &what->plan->pieces[what->number];
    const nb_source *source = &what->plan->inputs[piece->input];
    nb_status status;
    *out = (nb_source_piece){.source = source, .begin = piece->begin, .end = piece->end};
    if (what->bytes) {
        return nb_byte_stream_open_bytes(&out->in, source->path, what->bytes, what->len, nb_line_start(piece->begin),
                                         err);
    }
    NB_TRY(nb_byte_stream_open(&out->in, source->path, nb_line_start(piece->begin), err));
    if (nb_byte_stream_size(out->in) != source->bytes) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' had %llu bytes at the start and now has %llu", source->path,
                         (unsigned long long)source->bytes, (unsigned long long)nb_byte_stream_size(out->in));
    }
done:
    return status;
}

nb_status nb_corpus_read_piece(nb_sorter *out, nb_corpus_counts *counts, uint64_t *lines, const nb_corpus_piece *what,
                               nb_error *err)
{
    const nb_corpus_plan *plan = what->plan;
    const nb_source *source = &plan->inputs[plan->pieces[what->number].input];
    reader r = {.plan = plan,
                .source = source,
                .out = out,
                .counts = counts,
                .piece = what->number,
                .progress = what->progress};
    const nb_candidate_sink sink = {.state = &r, .take = read_piece_take};
    nb_source_piece in = {0};
    nb_status status;
    NB_TRY(nb_normaliser_open(&r.text, plan->settings.max_bytes, err));
    NB_TRY(nb_normaliser_open(&r.key, plan->settings.max_bytes, err));
    NB_TRY(read_piece_open_piece(&in, what, err));
    r.in = &in;
    NB_TRY(source->format->read(&in, &sink, err));
    counts->sanitised += in.sanitised;
    counts->swallowed += in.swallowed;
    counts->stray += in.stray;
    *lines = in.lines;
done:
    nb_byte_stream_close(in.in);
    nb_buffer_free(&r.sanitised);
    nb_buffer_free(&r.joined);
    nb_normaliser_close(&r.key);
    nb_normaliser_close(&r.text);
    return status;
}
