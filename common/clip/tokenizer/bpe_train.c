#include "common/clip/tokenizer/bpe_train.h"

#include "common/base/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define WORD_END "</w>"

typedef struct pair_count {
    uint32_t left, right;
    uint64_t count;
} pair_count;

/* The words while they are learned: symbol ids, all words in one array. */
typedef struct trainer {
    nb_strings symbols; /* [512 + merges]: their spelling */
    uint32_t *text;     /* word w is text[start[w] .. start[w] + length[w]) */
    size_t *start, *length;
    pair_count *pairs; /* room for every pair of neighbours */
} trainer;

/* GPT-2's printable stand-in for a byte: itself where Latin-1 prints it, else the next code point from U+0100 on.
 * *order is its rank in the vocabulary: printable bytes first. */
static unsigned bpe_train_byte_code_point(unsigned byte, size_t *order)
{
    size_t printable = 0;
    size_t other = 0;
    for (unsigned b = 0;; b++) {
        bool prints = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        if (b == byte) {
            *order = prints ? printable : 188 + other;
            return prints ? b : 256 + (unsigned)other;
        }
        *(prints ? &printable : &other) += 1;
    }
}

/* The 512 first symbols in the order of their ids; byte_id [256] says which id a byte has. */
static nb_status bpe_train_base_symbols(nb_strings *symbols, uint32_t byte_id[256], nb_error *err)
{
    char spelling[256][8];
    for (unsigned b = 0; b < 256; b++) {
        size_t order;
        unsigned c = bpe_train_byte_code_point(b, &order);
        byte_id[b] = (uint32_t)order;
        char *s = spelling[order];
        *s++ = (char)(c < 128 ? c : 0xc0 | c >> 6);
        if (c >= 128) {
            *s++ = (char)(0x80 | (c & 63));
        }
        *s = '\0';
    }
    nb_status status = NB_OK;
    nb_buffer b = {0};
    for (size_t i = 0; i < NB_BPE_BASE_SYMBOLS; i++) {
        nb_buffer_clear(&b);
        NB_TRY(nb_buffer_printf(&b, err, "%s%s", spelling[i % 256], i < 256 ? "" : WORD_END));
        NB_TRY(nb_strings_push(symbols, b.data, b.len, err));
    }
done:
    nb_buffer_free(&b);
    return status;
}

static int bpe_train_word_class(unsigned char c)
{
    enum { BLANK, LETTER, DIGIT, OTHER };
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 127) {
        return LETTER;
    }
    return c >= '0' && c <= '9' ? DIGIT : c > ' ' && c < 127 ? OTHER : BLANK;
}

nb_status nb_word_counts_add(nb_word_counts *counts, const char *text, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer lower = {0};
    NB_TRY(nb_buffer_append(&lower, text, len, err));
    for (size_t i = 0; i < len; i++) {
        char c = lower.data[i];
        lower.data[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    for (size_t i = 0, end; i < len; i = end) {
        int class = bpe_train_word_class((unsigned char)lower.data[i]);
        bool single = class == bpe_train_word_class('0');
        for (end = i + 1; !single && end < len && bpe_train_word_class((unsigned char)lower.data[end]) == class;
             end++) {
        }
        if (class != bpe_train_word_class(' ')) {
            NB_TRY(nb_strings_push(&counts->words, lower.data + i, end - i, err));
        }
    }
done:
    nb_buffer_free(&lower);
    return status;
}

typedef struct span {
    const char *bytes;
    size_t len;
} span;

static int bpe_train_by_bytes(const void *a, const void *b)
{
    const span *x = a;
    const span *y = b;
    return nb_bytes_compare(x->bytes, x->len, y->bytes, y->len);
}

nb_status nb_word_counts_finish(nb_word_counts *counts, nb_error *err)
{
    nb_status status = NB_OK;
    nb_strings distinct = {0};
    span *all = NULL;
    size_t n = counts->words.count;
    NB_TRY_NEW(all, n);
    NB_TRY_NEW(counts->counts, n);
    for (size_t i = 0; i < n; i++) {
        all[i] = (span){nb_strings_get(&counts->words, i), nb_strings_len(&counts->words, i)};
    }
    qsort(all, n, sizeof *all, bpe_train_by_bytes);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || bpe_train_by_bytes(&all[i - 1], &all[i]) != 0) {
            NB_TRY(nb_strings_push(&distinct, all[i].bytes, all[i].len, err));
        }
        counts->counts[distinct.count - 1]++;
    }
    nb_strings_free(&counts->words);
    counts->words = distinct;
    distinct = (nb_strings){0};
done:
    nb_strings_free(&distinct);
    free(all);
    return status;
}

void nb_word_counts_free(nb_word_counts *counts)
{
    if (counts) {
        nb_strings_free(&counts->words);
        free(counts->counts);
        *counts = (nb_word_counts){0};
    }
}

static void bpe_train_trainer_free(trainer *t)
{
    nb_strings_free(&t->symbols);
    free(t->text);
    free(t->start);
    free(t->length);
    free(t->pairs);
}

static nb_status bpe_train_trainer_init(trainer *t, const nb_strings *words, nb_error *err)
{
    nb_status status = NB_OK;
    uint32_t byte_id[256];
    size_t total = 0;
    for (size_t w = 0; w < words->count; w++) {
        size_t len = nb_strings_len(words, w);
        if (len > NB_BPE_WORD_MAX) {
            return nb_fail(err, NB_ERR_LIMIT, "a word of %zu bytes, at most %d are accepted", len, NB_BPE_WORD_MAX);
        }
        total += len;
    }
    NB_TRY(bpe_train_base_symbols(&t->symbols, byte_id, err));
    NB_TRY_NEW(t->text, total);
    NB_TRY_NEW(t->pairs, total);
    NB_TRY_NEW(t->start, words->count);
    NB_TRY_NEW(t->length, words->count);
    size_t at = 0;
    for (size_t w = 0; w < words->count; w++) {
        const unsigned char *bytes = (const unsigned char *)nb_strings_get(words, w);
        t->start[w] = at;
        t->length[w] = nb_strings_len(words, w);
        for (size_t i = 0; i < t->length[w]; i++) {
            t->text[at++] = byte_id[bytes[i]] + (i + 1 == t->length[w] ? 256 : 0);
        }
    }
done:
    return status;
}

static int bpe_train_by_symbols(const void *a, const void *b)
{
    const pair_count *x = a;
    const pair_count *y = b;
    if (x->left != y->left) {
        return x->left < y->left ? -1 : 1;
    }
    return x->right < y->right ? -1 : x->right > y->right;
}

/* Every distinct pair of neighbours with its count, into t->pairs; returns how many. */
static size_t bpe_train_count_pairs(trainer *t, const uint64_t *counts, size_t words)
{
    size_t n = 0;
    for (size_t w = 0; w < words; w++) {
        const uint32_t *text = t->text + t->start[w];
        for (size_t i = 1; i < t->length[w]; i++) {
            t->pairs[n++] = (pair_count){text[i - 1], text[i], counts[w]};
        }
    }
    qsort(t->pairs, n, sizeof *t->pairs, bpe_train_by_symbols);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (distinct && bpe_train_by_symbols(&t->pairs[distinct - 1], &t->pairs[i]) == 0) {
            t->pairs[distinct - 1].count += t->pairs[i].count;
        } else {
            t->pairs[distinct++] = t->pairs[i];
        }
    }
    return distinct;
}

static nb_status bpe_train_spell(const trainer *t, const pair_count *p, const char *between, nb_buffer *out,
                                 nb_error *err)
{
    nb_buffer_clear(out);
    return nb_buffer_printf(out, err, "%s%s%s", nb_strings_get(&t->symbols, p->left), between,
                            nb_strings_get(&t->symbols, p->right));
}

static bool bpe_train_is_symbol(const trainer *t, const nb_buffer *text)
{
    for (size_t i = 0; i < t->symbols.count; i++) {
        if (nb_strings_len(&t->symbols, i) == text->len &&
            memcmp(nb_strings_get(&t->symbols, i), text->data, text->len) == 0) {
            return true;
        }
    }
    return false;
}

static void bpe_train_swap(nb_buffer *a, nb_buffer *b)
{
    nb_buffer keep = *a;
    *a = *b;
    *b = keep;
}

/* The pair to merge next. */
typedef struct choice {
    const pair_count *best; /* NULL when none is left */
    nb_buffer line;         /* of merges.txt */
    nb_buffer joined;       /* its text */
} choice;

static nb_status bpe_train_choose(const trainer *t, size_t pairs, uint64_t min_count, choice *c, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer other = {0};
    nb_buffer text = {0};
    c->best = NULL;
    for (size_t i = 0; i < pairs; i++) {
        const pair_count *p = &t->pairs[i];
        if (p->count < min_count || (c->best && p->count < c->best->count)) {
            continue;
        }
        NB_TRY(bpe_train_spell(t, p, " ", &other, err));
        if (c->best && p->count == c->best->count &&
            nb_bytes_compare(other.data, other.len, c->line.data, c->line.len) > 0) {
            continue;
        }
        NB_TRY(bpe_train_spell(t, p, "", &text, err));
        if (!bpe_train_is_symbol(t, &text)) {
            c->best = p;
            bpe_train_swap(&c->joined, &text);
            bpe_train_swap(&c->line, &other);
        }
    }
done:
    nb_buffer_free(&other);
    nb_buffer_free(&text);
    return status;
}

static void bpe_train_merge(trainer *t, pair_count p, size_t words)
{
    uint32_t id = (uint32_t)t->symbols.count - 1;
    for (size_t w = 0; w < words; w++) {
        uint32_t *text = t->text + t->start[w];
        size_t kept = 0;
        for (size_t i = 0; i < t->length[w]; i++) {
            bool here = i + 1 < t->length[w] && text[i] == p.left && text[i + 1] == p.right;
            text[kept++] = here ? id : text[i];
            i += here;
        }
        t->length[w] = kept;
    }
}

nb_status nb_bpe_train(nb_strings *merges, const nb_strings *words, const uint64_t *counts, size_t limit,
                       uint64_t min_count, nb_error *err)
{
    nb_status status = NB_OK;
    trainer t = {0};
    choice c = {0};
    if (limit > NB_BPE_MERGES_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu merges, at most %d are accepted", limit, NB_BPE_MERGES_MAX);
    }
    NB_TRY(bpe_train_trainer_init(&t, words, err));
    for (size_t n = 0; n < limit; n++) {
        size_t pairs = bpe_train_count_pairs(&t, counts, words->count);
        NB_TRY(bpe_train_choose(&t, pairs, min_count, &c, err));
        if (!c.best) {
            break;
        }
        NB_TRY(nb_strings_push(merges, c.line.data, c.line.len, err));
        NB_TRY(nb_strings_push(&t.symbols, c.joined.data, c.joined.len, err));
        bpe_train_merge(&t, *c.best, words->count);
    }
done:
    nb_buffer_free(&c.line);
    nb_buffer_free(&c.joined);
    bpe_train_trainer_free(&t);
    return status;
}

/* "left right" without its blank. */
static nb_status bpe_train_push_joined(nb_strings *symbols, const char *line, nb_error *err)
{
    nb_buffer b = {0};
    const char *blank = strchr(line, ' ');
    nb_status status =
        blank ? nb_buffer_printf(&b, err, "%.*s%s", (int)(blank - line), line, blank + 1)
              : nb_fail(err, NB_ERR_INPUT, "'%s' is no merge: two symbols with a blank between are needed", line);
    if (status == NB_OK) {
        status = nb_strings_push(symbols, b.data, b.len, err);
    }
    nb_buffer_free(&b);
    return status;
}

static nb_status bpe_train_write_into(const char *directory, const char *name, bool force, const char *text, size_t len,
                                      nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, directory, name, err);
    if (status == NB_OK) {
        status = nb_file_write(path, force, text, len, err);
    }
    free(path);
    return status;
}

/* {"symbol": id, ...} in the order of the ids; the caller frees *out. */
static nb_status bpe_train_vocab_json(char **out, const nb_strings *symbols, nb_error *err)
{
    json_t *vocab = json_object();
    bool ok = vocab != NULL;
    for (size_t i = 0; i < symbols->count && ok; i++) {
        ok = json_object_set_new(vocab, nb_strings_get(symbols, i), json_integer((json_int_t)i)) == 0;
    }
    bool distinct = json_object_size(vocab) == symbols->count;
    *out = ok ? json_dumps(vocab, 0) : NULL;
    json_decref(vocab);
    if (!*out) {
        return nb_fail(err, NB_ERR_LIMIT, "no memory for a vocabulary of %zu symbols", symbols->count);
    }
    return distinct ? NB_OK : nb_fail(err, NB_ERR_INPUT, "two merges make the same symbol");
}

nb_status nb_bpe_write(const char *directory, bool force, const nb_strings *merges, nb_error *err)
{
    nb_status status = NB_OK;
    uint32_t byte_id[256];
    nb_strings symbols = {0};
    nb_buffer lines = {0};
    char *json = NULL;
    NB_TRY(bpe_train_base_symbols(&symbols, byte_id, err));
    NB_TRY(nb_buffer_printf(&lines, err, "#version: 0.2\n"));
    for (size_t i = 0; i < merges->count; i++) {
        NB_TRY(bpe_train_push_joined(&symbols, nb_strings_get(merges, i), err));
        NB_TRY(nb_buffer_printf(&lines, err, "%s\n", nb_strings_get(merges, i)));
    }
    NB_TRY(nb_strings_push(&symbols, "<|startoftext|>", 15, err));
    NB_TRY(nb_strings_push(&symbols, "<|endoftext|>", 13, err));
    NB_TRY(bpe_train_vocab_json(&json, &symbols, err));
    NB_TRY(bpe_train_write_into(directory, "vocab.json", force, json, strlen(json), err));
    NB_TRY(bpe_train_write_into(directory, "merges.txt", force, lines.data, lines.len, err));
done:
    free(json);
    nb_buffer_free(&lines);
    nb_strings_free(&symbols);
    return status;
}
