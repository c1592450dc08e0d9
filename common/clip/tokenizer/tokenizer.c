#include "common/clip/tokenizer/tokenizer.h"

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/clip/tokenizer/byte_pairs.h"
#include "common/clip/tokenizer/piece_tokenizer.h"
#include "common/clip/tokenizer/text_clean.h"

#include <stdlib.h>
#include <string.h>

#define START_TEXT "<|startoftext|>"
#define END_TEXT   "<|endoftext|>"
#define WORD_END   "</w>"

enum {
    WORD_ON_STACK = 256,   /* bytes of a word whose symbols need no allocation */
    TOKEN_MAX = 512,       /* bytes of the longest token that a merge may make */
    SYMBOL_MAX = 8,        /* bytes of a byte's symbol, "</w>" and NUL included */
    PIECES_SLACK = 128,    /* sentencepiece: T5's "<extra_id_0>" to "<extra_id_99>" */
    WORDPIECE_SLACK = 2048 /* CLIPA embeds 32000 tokens for the 30522 of BERT's vocabulary */
};

struct nb_tokenizer {
    size_t size;
    int32_t start, end;
    int32_t byte_id[2][256]; /* inside a word, at its end */
    nb_byte_pairs pairs;
    nb_piece_tokenizer *pieces; /* sentencepiece's; of the above only `size` then counts. NULL: CLIP's */
};

/* ---- vocabulary and merges ---- */

typedef struct reading {
    nb_tokenizer *t;
    const char *where;
    json_t *vocab;
    const char **token; /* [size] text of each id, borrowed from vocab */
    bool *made;         /* [size] ids that are byte symbols, special tokens or the result of a merge so far */
    size_t left_to_make;
    nb_byte_pair *merges;
    size_t merge_count;
} reading;

/* The id of a token, -1 when the vocabulary has it not. */
static int32_t tokenizer_find_token(const reading *r, const char *text, size_t len)
{
    const json_t *value = json_object_getn(r->vocab, text, len);
    return value ? (int32_t)json_integer_value(value) : -1;
}

static void tokenizer_mark_made(reading *r, int32_t id)
{
    r->left_to_make -= !r->made[id];
    r->made[id] = true;
}

static nb_status tokenizer_read_vocab(reading *r, const char *json, size_t len, nb_error *err)
{
    json_error_t bad;
    nb_status status = nb_json_parse(&r->vocab, json, len, JSON_REJECT_DUPLICATES, &bad, err);
    if (status != NB_OK) {
        return nb_context(err, "%s/vocab.json", r->where);
    }
    if (!r->vocab) {
        return nb_fail(err, NB_ERR_INPUT, "%s/vocab.json: no valid JSON, line %d: %s", r->where, bad.line, bad.text);
    }
    size_t size = json_object_size(r->vocab);
    if (!json_is_object(r->vocab) || !size || size > NB_TOKENIZER_VOCAB_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "%s/vocab.json: expected an object of 1 to %zu tokens, found %zu", r->where,
                       NB_TOKENIZER_VOCAB_MAX, size);
    }
    r->t->size = r->left_to_make = size;
    NB_TRY_NEW(r->token, size);
    NB_TRY_NEW(r->made, size);
    const char *token;
    json_t *value;
    json_object_foreach(r->vocab, token, value)
    {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || (size_t)id >= size) {
            status = nb_fail(err, NB_ERR_INPUT, "%s/vocab.json: the id of token \"%.64s\" is no integer in [0, %zu)",
                             r->where, token, size);
            nb_hint(err, "the ids of %zu tokens must be 0 to %zu, each once", size, size - 1);
            goto done;
        }
        if (r->token[id]) {
            status = nb_fail(err, NB_ERR_INPUT, "%s/vocab.json: tokens \"%.64s\" and \"%.64s\" share the id %zu",
                             r->where, r->token[id], token, (size_t)id);
            goto done;
        }
        r->token[id] = token;
    }
done:
    return status;
}

/* The symbol that stands for a byte: bytes that print in Latin-1 stand for themselves, the others for the code points
 * from U+0100 on, in order. */
static size_t tokenizer_byte_symbol(unsigned byte, char out[SYMBOL_MAX])
{
    unsigned c = byte <= 32                   ? 0x100 + byte
                 : byte >= 127 && byte <= 160 ? 0x100 + 33 + (byte - 127)
                 : byte == 173                ? 0x100 + 67
                                              : byte;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
}

static nb_status tokenizer_find_fixed_tokens(reading *r, nb_error *err)
{
    nb_tokenizer *t = r->t;
    for (unsigned byte = 0; byte < 256; byte++) {
        char symbol[SYMBOL_MAX] = {0};
        size_t len = tokenizer_byte_symbol(byte, symbol);
        memcpy(symbol + len, WORD_END, sizeof WORD_END);
        for (unsigned at_end = 0; at_end < 2; at_end++) {
            int32_t id = tokenizer_find_token(r, symbol, at_end ? len + strlen(WORD_END) : len);
            if (id < 0) {
                nb_status status =
                    nb_fail(err, NB_ERR_INPUT, "%s/vocab.json: the symbol of byte 0x%02X, \"%.*s%s\", is missing",
                            r->where, byte, (int)len, symbol, at_end ? WORD_END : "");
                nb_hint(err, "CLIP's vocabulary is expected, with the 256 byte symbols and their </w> forms");
                return status;
            }
            t->byte_id[at_end][byte] = id;
            tokenizer_mark_made(r, id);
        }
    }
    t->start = tokenizer_find_token(r, START_TEXT, strlen(START_TEXT));
    t->end = tokenizer_find_token(r, END_TEXT, strlen(END_TEXT));
    if (t->start < 0 || t->end < 0) {
        return nb_fail(err, NB_ERR_INPUT, "%s/vocab.json: the special token \"%s\" is missing", r->where,
                       t->start < 0 ? START_TEXT : END_TEXT);
    }
    tokenizer_mark_made(r, t->start);
    tokenizer_mark_made(r, t->end);
    return NB_OK;
}

static nb_status tokenizer_read_merge(reading *r, const char *line, size_t len, size_t number, nb_error *err)
{
    const char *blank = memchr(line, ' ', len);
    size_t left = blank ? (size_t)(blank - line) : 0;
    if (!blank || !left || left + 1 == len || memchr(blank + 1, ' ', len - left - 1) || len > TOKEN_MAX) {
        return nb_fail(err, NB_ERR_INPUT,
                       "%s/merges.txt:%zu: expected two symbols with one blank between, found \"%.*s\"", r->where,
                       number, (int)(len < 64 ? len : 64), line);
    }
    char joined[TOKEN_MAX];
    memcpy(joined, line, left);
    memcpy(joined + left, blank + 1, len - left - 1);
    nb_byte_pair m = {.left = tokenizer_find_token(r, line, left),
                      .right = tokenizer_find_token(r, blank + 1, len - left - 1),
                      .id = tokenizer_find_token(r, joined, len - 1)};
    if (m.left < 0 || m.right < 0 || m.id < 0) {
        nb_status status = nb_fail(err, NB_ERR_INPUT, "%s/merges.txt:%zu: \"%.*s\": the %s is not in vocab.json",
                                   r->where, number, (int)(len < 64 ? len : 64), line,
                                   m.left < 0    ? "left symbol"
                                   : m.right < 0 ? "right symbol"
                                                 : "merged symbol");
        nb_hint(err, "vocab.json and merges.txt must come from the same model");
        return status;
    }
    /* One maker a token: nb_byte_pairs_merge rests on it. */
    if (r->made[m.id]) {
        return nb_fail(err, NB_ERR_INPUT, "%s/merges.txt:%zu: the token \"%.64s\" was there before this merge",
                       r->where, number, r->token[m.id]);
    }
    tokenizer_mark_made(r, m.id);
    r->merges[r->merge_count++] = m;
    return NB_OK;
}

static nb_status tokenizer_read_merges(reading *r, const char *text, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    size_t number = 0;
    NB_TRY_NEW(r->merges, r->left_to_make);
    for (size_t at = 0; at < len && (r->left_to_make || !number);) {
        const char *line = text + at, *end = memchr(line, '\n', len - at);
        size_t line_len = end ? (size_t)(end - line) : len - at;
        at += line_len + 1;
        line_len -= line_len && line[line_len - 1] == '\r';
        number++;
        if (number == 1) {
            if (!memmem(line, line_len, "#version", 8)) {
                status = nb_fail(err, NB_ERR_INPUT, "%s/merges.txt:1: expected a line with #version", r->where);
                goto done;
            }
        } else if (line_len) {
            NB_TRY(tokenizer_read_merge(r, line, line_len, number, err));
        }
    }
    for (size_t id = 0; r->left_to_make && id < r->t->size; id++) {
        if (!r->made[id]) {
            status =
                nb_fail(err, NB_ERR_INPUT, "%s/merges.txt: after %zu lines no merge makes the token \"%.64s\" (id %zu)",
                        r->where, number, r->token[id], id);
            nb_hint(err, "%zu tokens of vocab.json cannot be made: is merges.txt whole, and of the same model?",
                    r->left_to_make);
            goto done;
        }
    }
done:
    return status;
}

nb_status nb_tokenizer_open_memory(nb_tokenizer **out, const nb_tokenizer_texts *texts, const char *where,
                                   nb_error *err)
{
    nb_status status = NB_OK;
    reading r = {.where = where};
    *out = NULL;
    NB_TRY_NEW(r.t, 1);
    NB_TRY(tokenizer_read_vocab(&r, texts->vocab, texts->vocab_len, err));
    NB_TRY(tokenizer_find_fixed_tokens(&r, err));
    NB_TRY(tokenizer_read_merges(&r, texts->merges, texts->merges_len, err));
    nb_byte_pair *merges_read = r.merges;
    r.merges = NULL;
    NB_TRY(nb_byte_pairs_build(&r.t->pairs, merges_read, r.merge_count, err));
    *out = r.t;
    r.t = NULL;
done:
    nb_tokenizer_close(r.t);
    json_decref(r.vocab);
    free(r.token);
    free(r.made);
    free(r.merges);
    return status;
}

nb_status nb_tokenizer_of_pieces(nb_tokenizer **out, struct nb_piece_tokenizer *pieces, nb_error *err)
{
    nb_tokenizer *t = nb_alloc(1, sizeof *t, err);
    *out = t;
    if (!t) {
        nb_piece_tokenizer_close(pieces);
        return NB_ERR_LIMIT;
    }
    const nb_sentence *s = &pieces->sentence;
    t->pieces = pieces;
    t->size = s->pieces.texts.count;
    for (size_t i = 0; i < s->added_texts.count; i++) {
        t->size = (size_t)s->added[i].id < t->size ? t->size : (size_t)s->added[i].id + 1;
    }
    t->start = s->before_count ? s->before[0] : -1;
    t->end = s->after_count ? s->after[s->after_count - 1] : -1;
    t->end = t->end >= 0 && t->end == pieces->stripped ? 0 : t->end;
    return NB_OK;
}

void nb_tokenizer_close(nb_tokenizer *t)
{
    if (t) {
        nb_piece_tokenizer_close(t->pieces);
        nb_byte_pairs_free(&t->pairs);
        free(t);
    }
}

size_t nb_tokenizer_vocab_size(const nb_tokenizer *t)
{
    return t->size;
}

int32_t nb_tokenizer_start(const nb_tokenizer *t)
{
    return t->start;
}

int32_t nb_tokenizer_end(const nb_tokenizer *t)
{
    return t->end;
}

const char *nb_tokenizer_kind(const nb_tokenizer *t)
{
    return !t->pieces                       ? "CLIP's byte pairs"
           : t->pieces->sentence.word_max   ? "WordPiece"
           : t->pieces->sentence.byte_level ? "byte pairs over bytes"
           : t->pieces->sentence.pairs      ? "sentencepiece, byte pairs"
                                            : "sentencepiece, unigram";
}

size_t nb_tokenizer_slack(const nb_tokenizer *t)
{
    return !t->pieces ? 0 : t->pieces->sentence.word_max ? WORDPIECE_SLACK : PIECES_SLACK;
}

bool nb_tokenizer_padding(const nb_tokenizer *t, nb_padding *out)
{
    *out = t->pieces ? (nb_padding){t->pieces->pad, t->pieces->pads_left} : (nb_padding){0, false};
    return t->pieces != NULL;
}

/* ---- decoding ---- */

/* The byte a symbol stands for, -1 when it is the result of a merge. *at_end: it ends a word. */
static int tokenizer_symbol_byte(const nb_tokenizer *t, int32_t id, bool *at_end)
{
    for (int byte = 0; byte < 256; byte++) {
        *at_end = id == t->byte_id[1][byte];
        if (*at_end || id == t->byte_id[0][byte]) {
            return byte;
        }
    }
    return -1;
}

/* Undoes merges until single bytes are left, the leftmost first. A token has at most TOKEN_MAX bytes and every
 * step makes one symbol more, so the pending symbols fit. */
static nb_status tokenizer_spell(const nb_tokenizer *t, int32_t token, nb_buffer *out, nb_error *err)
{
    int32_t pending[TOKEN_MAX + 1];
    size_t count = 1;
    pending[0] = token;
    while (count) {
        int32_t id = pending[--count];
        bool at_end;
        int byte = tokenizer_symbol_byte(t, id, &at_end);
        if (byte >= 0) {
            char bytes[2] = {(char)byte, ' '};
            nb_status status = nb_buffer_append(out, bytes, at_end ? 2 : 1, err);
            if (status != NB_OK) {
                return status;
            }
            continue;
        }
        size_t i = 0;
        while (i < t->pairs.count && t->pairs.merges[i].id != id) {
            i++;
        }
        if (i == t->pairs.count || count + 2 > TOKEN_MAX) {
            return nb_fail(err, NB_ERR_USAGE, "%d is no token of text", (int)id);
        }
        pending[count++] = t->pairs.merges[i].right;
        pending[count++] = t->pairs.merges[i].left;
    }
    return NB_OK;
}

nb_status nb_tokenizer_decode(const nb_tokenizer *t, const int32_t *ids, size_t count, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    if (t->pieces) {
        return nb_piece_tokenizer_decode(t->pieces, ids, count, out, err);
    }
    for (size_t i = 0; i < count; i++) {
        if (ids[i] != t->start && ids[i] != t->end) {
            NB_TRY(tokenizer_spell(t, ids[i], out, err));
        }
    }
done:
    return status;
}

/* ---- words ---- */

static bool tokenizer_starts_with(const char *p, size_t left, const char *prefix, size_t *word)
{
    size_t len = strlen(prefix);
    *word = len;
    return left >= len && memcmp(p, prefix, len) == 0;
}

/* The special tokens and contractions of the pattern; 0 when none starts at p. The pattern ignores case and the text is
 * in lower case already, so what remains to be equated is U+017F, the long s, which is its own lower case. */
static size_t tokenizer_fixed_word(const char *p, size_t left)
{
    static const char *const specials[] = {START_TEXT, END_TEXT, "<|\xC5\xBFtartoftext|>"};
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'\xC5\xBF"};
    size_t word;
    for (size_t i = 0; *p == '<' && i < sizeof specials / sizeof *specials; i++) {
        if (tokenizer_starts_with(p, left, specials[i], &word)) {
            return word;
        }
    }
    for (size_t i = 0; *p == '\'' && i < sizeof contractions / sizeof *contractions; i++) {
        if (tokenizer_starts_with(p, left, contractions[i], &word)) {
            return word;
        }
    }
    return 0;
}

/* Finds the next word of a clean text from *at on; *at is its start and the result its length, 0 at the end. */
static size_t tokenizer_next_word(const char *text, size_t len, size_t *at)
{
    int32_t c;
    nb_text_class class = NB_TEXT_SPACE;
    size_t step = 0;
    for (; *at < len; *at += step) {
        step = nb_text_decode(text + *at, &c);
        class = nb_text_classify(c);
        if (class != NB_TEXT_SPACE && class != NB_TEXT_NOTHING) {
            break;
        }
    }
    if (*at >= len) {
        return 0;
    }
    size_t word = tokenizer_fixed_word(text + *at, len - *at);
    if (word) {
        return word;
    }
    word = step;
    while (class != NB_TEXT_NUMBER && *at + word < len) {
        step = nb_text_decode(text + *at + word, &c);
        if (nb_text_classify(c) != class) {
            break;
        }
        word += step;
    }
    return word;
}

/* Appends the tokens of one word, as many as fit behind *count and before the end token. */
static nb_status tokenizer_encode_word(const nb_tokenizer *t, const char *word, size_t len, nb_token_array out,
                                       size_t *count, nb_error *err)
{
    nb_status status = NB_OK;
    int32_t few[WORD_ON_STACK], *symbols = few, *many = NULL;
    size_t special;
    if (tokenizer_starts_with(word, len, START_TEXT, &special) ||
        tokenizer_starts_with(word, len, END_TEXT, &special)) {
        out.ids[(*count)++] = special == strlen(START_TEXT) ? t->start : t->end;
        return NB_OK;
    }
    if (len > WORD_ON_STACK) {
        NB_TRY_NEW(many, len);
        symbols = many;
    }
    for (size_t i = 0; i < len; i++) {
        symbols[i] = t->byte_id[i + 1 == len][(unsigned char)word[i]];
    }
    NB_TRY(nb_byte_pairs_merge(&t->pairs, symbols, &len, err));
    for (size_t i = 0; i < len && *count + 1 < out.capacity; i++) {
        out.ids[(*count)++] = symbols[i];
    }
done:
    free(many);
    return status;
}

static nb_status tokenizer_encode_pieces(const nb_tokenizer *t, const char *text, size_t len, nb_token_array out,
                                         size_t *count, nb_error *err)
{
    const nb_sentence *s = &t->pieces->sentence;
    nb_id_list ids = {0};
    nb_status status;
    if (out.capacity < s->before_count + s->after_count) {
        return nb_fail(err, NB_ERR_USAGE, "a context of %zu tokens has no room for the special tokens", out.capacity);
    }
    NB_TRY(nb_piece_tokenizer_encode(t->pieces, text, len, out.capacity, &ids, err));
    for (size_t i = 0; i < ids.count; i++) {
        out.ids[i] = ids.ids[i];
    }
    *count = ids.count;
done:
    free(ids.ids);
    return status;
}

nb_status nb_tokenizer_encode(const nb_tokenizer *t, const char *text, size_t len, nb_token_array out, size_t *count,
                              nb_error *err)
{
    nb_status status = NB_OK;
    char *clean = NULL;
    *count = 0;
    if (out.capacity < 2) {
        return nb_fail(err, NB_ERR_USAGE, "a context of %zu tokens has no room for the start and end tokens",
                       out.capacity);
    }
    if (len > NB_TOKENIZER_TEXT_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "a text of %zu bytes is over the limit of %zu", len, NB_TOKENIZER_TEXT_MAX);
    }
    if (!nb_utf8_valid(text, len)) {
        status = nb_fail(err, NB_ERR_INPUT, "a text of %zu bytes is not valid UTF-8", len);
        nb_hint(err, "convert the file, for instance with iconv -t UTF-8");
        return status;
    }
    if (t->pieces) {
        return tokenizer_encode_pieces(t, text, len, out, count, err);
    }
    size_t clean_len, used = 0, word;
    NB_TRY(nb_text_clean(&clean, &clean_len, text, len, err));
    out.ids[used++] = t->start;
    for (size_t at = 0; used + 1 < out.capacity; at += word) {
        word = tokenizer_next_word(clean, clean_len, &at);
        if (!word) {
            break;
        }
        NB_TRY(tokenizer_encode_word(t, clean + at, word, out, &used, err));
    }
    out.ids[used++] = t->end;
    *count = used;
done:
    free(clean);
    return status;
}
