#include "common/clip/tokenizer/sentencepiece/wordpiece.h"

#include "common/clip/tokenizer/text_clean.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define CONTINUED "##"

/* ---- BertNormalizer ---- */

/* The ranges of the tokenizers library, 2B920 where BERT's own code has 2B820. */
static bool wordpiece_is_ideograph(int32_t c)
{
    static const int32_t ranges[][2] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},  {0x20000, 0x2A6DF},
                                        {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    bool found = false;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        found = found || (c >= ranges[i][0] && c <= ranges[i][1]);
    }
    return found;
}

/* Control characters, but for those that count as white space. */
static bool wordpiece_is_control(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return c != '\t' && c != '\n' && c != '\r' &&
           (c == 0xFFFD || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
            category == UTF8PROC_CATEGORY_CO);
}

/* The first two steps. */
static nb_status wordpiece_clean(int options, const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    bool clean = options & NB_BERT_CLEAN, ideographs = options & NB_BERT_IDEOGRAPHS;
    nb_status status = NB_OK;
    for (size_t at = 0, step; at < text->len; at += step) {
        int32_t c;
        step = nb_text_decode(text->data + at, &c);
        if (clean && wordpiece_is_control(c)) {
            continue;
        }
        if (clean && nb_text_classify(c) == NB_TEXT_SPACE) {
            NB_TRY(nb_buffer_append(out, " ", 1, err));
            continue;
        }
        bool apart = ideographs && wordpiece_is_ideograph(c);
        NB_TRY(apart ? nb_buffer_append(out, " ", 1, err) : NB_OK);
        NB_TRY(nb_buffer_append(out, text->data + at, step, err));
        NB_TRY(apart ? nb_buffer_append(out, " ", 1, err) : NB_OK);
    }
done:
    return status;
}

/* The last two steps, of a text that is decomposed if accents go. */
static nb_status wordpiece_fold(int options, const char *text, size_t len, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t at = 0, step; at < len; at += step) {
        utf8proc_uint8_t small[4];
        int32_t c;
        step = nb_text_decode(text + at, &c);
        if ((options & NB_BERT_ACCENTS) && utf8proc_category(c) == UTF8PROC_CATEGORY_MN) {
            continue;
        }
        if (!(options & NB_BERT_LOWER)) {
            NB_TRY(nb_buffer_append(out, text + at, step, err));
        } else if (c == 0x130) { /* the one code point whose lower case is two */
            NB_TRY(nb_buffer_append(out, "i\xCC\x87", 3, err));
        } else {
            size_t bytes = (size_t)utf8proc_encode_char(utf8proc_tolower(c), small);
            NB_TRY(nb_buffer_append(out, (const char *)small, bytes, err));
        }
    }
done:
    return status;
}

nb_status nb_bert_normalise(int options, const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    nb_buffer clean = {.max = SIZE_MAX / 4};
    utf8proc_uint8_t *decomposed = NULL;
    utf8proc_ssize_t len;
    nb_status status;
    NB_TRY(wordpiece_clean(options, text, &clean, err));
    if (clean.len && (options & NB_BERT_ACCENTS)) {
        len = utf8proc_map((const utf8proc_uint8_t *)clean.data, (utf8proc_ssize_t)clean.len, &decomposed,
                           UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
        NB_TRY(len < 0 ? nb_fail(err, NB_ERR_LIMIT, "a text of %zu bytes: %s", clean.len, utf8proc_errmsg(len))
                       : wordpiece_fold(options, (const char *)decomposed, (size_t)len, out, err));
    } else {
        NB_TRY(wordpiece_fold(options, clean.data, clean.len, out, err));
    }
done:
    nb_buffer_free(&clean);
    free(decomposed);
    return status;
}

/* ---- BertPreTokenizer ---- */

/* ASCII's punctuation with its symbols ("$"), and Unicode's. */
static bool wordpiece_is_punctuation(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return (c > ' ' && c < 0x7F && nb_text_classify(c) == NB_TEXT_OTHER) ||
           (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO);
}

nb_status nb_bert_split(const char *text, size_t len, nb_strings *out, nb_error *err)
{
    size_t begin = 0;
    nb_status status = NB_OK;
    for (size_t at = 0, step; at < len; at += step) {
        int32_t c;
        step = nb_text_decode(text + at, &c);
        bool alone = wordpiece_is_punctuation(c);
        if (alone || nb_text_classify(c) == NB_TEXT_SPACE) {
            NB_TRY(at > begin ? nb_strings_push(out, text + begin, at - begin, err) : NB_OK);
            NB_TRY(alone ? nb_strings_push(out, text + at, step, err) : NB_OK);
            begin = at + step;
        }
    }
    NB_TRY(len > begin ? nb_strings_push(out, text + begin, len - begin, err) : NB_OK);
done:
    return status;
}

/* ---- the model ---- */

/* The longest piece, without the mark of what continues a word, that a text begins with; its bytes in *used. */
static int32_t wordpiece_longest(const nb_piece_index *index, bool continued, const char *text, size_t len,
                                 size_t *used)
{
    const char *mark = continued ? CONTINUED : "";
    nb_piece_range range = nb_piece_range_all(index);
    int32_t longest = -1;
    for (size_t i = 0; mark[i]; i++) {
        if (!nb_piece_range_step(index, &range, mark[i])) {
            return -1;
        }
    }
    for (size_t i = 0; i < len && nb_piece_range_step(index, &range, text[i]); i++) {
        int32_t whole = nb_piece_range_whole(index, &range);
        if (whole >= 0) {
            longest = whole;
            *used = i + 1;
        }
    }
    return longest;
}

nb_status nb_wordpiece_segment(const nb_pieces *p, size_t most, const char *word, size_t len, nb_id_list *out,
                               nb_error *err)
{
    size_t characters = 0, start = out->count;
    bool whole = true;
    nb_status status = NB_OK;
    for (size_t at = 0; at < len; at += nb_piece_character(word + at, len - at)) {
        characters++;
    }
    whole = characters <= most;
    for (size_t at = 0, used = 0; whole && at < len; at += used) {
        int32_t id = wordpiece_longest(&p->text, at > 0, word + at, len - at, &used);
        whole = id >= 0;
        NB_TRY(whole ? nb_id_list_push(out, id, err) : NB_OK);
    }
    if (!whole) {
        out->count = start;
        NB_TRY(nb_id_list_push(out, p->unknown, err));
    }
done:
    return status;
}
