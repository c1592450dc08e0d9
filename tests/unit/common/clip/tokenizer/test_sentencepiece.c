/* Sentencepiece tokenizers: ids of the sentencepiece and tokenizers libraries behind what transformers and open_clip do
 * to a text, what is refused, altered files. */
#include "support/support.h"

#include "support/checkpoint_folders.h"

#include "common/base/random.h"
#include "common/clip/tokenizer/sentencepiece/sentence.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/tokenizer/tokenizer_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 83, CONTEXT = 64, ALTERED = 1500 };

/* A folder with these golden files, "FOLDER/FILE", under their own names. */
static const char *folder_of(const char *const *files)
{
    const char *folder = fresh_folder();
    for (size_t i = 0; files[i]; i++) {
        char from[256];
        snprintf(from, sizeof from, "siglip/%s", files[i]);
        copy_file(folder, golden_path(from), strrchr(files[i], '/') + 1);
    }
    return folder;
}

/* Whether a text has the ids that the golden row has under this key. */
static bool right_ids(const nb_tokenizer *t, const json_t *row, const char *key)
{
    nb_error err = {0};
    int32_t ids[CONTEXT];
    size_t count;
    const json_t *text = json_object_get(row, "text"), *want = json_object_get(row, key);
    must(nb_tokenizer_encode(t, json_string_value(text), json_string_length(text), (nb_token_array){ids, CONTEXT},
                             &count, &err),
         &err);
    bool right = count == json_array_size(want);
    for (size_t i = 0; right && i < count; i++) {
        right = ids[i] == json_integer_value(json_array_get(want, i));
    }
    return right;
}

static void check_cases(const char *folder, const char *key)
{
    nb_error err = {0};
    nb_strings lines = {0};
    nb_tokenizer *t = opened_tokenizer(folder);
    must(nb_file_lines(golden_path("siglip/cases.jsonl"), 1 << 16, &lines, &err), &err);
    assert_int_equal(lines.count, CASES);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *row = json_loads(nb_strings_get(&lines, i), 0, NULL);
        if (!right_ids(t, row, key)) {
            fail_msg("%s: %s", key, nb_strings_get(&lines, i));
        }
        json_decref(row);
    }
    nb_strings_free(&lines);
    nb_tokenizer_close(t);
}

static void reference_ids(void **state)
{
    (void)state;
    check_cases(golden_path("siglip/hugging-face"), "hugging-face");
    check_cases(golden_path("siglip/open-clip"), "open-clip");
    check_cases(golden_path("siglip/siglip2"), "siglip2");
}

/* The .model of SigLIP 2 has the ids of its tokenizer.json, except that only this finds special tokens in text. */
static void model_beside_json(void **state)
{
    (void)state;
    static const char *const files[] = {"siglip2/tokenizer.model", "siglip2/tokenizer_config.json", NULL};
    const char *folder = folder_of(files);
    nb_error err = {0};
    nb_strings lines = {0};
    nb_tokenizer *t = opened_tokenizer(folder);
    must(nb_file_lines(golden_path("siglip/cases.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *row = json_loads(nb_strings_get(&lines, i), 0, NULL);
        const char *text = json_string_value(json_object_get(row, "text"));
        bool special = strstr(text, "<pad>") || strstr(text, "<eos>") || strstr(text, "<bos>") || strstr(text, "<unk>");
        if (right_ids(t, row, "siglip2") == special) {
            fail_msg("%s", text);
        }
        json_decref(row);
    }
    nb_strings_free(&lines);
    nb_tokenizer_close(t);
}

static void special_tokens_and_padding(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *kind;
        int32_t start, end, pad;
        size_t size;
    } rows[] = {{"siglip/hugging-face", "sentencepiece, unigram", -1, 1, 1, 150},
                {"siglip/open-clip", "sentencepiece, unigram", -1, 1, 1, 150},
                {"siglip/siglip2", "sentencepiece, byte pairs", -1, 1, 0, 460},
                {"tiny-gelu", "CLIP's byte pairs", 1022, 1023, 0, 1024}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nb_tokenizer *t = opened_tokenizer(golden_path(rows[i].folder));
        nb_padding padding;
        assert_int_equal(nb_tokenizer_padding(t, &padding), i < 3);
        assert_string_equal(nb_tokenizer_kind(t), rows[i].kind);
        assert_int_equal(padding.token, rows[i].pad);
        assert_false(padding.left);
        if (i < 3) {
            assert_int_equal(nb_tokenizer_start(t), rows[i].start);
            assert_int_equal(nb_tokenizer_end(t), rows[i].end);
            assert_int_equal(nb_tokenizer_vocab_size(t), rows[i].size);
        }
        nb_tokenizer_close(t);
    }
}

static void texts_come_back(void **state)
{
    (void)state;
    static const char *const folders[] = {"siglip/hugging-face", "siglip/open-clip", "siglip/siglip2"};
    for (size_t i = 0; i < 3; i++) {
        nb_error err = {0};
        nb_tokenizer *t = opened_tokenizer(golden_path(folders[i]));
        nb_buffer back = {0};
        int32_t ids[CONTEXT];
        size_t count;
        const char *text = "a photo of a dog";
        must(nb_tokenizer_encode(t, text, strlen(text), (nb_token_array){ids, CONTEXT}, &count, &err), &err);
        must(nb_tokenizer_decode(t, ids, count, &back, &err), &err);
        assert_string_equal(back.data, text);
        must_fail(nb_tokenizer_decode(t, &(int32_t){100000}, 1, &back, &err), NB_ERR_USAGE, &err, "no token");
        must_fail(nb_tokenizer_encode(t, text, strlen(text), (nb_token_array){ids, 0}, &count, &err), NB_ERR_USAGE,
                  &err, "no room");
        must_fail(nb_tokenizer_encode(t, "\xFF", 1, (nb_token_array){ids, CONTEXT}, &count, &err), NB_ERR_INPUT, &err,
                  "UTF-8");
        nb_buffer_free(&back);
        nb_tokenizer_close(t);
    }
}

/* ---- options that change ids: honoured or refused ---- */

static void one_id(const char *folder, const char *text, int32_t first, size_t want)
{
    nb_error err = {0};
    nb_tokenizer *t = opened_tokenizer(folder);
    int32_t ids[CONTEXT];
    size_t count;
    must(nb_tokenizer_encode(t, text, strlen(text), (nb_token_array){ids, CONTEXT}, &count, &err), &err);
    assert_int_equal(count, want);
    assert_int_equal(ids[0], first);
    nb_tokenizer_close(t);
}

static void options_of_transformers(void **state)
{
    (void)state;
    static const char *const siglip[] = {"hugging-face/spiece.model", "hugging-face/tokenizer_config.json", NULL};
    static const char *const gemma[] = {"siglip2/tokenizer.json", "siglip2/tokenizer_config.json", NULL};
    const char *config = "tokenizer_config.json", *folder = folder_of(siglip);
    nb_padding padding;
    one_id(folder, "", 1, 1);
    one_id(folder, "\xE6\x97\xA5", 3, 3); /* blank, unknown, end */
    edit_file(folder, config, "\"pad_token\": \"</s>\"", "\"pad_token\": \"<pad>\"");
    nb_tokenizer *t = opened_tokenizer(folder);
    assert_true(nb_tokenizer_padding(t, &padding));
    assert_int_equal(padding.token, 0);
    nb_tokenizer_close(t);
    edit_file(folder, config, "\"pad_token\": \"<pad>\"", "\"pad_token\": {\"content\": \"<none>\"}");
    tokenizer_refused(folder, "\"<none>\" is not in the vocabulary");
    edit_file(folder, config, "<none>", "</s>");
    edit_file(folder, config, "SiglipTokenizer", "LlamaTokenizer");
    tokenizer_refused(folder, "LlamaTokenizer");
    folder = folder_of(gemma);
    edit_file(folder, config, "\"add_bos_token\": false", "\"add_bos_token\": true");
    one_id(folder, "", 2, 2);
    edit_file(folder, config, "\"add_eos_token\": true", "\"add_eos_token\": false");
    one_id(folder, "", 2, 1);
    edit_file(folder, config, "\"right\"", "\"left\"");
    t = opened_tokenizer(folder);
    assert_true(nb_tokenizer_padding(t, &padding));
    assert_true(padding.left);
    nb_tokenizer_close(t);
    edit_file(folder, config, "\"left\"", "\"both\"");
    tokenizer_refused(folder, "padding_side");
    edit_file(folder, config, "\"padding_side\": \"both\"", "\"truncation_side\": \"left\"");
    tokenizer_refused(folder, "truncation_side");
    drop_file(folder, config);
    tokenizer_refused(folder, "pad_token");
}

static void options_of_open_clip(void **state)
{
    (void)state;
    static const char *const files[] = {"open-clip/tokenizer.json", "open-clip/tokenizer_config.json",
                                        "open-clip/open_clip_config.json", NULL};
    const char *config = "open_clip_config.json", *folder = folder_of(files);
    one_id(folder, "!", 1, 1);
    edit_file(folder, config, "\"canonicalize\"", "\"lower\"");
    one_id(folder, "!", 3, 3);
    edit_file(folder, "tokenizer.json", "\"single\": [", "\"single\": [{\"SpecialToken\": {\"id\": \"</s>\"}}, ");
    one_id(folder, "", 1, 2);
    edit_file(folder, config, "\"lower\"", "\"stem\"");
    tokenizer_refused(folder, "tokenizer_kwargs.clean 'stem'");
    edit_file(folder, config, "\"clean\": \"stem\"", "\"strip_sep_token\": true");
    tokenizer_refused(folder, "tokenizer_kwargs.strip_sep_token");
}

static void refused_json(void **state)
{
    (void)state;
    static const char *const files[] = {"siglip2/tokenizer.json", "siglip2/tokenizer_config.json", NULL};
    static const char *const rows[][3] = {
        {"\"Replace\"", "\"BertNormalizer\"", "normalizer {\"type\":\"BertNormalizer\""},
        {"MergedWithPrevious", "Isolated", "pre_tokenizer {\"type\":\"Split\""},
        {"\"dropout\": null", "\"dropout\": 0.1", "model.dropout is set"},
        {"\"ignore_merges\": false", "\"ignore_merges\": true", "model.ignore_merges is set"},
        {"\"unk_token\": \"<unk>\"", "\"unk_token\": \"<none>\"", "unk_token \"<none>\" is not in model.vocab"},
        {"\"type\": \"TemplateProcessing\"", "\"type\": \"ByteLevel\"", "post_processor"},
        {"\"ids\": [1]", "\"ids\": []", "special token '<eos>' of post_processor has no ids"},
        {"\"single_word\": false", "\"single_word\": true", "added token"},
        {"\"merges\": [[", "\"merges\": [[\"q\", \"q\"], [", "entry 0 of model.merges"},
        {"\"<0x41>\"", "\"<0x4G>\"", "has no piece <0x41>"},
        {"\"<pad>\": 0", "\"<pad>\": 1", "in model.vocab is not in 0"},
        {"\"version\"", "\"version", "not a JSON object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = folder_of(files);
        edit_file(folder, "tokenizer.json", rows[i][0], rows[i][1]);
        tokenizer_refused(folder, rows[i][2]);
    }
}

/* ---- .model files ---- */

static nb_status read_model(const char *bytes, size_t len, nb_error *err)
{
    nb_sentence s;
    nb_id_list ids = {0};
    const char *text = "A photo\xC2\xA0of <h1>\xE6\x97\xA5\xE6\x9C\xAC e\xCC\x81!";
    nb_status status = nb_sentence_read_model(&s, bytes, len, "a.model", err);
    if (status == NB_OK) {
        must(nb_sentence_pieces(&s, text, strlen(text), true, &ids, err), err);
        for (size_t i = 0; i < ids.count; i++) {
            assert_in_range(ids.ids[i], 0, s.pieces.texts.count - 1);
        }
        nb_sentence_free(&s);
    }
    free(ids.ids);
    return status;
}

/* Whatever is in a file, it is read or refused, and what is read has only its own ids. */
static void altered_models(void **state)
{
    (void)state;
    static const char *const models[] = {"siglip/hugging-face/spiece.model", "siglip/siglip2/tokenizer.model"};
    for (size_t m = 0; m < 2; m++) {
        uint64_t draw = 0;
        size_t len, read = 0;
        char *bytes = read_bytes(golden_path(models[m]), &len), *altered = malloc(len);
        nb_error err = {0};
        must(read_model(bytes, len, &err), &err);
        for (size_t i = 0; i < ALTERED; i++) {
            size_t kept = i % 3 ? len : (size_t)nb_random_below(m, 7, draw++, len);
            memcpy(altered, bytes, len);
            for (size_t k = 0; k <= i % 4; k++) {
                size_t at = (size_t)nb_random_below(m, 7, draw++, len);
                altered[at] = (char)nb_random_below(m, 7, draw++, 256);
            }
            nb_error_clear(&err);
            nb_status status = read_model(altered, kept, &err);
            assert_true(status == NB_OK || status == NB_ERR_INPUT);
            read += status == NB_OK;
        }
        assert_in_range(read, 1, ALTERED - 1);
        free(altered);
        free(bytes);
    }
}

/* The trainer_spec and normalizer_spec of a model with one piece and one for what is unknown. */
static nb_status small_model(const char *more, size_t len, nb_error *err)
{
    static const char pieces[] = "\x0A\x07\x0A\x05<unk>\x18\x02"
                                 "\x0A\x03\x0A\x01"
                                 "a";
    char bytes[64];
    /* the unknown piece is 5 bytes of text, and its kind, 2 bytes */
    memcpy(bytes,
           "\x0A\x09\x0A\x05<unk>\x18\x02\x0A\x03\x0A\x01"
           "a",
           sizeof pieces - 1);
    memcpy(bytes + sizeof pieces - 1, more, len);
    return read_model(bytes, sizeof pieces - 1 + len, err);
}

static void refused_models(void **state)
{
    (void)state;
    nb_error err = {0};
    must(small_model("", 0, &err), &err);
    must(small_model("\x12\x02\x18\x02", 4, &err), &err);
    must_fail(small_model("\x12\x02\x18\x03", 4, &err), NB_ERR_INPUT, &err, "neither unigram nor BPE");
    must_fail(small_model("\x12\x03\xC0\x01\x01", 5, &err), NB_ERR_INPUT, &err, "treat_whitespace_as_suffix");
    must_fail(small_model("\x12\x03\x98\x02\x01", 5, &err), NB_ERR_INPUT, &err, "has no piece <0x00>");
    must_fail(small_model("\x0A\x03\x0A\x01"
                          "a",
                          5, &err),
              NB_ERR_INPUT, &err, "has two ids");
    must_fail(small_model("\x0A\x03\x0A\x01\xFF", 5, &err), NB_ERR_INPUT, &err, "not UTF-8");
    must_fail(small_model("\x1A\x03\x12\x01\x41", 5, &err), NB_ERR_INPUT, &err, "character map");
    must_fail(small_model("\x12\x02\x18\x02\x0A\x05\x0A\x01"
                          "b\x18\x05",
                          11, &err),
              NB_ERR_INPUT, &err, "BPE with unused pieces");
    must_fail(small_model("\x0A\x7F", 2, &err), NB_ERR_INPUT, &err, "content is damaged");
    must_fail(read_model("", 0, &err), NB_ERR_INPUT, &err, "vocabulary is damaged");
    must_fail(read_model("version https://git-lfs.github.com/spec/v1\n", 43, &err), NB_ERR_INPUT, &err, "Git LFS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_ids),
        cmocka_unit_test(model_beside_json),
        cmocka_unit_test(special_tokens_and_padding),
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(options_of_transformers),
        cmocka_unit_test(options_of_open_clip),
        cmocka_unit_test(refused_json),
        cmocka_unit_test(altered_models),
        cmocka_unit_test(refused_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
