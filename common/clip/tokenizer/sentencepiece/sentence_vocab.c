/* A vocab.txt of BERT. */
#include "common/clip/tokenizer/sentencepiece/sentence.h"
#include "common/clip/tokenizer/sentencepiece/wordpiece.h"

#include <string.h>

enum { WORD_MAX = 100 }; /* characters, as BERT has it */

static nb_status sentence_vocab_lines(nb_pieces *p, const char *bytes, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t at = 0; at < len;) {
        const char *line = bytes + at, *end = memchr(line, '\n', len - at);
        size_t line_len = end ? (size_t)(end - line) : len - at;
        at += line_len + 1;
        line_len -= line_len && line[line_len - 1] == '\r';
        NB_TRY(nb_pieces_add(p, line, line_len, 0, NB_PIECE_NORMAL, err));
    }
done:
    return status;
}

/* The special tokens, which are found in texts; [CLS] stands before a text and [SEP] behind it. */
static nb_status sentence_vocab_specials(nb_sentence *s, const char *path, nb_error *err)
{
    static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    int32_t ids[sizeof names / sizeof *names];
    nb_status status;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ids[i] = nb_pieces_named(&s->pieces, names[i]);
        if (ids[i] < 0) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': the special token \"%s\" is missing", path, names[i]);
        }
        NB_TRY(nb_sentence_add_token(s, names[i], (nb_added_token){.id = ids[i]}, err));
    }
    s->pieces.unknown = ids[1];
    s->before[0] = ids[2];
    s->after[0] = ids[3];
    s->before_count = s->after_count = 1;
    NB_TRY(nb_sentence_index_added(s, path, err));
done:
    return status;
}

nb_status nb_sentence_read_vocab(nb_sentence *s, const char *bytes, size_t len, const char *path, nb_error *err)
{
    nb_status status;
    *s = (nb_sentence){.from_json = true, .word_max = WORD_MAX};
    s->normalizers[s->normalizer_count++] = (nb_text_step){
        .kind = NB_STEP_BERT, .bert = NB_BERT_CLEAN | NB_BERT_IDEOGRAPHS | NB_BERT_ACCENTS | NB_BERT_LOWER};
    s->splitters[s->splitter_count++] = (nb_text_step){.kind = NB_STEP_BERT_WORDS};
    NB_TRY(sentence_vocab_lines(&s->pieces, bytes, len, err));
    NB_TRY(nb_pieces_finish(&s->pieces, path, err));
    NB_TRY(sentence_vocab_specials(s, path, err));
done:
    if (status != NB_OK) {
        nb_sentence_free(s);
    }
    return status;
}
