/* RoBERTa's byte pairs: ids of the tokenizers library (bench/bytelevel.py) from tokenizer.json and from vocab.json with
 * merges.txt; the special tokens of text towers that open_clip takes from the transformers library; altered files. */
#include "support/support.h"

#include "support/checkpoint_folders.h"

#include "common/base/random.h"
#include "common/clip/tokenizer/sentencepiece/byte_level.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/tokenizer/tokenizer_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 38, CUT = 24, PAD = 1, ALTERED = 1500 };

static const char *const json = "tokenizer.json", *const vocab = "vocab.json", *const merges = "merges.txt",
                         *const config = "tokenizer_config.json", *const open_clip = "open_clip_config.json";

static void take(const char *folder, const char *file)
{
    char from[64];
    snprintf(from, sizeof from, "byte_level/%s", file);
    copy_file(folder, golden_path(from), file);
}

/* A folder with tokenizer.json, or the other two files, as transformers saves it. */
static const char *folder_of(bool whole)
{
    const char *folder = fresh_folder();
    if (whole) {
        take(folder, json);
    } else {
        take(folder, vocab);
        take(folder, merges);
    }
    put_text(folder, config, "{\"tokenizer_class\": \"RobertaTokenizer\", \"pad_token\": \"<pad>\"}");
    return folder;
}

static size_t ids_of(const nb_tokenizer *t, const char *text, size_t len, int32_t *ids)
{
    nb_error err = {0};
    size_t count;
    must(nb_tokenizer_encode(t, text, len, (nb_token_array){ids, CUT}, &count, &err), &err);
    return count;
}

static void check_cases(const char *folder)
{
    nb_error err = {0};
    nb_strings lines = {0};
    nb_tokenizer *t = opened_tokenizer(folder);
    must(nb_file_lines(golden_path("byte_level/cases.jsonl"), 1 << 16, &lines, &err), &err);
    assert_true(lines.count >= CASES);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *row = json_loads(nb_strings_get(&lines, i), JSON_ALLOW_NUL, NULL);
        const json_t *text = json_object_get(row, "text"), *want = json_object_get(row, "ids");
        int32_t ids[CUT] = {0};
        size_t count = ids_of(t, json_string_value(text), json_string_length(text), ids);
        bool right = json_array_size(want) == count;
        for (size_t k = 0; right && k < count; k++) {
            right = ids[k] == json_integer_value(json_array_get(want, k));
        }
        if (!right) {
            fail_msg("%s: %s", folder, nb_strings_get(&lines, i));
        }
        json_decref(row);
    }
    nb_strings_free(&lines);
    nb_tokenizer_close(t);
}

static void reference_ids(void **state)
{
    (void)state;
    check_cases(folder_of(true));
    check_cases(folder_of(false));
}

static void files_and_kind(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings files = {0};
    nb_padding padding;
    const char *folder = folder_of(false);
    nb_tokenizer *t = opened_tokenizer(folder);
    assert_string_equal(nb_tokenizer_kind(t), "byte pairs over bytes");
    assert_true(nb_tokenizer_padding(t, &padding));
    assert_int_equal(padding.token, PAD);
    assert_false(padding.left);
    must(nb_tokenizer_files(&files, folder, &err), &err);
    assert_int_equal(files.count, 3);
    assert_string_equal(nb_strings_get(&files, 0), vocab);
    assert_string_equal(nb_strings_get(&files, 1), merges);
    assert_string_equal(nb_strings_get(&files, 2), config);
    nb_strings_free(&files);
    nb_tokenizer_close(t);
}

static void texts_come_back(void **state)
{
    (void)state;
    static const char text[] = "caf\xC3\xA9 isn't \xF0\x9F\x90\x95 a_dog";
    nb_error err = {0};
    nb_buffer back = {0};
    int32_t ids[CUT];
    nb_tokenizer *t = opened_tokenizer(folder_of(true));
    size_t count = ids_of(t, text, sizeof text - 1, ids);
    must(nb_tokenizer_decode(t, ids, count, &back, &err), &err);
    assert_string_equal(back.data, text);
    nb_buffer_free(&back);
    nb_tokenizer_close(t);
}

/* In open_clip's layout white space is collapsed first, and the padding token need not be stated. */
static void in_open_clip(void **state)
{
    (void)state;
    nb_padding padding;
    int32_t plain[CUT], cleaned[CUT];
    const char *folder = folder_of(false);
    drop_file(folder, config);
    put_text(folder, open_clip, "{\"model_cfg\": {\"text_cfg\": {\"hf_model_name\": \"roberta-base\"}}}");
    nb_tokenizer *t = opened_tokenizer(folder);
    size_t count = ids_of(t, "a photo &amp; dog", 17, plain);
    assert_int_equal(ids_of(t, "  a \n photo   & dog ", 20, cleaned), count);
    assert_memory_equal(plain, cleaned, count * sizeof *plain);
    assert_true(nb_tokenizer_padding(t, &padding));
    assert_int_equal(padding.token, PAD);
    nb_tokenizer_close(t);
}

/* NLLB's tokenizer.json has the form that was, the text's language behind it; the class puts it in front. */
static void nllb(void **state)
{
    (void)state;
    static const char file[] =
        "{\"added_tokens\": [{\"id\": 8, \"content\": \"eng_Latn\"}, {\"id\": 9, \"content\": \"fra_Latn\"}],"
        "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\xE2\x96\x81\", \"prepend_scheme\": "
        "\"always\"},"
        "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"A\"}},"
        "{\"SpecialToken\": {\"id\": \"</s>\"}}, {\"SpecialToken\": {\"id\": \"eng_Latn\"}}],"
        "\"special_tokens\": {\"</s>\": {\"ids\": [2]}, \"eng_Latn\": {\"ids\": [8]}}},"
        "\"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", \"fuse_unk\": true, \"byte_fallback\": false,"
        "\"vocab\": {\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3, \"\xE2\x96\x81\": 4, \"a\": 5, \"b\": 6,"
        "\"\xE2\x96\x81"
        "a\": 7}, \"merges\": [[\"\xE2\x96\x81\", \"a\"]]}}";
    static const struct {
        const char *config;
        int32_t ids[4];
    } cases[] = {{NULL, {8, 7, 6, 2}},
                 {"{\"src_lang\": \"fra_Latn\"}", {9, 7, 6, 2}},
                 {"{\"legacy_behaviour\": true}", {7, 6, 2, 8}},
                 {"{\"tokenizer_class\": \"NllbTokenizer\", \"src_lang\": null}", {8, 7, 6, 2}}};
    nb_error err = {0};
    nb_tokenizer *t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t ids[CUT];
        const char *folder = fresh_folder();
        put_text(folder, json, file);
        put_text(folder, open_clip,
                 "{\"model_cfg\": {\"text_cfg\": {\"hf_model_name\": \"facebook/nllb-200-distilled-600M\", "
                 "\"hf_tokenizer_name\": \"facebook/nllb-200-distilled-600M\"}}}");
        if (cases[i].config) {
            put_text(folder, config, cases[i].config);
        }
        t = opened_tokenizer(folder);
        assert_int_equal(ids_of(t, "ab", 2, ids), 4);
        assert_memory_equal(ids, cases[i].ids, sizeof cases[i].ids);
        nb_tokenizer_close(t);
        put_text(folder, config, "{\"src_lang\": \"deu_Latn\"}");
        must_fail(nb_tokenizer_open(&t, folder, &err), NB_ERR_INPUT, &err, "\"deu_Latn\" is not in the vocabulary");
    }
}

static void refused_files(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_tokenizer *t;
    const char *folder = folder_of(false);
    edit_file(folder, merges, "\xC4\xA0 p", "\xC4\xA0 pp");
    must_fail(nb_tokenizer_open(&t, folder, &err), NB_ERR_INPUT, &err, "model.merges does not join");
    folder = folder_of(false);
    edit_file(folder, vocab, "\"<mask>\"", "\"<mosk>\"");
    must_fail(nb_tokenizer_open(&t, folder, &err), NB_ERR_INPUT, &err, "added_tokens has no content or no id");
    folder = folder_of(true);
    edit_file(folder, json, "\"add_prefix_space\":false", "\"add_prefix_space\":true");
    must_fail(nb_tokenizer_open(&t, folder, &err), NB_ERR_INPUT, &err, "pre_tokenizer");
    folder = folder_of(true);
    edit_file(folder, json, "\"sep\":[\"</s>\",2]", "\"sep\":[\"</s>\"]");
    must_fail(nb_tokenizer_open(&t, folder, &err), NB_ERR_INPUT, &err, "post_processor");
}

static void altered_files(void **state)
{
    (void)state;
    static const char text[] = "A \xE6\x97\xA5 caf\xC3\xA9 <mask> isn't  10";
    for (size_t i = 0; i < ALTERED; i++) {
        nb_error err = {0};
        nb_sentence s;
        nb_id_list ids = {0};
        size_t vocab_len, merges_len;
        char *v = read_bytes(golden_path("byte_level/vocab.json"), &vocab_len);
        char *m = read_bytes(golden_path("byte_level/merges.txt"), &merges_len);
        char *bytes = i % 2 ? v : m;
        for (size_t k = 0; k < 1 + i % 4; k++) {
            bytes[nb_random_below(5, i, 2 * k, i % 2 ? vocab_len : merges_len)] =
                (char)nb_random_below(5, i, 2 * k + 1, 256);
        }
        if (nb_byte_level_read(&s, &(nb_byte_level_files){v, vocab_len, m, merges_len}, "altered", &err) == NB_OK) {
            must(nb_sentence_each(&s, text, sizeof text - 1, nb_sentence_pieces, &ids, &err), &err);
            nb_sentence_free(&s);
        } else {
            assert_true(err.message[0]);
        }
        free(ids.ids);
        free(v);
        free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_ids), cmocka_unit_test(files_and_kind), cmocka_unit_test(texts_come_back),
        cmocka_unit_test(in_open_clip),  cmocka_unit_test(nllb),           cmocka_unit_test(refused_files),
        cmocka_unit_test(altered_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
