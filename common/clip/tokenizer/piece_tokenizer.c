#include "common/clip/tokenizer/piece_tokenizer.h"

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/clip/tokenizer/sentencepiece/byte_level.h"
#include "common/clip/tokenizer/sentencepiece/wordpiece.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const model_files[] = {"spiece.model", "tokenizer.model"};
static const char *const json_file = "tokenizer.json", *const open_clip_file = "open_clip_config.json";
static const char *const bert_file = "vocab.txt", *const vocab_file = "vocab.json", *const merges_file = "merges.txt";

enum { CONFIG_BYTES_MAX = 4 << 20 };

/* What a folder says about its tokenizer. */
typedef struct folder {
    const char *directory;
    json_t *tokenizer; /* tokenizer_config.json; NULL: none */
    json_t *specials;  /* special_tokens_map.json; NULL: none */
    json_t *open_clip; /* open_clip_config.json, where it is what the model is read by; NULL: none */
    nb_error *err;
} folder;

static bool piece_exists(const char *directory, const char *name)
{
    char *path;
    bool found = nb_path_join(&path, directory, name, NULL) == NB_OK && access(path, F_OK) == 0;
    free(path);
    return found;
}

static nb_status piece_read_file(const char *directory, const char *name, char **path, char **bytes, size_t *len,
                                 nb_error *err)
{
    nb_status status = nb_path_join(path, directory, name, err);
    return status == NB_OK ? nb_file_read(*path, NB_PIECE_FILE_MAX, bytes, len, err) : status;
}

/* ---- what the folder says ---- */

/* A JSON object of a file; NULL in *out when there is no such file. */
static nb_status piece_read_json(const folder *f, const char *name, json_t **out)
{
    char *path = NULL, *text = NULL;
    size_t len;
    json_error_t where;
    nb_error *err = f->err;
    nb_status status;
    *out = NULL;
    if (!piece_exists(f->directory, name)) {
        return NB_OK;
    }
    NB_TRY(nb_path_join(&path, f->directory, name, err));
    NB_TRY(nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err));
    status = nb_json_parse(out, text, len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
    } else if (!json_is_object(*out)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, *out ? "another value" : where.text);
    }
done:
    free(path);
    free(text);
    return status;
}

static void piece_close_folder(folder *f)
{
    json_decref(f->tokenizer);
    json_decref(f->specials);
    json_decref(f->open_clip);
}

/* Whether open_clip's configuration is what the model is read by: a config.json that states no model_type is another
 * library's (timm's). */
static nb_status piece_is_open_clip(const folder *f, bool *is)
{
    json_t *config = NULL;
    nb_status status;
    NB_TRY(piece_read_json(f, "config.json", &config));
    *is = !json_object_get(config, "model_type") && piece_exists(f->directory, open_clip_file);
done:
    json_decref(config);
    return status;
}

static nb_status piece_open_folder(folder *f)
{
    bool open_clip;
    nb_status status;
    NB_TRY(piece_read_json(f, "tokenizer_config.json", &f->tokenizer));
    NB_TRY(piece_read_json(f, "special_tokens_map.json", &f->specials));
    NB_TRY(piece_is_open_clip(f, &open_clip));
    NB_TRY(open_clip ? piece_read_json(f, open_clip_file, &f->open_clip) : NB_OK);
done:
    return status;
}

/* vocab.json and merges.txt: CLIP's own, or RoBERTa's, of which tokenizer.json is read first. */
static nb_status piece_find_pairs(const char *directory, const char **name, nb_error *err)
{
    char *path = NULL, *json = NULL;
    size_t len;
    nb_status status;
    NB_TRY(piece_read_file(directory, vocab_file, &path, &json, &len, err));
    if (nb_byte_level_is_vocab(json, len)) {
        *name = piece_exists(directory, json_file) ? json_file : vocab_file;
    }
done:
    free(path);
    free(json);
    return status;
}

nb_status nb_piece_tokenizer_find(const char *directory, const char **name, nb_error *err)
{
    char *path = NULL, *json = NULL;
    const char *model = NULL;
    size_t len;
    bool is = false, open_clip;
    const folder f = {.directory = directory, .err = err};
    nb_status status = NB_OK;
    *name = NULL;
    if (piece_exists(directory, vocab_file) && piece_exists(directory, merges_file)) {
        return piece_find_pairs(directory, name, err);
    }
    for (size_t i = 0; i < sizeof model_files / sizeof *model_files && !model; i++) {
        model = piece_exists(directory, model_files[i]) ? model_files[i] : NULL;
    }
    if (piece_exists(directory, json_file)) {
        NB_TRY(piece_read_file(directory, json_file, &path, &json, &len, err));
        is = nb_sentence_is_json(json, len);
    } else if (!model && piece_exists(directory, bert_file)) {
        model = bert_file;
    }
    /* SiglipTokenizer reads its .model, all others tokenizer.json. */
    NB_TRY(piece_is_open_clip(&f, &open_clip));
    bool siglip = model == model_files[0] && !open_clip;
    *name = is && !siglip ? json_file : model;
done:
    free(path);
    free(json);
    return status;
}

/* The text of a special token: a string, or an object with its content. */
static const char *piece_special(const folder *f, const char *key)
{
    const json_t *from[] = {f->tokenizer, f->specials};
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(from[i], key);
        const char *text = json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
        if (text) {
            return text;
        }
    }
    return NULL;
}

static bool piece_ends_with(const char *text, const char *end)
{
    size_t len = text ? strlen(text) : 0, end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* tokenizer_class without the "Fast" of the faster implementations. */
static bool piece_is_class(const folder *f, const char *name)
{
    const char *class = json_string_value(json_object_get(f->tokenizer, "tokenizer_class"));
    size_t len = strlen(name);
    return class && strncmp(class, name, len) == 0 && (!class[len] || strcmp(class + len, "Fast") == 0);
}

/* The id of a special token. */
static nb_status piece_id(const nb_piece_tokenizer *t, const folder *f, const char *text, int32_t *id)
{
    const nb_sentence *s = &t->sentence;
    for (size_t i = 0; i < s->added_texts.count; i++) {
        if (strcmp(nb_strings_get(&s->added_texts, i), text) == 0) {
            *id = s->added[i].id;
            return NB_OK;
        }
    }
    *id = nb_pieces_named(&s->pieces, text);
    return *id >= 0 ? NB_OK
                    : nb_fail(f->err, NB_ERR_INPUT, "'%s': the special token \"%.64s\" is not in the vocabulary",
                              f->directory, text);
}

static nb_status piece_read_sides(nb_piece_tokenizer *t, const folder *f)
{
    const char *side = json_string_value(json_object_get(f->tokenizer, "padding_side"));
    const char *cut = json_string_value(json_object_get(f->tokenizer, "truncation_side"));
    bool known = !side || strcmp(side, "left") == 0 || strcmp(side, "right") == 0;
    /* The Gemma tokenizers pad on the left by default. */
    t->pads_left =
        side ? strcmp(side, "left") == 0 : piece_is_class(f, "GemmaTokenizer") || piece_is_class(f, "Siglip2Tokenizer");
    return known && (!cut || strcmp(cut, "right") == 0)
               ? NB_OK
               : nb_fail(f->err, NB_ERR_INPUT,
                         "'%s': padding_side or truncation_side of tokenizer_config.json is not supported",
                         f->directory);
}

/* text_cfg of open_clip's configuration; NULL: there is none. */
static const json_t *piece_text_cfg(const folder *f)
{
    return json_object_get(json_object_get(f->open_clip, "model_cfg"), "text_cfg");
}

/* The token of padding, which the model sees: it must be stated. */
static nb_status piece_read_pad(nb_piece_tokenizer *t, const folder *f)
{
    const char *pad = piece_special(f, "pad_token");
    if (!pad && (t->siglip || t->sentence.word_max)) {
        pad = t->siglip ? "</s>" : "[PAD]";
    }
    if (!pad && json_object_get(piece_text_cfg(f), "hf_model_name")) { /* as their tokenizers have it by default */
        pad = "<pad>";
    }
    if (!pad) {
        nb_fail(f->err, NB_ERR_INPUT,
                "'%s': neither tokenizer_config.json nor special_tokens_map.json names a pad_token", f->directory);
        return nb_hint(f->err, "fetch these files of the model too");
    }
    return piece_id(t, f, pad, &t->pad);
}

/* ---- transformers' tokenizers ---- */

static bool piece_flag(const folder *f, const char *key, bool fallback)
{
    const json_t *value = json_object_get(f->tokenizer, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

/* The special tokens that SiglipTokenizer finds in text. */
static nb_status piece_add_specials(nb_piece_tokenizer *t, const folder *f)
{
    static const struct {
        const char *key, *fallback;
    } tokens[] = {{"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "</s>"}};
    const char *seen[3] = {NULL};
    nb_status status = NB_OK;
    for (size_t i = 0; i < 3; i++) {
        const char *text = piece_special(f, tokens[i].key);
        nb_added_token token = {.left = true, .right = true};
        seen[i] = text ? text : tokens[i].fallback;
        bool again = (i > 0 && strcmp(seen[i], seen[0]) == 0) || (i > 1 && strcmp(seen[i], seen[1]) == 0);
        if (!again) {
            NB_TRY(piece_id(t, f, seen[i], &token.id));
            NB_TRY(nb_sentence_add_token(&t->sentence, seen[i], token, f->err));
        }
    }
    NB_TRY(piece_id(t, f, seen[0], &t->sentence.after[0]));
    t->sentence.after_count = 1;
    NB_TRY(nb_sentence_index_added(&t->sentence, f->directory, f->err));
done:
    return status;
}

static nb_status piece_open_siglip(nb_piece_tokenizer *t, const folder *f)
{
    nb_id_list ids = {0};
    nb_status status;
    t->siglip = true;
    t->sentence.dummy_prefix = false;
    t->cleaning = (nb_text_cleaning){.no_punctuation = true, .collapse = true, .separators = true, .strip_after = true};
    NB_TRY(nb_sentence_pieces(&t->sentence, "<unk>", strlen("<unk>"), true, &ids, f->err));
    t->skipped = ids.count;
    NB_TRY(piece_add_specials(t, f));
done:
    free(ids.ids);
    return status;
}

/* The tokens around a text that the flags of a Gemma tokenizer say; SigLIP 2 was trained with an end and no start, in
 * lower case. */
static nb_status piece_open_gemma(nb_piece_tokenizer *t, const folder *f)
{
    nb_sentence *s = &t->sentence;
    const char *start = piece_special(f, "bos_token"), *end = piece_special(f, "eos_token");
    nb_status status = NB_OK;
    t->cleaning = (nb_text_cleaning){.lower = NB_LOWER_EACH};
    if (!s->from_json || json_is_boolean(json_object_get(f->tokenizer, "add_eos_token"))) {
        s->before_count = piece_flag(f, "add_bos_token", false);
        s->after_count = piece_flag(f, "add_eos_token", true);
        NB_TRY(s->before_count ? piece_id(t, f, start ? start : "<bos>", &s->before[0]) : NB_OK);
        NB_TRY(s->after_count ? piece_id(t, f, end ? end : "<eos>", &s->after[0]) : NB_OK);
    }
done:
    return status;
}

/* What tokenizer_config.json says of a BertTokenizer counts, whatever tokenizer.json has. */
static nb_status piece_open_bert(nb_piece_tokenizer *t, const folder *f)
{
    static const char *const names[][2] = {{"unk_token", "[UNK]"}, {"sep_token", "[SEP]"}, {"cls_token", "[CLS]"}};
    const json_t *accents = json_object_get(f->tokenizer, "strip_accents");
    bool lower = piece_flag(f, "do_lower_case", true);
    bool bare = json_is_boolean(accents) ? json_is_true(accents) : lower;
    int options = (piece_flag(f, "tokenize_chinese_chars", true) ? NB_BERT_IDEOGRAPHS : 0) |
                  (bare ? NB_BERT_ACCENTS : 0) | (lower ? NB_BERT_LOWER : 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = piece_special(f, names[i][0]);
        if (text && strcmp(text, names[i][1]) != 0) {
            return nb_fail(f->err, NB_ERR_INPUT, "'%s': %s '%.64s' of a BertTokenizer is not supported", f->directory,
                           names[i][0], text);
        }
    }
    for (size_t i = 0; i < t->sentence.normalizer_count; i++) {
        nb_text_step *step = &t->sentence.normalizers[i];
        step->bert = (step->bert & NB_BERT_CLEAN) | options; /* other kinds of steps do not look at it */
    }
    return NB_OK;
}

/* ---- open_clip ---- */

/* The token that strip_sep_token of CLIPA turns into 0. */
static nb_status piece_strip_end(nb_piece_tokenizer *t, const folder *f)
{
    const char *text = piece_special(f, "sep_token");
    return piece_id(t, f, text ? text : "[SEP]", &t->stripped);
}

/* An NllbTokenizer puts the language in front of a text and the end token behind it, or both behind it as it did in the
 * beginning, whatever tokenizer.json has. */
static nb_status piece_open_nllb(nb_piece_tokenizer *t, const folder *f)
{
    nb_sentence *s = &t->sentence;
    const char *language = json_string_value(json_object_get(f->tokenizer, "src_lang"));
    bool legacy = piece_flag(f, "legacy_behaviour", false);
    int32_t ids[2];
    nb_status status;
    NB_TRY(piece_id(t, f, language ? language : "eng_Latn", &ids[0]));
    NB_TRY(piece_id(t, f, "</s>", &ids[1]));
    s->before_count = legacy ? 0 : 1;
    s->after_count = legacy ? 2 : 1;
    s->before[0] = s->after[1] = ids[0];
    s->after[0] = ids[1];
done:
    return status;
}

/* Whether the tokenizer is NLLB's, by its class or by what open_clip calls it. */
static bool piece_is_nllb(const folder *f)
{
    const char *name = json_string_value(json_object_get(piece_text_cfg(f), "hf_tokenizer_name"));
    return piece_is_class(f, "NllbTokenizer") || (name && strstr(name, "nllb-200"));
}

static nb_status piece_open_open_clip(nb_piece_tokenizer *t, const folder *f)
{
    static const struct {
        const char *name;
        nb_text_cleaning cleaning;
    } known[] = {
        {"whitespace", {.unescape = true, .strip_before = true, .collapse = true}},
        {"lower", {.unescape = true, .strip_before = true, .lower = NB_LOWER_TEXT, .collapse = true}},
        {"canonicalize",
         {.unescape = true,
          .strip_before = true,
          .underscores = true,
          .no_punctuation = true,
          .lower = NB_LOWER_TEXT,
          .collapse = true,
          .strip_after = true}},
    };
    const json_t *text = piece_text_cfg(f);
    json_t *options = json_object_get(text, "tokenizer_kwargs"), *value;
    const json_t *clean = json_object_get(options, "clean");
    const char *name = clean ? json_string_value(clean) : "whitespace", *key;
    size_t row = 0;
    while (row < sizeof known / sizeof *known && (!name || strcmp(name, known[row].name) != 0)) {
        row++;
    }
    json_object_foreach(options, key, value)
    {
        bool strip = t->sentence.word_max && strcmp(key, "strip_sep_token") == 0 && json_is_true(value);
        if (strip && piece_strip_end(t, f) != NB_OK) {
            return NB_ERR_INPUT;
        }
        if (!strip && strcmp(key, "clean") != 0 && !json_is_null(value) && !json_is_false(value)) {
            return nb_fail(f->err, NB_ERR_INPUT,
                           "'%s': tokenizer_kwargs.%.64s of open_clip_config.json is not supported", f->directory, key);
        }
    }
    if (row == sizeof known / sizeof *known) {
        return nb_fail(f->err, NB_ERR_INPUT,
                       "'%s': tokenizer_kwargs.clean '%.64s' of open_clip_config.json is not supported", f->directory,
                       name ? name : "(no text)");
    }
    t->cleaning = known[row].cleaning;
    if (!t->sentence.from_json) { /* as transformers' T5Tokenizer has it */
        const char *end = piece_special(f, "eos_token");
        t->sentence.after_count = 1;
        return piece_id(t, f, end ? end : "</s>", &t->sentence.after[0]);
    }
    return NB_OK;
}

/* ---- opening ---- */

/* RoBERTa's vocab.json, and merges.txt beside it. */
static nb_status piece_read_pairs(nb_sentence *s, const folder *f, const nb_buffer *vocab, const char *path)
{
    char *merges_path = NULL, *merges = NULL;
    size_t len;
    nb_error *err = f->err;
    nb_status status;
    NB_TRY(piece_read_file(f->directory, merges_file, &merges_path, &merges, &len, err));
    NB_TRY(nb_byte_level_read(s, &(nb_byte_level_files){vocab->data, vocab->len, merges, len}, path, err));
done:
    free(merges_path);
    free(merges);
    return status;
}

static nb_status piece_adapt(nb_piece_tokenizer *t, const folder *f, const char *name)
{
    bool model = piece_ends_with(name, ".model");
    bool gemma = piece_is_class(f, "GemmaTokenizer") || piece_is_class(f, "Siglip2Tokenizer");
    nb_status status = NB_OK;
    if (t->sentence.word_max && (strcmp(name, bert_file) == 0 || piece_is_class(f, "BertTokenizer"))) {
        NB_TRY(piece_open_bert(t, f));
    }
    if (piece_is_nllb(f)) {
        NB_TRY(piece_open_nllb(t, f));
    }
    if (f->open_clip) {
        NB_TRY(piece_open_open_clip(t, f));
    } else if (gemma) {
        NB_TRY(piece_open_gemma(t, f));
    } else if (piece_is_class(f, "SiglipTokenizer") || (model && !json_object_get(f->tokenizer, "tokenizer_class"))) {
        if (!model) {
            nb_fail(f->err, NB_ERR_INPUT, "'%s': a SiglipTokenizer without its spiece.model", f->directory);
            return nb_hint(f->err, "fetch spiece.model of the model too");
        }
        NB_TRY(piece_open_siglip(t, f));
    } else if (model) {
        nb_fail(f->err, NB_ERR_INPUT, "'%s': a .model file for the tokenizer_class '%.64s' is not supported",
                f->directory, json_string_value(json_object_get(f->tokenizer, "tokenizer_class")));
        return nb_hint(f->err, "fetch tokenizer.json of the model too");
    }
    if (t->siglip && piece_flag(f, "do_lower_case", true)) {
        t->cleaning.lower = NB_LOWER_EACH;
    }
    NB_TRY(piece_read_sides(t, f));
    NB_TRY(piece_read_pad(t, f));
done:
    return status;
}

nb_status nb_piece_tokenizer_open(nb_piece_tokenizer **out, const char *directory, const char *name, nb_error *err)
{
    folder f = {.directory = directory, .err = err};
    nb_piece_tokenizer *t = NULL;
    char *path = NULL, *bytes = NULL;
    size_t len;
    nb_status status;
    *out = NULL;
    NB_TRY(piece_open_folder(&f));
    NB_TRY_NEW(t, 1);
    NB_TRY(piece_read_file(directory, name, &path, &bytes, &len, err));
    t->stripped = -1;
    NB_TRY(strcmp(name, vocab_file) == 0
               ? piece_read_pairs(&t->sentence, &f, &(nb_buffer){.data = bytes, .len = len}, path)
           : strcmp(name, bert_file) == 0   ? nb_sentence_read_vocab(&t->sentence, bytes, len, path, err)
           : piece_ends_with(name, ".json") ? nb_sentence_read_json(&t->sentence, bytes, len, path, err)
                                            : nb_sentence_read_model(&t->sentence, bytes, len, path, err));
    NB_TRY(piece_adapt(t, &f, name));
    *out = t;
    t = NULL;
done:
    nb_piece_tokenizer_close(t);
    piece_close_folder(&f);
    free(path);
    free(bytes);
    return status;
}

void nb_piece_tokenizer_close(nb_piece_tokenizer *t)
{
    if (t) {
        nb_sentence_free(&t->sentence);
        free(t);
    }
}

/* ---- encoding ---- */

/* A text between special tokens as SiglipTokenizer cuts it: behind an "<unk>", whose pieces are then taken away, so
 * that a blank in front of the text is kept. */
static nb_status piece_siglip_part(const nb_sentence *s, const char *text, size_t len, bool first, nb_id_list *out,
                                   nb_error *err)
{
    const nb_piece_tokenizer *t = (const nb_piece_tokenizer *)(const void *)s; /* its first member */
    nb_text_cleaning cleaning = t->cleaning;
    nb_buffer marked = {.max = SIZE_MAX / 4};
    nb_id_list ids = {0};
    char *clean = NULL;
    size_t clean_len = len;
    nb_status status;
    cleaning.lower = NB_LOWER_NONE; /* done for the whole */
    NB_TRY(nb_text_clean_as(&clean, &clean_len, text, &cleaning, err));
    NB_TRY(nb_buffer_append(&marked, "<unk>", strlen("<unk>"), err));
    NB_TRY(nb_buffer_append(&marked, clean, clean_len, err));
    NB_TRY(nb_sentence_pieces(s, marked.data, marked.len, first, &ids, err));
    for (size_t i = ids.count >= t->skipped ? t->skipped : 0; i < ids.count; i++) {
        NB_TRY(nb_id_list_push(out, ids.ids[i], err));
    }
done:
    nb_buffer_free(&marked);
    free(ids.ids);
    free(clean);
    return status;
}

/* The text with a blank of pieces in front and ordinary blanks inside, in lower case. */
static nb_status piece_siglip_text(const nb_piece_tokenizer *t, const char *text, size_t len, nb_buffer *out,
                                   nb_error *err)
{
    const nb_text_cleaning lower = {.lower = t->cleaning.lower};
    size_t mark = strlen(NB_PIECE_SPACE), small_len = len;
    char *small = NULL;
    nb_status status;
    NB_TRY(nb_text_clean_as(&small, &small_len, text, &lower, err));
    NB_TRY(nb_buffer_append(out, NB_PIECE_SPACE, mark, err));
    for (size_t i = 0; i < small_len;) {
        bool blank = small_len - i >= mark && memcmp(small + i, NB_PIECE_SPACE, mark) == 0;
        NB_TRY(nb_buffer_append(out, blank ? " " : small + i, 1, err));
        i += blank ? mark : 1;
    }
done:
    free(small);
    return status;
}

static nb_status piece_siglip_ids(const nb_piece_tokenizer *t, const char *text, size_t len, nb_id_list *out,
                                  nb_error *err)
{
    const nb_sentence *s = &t->sentence;
    nb_buffer whole = {.max = SIZE_MAX / 4};
    nb_status status;
    NB_TRY(piece_siglip_text(t, text, len, &whole, err));
    NB_TRY(nb_sentence_each(s, whole.data, whole.len, piece_siglip_part, out, err));
done:
    nb_buffer_free(&whole);
    return status;
}

nb_status nb_piece_tokenizer_encode(const nb_piece_tokenizer *t, const char *text, size_t len, size_t most,
                                    nb_id_list *out, nb_error *err)
{
    const nb_sentence *s = &t->sentence;
    size_t special = s->before_count + s->after_count;
    nb_id_list ids = {0};
    char *clean = NULL;
    nb_status status = NB_OK;
    if (t->siglip) {
        NB_TRY(piece_siglip_ids(t, text, len, &ids, err));
    } else {
        NB_TRY(nb_text_clean_as(&clean, &len, text, &t->cleaning, err));
        NB_TRY(nb_sentence_each(s, clean, len, nb_sentence_pieces, &ids, err));
    }
    for (size_t i = 0; i < s->before_count; i++) {
        NB_TRY(nb_id_list_push(out, s->before[i], err));
    }
    size_t kept = ids.count > most - special ? most - special : ids.count;
    for (size_t i = 0; i < kept; i++) {
        NB_TRY(nb_id_list_push(out, ids.ids[i], err));
    }
    /* SiglipTokenizer adds no second end token behind one that the text ends with. */
    bool ended = t->siglip && kept && ids.ids[kept - 1] == s->after[0];
    for (size_t i = 0; i < s->after_count && !ended; i++) {
        NB_TRY(nb_id_list_push(out, s->after[i], err));
    }
    for (size_t i = 0; i < out->count; i++) {
        out->ids[i] = out->ids[i] == t->stripped ? 0 : out->ids[i];
    }
done:
    free(ids.ids);
    free(clean);
    return status;
}

/* ---- decoding ---- */

static bool piece_is_special(const nb_sentence *s, int32_t id)
{
    bool special = id == s->pieces.unknown;
    for (size_t i = 0; i < s->before_count; i++) {
        special = special || s->before[i] == id;
    }
    for (size_t i = 0; i < s->after_count; i++) {
        special = special || s->after[i] == id;
    }
    return special;
}

static nb_status piece_decode_one(const nb_pieces *p, int32_t id, nb_buffer *out, nb_error *err)
{
    const char *text = nb_strings_get(&p->texts, (size_t)id);
    size_t mark = strlen(NB_PIECE_SPACE), len = nb_strings_len(&p->texts, (size_t)id);
    nb_status status = NB_OK;
    for (size_t b = 0; p->byte_fallback && b < 256; b++) {
        if (p->bytes[b] == id) {
            char byte = (char)b;
            return nb_buffer_append(out, &byte, 1, err);
        }
    }
    for (size_t i = 0; i < len;) {
        bool blank = len - i >= mark && memcmp(text + i, NB_PIECE_SPACE, mark) == 0;
        NB_TRY(nb_buffer_append(out, blank ? " " : text + i, 1, err));
        i += blank ? mark : 1;
    }
done:
    return status;
}

/* A WordPiece: a blank in front, unless it continues a word or is the first. */
static nb_status piece_decode_word(const nb_pieces *p, int32_t id, bool first, nb_buffer *out, nb_error *err)
{
    const char *text = nb_strings_get(&p->texts, (size_t)id);
    size_t len = nb_strings_len(&p->texts, (size_t)id), mark = len > 2 && memcmp(text, "##", 2) == 0 ? 2 : 0;
    nb_status status;
    NB_TRY(mark || first ? NB_OK : nb_buffer_append(out, " ", 1, err));
    NB_TRY(nb_buffer_append(out, text + mark, len - mark, err));
done:
    return status;
}

/* Whether a blank is put in front of every text. */
static bool piece_has_prefix(const nb_piece_tokenizer *t)
{
    const nb_sentence *s = &t->sentence;
    bool prefix = t->siglip || (!s->from_json && s->dummy_prefix);
    for (size_t i = 0; i < s->splitter_count; i++) {
        prefix = prefix || (s->splitters[i].kind == NB_STEP_METASPACE && s->splitters[i].scheme != 'n');
    }
    return prefix;
}

nb_status nb_piece_tokenizer_decode(const nb_piece_tokenizer *t, const int32_t *ids, size_t count, nb_buffer *out,
                                    nb_error *err)
{
    const nb_sentence *s = &t->sentence;
    size_t start = out->len;
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        bool filler = s->word_max && ids[i] == t->pad; /* also what strip_sep_token leaves */
        if (ids[i] < 0 || (size_t)ids[i] >= s->pieces.texts.count) {
            return nb_fail(err, NB_ERR_USAGE, "%d is no token of text", (int)ids[i]);
        }
        if (!piece_is_special(s, ids[i]) && !filler) {
            NB_TRY(s->byte_level ? nb_byte_level_spell(nb_strings_get(&s->pieces.texts, (size_t)ids[i]),
                                                       nb_strings_len(&s->pieces.texts, (size_t)ids[i]), out, err)
                   : s->word_max ? piece_decode_word(&s->pieces, ids[i], out->len == start, out, err)
                                 : piece_decode_one(&s->pieces, ids[i], out, err));
        }
    }
    if (out->len > start && out->data[start] == ' ' && piece_has_prefix(t)) {
        memmove(out->data + start, out->data + start + 1, out->len-- - start); /* its NUL too */
    }
done:
    return status;
}
