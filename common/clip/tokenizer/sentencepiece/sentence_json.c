/* A tokenizer.json of Hugging Face's tokenizers library. */
#include "common/clip/tokenizer/sentencepiece/sentence.h"

#include "common/base/json.h"
#include "common/base/text.h"
#include "common/clip/tokenizer/sentencepiece/wordpiece.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* The file that is read, and where messages say it lies. */
typedef struct source {
    nb_sentence *s;
    const char *path;
    nb_error *err;
} source;

static const char *sentence_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool sentence_is(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

/* Absent, null, or false, or an empty text. */
static bool sentence_is_off(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return !value || json_is_null(value) || json_is_false(value) || sentence_is(json_string_value(value), "");
}

static nb_status sentence_unsupported(const source *f, const char *part, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    nb_fail(f->err, NB_ERR_INPUT, "'%s': %s %.120s is not supported", f->path, part, text ? text : "");
    free(text);
    return NB_ERR_INPUT;
}

static nb_status sentence_copy(const source *f, char **out, const char *text)
{
    size_t bytes = strlen(text) + 1;
    *out = nb_alloc(bytes, 1, f->err);
    if (!*out) {
        return NB_ERR_LIMIT;
    }
    memcpy(*out, text, bytes);
    return NB_OK;
}

/* ---- normalizer ---- */

static int sentence_base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static nb_status sentence_read_charsmap(const source *f, const char *text)
{
    nb_error *err = f->err;
    size_t len = strlen(text), used = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    unsigned char *bytes = NULL;
    nb_status status;
    NB_TRY_NEW(bytes, len / 4 * 3 + 3);
    for (size_t i = 0; i < len && text[i] != '='; i++) {
        int digit = sentence_base64_digit(text[i]);
        if (digit < 0) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': precompiled_charsmap is not base64", f->path);
            goto done;
        }
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[used++] = (unsigned char)(bits >> held);
        }
    }
    nb_charsmap_free(&f->s->map);
    NB_TRY(nb_charsmap_read(&f->s->map, bytes, used, f->path, err));
done:
    free(bytes);
    return status;
}

static nb_status sentence_read_replace(const source *f, const json_t *value, nb_text_step *step)
{
    const json_t *pattern = json_object_get(value, "pattern");
    const char *literal = sentence_text(pattern, "String"), *regex = sentence_text(pattern, "Regex"),
               *content = sentence_text(value, "content");
    nb_status status;
    step->kind = regex ? NB_STEP_REPLACE_BLANKS : NB_STEP_REPLACE;
    if (!content || (regex ? strcmp(regex, " {2,}") != 0 : !literal || !*literal)) {
        return sentence_unsupported(f, "normalizer", value);
    }
    NB_TRY(literal ? sentence_copy(f, &step->from, literal) : NB_OK);
    NB_TRY(sentence_copy(f, &step->to, content));
done:
    return status;
}

/* Of its four options only strip_accents may be left open: it then follows lowercase. */
static nb_status sentence_read_bert(const source *f, const json_t *value, nb_text_step *step)
{
    const json_t *clean = json_object_get(value, "clean_text"), *lower = json_object_get(value, "lowercase"),
                 *ideographs = json_object_get(value, "handle_chinese_chars"),
                 *accents = json_object_get(value, "strip_accents");
    if (!json_is_boolean(accents)) {
        accents = accents && !json_is_null(accents) ? NULL : lower;
    }
    if (!json_is_boolean(clean) || !json_is_boolean(lower) || !json_is_boolean(ideographs) || !accents) {
        return sentence_unsupported(f, "normalizer", value);
    }
    step->kind = NB_STEP_BERT;
    step->bert = (json_is_true(clean) ? NB_BERT_CLEAN : 0) | (json_is_true(ideographs) ? NB_BERT_IDEOGRAPHS : 0) |
                 (json_is_true(accents) ? NB_BERT_ACCENTS : 0) | (json_is_true(lower) ? NB_BERT_LOWER : 0);
    return NB_OK;
}

static nb_status sentence_read_normalizer(const source *f, const json_t *value, nb_text_step *step)
{
    static const struct {
        const char *name;
        int options;
    } forms[] = {{"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
                 {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
                 {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
                 {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};
    const char *type = sentence_text(value, "type");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (sentence_is(type, forms[i].name)) {
            *step = (nb_text_step){.kind = NB_STEP_UNICODE, .unicode = forms[i].options};
            return NB_OK;
        }
    }
    if (sentence_is(type, "Lowercase")) {
        step->kind = NB_STEP_LOWER;
        return NB_OK;
    }
    if (sentence_is(type, "BertNormalizer")) {
        return sentence_read_bert(f, value, step);
    }
    if (sentence_is(type, "Strip")) {
        const json_t *left = json_object_get(value, "strip_left"), *right = json_object_get(value, "strip_right");
        *step = (nb_text_step){.kind = NB_STEP_STRIP, .left = json_is_true(left), .right = json_is_true(right)};
        return json_is_boolean(left) && json_is_boolean(right) ? NB_OK : sentence_unsupported(f, "normalizer", value);
    }
    if (sentence_is(type, "Prepend") && sentence_text(value, "prepend")) {
        step->kind = NB_STEP_PREPEND;
        return sentence_copy(f, &step->to, sentence_text(value, "prepend"));
    }
    if (sentence_is(type, "Precompiled") && !f->s->map.count && sentence_text(value, "precompiled_charsmap")) {
        step->kind = NB_STEP_CHARSMAP;
        return sentence_read_charsmap(f, sentence_text(value, "precompiled_charsmap"));
    }
    return sentence_is(type, "Replace") ? sentence_read_replace(f, value, step)
                                        : sentence_unsupported(f, "normalizer", value);
}

/* ---- pre_tokenizer ---- */

static nb_status sentence_read_metaspace(const source *f, const json_t *value, nb_text_step *step)
{
    const char *mark = sentence_text(value, "replacement"), *scheme = sentence_text(value, "prepend_scheme");
    const json_t *prefix = json_object_get(value, "add_prefix_space"), *split = json_object_get(value, "split");
    bool known =
        !scheme || sentence_is(scheme, "always") || sentence_is(scheme, "first") || sentence_is(scheme, "never");
    if (!mark || !*mark || !known) {
        return sentence_unsupported(f, "pre_tokenizer", value);
    }
    *step = (nb_text_step){.kind = NB_STEP_METASPACE,
                           .scheme = (char)(scheme                  ? scheme[0]
                                            : json_is_false(prefix) ? 'n'
                                                                    : 'a'),
                           .split = !json_is_false(split)};
    return sentence_copy(f, &step->to, mark);
}

static nb_status sentence_read_splitter(const source *f, const json_t *value, nb_text_step *step)
{
    const char *type = sentence_text(value, "type");
    if (sentence_is(type, "WhitespaceSplit")) {
        step->kind = NB_STEP_WORDS;
        return NB_OK;
    }
    if (sentence_is(type, "BertPreTokenizer")) {
        step->kind = NB_STEP_BERT_WORDS;
        return NB_OK;
    }
    if (sentence_is(type, "Metaspace")) {
        return sentence_read_metaspace(f, value, step);
    }
    if (sentence_is(type, "ByteLevel") && json_is_false(json_object_get(value, "add_prefix_space")) &&
        !json_is_false(json_object_get(value, "use_regex"))) {
        step->kind = NB_STEP_BYTE_LEVEL;
        f->s->byte_level = true;
        return NB_OK;
    }
    const char *literal = sentence_text(json_object_get(value, "pattern"), "String");
    bool behind =
        sentence_is(sentence_text(value, "behavior"), "MergedWithPrevious") && sentence_is_off(value, "invert");
    if (sentence_is(type, "Split") && literal && *literal && behind) {
        step->kind = NB_STEP_SPLIT;
        return sentence_copy(f, &step->from, literal);
    }
    return sentence_unsupported(f, "pre_tokenizer", value);
}

/* One step, or those of a Sequence. */
static nb_status sentence_read_steps(const source *f, const char *part, const json_t *root)
{
    bool normalizer = strcmp(part, "normalizer") == 0;
    nb_text_step *steps = normalizer ? f->s->normalizers : f->s->splitters;
    size_t *count = normalizer ? &f->s->normalizer_count : &f->s->splitter_count;
    const json_t *value = json_object_get(root, part);
    bool sequence = sentence_is(sentence_text(value, "type"), "Sequence");
    const json_t *list = json_object_get(value, normalizer ? "normalizers" : "pretokenizers");
    size_t items = sequence ? json_array_size(list) : 1;
    nb_status status = NB_OK;
    if (!value || json_is_null(value)) {
        return NB_OK;
    }
    if (items > NB_TEXT_STEPS_MAX || (sequence && !json_is_array(list))) {
        return sentence_unsupported(f, part, value);
    }
    for (size_t i = 0; i < items; i++) {
        const json_t *item = sequence ? json_array_get(list, i) : value;
        nb_text_step *step = &steps[(*count)++];
        NB_TRY(normalizer ? sentence_read_normalizer(f, item, step) : sentence_read_splitter(f, item, step));
    }
done:
    return status;
}

/* ---- model ---- */

static nb_status sentence_read_unigram(const source *f, const json_t *model)
{
    const json_t *vocab = json_object_get(model, "vocab"), *unknown = json_object_get(model, "unk_id");
    nb_pieces *p = &f->s->pieces;
    nb_error *err = f->err;
    nb_status status = NB_OK;
    for (size_t i = 0; i < json_array_size(vocab); i++) {
        const json_t *item = json_array_get(vocab, i), *text = json_array_get(item, 0),
                     *score = json_array_get(item, 1);
        if (json_array_size(item) != 2 || !json_is_string(text) || !json_is_number(score)) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': entry %zu of model.vocab is not [\"piece\", score]", f->path, i);
        }
        NB_TRY(nb_pieces_add(p, json_string_value(text), json_string_length(text), json_number_value(score),
                             NB_PIECE_NORMAL, err));
    }
    if (json_is_integer(unknown)) {
        json_int_t id = json_integer_value(unknown);
        if (id < 0 || (size_t)id >= p->texts.count) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': model.unk_id is no piece", f->path);
        }
        p->unknown = (int32_t)id;
    } else if (unknown && !json_is_null(unknown)) {
        status = sentence_unsupported(f, "model.unk_id", unknown);
    }
done:
    return status;
}

/* The pieces of a BPE or a WordPiece in the order of their ids, which are 0 to n - 1. */
static nb_status sentence_read_vocabulary(const source *f, json_t *vocab)
{
    size_t count = json_object_size(vocab);
    nb_error *err = f->err;
    const char **texts = NULL, *text;
    json_t *id;
    nb_status status;
    NB_TRY_NEW(texts, count);
    json_object_foreach(vocab, text, id)
    {
        json_int_t i = json_integer_value(id);
        if (!json_is_integer(id) || i < 0 || (size_t)i >= count || texts[i]) {
            status = nb_fail(err, NB_ERR_INPUT,
                             "'%s': the id of \"%.64s\" in model.vocab is not in 0 to %zu, or not its own", f->path,
                             text, count - 1);
            goto done;
        }
        texts[i] = text;
    }
    for (size_t i = 0; i < count; i++) {
        NB_TRY(nb_pieces_add(&f->s->pieces, texts[i], strlen(texts[i]), 0, NB_PIECE_NORMAL, err));
    }
done:
    free(texts);
    return status;
}

/* A merge: "left right", or a list of both. */
static nb_status sentence_read_merge(const source *f, const json_t *merge, size_t number)
{
    nb_piece_merges *m = &f->s->merges;
    const nb_piece_index *index = &f->s->pieces.text;
    const char *line = json_string_value(merge), *space = line ? strchr(line, ' ') : NULL;
    const char *left = space ? line : json_string_value(json_array_get(merge, 0));
    const char *right = space ? space + 1 : json_string_value(json_array_get(merge, 1));
    nb_error *err = f->err;
    nb_buffer joined = {0};
    nb_status status = NB_OK;
    size_t left_len = space ? (size_t)(space - line) : left ? strlen(left) : 0;
    int32_t a = -1, b = -1, id = -1;
    if (left && right && (line || json_array_size(merge) == 2)) {
        NB_TRY(nb_buffer_append(&joined, left, left_len, err));
        NB_TRY(nb_buffer_append(&joined, right, strlen(right), err));
        a = nb_piece_index_find(index, left, left_len);
        b = nb_piece_index_find(index, right, strlen(right));
        id = nb_piece_index_find(index, joined.data, joined.len);
    }
    if (a < 0 || b < 0 || id < 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': entry %zu of model.merges does not join two pieces to a third",
                         f->path, number);
        goto done;
    }
    NB_TRY_ROOM(m->merges, m->count, m->cap, 1024);
    m->merges[m->count][0] = a;
    m->merges[m->count][1] = b;
    m->merges[m->count++][2] = id;
done:
    nb_buffer_free(&joined);
    return status;
}

static nb_status sentence_read_pairs(const source *f, const json_t *model)
{
    static const char *const off[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"};
    const json_t *merges = json_object_get(model, "merges");
    const char *unknown = sentence_text(model, "unk_token");
    nb_pieces *p = &f->s->pieces;
    nb_error *err = f->err;
    nb_status status;
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        if (!sentence_is_off(model, off[i])) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': model.%s is set, which is not supported", f->path, off[i]);
        }
    }
    NB_TRY(sentence_read_vocabulary(f, json_object_get(model, "vocab")));
    p->unknown = unknown ? nb_pieces_named(p, unknown) : -1;
    if (unknown && p->unknown < 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': unk_token \"%.64s\" is not in model.vocab", f->path, unknown);
    }
    if (unknown && !p->byte_fallback && !json_is_true(json_object_get(model, "fuse_unk"))) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': model.fuse_unk is not true, which is not supported", f->path);
    }
    NB_TRY(nb_pieces_finish(p, f->path, err));
    if (!json_is_array(merges) || json_array_size(merges) == 0 || json_array_size(merges) > NB_MERGE_JSON_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': model.merges is no list of 1 to %d merges", f->path,
                       (int)NB_MERGE_JSON_MAX);
    }
    for (size_t i = 0; i < json_array_size(merges); i++) {
        NB_TRY(sentence_read_merge(f, json_array_get(merges, i), i));
    }
    NB_TRY(nb_piece_merges_finish(&f->s->merges, f->path, err));
done:
    return status;
}

static nb_status sentence_read_wordpiece(const source *f, const json_t *model)
{
    const char *unknown = sentence_text(model, "unk_token");
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    nb_pieces *p = &f->s->pieces;
    nb_status status;
    if (!sentence_is(sentence_text(model, "continuing_subword_prefix"), "##") || json_integer_value(most) <= 0) {
        return nb_fail(f->err, NB_ERR_INPUT,
                       "'%s': model.continuing_subword_prefix is not \"##\", or max_input_chars_per_word no number",
                       f->path);
    }
    f->s->word_max = (size_t)json_integer_value(most);
    NB_TRY(sentence_read_vocabulary(f, json_object_get(model, "vocab")));
    p->unknown = unknown ? nb_pieces_named(p, unknown) : -1;
    if (p->unknown < 0) {
        return nb_fail(f->err, NB_ERR_INPUT, "'%s': unk_token \"%.64s\" is not in model.vocab", f->path,
                       unknown ? unknown : "");
    }
    NB_TRY(nb_pieces_finish(p, f->path, f->err));
done:
    return status;
}

static nb_status sentence_read_model(const source *f, const json_t *model)
{
    const char *type = sentence_text(model, "type");
    nb_status status;
    f->s->pieces.byte_fallback = json_is_true(json_object_get(model, "byte_fallback"));
    /* Old files do not name the type: a list of pieces with scores is a Unigram. */
    if (sentence_is(type, "Unigram") || (!type && json_is_array(json_object_get(model, "vocab")))) {
        NB_TRY(sentence_read_unigram(f, model));
        NB_TRY(nb_pieces_finish(&f->s->pieces, f->path, f->err));
        return NB_OK;
    }
    if (sentence_is(type, "WordPiece") || (!type && json_object_get(model, "max_input_chars_per_word"))) {
        NB_TRY(sentence_read_wordpiece(f, model));
        return NB_OK;
    }
    if (!sentence_is(type, "BPE") || !json_is_object(json_object_get(model, "vocab"))) {
        return nb_fail(f->err, NB_ERR_INPUT, "'%s': model.type '%.32s' with its vocab is not supported", f->path,
                       type ? type : "(missing)");
    }
    f->s->pairs = true;
    NB_TRY(sentence_read_pairs(f, model));
done:
    return status;
}

/* ---- added tokens and the template ---- */

static nb_status sentence_read_added(const source *f, const json_t *list)
{
    nb_error *err = f->err;
    nb_status status = NB_OK;
    if (list && !json_is_null(list) && !json_is_array(list)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': added_tokens is no array", f->path);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *token = json_array_get(list, i), *id = json_object_get(token, "id");
        const char *text = sentence_text(token, "content");
        if (!text || !*text || !json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) > INT32_MAX) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': entry %zu of added_tokens has no content or no id", f->path, i);
        }
        bool after = f->s->word_max && !sentence_is_off(token, "normalized"); /* found in normalised text */
        if (!sentence_is_off(token, "single_word") || after) {
            return sentence_unsupported(f, "added token", token);
        }
        NB_TRY(nb_sentence_add_token(f->s, text,
                                     (nb_added_token){.id = (int32_t)json_integer_value(id),
                                                      .left = json_is_true(json_object_get(token, "lstrip")),
                                                      .right = json_is_true(json_object_get(token, "rstrip"))},
                                     err));
    }
    NB_TRY(nb_sentence_index_added(f->s, f->path, err));
done:
    return status;
}

/* The ids of one special token of a template, in front of the text or behind it. */
static nb_status sentence_read_special(const source *f, const json_t *specials, const char *name, bool behind)
{
    const json_t *ids = json_object_get(json_object_get(specials, name ? name : ""), "ids");
    int32_t *out = behind ? f->s->after : f->s->before;
    size_t *count = behind ? &f->s->after_count : &f->s->before_count;
    for (size_t i = 0; i < json_array_size(ids) && *count < NB_TEMPLATE_TOKENS_MAX; i++) {
        json_int_t id = json_integer_value(json_array_get(ids, i));
        if (id < 0 || id > INT32_MAX) {
            break;
        }
        out[(*count)++] = (int32_t)id;
    }
    return *count && *count < NB_TEMPLATE_TOKENS_MAX
               ? NB_OK
               : nb_fail(f->err, NB_ERR_INPUT, "'%s': the special token '%.32s' of post_processor has no ids", f->path,
                         name ? name : "");
}

/* The token of a [text, id] of RobertaProcessing. */
static bool sentence_read_pair(const json_t *pair, int32_t *out, size_t *count)
{
    const json_t *id = json_array_get(pair, 1);
    bool good = json_array_size(pair) == 2 && json_is_integer(id) && json_integer_value(id) >= 0 &&
                json_integer_value(id) <= INT32_MAX;
    *out = good ? (int32_t)json_integer_value(id) : 0;
    *count = 1;
    return good;
}

static nb_status sentence_read_template(const source *f, const json_t *value)
{
    const json_t *single = json_object_get(value, "single"), *specials = json_object_get(value, "special_tokens");
    bool behind = false;
    nb_status status = NB_OK;
    if (!value || json_is_null(value)) {
        return NB_OK;
    }
    if (sentence_is(sentence_text(value, "type"), "RobertaProcessing")) {
        nb_sentence *s = f->s;
        return sentence_read_pair(json_object_get(value, "cls"), s->before, &s->before_count) &&
                       sentence_read_pair(json_object_get(value, "sep"), s->after, &s->after_count)
                   ? NB_OK
                   : sentence_unsupported(f, "post_processor", value);
    }
    if (!sentence_is(sentence_text(value, "type"), "TemplateProcessing") || !json_is_array(single)) {
        return sentence_unsupported(f, "post_processor", value);
    }
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i), *special = json_object_get(item, "SpecialToken");
        if (special) {
            NB_TRY(sentence_read_special(f, specials, sentence_text(special, "id"), behind));
        } else if (json_object_get(item, "Sequence") && !behind) {
            behind = true;
        } else {
            return sentence_unsupported(f, "post_processor", single);
        }
    }
    status = behind ? NB_OK : sentence_unsupported(f, "post_processor", single);
done:
    return status;
}

/* ---- the whole ---- */

/* Whether the text has this key with this value, blanks between them aside. */
static bool sentence_has(const char *json, size_t len, const char *key, const char *value)
{
    size_t key_len = strlen(key), value_len = strlen(value);
    const char *end = json + len;
    for (const char *p = json; (p = memmem(p, (size_t)(end - p), key, key_len)) != NULL;) {
        p += key_len;
        while (p < end && strchr(" \t\r\n:", *p) && *p) {
            p++;
        }
        if ((size_t)(end - p) >= value_len && memcmp(p, value, value_len) == 0) {
            return true;
        }
    }
    return false;
}

bool nb_sentence_is_json(const char *json, size_t len)
{
    return !sentence_has(json, len, "\"end_of_word_suffix\"", "\"</w>\"") &&
           (sentence_has(json, len, "\"type\"", "\"Unigram\"") ||
            sentence_has(json, len, "\"type\"", "\"Metaspace\"") ||
            sentence_has(json, len, "\"type\"", "\"ByteLevel\"") ||
            sentence_has(json, len, "\"byte_fallback\"", "true") || sentence_has(json, len, "\"unk_id\"", "") ||
            sentence_has(json, len, "\"max_input_chars_per_word\"", ""));
}

static nb_status sentence_parse(json_t **root, const char *json, size_t len, const char *path, nb_error *err)
{
    json_error_t where;
    nb_status status = nb_json_parse(root, json, len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        return status;
    }
    if (!json_is_object(*root)) {
        status =
            nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, *root ? "another value" : where.text);
        json_decref(*root);
        *root = NULL;
    }
    return status;
}

nb_status nb_sentence_read_json(nb_sentence *s, const char *json, size_t len, const char *path, nb_error *err)
{
    json_t *root = NULL;
    const source f = {s, path, err};
    nb_status status;
    *s = (nb_sentence){.from_json = true};
    s->pieces.unknown = -1;
    NB_TRY(sentence_parse(&root, json, len, path, err));
    NB_TRY(sentence_read_steps(&f, "normalizer", root));
    NB_TRY(sentence_read_steps(&f, "pre_tokenizer", root));
    NB_TRY(sentence_read_model(&f, json_object_get(root, "model")));
    NB_TRY(sentence_read_added(&f, json_object_get(root, "added_tokens")));
    NB_TRY(sentence_read_template(&f, json_object_get(root, "post_processor")));
done:
    json_decref(root);
    if (status != NB_OK) {
        nb_sentence_free(s);
    }
    return status;
}
