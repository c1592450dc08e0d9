#include "common/clip/tokenizer/sentencepiece/byte_level.h"

#include "common/base/json.h"
#include "common/clip/tokenizer/text_clean.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES = 256, FIRST_SPARE = 256 /* the character of the first byte that is not printable */ };

/* ---- bytes as characters ---- */

static bool byte_is_printable(unsigned byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/* The character that stands for a byte: its own, or the next behind U+00FF. */
static unsigned byte_character(unsigned byte)
{
    unsigned spare = FIRST_SPARE;
    if (byte_is_printable(byte)) {
        return byte;
    }
    for (unsigned b = 0; b < byte; b++) {
        spare += !byte_is_printable(b);
    }
    return spare;
}

static nb_status byte_level_write(const char *text, size_t len, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < len; i++) {
        unsigned c = byte_character((unsigned char)text[i]);
        const char utf8[2] = {(char)(c < 0x80 ? c : 0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};
        NB_TRY(nb_buffer_append(out, utf8, c < 0x80 ? 1 : 2, err));
    }
done:
    return status;
}

nb_status nb_byte_level_spell(const char *piece, size_t len, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    int32_t c;
    for (size_t at = 0; at < len;) {
        at += nb_text_decode(piece + at, &c);
        for (unsigned byte = 0; byte < BYTES; byte++) {
            if (byte_character(byte) == (unsigned)c) {
                char one = (char)byte;
                NB_TRY(nb_buffer_append(out, &one, 1, err));
            }
        }
    }
done:
    return status;
}

/* ---- words ---- */

static nb_text_class byte_level_class(const char *text, size_t *step)
{
    int32_t c;
    *step = nb_text_decode(text, &c);
    nb_text_class class = nb_text_classify(c);
    return class == NB_TEXT_NOTHING ? NB_TEXT_OTHER : class;
}

/* Bytes of a contraction; 0: there is none. */
static size_t byte_level_contraction(const char *text, size_t len)
{
    static const char *const known[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; *text == '\'' && i < sizeof known / sizeof *known; i++) {
        size_t bytes = strlen(known[i]);
        if (len >= bytes && memcmp(text, known[i], bytes) == 0) {
            return bytes;
        }
    }
    return 0;
}

/* Bytes of a run of one class from the start of a text. */
static size_t byte_level_run(const char *text, size_t len, nb_text_class class)
{
    size_t run = 0, step;
    while (run < len && byte_level_class(text + run, &step) == class) {
        run += step;
    }
    return run;
}

/* Bytes of a run of blanks that form a word: all at the end of the text, else all but the last; that one when it is
 * alone. */
static size_t byte_level_blanks(const char *text, size_t len)
{
    size_t run = byte_level_run(text, len, NB_TEXT_SPACE), last = 0, step;
    for (size_t at = 0; at < run; at += step) {
        last = at;
        (void)byte_level_class(text + at, &step);
    }
    return run == len || last == 0 ? run : last;
}

static size_t byte_level_word(const char *text, size_t len)
{
    size_t word = byte_level_contraction(text, len), blank = text[0] == ' ', step;
    if (word) {
        return word;
    }
    nb_text_class class = blank < len ? byte_level_class(text + blank, &step) : NB_TEXT_SPACE;
    return class == NB_TEXT_SPACE ? byte_level_blanks(text, len)
                                  : blank + byte_level_run(text + blank, len - blank, class);
}

nb_status nb_byte_level_split(const char *text, size_t len, nb_strings *out, nb_error *err)
{
    nb_buffer word = {.max = SIZE_MAX / 4};
    nb_status status = NB_OK;
    for (size_t at = 0, bytes; at < len; at += bytes) {
        bytes = byte_level_word(text + at, len - at);
        nb_buffer_clear(&word);
        NB_TRY(byte_level_write(text + at, bytes, &word, err));
        NB_TRY(nb_strings_push(out, word.data, word.len, err));
    }
done:
    nb_buffer_free(&word);
    return status;
}

/* ---- vocab.json and merges.txt ---- */

bool nb_byte_level_is_vocab(const char *json, size_t len)
{
    static const char start[] = "\"<s>\"", clip[] = "\"<|startoftext|>\"";
    return memmem(json, len, start, sizeof start - 1) && !memmem(json, len, clip, sizeof clip - 1);
}

/* The lines of merges.txt behind its "#version", as a list of texts; NULL without memory. */
static json_t *byte_level_merges(const char *text, size_t len)
{
    json_t *out = json_array();
    for (size_t at = 0; out && at < len;) {
        const char *line = text + at, *end = memchr(line, '\n', len - at);
        size_t line_len = end ? (size_t)(end - line) : len - at;
        bool version = at == 0 && line_len >= 8 && memcmp(line, "#version", 8) == 0;
        at += line_len + 1;
        line_len -= line_len && line[line_len - 1] == '\r';
        if (line_len && !version && json_array_append_new(out, json_stringn(line, line_len)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* The same as a tokenizer.json, which states the rest. */
static json_t *byte_level_root(json_t *vocab, json_t *merges)
{
    static const char *const names[] = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
    json_t *added = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *id = json_object_get(vocab, names[i]);
        json_array_append_new(added, json_pack("{s:s, s:O?, s:b}", "content", names[i], "id", id, "lstrip",
                                               i + 1 == sizeof names / sizeof *names));
    }
    return json_pack("{s:o, s:{s:s, s:b}, s:{s:s, s:[s, O?], s:[s, O?]}, s:{s:s, s:O, s:O}}", "added_tokens", added,
                     "pre_tokenizer", "type", "ByteLevel", "add_prefix_space", 0, "post_processor", "type",
                     "RobertaProcessing", "sep", "</s>", json_object_get(vocab, "</s>"), "cls", "<s>",
                     json_object_get(vocab, "<s>"), "model", "type", "BPE", "vocab", vocab, "merges", merges);
}

nb_status nb_byte_level_read(nb_sentence *s, const nb_byte_level_files *files, const char *path, nb_error *err)
{
    json_t *vocab = NULL, *merges = NULL, *root = NULL;
    json_error_t where;
    char *text = NULL;
    nb_status status;
    *s = (nb_sentence){0};
    status = nb_json_parse(&vocab, files->vocab, files->vocab_len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        goto done;
    }
    if (!json_is_object(vocab)) {
        status =
            nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, vocab ? "another value" : where.text);
        goto done;
    }
    merges = byte_level_merges(files->merges, files->merges_len);
    root = merges ? byte_level_root(vocab, merges) : NULL;
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    NB_TRY(text ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s': a line of merges.txt is not UTF-8, or no memory", path));
    NB_TRY(nb_sentence_read_json(s, text, strlen(text), path, err));
done:
    json_decref(root);
    json_decref(merges);
    json_decref(vocab);
    free(text);
    return status;
}
