/* BERT's WordPiece: ids of the tokenizers library (bench/wordpiece.py) from tokenizer.json and from vocab.txt, as
 * transformers and open_clip use it for CLIPA; what is refused; altered files. */
#include "support/support.h"

#include "support/checkpoint_folders.h"

#include "common/base/random.h"
#include "common/clip/tokenizer/sentencepiece/sentence.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/tokenizer/tokenizer_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 70, CUT = 24, CONTEXT = 12, UNKNOWN = 2, START = 3, END = 4, ALTERED = 1500 };

static const char *const config = "tokenizer_config.json", *const json = "tokenizer.json", *const vocab = "vocab.txt";

/* A folder with one of the golden files. */
static const char *folder_of(const char *file)
{
    const char *folder = fresh_folder();
    char from[64];
    snprintf(from, sizeof from, "wordpiece/%s", file);
    copy_file(folder, golden_path(from), file);
    return folder;
}

/* The ids of a text, cut to a context. */
static size_t ids_of(const nb_tokenizer *t, const char *text, size_t len, size_t context, int32_t *ids)
{
    nb_error err = {0};
    size_t count;
    must(nb_tokenizer_encode(t, text, len, (nb_token_array){ids, context}, &count, &err), &err);
    return count;
}

static void check_cases(const char *folder, const char *key, size_t context)
{
    nb_error err = {0};
    nb_strings lines = {0};
    nb_tokenizer *t = opened_tokenizer(folder);
    must(nb_file_lines(golden_path("wordpiece/cases.jsonl"), 1 << 16, &lines, &err), &err);
    assert_int_equal(lines.count, CASES);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *row = json_loads(nb_strings_get(&lines, i), JSON_ALLOW_NUL, NULL);
        const json_t *text = json_object_get(row, "text"), *want = json_object_get(row, key);
        int32_t ids[CUT] = {0};
        size_t count = ids_of(t, json_string_value(text), json_string_length(text), context, ids);
        size_t wanted = json_array_size(want);
        bool right = strcmp(key, "clipa") == 0 ? wanted == CONTEXT : wanted == count;
        for (size_t k = 0; right && k < wanted; k++) {
            right = ids[k] == json_integer_value(json_array_get(want, k));
        }
        if (!right) {
            fail_msg("%s, %s: %s", folder, key, nb_strings_get(&lines, i));
        }
        json_decref(row);
    }
    nb_strings_free(&lines);
    nb_tokenizer_close(t);
}

static const char *clipa_folder(const char *file)
{
    const char *folder = folder_of(file);
    put_text(folder, "open_clip_config.json",
             "{\"model_cfg\": {\"text_cfg\": {\"hf_tokenizer_name\": \"bert-base-uncased\", "
             "\"tokenizer_kwargs\": {\"strip_sep_token\": true}}}}");
    return folder;
}

static void reference_ids(void **state)
{
    (void)state;
    const char *const files[] = {json, vocab};
    for (size_t i = 0; i < 2; i++) {
        check_cases(folder_of(files[i]), "ids", CUT);
        check_cases(clipa_folder(files[i]), "clipa", CONTEXT);
    }
}

static void special_tokens_and_padding(void **state)
{
    (void)state;
    nb_padding padding;
    nb_tokenizer *t = opened_tokenizer(folder_of(vocab));
    assert_string_equal(nb_tokenizer_kind(t), "WordPiece");
    assert_int_equal(nb_tokenizer_vocab_size(t), 192);
    assert_int_equal(nb_tokenizer_start(t), START);
    assert_int_equal(nb_tokenizer_end(t), END);
    assert_true(nb_tokenizer_padding(t, &padding));
    assert_int_equal(padding.token, 0);
    assert_false(padding.left);
    assert_in_range(nb_tokenizer_slack(t), 32000 - 30522, 32000);
    nb_tokenizer_close(t);
    t = opened_tokenizer(clipa_folder(vocab));
    assert_int_equal(nb_tokenizer_end(t), 0);
    nb_tokenizer_close(t);
}

static void texts_come_back(void **state)
{
    (void)state;
    const char *const folders[] = {folder_of(json), clipa_folder(vocab)};
    for (size_t i = 0; i < 2; i++) {
        nb_error err = {0};
        nb_buffer back = {0};
        int32_t ids[CUT] = {0};
        nb_tokenizer *t = opened_tokenizer(folders[i]);
        const char *text = "A photo, of UNABLED dogs";
        (void)ids_of(t, text, strlen(text), CUT, ids);
        must(nb_tokenizer_decode(t, ids, CUT, &back, &err), &err);
        assert_string_equal(back.data, "a photo , of unabled dogs");
        must_fail(nb_tokenizer_decode(t, &(int32_t){192}, 1, &back, &err), NB_ERR_USAGE, &err, "no token");
        nb_buffer_free(&back);
        nb_tokenizer_close(t);
    }
}

/* ---- options that change ids: honoured or refused ---- */

static void first_ids(const char *folder, const char *text, int32_t first, size_t count)
{
    int32_t ids[CUT];
    nb_tokenizer *t = opened_tokenizer(folder);
    assert_int_equal(ids_of(t, text, strlen(text), CUT, ids), count + 2);
    assert_int_equal(ids[1], first);
    nb_tokenizer_close(t);
}

static void options_of_transformers(void **state)
{
    (void)state;
    const char *const files[] = {json, vocab};
    for (size_t i = 0; i < 2; i++) {
        const char *folder = folder_of(files[i]);
        int32_t ids[CUT], dog;
        nb_tokenizer *t = opened_tokenizer(folder);
        assert_int_equal(ids_of(t, "dog", 3, CUT, ids), 3);
        dog = ids[1];
        nb_tokenizer_close(t);
        assert_int_not_equal(dog, UNKNOWN);
        first_ids(folder, "D\xC3\xB6g", dog, 1);
        put_text(folder, config, "{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": false}");
        first_ids(folder, "Dog", UNKNOWN, 1);
        first_ids(folder, "d\xC3\xB6g", UNKNOWN, 1);
        edit_file(folder, config, "}", ", \"strip_accents\": true}");
        first_ids(folder, "d\xC3\xB6g", dog, 1);
        edit_file(folder, config, "}", ", \"tokenize_chinese_chars\": false}");
        first_ids(folder, "\xE4\xB8\x80\xE4\xB8\x80", UNKNOWN, 1);
        edit_file(folder, config, "}", ", \"cls_token\": \"[SEP]\"}");
        tokenizer_refused(folder, "cls_token '[SEP]'");
    }
}

static void options_of_open_clip(void **state)
{
    (void)state;
    const char *folder = clipa_folder(json);
    edit_file(folder, "open_clip_config.json", "\"strip", "\"clean\": \"canonicalize\", \"strip");
    first_ids(folder, "!a_b", 48, 2);
    edit_file(folder, "open_clip_config.json", "\"strip_sep_token\": true", "\"language\": \"en\"");
    tokenizer_refused(folder, "tokenizer_kwargs.language");
    folder = clipa_folder(json);
    put_text(folder, config, "{\"sep_token\": \"[NONE]\"}");
    tokenizer_refused(folder, "\"[NONE]\" is not in the vocabulary");
}

static void refused_files(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"\"clean_text\":true", "\"clean_text\":1", "normalizer {\"type\":\"BertNormalizer\""},
        {"\"strip_accents\":null", "\"strip_accents\":0", "normalizer {\"type\":\"BertNormalizer\""},
        {"BertPreTokenizer", "Punctuation", "pre_tokenizer {\"type\":\"Punctuation\""},
        {"\"type\":\"WordPiece\",\"unk", "\"type\":\"WordLevel\",\"unk", "model.type 'WordLevel'"},
        {"prefix\":\"##\",\"max", "prefix\":\"@@\",\"max", "continuing_subword_prefix"},
        {"per_word\":100", "per_word\":0", "max_input_chars_per_word"},
        {"\"unk_token\":\"[UNK]\"", "\"unk_token\":\"<unk>\"", "unk_token \"<unk>\""},
        {"\"normalized\":false", "\"normalized\":true", "added token"},
        {"\"[unused0]\":1", "\"[unused0]\":0", "not its own"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = folder_of(json);
        edit_file(folder, json, rows[i][0], rows[i][1]);
        tokenizer_refused(folder, rows[i][2]);
    }
    static const char *const lines[][3] = {{"[MASK]", "[mask]", "special token \"[MASK]\" is missing"},
                                           {"[unused0]", "", "piece 1 is empty"},
                                           {"[unused0]", "\xFF", "piece 1 is not UTF-8"},
                                           {"[unused0]", "dog", "\"dog\" has two ids"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *folder = folder_of(vocab);
        edit_file(folder, vocab, lines[i][0], lines[i][1]);
        tokenizer_refused(folder, lines[i][2]);
    }
}

/* vocab.txt with carriage returns, and without a last line feed. */
static void ends_of_lines(void **state)
{
    (void)state;
    const char *folder = fresh_folder();
    put_text(folder, vocab, "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\ndog\r\n##s");
    first_ids(folder, "dogs", 5, 2);
}

static void altered_files(void **state)
{
    (void)state;
    static const char text[] = "A \xE6\x97\xA5 caf\xC3\xA9 [SEP] unabled";
    const char *const golden[] = {"wordpiece/tokenizer.json", "wordpiece/vocab.txt"};
    for (size_t i = 0; i < ALTERED; i++) {
        nb_error err = {0};
        nb_sentence s;
        nb_id_list ids = {0};
        size_t len;
        char *bytes = read_bytes(golden_path(golden[i % 2]), &len);
        for (size_t k = 0; k < 1 + i % 4; k++) {
            bytes[nb_random_below(5, i, 2 * k, len)] = (char)nb_random_below(5, i, 2 * k + 1, 256);
        }
        nb_status status = i % 2 ? nb_sentence_read_vocab(&s, bytes, len, "altered", &err)
                                 : nb_sentence_read_json(&s, bytes, len, "altered", &err);
        if (status == NB_OK) {
            must(nb_sentence_each(&s, text, sizeof text - 1, nb_sentence_pieces, &ids, &err), &err);
            nb_sentence_free(&s);
        } else {
            assert_true(err.message[0]);
        }
        free(ids.ids);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_ids),        cmocka_unit_test(special_tokens_and_padding),
        cmocka_unit_test(texts_come_back),      cmocka_unit_test(options_of_transformers),
        cmocka_unit_test(options_of_open_clip), cmocka_unit_test(refused_files),
        cmocka_unit_test(ends_of_lines),        cmocka_unit_test(altered_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
