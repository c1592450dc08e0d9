/* Fuzzes the tokenizer. The first byte chooses: even, a text for a small tokenizer, cut to 2 to 129 tokens; odd, the
 * contents of vocab.json and, behind a NUL byte, of merges.txt, spliced into a whole model where that lets them pass.
 */
#include "common/base/memory.h"
#include "common/clip/tokenizer/tokenizer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char merges[] = "#version: 0.2\na b\nab ab\nt h\nth e</w>\n' s</w>\n";

/* There is memory for what a fuzzer puts together. */
static void must_hold(nb_status status)
{
    if (status != NB_OK) {
        __builtin_trap();
    }
}

/* Writes the tokens of every byte, those of merges above and the special ones as the members of a JSON object. */
static void write_members(nb_buffer *json, nb_error *err)
{
    static const char *const more[] = {"ab", "abab", "th", "the</w>", "'s</w>", "<|startoftext|>", "<|endoftext|>"};
    int id = 0;
    for (unsigned at_end = 0; at_end < 2; at_end++) {
        unsigned unprintable = 0x100;
        for (unsigned byte = 0; byte < 256; byte++, id++) {
            bool prints = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
            unsigned code = prints ? byte : unprintable++;
            must_hold(nb_buffer_printf(json, err, "\"\\u%04x%s\": %d, ", code, at_end ? "</w>" : "", id));
        }
    }
    size_t count = sizeof more / sizeof *more;
    for (size_t i = 0; i < count; i++, id++) {
        must_hold(nb_buffer_printf(json, err, "\"%s\": %d%s", more[i], id, i + 1 < count ? ", " : ""));
    }
}

static nb_tokenizer *small_tokenizer(const nb_buffer *members)
{
    nb_buffer json = {0};
    nb_error err = {0};
    nb_tokenizer *t;
    must_hold(nb_buffer_printf(&json, &err, "{%s}", members->data));
    if (nb_tokenizer_open_memory(&t, &(nb_tokenizer_texts){json.data, json.len, merges, sizeof merges - 1}, "memory",
                                 &err) != NB_OK) {
        __builtin_trap();
    }
    nb_buffer_free(&json);
    return t;
}

static void fuzz_text(const nb_tokenizer *t, const uint8_t *data, size_t size)
{
    nb_error err = {0};
    int32_t ids[130];
    size_t count, context = 2 + data[0] / 2;
    nb_status status =
        nb_tokenizer_encode(t, (const char *)data + 1, size - 1, (nb_token_array){ids, context}, &count, &err);
    if (status == NB_ERR_INPUT) {
        return;
    }
    if (status != NB_OK || count < 2 || count > context || ids[0] != nb_tokenizer_start(t) ||
        ids[count - 1] != nb_tokenizer_end(t)) {
        __builtin_trap();
    }
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= nb_tokenizer_vocab_size(t)) {
            __builtin_trap();
        }
    }
}

static void fuzz_files(const nb_buffer *members, const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_tokenizer *t;
    nb_buffer vocab = {0}, lines = {0};
    const uint8_t *cut = memchr(data, 0, size);
    size_t first = cut ? (size_t)(cut - data) : size;
    size_t second = cut ? size - first - 1 : 0, behind = first ? first - 1 : 0; /* the first byte */
    const char *rest = cut ? (const char *)cut + 1 : "";
    if (data[0] & 2) {
        must_hold(nb_buffer_printf(&vocab, &err, "{%s%.*s}", members->data, (int)behind, (const char *)data + 1));
        must_hold(nb_buffer_append(&lines, merges, sizeof merges - 1, &err));
    } else {
        must_hold(nb_buffer_append(&vocab, data + 1, behind, &err));
    }
    must_hold(nb_buffer_append(&lines, rest, second, &err));
    if (nb_tokenizer_open_memory(
            &t, &(nb_tokenizer_texts){vocab.data ? vocab.data : "", vocab.len, lines.data ? lines.data : "", lines.len},
            "memory", &err) == NB_OK) {
        fuzz_text(t, data, size);
        nb_tokenizer_close(t);
    } else if (err.status == NB_OK || !err.message[0] || t) {
        __builtin_trap();
    }
    nb_buffer_free(&vocab);
    nb_buffer_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static nb_buffer members;
    static nb_tokenizer *tokenizer;
    if (!tokenizer) {
        nb_error err = {0};
        write_members(&members, &err);
        tokenizer = small_tokenizer(&members);
    }
    if (size < 1) {
        return 0;
    }
    if (data[0] & 1) {
        fuzz_files(&members, data, size);
    } else {
        fuzz_text(tokenizer, data, size);
    }
    return 0;
}
