/* What happens to a text before it is cut into pieces. */
#include "common/clip/tokenizer/sentencepiece/byte_level.h"
#include "common/clip/tokenizer/sentencepiece/sentence.h"
#include "common/clip/tokenizer/sentencepiece/wordpiece.h"
#include "common/clip/tokenizer/text_clean.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- a .model: normalizer.cc of sentencepiece ---- */

/* A text that is normalised, piece by piece: what comes next, in `part`, and the bytes it takes of the text. */
static size_t sentence_next(const nb_sentence *s, const char *text, size_t len, const char **part, size_t *part_len)
{
    size_t used = 0;
    int32_t user = s->pieces.users.count ? nb_piece_index_longest(&s->pieces.users, text, len) : -1;
    if (user >= 0) {
        *part = text;
        *part_len = nb_strings_len(&s->pieces.texts, (size_t)user);
        return *part_len;
    }
    *part = nb_charsmap_find(&s->map, text, len, true, &used);
    if (!*part) {
        *part = text;
        *part_len = nb_piece_character(text, len);
        return *part_len;
    }
    *part_len = strlen(*part);
    return used;
}

static nb_status sentence_append(const nb_sentence *s, nb_buffer *out, const char *part, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0, end; i < len; i = end) {
        for (end = i; end < len && part[end] != ' '; end++) {
        }
        if (end > i) {
            NB_TRY(nb_buffer_append(out, part + i, end - i, err));
        } else {
            end++;
            NB_TRY(s->escape ? nb_buffer_append(out, NB_PIECE_SPACE, strlen(NB_PIECE_SPACE), err)
                             : nb_buffer_append(out, " ", 1, err));
        }
    }
done:
    return status;
}

nb_status nb_sentence_normalise(const nb_sentence *s, const char *text, size_t len, nb_buffer *out, nb_error *err)
{
    const char *part, *space = s->escape ? NB_PIECE_SPACE : " ";
    size_t at = 0, part_len, start = out->len;
    nb_status status = NB_OK;
    while (s->remove_extra && at < len) {
        size_t used = sentence_next(s, text + at, len - at, &part, &part_len);
        if (part_len != 1 || *part != ' ') {
            break;
        }
        at += used;
    }
    if (at < len && s->dummy_prefix) {
        NB_TRY(sentence_append(s, out, " ", 1, err));
    }
    for (bool after_blank = s->remove_extra; at < len;) {
        at += sentence_next(s, text + at, len - at, &part, &part_len);
        while (after_blank && part_len && *part == ' ') {
            part++;
            part_len--;
        }
        if (part_len) {
            NB_TRY(sentence_append(s, out, part, part_len, err));
            after_blank = s->remove_extra && part[part_len - 1] == ' ';
        }
    }
    while (s->remove_extra && out->len - start >= strlen(space) &&
           memcmp(out->data + out->len - strlen(space), space, strlen(space)) == 0) {
        out->len -= strlen(space);
    }
done:
    return status;
}

/* ---- steps of a tokenizer.json ---- */

/* The character map on grapheme clusters of under six bytes, else on code points; a cluster becomes what its shortest
 * beginning is replaced by, whatever follows that in it: so does spm_precompiled, which the tokenizers library uses. */
static nb_status sentence_map_cluster(const nb_sentence *s, const char *text, size_t len, nb_buffer *out, nb_error *err)
{
    size_t used;
    nb_status status = NB_OK;
    const char *found = len < 6 ? nb_charsmap_find(&s->map, text, len, false, &used) : NULL;
    if (found) {
        return nb_buffer_append(out, found, strlen(found), err);
    }
    for (size_t at = 0, step; at < len; at += step) {
        step = nb_piece_character(text + at, len - at);
        found = nb_charsmap_find(&s->map, text + at, step, false, &used);
        NB_TRY(found ? nb_buffer_append(out, found, strlen(found), err) : nb_buffer_append(out, text + at, step, err));
    }
done:
    return status;
}

static nb_status sentence_map(const nb_sentence *s, const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    utf8proc_int32_t state = 0;
    int32_t before, c;
    for (size_t begin = 0, end, step; begin < text->len; begin = end) {
        step = nb_text_decode(text->data + begin, &before);
        for (end = begin + step; end < text->len; end += step, before = c) {
            step = nb_text_decode(text->data + end, &c);
            if (utf8proc_grapheme_break_stateful(before, c, &state)) {
                break;
            }
        }
        NB_TRY(sentence_map_cluster(s, text->data + begin, end - begin, out, err));
    }
done:
    return status;
}

static nb_status sentence_lower(const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t at = 0, step; at < text->len; at += step) {
        char bytes[4];
        int32_t c;
        step = nb_text_decode(text->data + at, &c);
        if (c == 0x130) { /* the one code point whose lower case is two */
            NB_TRY(nb_buffer_append(out, "i\xCC\x87", 3, err));
        } else {
            utf8proc_ssize_t count = utf8proc_encode_char(utf8proc_tolower(c), (utf8proc_uint8_t *)bytes);
            NB_TRY(nb_buffer_append(out, bytes, (size_t)count, err));
        }
    }
done:
    return status;
}

static nb_status sentence_replace(const nb_text_step *step, const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    bool blanks = step->kind == NB_STEP_REPLACE_BLANKS;
    size_t from = blanks ? 2 : strlen(step->from);
    const char *wanted = blanks ? "  " : step->from;
    nb_status status = NB_OK;
    for (size_t at = 0; at < text->len;) {
        if (text->len - at < from || memcmp(text->data + at, wanted, from) != 0) {
            NB_TRY(nb_buffer_append(out, text->data + at++, 1, err));
            continue;
        }
        at += from;
        while (blanks && at < text->len && text->data[at] == ' ') {
            at++;
        }
        NB_TRY(nb_buffer_append(out, step->to, strlen(step->to), err));
    }
done:
    return status;
}

static bool sentence_is_blank(const char *text, size_t *step)
{
    int32_t c;
    *step = nb_text_decode(text, &c);
    return nb_text_classify(c) == NB_TEXT_SPACE;
}

static nb_status sentence_strip(const nb_text_step *step, const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    size_t begin = 0, end = text->len, bytes, last;
    while (step->left && begin < end && sentence_is_blank(text->data + begin, &bytes)) {
        begin += bytes;
    }
    for (; step->right && end > begin; end = last) {
        last = end - 1;
        while (last > begin && (text->data[last] & 0xC0) == 0x80) {
            last--;
        }
        if (!sentence_is_blank(text->data + last, &bytes)) {
            break;
        }
    }
    return nb_buffer_append(out, text->data + begin, end - begin, err);
}

static nb_status sentence_unicode(const nb_text_step *step, const nb_buffer *text, nb_buffer *out, nb_error *err)
{
    utf8proc_uint8_t *normal = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)text->data, (utf8proc_ssize_t)text->len, &normal,
                                        (utf8proc_option_t)step->unicode);
    nb_status status = len < 0 ? nb_fail(err, NB_ERR_LIMIT, "a text of %zu bytes: %s", text->len, utf8proc_errmsg(len))
                               : nb_buffer_append(out, normal, (size_t)len, err);
    free(normal);
    return status;
}

nb_status nb_sentence_apply(const nb_sentence *s, const nb_text_step *step, const nb_buffer *text, nb_buffer *out,
                            nb_error *err)
{
    nb_status status = NB_OK;
    if (text->len == 0) {
        return NB_OK;
    }
    switch (step->kind) {
    case NB_STEP_CHARSMAP: return sentence_map(s, text, out, err);
    case NB_STEP_LOWER: return sentence_lower(text, out, err);
    case NB_STEP_STRIP: return sentence_strip(step, text, out, err);
    case NB_STEP_UNICODE: return sentence_unicode(step, text, out, err);
    case NB_STEP_BERT: return nb_bert_normalise(step->bert, text, out, err);
    case NB_STEP_PREPEND:
        NB_TRY(nb_buffer_append(out, step->to, strlen(step->to), err));
        NB_TRY(nb_buffer_append(out, text->data, text->len, err));
        break;
    default: return sentence_replace(step, text, out, err);
    }
done:
    return status;
}

/* ---- words ---- */

/* Cuts a text; `before` a cut comes in front of every `mark`, else behind it. */
static nb_status sentence_cut(const char *text, size_t len, const char *mark, bool before, nb_strings *out,
                              nb_error *err)
{
    size_t begin = 0, mark_len = strlen(mark);
    nb_status status = NB_OK;
    for (size_t at = 0; at + mark_len <= len;) {
        if (memcmp(text + at, mark, mark_len) != 0) {
            at++;
            continue;
        }
        size_t cut = before ? at : at + mark_len;
        if (cut > begin) {
            NB_TRY(nb_strings_push(out, text + begin, cut - begin, err));
            begin = cut;
        }
        at += mark_len;
    }
    if (len > begin) {
        NB_TRY(nb_strings_push(out, text + begin, len - begin, err));
    }
done:
    return status;
}

static nb_status sentence_split_blanks(const char *text, size_t len, nb_strings *out, nb_error *err)
{
    nb_status status = NB_OK;
    size_t begin = 0;
    for (size_t at = 0, step; at < len; at += step) {
        if (sentence_is_blank(text + at, &step)) {
            NB_TRY(at > begin ? nb_strings_push(out, text + begin, at - begin, err) : NB_OK);
            begin = at + step;
        }
    }
    NB_TRY(len > begin ? nb_strings_push(out, text + begin, len - begin, err) : NB_OK);
done:
    return status;
}

static nb_status sentence_metaspace(const nb_text_step *step, bool prefix, const char *text, size_t len,
                                    nb_strings *out, nb_error *err)
{
    const nb_buffer plain = {.data = (char *)(uintptr_t)text, .len = len};
    const nb_text_step blank = {.kind = NB_STEP_REPLACE, .from = (char[]){" "}, .to = step->to};
    nb_buffer marked = {.max = SIZE_MAX / 4}, whole = {.max = SIZE_MAX / 4};
    size_t mark = strlen(step->to);
    nb_status status;
    NB_TRY(sentence_replace(&blank, &plain, &marked, err));
    if (prefix && marked.len && (marked.len < mark || memcmp(marked.data, step->to, mark) != 0)) {
        NB_TRY(nb_buffer_append(&whole, step->to, mark, err));
    }
    NB_TRY(marked.len ? nb_buffer_append(&whole, marked.data, marked.len, err) : NB_OK);
    if (step->split && whole.len) {
        NB_TRY(sentence_cut(whole.data, whole.len, step->to, true, out, err));
    } else if (whole.len) {
        NB_TRY(nb_strings_push(out, whole.data, whole.len, err));
    }
done:
    nb_buffer_free(&marked);
    nb_buffer_free(&whole);
    return status;
}

nb_status nb_sentence_split(const nb_text_step *step, bool first, const nb_strings *texts, nb_strings *out,
                            nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = nb_strings_get(texts, i);
        size_t len = nb_strings_len(texts, i);
        bool prefix = step->scheme == 'a' || (step->scheme == 'f' && first && i == 0);
        NB_TRY(step->kind == NB_STEP_WORDS        ? sentence_split_blanks(text, len, out, err)
               : step->kind == NB_STEP_METASPACE  ? sentence_metaspace(step, prefix, text, len, out, err)
               : step->kind == NB_STEP_BERT_WORDS ? nb_bert_split(text, len, out, err)
               : step->kind == NB_STEP_BYTE_LEVEL ? nb_byte_level_split(text, len, out, err)
                                                  : sentence_cut(text, len, step->from, false, out, err));
    }
done:
    return status;
}
