/* Corpus inputs: any bytes are read or refused in every format, plain or packed; all is counted, texts come out
 * canonical, and cutting a file that may be cut changes nothing. The first byte chooses the format, the second its name
 * and where the file is cut. */
#include "mining/corpus/build.h"

#include "common/base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(nb_normaliser *n, const nb_entry *e)
{
    require(e->len && e->len <= n->max_bytes && nb_utf8_valid(e->text, e->len));
    require(nb_normalise(n, e->text, e->len, false) == NB_KEPT && n->len == e->len &&
            memcmp(n->text, e->text, e->len) == 0);
}

static const char *scratch(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}

/* Reads the pieces of the plan's only input; false when it is refused. lines [piece_count]. */
static bool sort(nb_sorter *sorter, nb_corpus_counts *counts, uint64_t *lines, const nb_corpus_plan *plan,
                 const char *bytes, size_t len)
{
    nb_error err = {0};
    nb_status status = NB_OK;
    require(nb_sorter_open(sorter, NB_SORTER_CAPACITY_MIN, scratch(), &err) == NB_OK);
    for (size_t i = 0; i < plan->piece_count && status == NB_OK; i++) {
        const nb_corpus_piece what = {.plan = plan, .number = i, .bytes = bytes, .len = len};
        status = nb_corpus_read_piece(sorter, counts, &lines[i], &what, &err);
    }
    require(status == NB_OK || (status == NB_ERR_INPUT && err.message[0]));
    if (status == NB_OK) {
        uint64_t sum = counts->kept;
        for (int i = 0; i < NB_DROP_COUNT; i++) {
            sum += counts->dropped[i];
        }
        require(sum == counts->read && counts->sanitised <= counts->read);
        require(nb_sorter_finish(sorter, 2, &err) == NB_OK);
    }
    return status == NB_OK;
}

/* Both sorters hold the same entries, in order, and each is canonical. */
static void compare(const nb_sorter *a, const nb_sorter *b, const nb_corpus_plan *plan, const uint64_t *lines)
{
    nb_error err = {0};
    nb_merge one, two;
    nb_normaliser n;
    nb_entry last = {0};
    char text[NB_TEXT_BYTES_MAX];
    bool more, more_too;
    require(nb_normaliser_open(&n, plan->settings.max_bytes, &err) == NB_OK);
    require(nb_merge_open(&one, a->runs, a->run_count, 1 << 20, &err) == NB_OK);
    require(nb_merge_open(&two, b->runs, b->run_count, 1 << 20, &err) == NB_OK);
    for (;;) {
        require(nb_merge_next(&one, &more, &err) == NB_OK && nb_merge_next(&two, &more_too, &err) == NB_OK);
        require(more == more_too);
        if (!more) {
            break;
        }
        uint64_t line = nb_place_line(two.entry.place) + (nb_place_piece(two.entry.place) ? lines[0] : 0);
        require(nb_entry_same(&one.entry, &two.entry) && nb_place_line(one.entry.place) == line);
        require(!last.text || nb_entry_compare(&last, &one.entry) < 0);
        check_text(&n, &one.entry);
        last = one.entry;
        memcpy(text, one.entry.text, one.entry.len);
        last.text = text;
    }
    nb_merge_close(&one);
    nb_merge_close(&two);
    nb_normaliser_close(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"lines", "csv", "tsv", "jsonl", "wordnet", "auto"};
    static const char *const columns[] = {"1", "2", "text", "id"};
    nb_error err = {0};
    nb_source source;
    nb_piece whole = {0, 0, UINT64_MAX};
    if (size < 3) {
        return 0;
    }
    const char *bytes = (const char *)data + 2;
    size_t len = size - 2;
    const nb_source_choice choice = {.format = formats[data[0] % 6],
                                     .tag = data[0] & 8 ? "noun" : "by-file",
                                     .column = columns[data[0] >> 4 & 3],
                                     .key = "text",
                                     .quotes = data[0] & 64,
                                     .replace = data[0] & 128,
                                     .strict = data[1] & 64};
    const char *name = data[1] & 128 ? "fuzz.json" : "fuzz.jsonl";
    nb_status status = nb_source_open_bytes(&source, name, bytes, len, &choice, &err);
    require(status == NB_OK || (status == NB_ERR_INPUT && err.message[0]));
    if (status != NB_OK) {
        return 0;
    }
    nb_corpus_plan plan = {.settings.max_bytes = data[1] & 1 ? 16 : 256,
                           .inputs = &source,
                           .count = 1,
                           .pieces = &whole,
                           .piece_count = 1};
    uint64_t cut = 1 + data[1] % len, lines[2] = {0};
    nb_piece pieces[2] = {{0, 0, cut}, {0, cut, UINT64_MAX}};
    nb_corpus_plan parted = plan;
    if (source.splits) {
        parted.pieces = pieces;
        parted.piece_count = 2;
    }
    nb_sorter one, two;
    nb_corpus_counts count_one = {0}, count_two = {0};
    bool read = sort(&one, &count_one, lines, &plan, bytes, len);
    require(read == sort(&two, &count_two, lines, &parted, bytes, len));
    if (read) {
        require(memcmp(&count_one, &count_two, sizeof count_one) == 0);
        compare(&one, &two, &plan, lines);
    }
    nb_sorter_free(&one);
    nb_sorter_free(&two);
    return 0;
}
