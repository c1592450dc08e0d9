/* Corpus inputs: any bytes are read or refused in every format, all is counted, texts come out canonical, and neither
 * the number of parts nor packing changes the result. The first byte chooses what is tried. */
#include "mining/corpus/corpus.h"

#include "common/base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_texts(const nb_corpus *c, size_t max_bytes)
{
    nb_error err = {0};
    nb_normaliser n;
    if (nb_normaliser_open(&n, max_bytes, &err) != NB_OK) {
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        const char *text = nb_strings_get(&c->texts, i);
        size_t len = nb_strings_len(&c->texts, i);
        require(len && len <= max_bytes && nb_utf8_valid(text, len));
        require(nb_normalise(&n, text, len, false) == NB_KEPT && n.len == len && memcmp(n.text, text, len) == 0);
    }
    nb_normaliser_close(&n);
}

/* Reads the bytes in parts, packs and merges; false when they were refused. */
static bool build(nb_corpus *all, nb_corpus_counts *total, const nb_corpus_plan *plan, const char *bytes, size_t len,
                  size_t parts)
{
    nb_error err = {0};
    nb_status status = NB_OK;
    for (size_t part = 0; part < parts && status == NB_OK; part++) {
        const nb_source_share share = {"fuzz", bytes, len, part, parts};
        nb_corpus read = {0}, copy = {0};
        char *block = NULL;
        size_t block_len;
        nb_corpus_counts counts = {0};
        status = nb_corpus_read_bytes(&read, &counts, plan, 0, &share, &err);
        if (status == NB_OK) {
            require(nb_corpus_canonicalise(&read, &counts, &err) == NB_OK && counts.kept == read.count);
            require(nb_corpus_pack(&read, &block, &block_len, &err) == NB_OK);
            require(nb_corpus_unpack(&copy, block, block_len, &err) == NB_OK);
            require(nb_corpus_merge(all, &copy, &err) == NB_OK);
            nb_corpus_counts_add(total, &counts);
        }
        free(block);
        nb_corpus_free(&read);
        nb_corpus_free(&copy);
    }
    require(status == NB_OK || (status == NB_ERR_INPUT && err.message[0]));
    if (status == NB_OK) {
        require(nb_corpus_canonicalise(all, total, &err) == NB_OK);
        uint64_t sum = total->kept;
        for (int i = 0; i < NB_DROP_COUNT; i++) {
            sum += total->dropped[i];
        }
        require(sum == total->read && total->kept == all->count);
    }
    return status == NB_OK;
}

static void check_formats(const char *bytes, size_t len, unsigned choice)
{
    static const nb_source_format *const formats[] = {&nb_format_lines, &nb_format_wordnet};
    nb_error err = {0};
    nb_source source = {.path = "fuzz", .format = formats[choice % 2], .underscores = choice & 2};
    nb_corpus_plan plan = {.settings.max_bytes = choice & 4 ? 16 : 256, .inputs = &source, .count = 1};
    nb_normaliser n = {0};
    size_t index;
    require(nb_normaliser_open(&n, 256, &err) == NB_OK && nb_label_set_open(&plan.excluded, 1, &err) == NB_OK);
    require(nb_normalise_key(&n, "Tabby_cat", 9) == NB_KEPT);
    require(nb_label_set_add(&plan.excluded, &n, &index, &err) == NB_OK);
    nb_corpus one = {0}, three = {0};
    nb_corpus_counts count_one = {0}, count_three = {0};
    bool read = build(&one, &count_one, &plan, bytes, len, 1);
    require(read == build(&three, &count_three, &plan, bytes, len, 3));
    if (read) {
        check_texts(&one, plan.settings.max_bytes);
        require(memcmp(&count_one, &count_three, sizeof count_one) == 0 && one.count == three.count);
        for (size_t i = 0; i < one.count; i++) {
            require(one.line[i] == three.line[i] && one.tags[i] == three.tags[i]);
        }
    }
    nb_corpus_free(&one);
    nb_corpus_free(&three);
    nb_normaliser_close(&n);
    nb_label_set_close(&plan.excluded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_corpus c;
    if (!size) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    if (data[0] & 8) {
        if (nb_corpus_unpack(&c, bytes, size - 1, &err) == NB_OK) {
            nb_corpus_free(&c);
        }
    } else {
        check_formats(bytes, size - 1, data[0]);
    }
    return 0;
}
