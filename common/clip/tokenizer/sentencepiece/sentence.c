#include "common/clip/tokenizer/sentencepiece/sentence.h"

#include "common/clip/tokenizer/sentencepiece/wordpiece.h"
#include "common/clip/tokenizer/text_clean.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_sentence_add_token(nb_sentence *s, const char *text, nb_added_token token, nb_error *err)
{
    size_t count = s->added_texts.count;
    nb_status status = NB_OK;
    if (count >= NB_ADDED_TOKENS_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "over %d added tokens", NB_ADDED_TOKENS_MAX);
    }
    if ((count & (count - 1)) == 0) { /* 0, 1, 2, 4, ...: full */
        nb_added_token *grown = nb_grow(s->added, count ? 2 * count : 1, sizeof *grown, err);
        NB_TRY(grown ? NB_OK : NB_ERR_LIMIT);
        s->added = grown;
    }
    NB_TRY(nb_strings_push(&s->added_texts, text, strlen(text), err));
    s->added[count] = token;
done:
    return status;
}

nb_status nb_sentence_index_added(nb_sentence *s, const char *path, nb_error *err)
{
    uint32_t *all = NULL;
    nb_status status;
    NB_TRY_NEW(all, s->added_texts.count);
    for (size_t i = 0; i < s->added_texts.count; i++) {
        all[i] = (uint32_t)i;
    }
    status = nb_piece_index_build(&s->added_index, &s->added_texts, all, s->added_texts.count, path, err);
done:
    return status;
}

static void sentence_free_steps(nb_text_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(steps[i].from);
        free(steps[i].to);
    }
}

void nb_sentence_free(nb_sentence *s)
{
    nb_pieces_free(&s->pieces);
    nb_piece_merges_free(&s->merges);
    nb_charsmap_free(&s->map);
    sentence_free_steps(s->normalizers, s->normalizer_count);
    sentence_free_steps(s->splitters, s->splitter_count);
    nb_strings_free(&s->added_texts);
    free(s->added);
    free(s->added_index.sorted);
    *s = (nb_sentence){0};
}

/* ---- encoding ---- */

/* Blanks at an end of text[0, len), in bytes. */
static size_t sentence_blanks(const char *text, size_t len, bool at_end)
{
    size_t blanks = 0;
    while (blanks < len) {
        size_t at = at_end ? len - blanks - 1 : blanks;
        int32_t c;
        while (at_end && at > 0 && (text[at] & 0xC0) == 0x80) {
            at--;
        }
        size_t step = nb_text_decode(text + at, &c);
        if (nb_text_classify(c) != NB_TEXT_SPACE) {
            break;
        }
        blanks += step;
    }
    return blanks;
}

nb_status nb_sentence_each(const nb_sentence *s, const char *text, size_t len, nb_sentence_visit visit, nb_id_list *out,
                           nb_error *err)
{
    size_t begin = 0, at = 0;
    nb_status status = NB_OK;
    while (at < len) {
        int32_t found = s->added_index.count ? nb_piece_index_longest(&s->added_index, text + at, len - at) : -1;
        if (found < 0) {
            at += nb_piece_character(text + at, len - at);
            continue;
        }
        const nb_added_token *token = &s->added[found];
        size_t end = at - (token->left ? sentence_blanks(text + begin, at - begin, true) : 0);
        if (end > begin) {
            NB_TRY(visit(s, text + begin, end - begin, begin == 0, out, err));
        }
        NB_TRY(nb_id_list_push(out, token->id, err));
        at += nb_strings_len(&s->added_texts, (size_t)found);
        at += token->right ? sentence_blanks(text + at, len - at, false) : 0;
        begin = at;
    }
    if (len > begin) {
        NB_TRY(visit(s, text + begin, len - begin, begin == 0, out, err));
    }
done:
    return status;
}

static nb_status sentence_segment(const nb_sentence *s, const char *text, size_t len, nb_id_list *out, nb_error *err)
{
    return s->word_max ? nb_wordpiece_segment(&s->pieces, s->word_max, text, len, out, err)
           : s->pairs  ? nb_segment_pairs(&s->pieces, &s->merges, text, len, out, err)
                       : nb_segment_unigram(&s->pieces, text, len, out, err);
}

/* A text normalised and cut into words by the steps of a tokenizer.json. */
static nb_status sentence_words(const nb_sentence *s, nb_buffer *text, bool first, nb_strings *words, nb_error *err)
{
    nb_buffer changed = {.max = SIZE_MAX / 4};
    nb_strings cut = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < s->normalizer_count; i++) {
        NB_TRY(nb_sentence_apply(s, &s->normalizers[i], text, &changed, err));
        nb_buffer old = *text;
        *text = changed;
        changed = old;
        nb_buffer_clear(&changed);
    }
    NB_TRY(nb_strings_push(words, text->data ? text->data : "", text->len, err));
    for (size_t i = 0; i < s->splitter_count; i++) {
        NB_TRY(nb_sentence_split(&s->splitters[i], first, words, &cut, err));
        nb_strings_free(words);
        *words = cut;
        cut = (nb_strings){0};
    }
done:
    nb_buffer_free(&changed);
    nb_strings_free(&cut);
    return status;
}

nb_status nb_sentence_pieces(const nb_sentence *s, const char *text, size_t len, bool first, nb_id_list *out,
                             nb_error *err)
{
    nb_buffer normal = {.max = SIZE_MAX / 4};
    nb_strings words = {0};
    nb_status status;
    if (!s->from_json) {
        NB_TRY(nb_sentence_normalise(s, text, len, &normal, err));
        NB_TRY(sentence_segment(s, normal.data ? normal.data : "", normal.len, out, err));
        goto done;
    }
    NB_TRY(nb_buffer_append(&normal, text, len, err));
    NB_TRY(sentence_words(s, &normal, first, &words, err));
    for (size_t i = 0; i < words.count; i++) {
        NB_TRY(sentence_segment(s, nb_strings_get(&words, i), nb_strings_len(&words, i), out, err));
    }
done:
    nb_strings_free(&words);
    nb_buffer_free(&normal);
    return status;
}
