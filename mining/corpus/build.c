#include "mining/corpus/build.h"

#include "common/parallel/pool.h"

#include <sodium.h>
#include <stdlib.h>

enum { DIGEST_WORDS = 4, WORD_BYTES = 8 };

/* What a build holds while it runs. */
typedef struct build {
    const nb_comm *comm;
    const nb_corpus_plan *plan;
    const nb_corpus_options *options;
    nb_corpus_slice *out;
    size_t *order;     /* of pieces, then of digests: as they are taken */
    uint64_t *digests; /* [inputs, DIGEST_WORDS] */
    nb_sorter sorter;
    nb_scratch_file received; /* of the spools */
    nb_spool *spools;         /* [size] */
    nb_run *runs;             /* [run_count] */
    size_t run_count;
} build;

/* ---- reading ---- */

static nb_status build_report_progress(void *pool, uint64_t bytes)
{
    return nb_pool_report(pool, bytes);
}

static nb_status build_digest_input(build *b, nb_pool *pool, size_t input, nb_error *err)
{
    nb_digest digest;
    unsigned char bytes[DIGEST_WORDS * WORD_BYTES] = {0};
    const char *path = b->plan->inputs[input].path, *want = nb_strings_get(&b->plan->files.digests, input);
    nb_status status = nb_digest_file_progress(&digest, path, build_report_progress, pool, err);
    if (status != NB_OK) {
        return status;
    }
    if (want[0] && strcmp(want, digest.hex) != 0) {
        nb_fail(err, NB_ERR_VERIFY, "'%s' has SHA-256 %.16s..., its manifest says %.16s...", path, digest.hex, want);
        return nb_hint(err, "the file is not the one that was listed: download it again, or list it anew");
    }
    sodium_hex2bin(bytes, sizeof bytes, digest.hex, strlen(digest.hex), NULL, NULL, NULL);
    memcpy(b->digests + DIGEST_WORDS * input, bytes, sizeof bytes);
    return NB_OK;
}

static uint64_t build_bytes_of(const nb_corpus_plan *plan, size_t piece)
{
    const nb_piece *p = &plan->pieces[piece];
    return (p->end == UINT64_MAX ? plan->inputs[p->input].bytes : p->end) - p->begin;
}

/* One piece, or the digest of one input. */
static nb_status build_visit(void *state, nb_pool *pool, size_t tile, nb_error *err)
{
    build *b = state;
    const nb_corpus_plan *plan = b->plan;
    const nb_corpus_progress progress = {.progress = build_report_progress, .state = pool};
    size_t piece = b->order[tile], input = piece - plan->piece_count;
    nb_status status;
    if (piece < plan->piece_count) {
        const nb_corpus_piece what = {.plan = plan, .number = piece, .progress = &progress};
        NB_TRY(nb_corpus_read_piece(&b->sorter, &b->out->counts, &b->out->lines_before[piece], &what, err));
        pool->counters.items += build_bytes_of(plan, piece);
    } else {
        NB_TRY(build_digest_input(b, pool, input, err));
        pool->counters.items += plan->inputs[input].bytes;
    }
done:
    return status;
}

/* Collective. */
static nb_status build_read_all(build *b, nb_error *err)
{
    const nb_pool_work work = {.what = "bytes to read and to hash",
                               .hint = "",
                               .total = 2 * b->plan->bytes,
                               .tiles = b->plan->piece_count + b->plan->count,
                               .run = {1, false},
                               .sharing = NB_SHARING_AUTO,
                               .visit = build_visit,
                               .state = b};
    return nb_pool_run(b->comm, b->options->log, &work, NULL, err);
}

/* Lines of each piece become lines in front of it. */
static void build_sum_lines(build *b)
{
    const nb_piece *pieces = b->plan->pieces;
    uint64_t sum = 0;
    for (size_t i = 0; i < b->plan->piece_count; i++) {
        uint64_t own = b->out->lines_before[i];
        sum = i && pieces[i - 1].input == pieces[i].input ? sum : 0;
        b->out->lines_before[i] = sum;
        sum += own;
    }
}

static nb_status build_make_sorter(build *b, nb_error *err)
{
    nb_corpus_slice *out = b->out;
    const nb_corpus_plan *plan = b->plan;
    nb_status status;
    NB_TRY_NEW(out->lines_before, plan->piece_count);
    NB_TRY_NEW(out->digests, plan->count);
    NB_TRY_NEW(b->digests, plan->count * DIGEST_WORDS);
    NB_TRY(nb_corpus_order(&b->order, plan, err));
    NB_TRY(nb_sorter_open(&b->sorter, (size_t)(b->options->memory / 2), b->options->scratch, err));
done:
    return status;
}

/* Collective. */
static nb_status build_read_and_sort(build *b, nb_error *err)
{
    size_t fan_in = (size_t)(b->options->memory / 8 / NB_RUN_BUFFER_MIN);
    nb_status status;
    NB_TRY(nb_comm_agree(b->comm, build_make_sorter(b, err), err));
    NB_TRY(build_read_all(b, err));
    NB_TRY(nb_comm_agree(b->comm, nb_sorter_finish(&b->sorter, fan_in, err), err));
done:
    return status;
}

static nb_status build_combine(build *b, nb_error *err)
{
    nb_corpus_slice *out = b->out;
    nb_status status;
    NB_TRY(nb_comm_sum(b->comm, out->lines_before, b->plan->piece_count, err));
    NB_TRY(nb_comm_sum(b->comm, b->digests, b->plan->count * DIGEST_WORDS, err));
    NB_TRY(nb_comm_sum(b->comm, (uint64_t *)&out->counts, sizeof out->counts / sizeof(uint64_t), err));
    build_sum_lines(b);
    for (size_t i = 0; i < b->plan->count; i++) {
        unsigned char bytes[DIGEST_WORDS * WORD_BYTES];
        memcpy(bytes, b->digests + DIGEST_WORDS * i, sizeof bytes);
        sodium_bin2hex(out->digests[i].hex, sizeof out->digests[i].hex, bytes, sizeof bytes);
    }
done:
    return status;
}

/* ---- bringing the ranks' entries in order ---- */

static size_t build_block_bytes(uint64_t memory)
{
    uint64_t block = memory / 64;
    return block < NB_EXCHANGE_BLOCK_MIN ? NB_EXCHANGE_BLOCK_MIN
           : block > NB_EXCHANGE_BLOCK   ? NB_EXCHANGE_BLOCK
                                         : (size_t)block;
}

static nb_status build_reserve(build *b, nb_error *err)
{
    size_t size = (size_t)b->comm->size;
    nb_status status;
    b->run_count = b->sorter.run_count + size;
    NB_TRY_NEW(b->runs, b->run_count);
    NB_TRY_NEW(b->spools, size);
    for (size_t r = 0; r < size; r++) {
        b->spools[r] = nb_spool_in(&b->received, &b->out->budget);
    }
done:
    return status;
}

static nb_status build_exchange(build *b, nb_error *err)
{
    nb_strings splitters = {0};
    nb_status status;
    NB_TRY(nb_comm_agree(b->comm, build_reserve(b, err), err));
    NB_TRY(nb_exchange_splitters(&splitters, b->comm, &b->sorter, &b->out->traffic, err));
    const nb_exchange_plan plan = {
        .comm = b->comm, .sorter = &b->sorter, .splitters = &splitters, .block = build_block_bytes(b->options->memory)};
    NB_TRY(nb_exchange(b->runs, b->spools, &plan, &b->out->traffic, err));
done:
    nb_strings_free(&splitters);
    return status;
}

static void build_free_sorted(build *b)
{
    for (int r = 0; b->spools && r < b->comm->size; r++) {
        nb_spool_free(&b->spools[r]);
    }
    free(b->spools);
    free(b->runs);
    b->spools = NULL;
    b->runs = NULL;
    nb_scratch_file_close(&b->received);
    nb_sorter_free(&b->sorter);
}

static nb_status build_merge(build *b, uint64_t *text_bytes, nb_error *err)
{
    nb_merge m = {0};
    nb_status status;
    NB_TRY(nb_merge_open(&m, b->runs, b->run_count, (size_t)(b->options->memory / 8), err));
    NB_TRY(nb_merge_into(&m, &b->out->rows, &b->out->spool_rows, text_bytes, err));
done:
    nb_merge_close(&m);
    return status;
}

/* ---- numbering ---- */

/* Text bytes of `count` rows of the spool from row `skip` on. */
static nb_status build_bytes_of_rows(const nb_corpus_slice *slice, uint64_t skip, uint64_t count, uint64_t *bytes,
                                     nb_error *err)
{
    const nb_run run = {.spool = &slice->rows, .begin = 0, .end = slice->rows.size};
    nb_run_reader reader;
    nb_status status;
    *bytes = 0;
    NB_TRY(nb_run_reader_open(&reader, &run, NB_RUN_BUFFER_MIN, err));
    for (uint64_t i = 0; i < skip + count; i++) {
        bool more;
        NB_TRY(nb_run_next(&reader, &more, err));
        *bytes += i >= skip ? reader.entry.len : 0;
    }
done:
    nb_run_reader_close(&reader);
    return status;
}

/* Collective. sums [size + 1] becomes what the ranks before each one hold; sums[size] all of it. */
static nb_status build_sum_before(const nb_comm *comm, uint64_t own, uint64_t *sums, nb_error *err)
{
    size_t size = (size_t)comm->size;
    memset(sums, 0, (size + 1) * sizeof *sums);
    sums[comm->rank] = own;
    nb_status status = nb_comm_sum(comm, sums, size, err);
    for (size_t r = 0, sum = 0; r <= size; r++) {
        uint64_t next = sums[r];
        sums[r] = sum;
        sum += next;
    }
    return status;
}

/* Collective; the rows are merged. Cuts off what --skip and --limit leave out and numbers the rest. */
static nb_status build_number_rows(build *b, uint64_t text_bytes, nb_error *err)
{
    nb_corpus_slice *out = b->out;
    size_t size = (size_t)b->comm->size, rank = (size_t)b->comm->rank;
    uint64_t *sums = NULL;
    nb_status status;
    NB_TRY_NEW(sums, size + 1);
done:
    status = nb_comm_agree(b->comm, status, err);
    if (status == NB_OK) {
        status = build_sum_before(b->comm, out->spool_rows, sums, err);
    }
    if (status == NB_OK) {
        const nb_corpus_settings *s = &b->plan->settings;
        uint64_t unique = sums[size], begin = s->skip < unique ? s->skip : unique;
        uint64_t end = s->limit && s->limit < unique - begin ? begin + s->limit : unique;
        uint64_t first = sums[rank] > begin ? sums[rank] : begin, last = sums[rank + 1] < end ? sums[rank + 1] : end;
        out->range.count = first < last ? last - first : 0;
        out->skip = out->range.count ? first - sums[rank] : 0;
        out->counts.dropped[NB_DROP_DUPLICATE] += out->counts.kept - unique;
        out->counts.dropped[NB_DROP_LIMIT] += unique - (end - begin);
        out->counts.kept = out->range.total = end - begin;
        if (out->range.count != out->spool_rows) {
            status = build_bytes_of_rows(out, out->skip, out->range.count, &text_bytes, err);
        }
        status = nb_comm_agree(b->comm, status, err);
    }
    if (status == NB_OK) {
        status = build_sum_before(b->comm, out->range.count, sums, err);
        out->range.first = sums[rank];
    }
    if (status == NB_OK) {
        status = build_sum_before(b->comm, text_bytes + out->range.count, sums, err);
        out->range.first_byte = sums[rank];
        out->range.total_bytes = sums[size];
    }
    free(sums);
    return status;
}

nb_status nb_corpus_build(nb_corpus_slice *out, const nb_comm *comm, const nb_corpus_plan *plan,
                          const nb_corpus_options *options, nb_error *err)
{
    _Static_assert(sizeof(nb_corpus_counts) % sizeof(uint64_t) == 0, "counts are summed as words");
    build b = {
        .comm = comm, .plan = plan, .options = options, .out = out, .received = nb_scratch_file_in(options->scratch)};
    uint64_t text_bytes = 0;
    nb_status status;
    *out =
        (nb_corpus_slice){.scratch = nb_scratch_file_in(options->scratch), .budget = (size_t)(options->memory / 8 * 3)};
    out->rows = nb_spool_in(&out->scratch, &out->budget);
    NB_TRY(build_read_and_sort(&b, err));
    NB_TRY(build_combine(&b, err));
    NB_TRY(build_exchange(&b, err));
    NB_TRY(nb_comm_agree(comm, build_merge(&b, &text_bytes, err), err));
    out->spilled = b.sorter.spilled + b.received.end;
    build_free_sorted(&b);
    NB_TRY(build_number_rows(&b, text_bytes, err));
    NB_TRY(nb_comm_sum(comm, (uint64_t *)&out->traffic, sizeof out->traffic / sizeof(uint64_t), err));
    NB_TRY(nb_comm_sum(comm, &out->spilled, 1, err));
done:
    build_free_sorted(&b);
    free(b.order);
    free(b.digests);
    if (status != NB_OK) {
        nb_corpus_slice_free(out);
    }
    return status;
}

void nb_corpus_slice_free(nb_corpus_slice *slice)
{
    nb_spool_free(&slice->rows);
    if (slice->scratch.folder) {
        nb_scratch_file_close(&slice->scratch);
    }
    free(slice->lines_before);
    free(slice->digests);
    *slice = (nb_corpus_slice){0};
}

/* ---- reading a slice ---- */

nb_status nb_corpus_rows_open(nb_corpus_rows *r, const nb_corpus_slice *slice, const nb_corpus_plan *plan,
                              nb_error *err)
{
    const nb_run run = {.spool = &slice->rows, .begin = 0, .end = slice->rows.size};
    nb_status status;
    *r = (nb_corpus_rows){.slice = slice, .plan = plan, .left = slice->range.count};
    NB_TRY(nb_run_reader_open(&r->reader, &run, NB_RUN_BUFFER_MIN, err));
    for (uint64_t i = 0; i < slice->skip; i++) {
        bool more;
        NB_TRY(nb_run_next(&r->reader, &more, err));
    }
done:
    return status;
}

nb_status nb_corpus_rows_next(nb_corpus_rows *r, nb_corpus_row *row, bool *more, nb_error *err)
{
    nb_status status = NB_OK;
    *more = r->left > 0;
    if (*more) {
        NB_TRY(nb_run_next(&r->reader, more, err));
        const nb_entry *e = &r->reader.entry;
        size_t piece = nb_place_piece(e->place);
        r->left--;
        *row = (nb_corpus_row){.text = e->text,
                               .len = e->len,
                               .tag = e->tag,
                               .source = r->plan->pieces[piece].input,
                               .line = r->slice->lines_before[piece] + nb_place_line(e->place)};
    }
done:
    return status;
}

void nb_corpus_rows_close(nb_corpus_rows *r)
{
    nb_run_reader_close(&r->reader);
}
