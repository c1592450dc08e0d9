/* Fuzzes sentencepiece tokenizers, WordPiece and RoBERTa's byte pairs. The first byte chooses: odd, a tokenizer.json;
 * of four 2, a vocab.txt; of eight 4, a vocab.json of one line with merges.txt behind it; else a .model file. The
 * second one says how many of the last bytes are a text for it, where that is UTF-8. The seeds are those of
 * golden/siglip, golden/wordpiece and golden/byte_level. */
#include "fuzz/fuzz.h"

#include "common/base/text.h"
#include "common/clip/tokenizer/sentencepiece/byte_level.h"

#include <string.h>

static void encode(const nb_sentence *s, const char *text, size_t len)
{
    nb_error err = {0};
    nb_id_list ids = {0};
    nb_status status = nb_sentence_each(s, text, len, nb_sentence_pieces, &ids, &err);
    require_message(status, &err);
    require(status == NB_OK || status == NB_ERR_LIMIT);
    for (size_t i = 0; i < ids.count; i++) {
        require(ids.ids[i] >= 0);
        require((size_t)ids.ids[i] < s->pieces.texts.count || s->added_texts.count);
    }
    free(ids.ids);
}

static nb_status read_byte_level(nb_sentence *s, const char *file, size_t len, nb_error *err)
{
    const char *end = memchr(file, '\n', len);
    size_t vocab = end ? (size_t)(end - file) : len;
    return nb_byte_level_read(s, &(nb_byte_level_files){file, vocab, file + vocab, len - vocab}, "file", err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char fixed[] = "A  photo\tof <h1>\xE6\x97\xA5\xE6\x9C\xAC e\xCC\x81\xCC\x81 \xE2\x96\x81\xEF\xAC\x81n";
    nb_error err = {0};
    nb_sentence s;
    if (size < 2) {
        return 0;
    }
    const char *file = (const char *)data + 2;
    size_t text = data[1] < size - 2 ? data[1] : size - 2, len = size - 2 - text;
    nb_status status = data[0] & 1   ? nb_sentence_read_json(&s, file, len, "file", &err)
                       : data[0] & 2 ? nb_sentence_read_vocab(&s, file, len, "file", &err)
                       : data[0] & 4 ? read_byte_level(&s, file, len, &err)
                                     : nb_sentence_read_model(&s, file, len, "file", &err);
    require_message(status, &err);
    if (status == NB_OK) {
        encode(&s, fixed, sizeof fixed - 1);
        if (nb_utf8_valid(file + len, text)) {
            encode(&s, file + len, text);
        }
        nb_sentence_free(&s);
    }
    return 0;
}
