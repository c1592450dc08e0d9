#include "common/clip/tokenizer/tokenizer_json.h"

#include "common/base/json.h"

#include <stdlib.h>
#include <string.h>

/* True for absent, null or exactly this text. */
static bool tokenizer_json_is_text(const json_t *object, const char *key, const char *text)
{
    const json_t *value = json_object_get(object, key);
    return !value || json_is_null(value) || (json_is_string(value) && strcmp(json_string_value(value), text) == 0);
}

static nb_status tokenizer_json_check_model(const json_t *model, const char *path, nb_error *err)
{
    const char *problem = NULL;
    if (!json_is_object(model)) {
        problem = "has no object 'model'";
    } else if (!tokenizer_json_is_text(model, "type", "BPE")) {
        problem = "has a model.type that is not 'BPE'";
    } else if (!json_is_object(json_object_get(model, "vocab")) || !json_is_array(json_object_get(model, "merges"))) {
        problem = "lacks model.vocab or model.merges";
    } else if (!json_object_get(model, "end_of_word_suffix") ||
               !tokenizer_json_is_text(model, "end_of_word_suffix", "</w>") ||
               !tokenizer_json_is_text(model, "continuing_subword_prefix", "")) {
        problem = "marks words in another way than by the suffix '</w>'";
    }
    if (!problem) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' %s", path, problem);
    return nb_hint(err, "the tokenizer of a CLIP is needed: byte pairs with '</w>' at the end of words");
}

/* Whether a normaliser, or one of a sequence of them, makes letters small. */
static bool tokenizer_json_lowers(const json_t *normalizer)
{
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    const json_t *parts = json_object_get(normalizer, "normalizers");
    bool lowers = type && strcmp(type, "Lowercase") == 0;
    for (size_t i = 0; i < json_array_size(parts) && !lowers; i++) {
        type = json_string_value(json_object_get(json_array_get(parts, i), "type"));
        lowers = type && strcmp(type, "Lowercase") == 0;
    }
    return lowers;
}

/* What would make other tokens of a text than CLIP's own cleaning. */
static nb_status tokenizer_json_check_normalizer(const json_t *root, const char *path, nb_error *err)
{
    const json_t *normalizer = json_object_get(root, "normalizer");
    return !normalizer || json_is_null(normalizer) || tokenizer_json_lowers(normalizer)
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT,
                         "'%s' has a normalizer without Lowercase, which changes the tokens of texts and is not "
                         "supported",
                         path);
}

/* A token that is cut out of a text before its byte pairs are found: CLIP has two. */
static bool tokenizer_json_special(const char *content)
{
    return strcmp(content, "<|startoftext|>") == 0 || strcmp(content, "<|endoftext|>") == 0;
}

/* Special tokens stand in the vocabulary too; one that does not joins it. */
static nb_status tokenizer_json_add_tokens(json_t *vocab, const json_t *added, const char *path, nb_error *err)
{
    if (added && !json_is_null(added) && !json_is_array(added)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': added_tokens is no array", path);
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        const char *content = json_string_value(json_object_get(token, "content"));
        json_t *id = json_object_get(token, "id"), *known = content ? json_object_get(vocab, content) : NULL;
        if (!content || !json_is_integer(id)) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': entry %zu of added_tokens has no content or no id", path, i);
        }
        if (!tokenizer_json_special(content)) {
            return nb_fail(err, NB_ERR_INPUT,
                           "'%s': the added token \"%.64s\" changes the tokens of texts and is not supported", path,
                           content);
        }
        if (known && !json_equal(known, id)) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': added token \"%.64s\" has another id in model.vocab", path,
                           content);
        }
        if (!known && json_object_set(vocab, content, id) != 0) {
            return nb_fail(err, NB_ERR_LIMIT, "'%s': no memory for an added token", path);
        }
    }
    return NB_OK;
}

/* One symbol of a pair must stay one symbol of a line. */
static bool tokenizer_json_symbol(const char *text)
{
    return text && *text && !strpbrk(text, " \n\r");
}

static nb_status tokenizer_json_write_merge(nb_buffer *out, const json_t *merge, size_t number, const char *path,
                                            nb_error *err)
{
    const char *line = json_string_value(merge);
    const char *left = json_string_value(json_array_get(merge, 0)),
               *right = json_string_value(json_array_get(merge, 1));
    if (line && *line && !strpbrk(line, "\n\r")) {
        return nb_buffer_printf(out, err, "%s\n", line);
    }
    if (json_array_size(merge) == 2 && tokenizer_json_symbol(left) && tokenizer_json_symbol(right)) {
        return nb_buffer_printf(out, err, "%s %s\n", left, right);
    }
    return nb_fail(err, NB_ERR_INPUT,
                   "'%s': entry %zu of model.merges is neither \"left right\" nor [\"left\", \"right\"]", path, number);
}

nb_status nb_tokenizer_json_convert(nb_buffer *vocab, nb_buffer *merges, const char *json, size_t len, const char *path,
                                    nb_error *err)
{
    nb_status status;
    json_error_t where;
    char *text = NULL;
    json_t *root = NULL;
    status = nb_json_parse(&root, json, len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        goto done;
    }
    const json_t *model = json_object_get(root, "model");
    json_t *tokens = json_object_get(model, "vocab");
    const json_t *pairs = json_object_get(model, "merges");
    if (!json_is_object(root)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, root ? "another value" : where.text);
        goto done;
    }
    NB_TRY(tokenizer_json_check_model(model, path, err));
    NB_TRY(tokenizer_json_check_normalizer(root, path, err));
    NB_TRY(tokenizer_json_add_tokens(tokens, json_object_get(root, "added_tokens"), path, err));
    text = json_dumps(tokens, JSON_COMPACT);
    if (!text) {
        status = nb_fail(err, NB_ERR_LIMIT, "'%s': no memory for its vocabulary", path);
        goto done;
    }
    NB_TRY(nb_buffer_append(vocab, text, strlen(text), err));
    NB_TRY(nb_buffer_printf(merges, err, "#version: 0.2\n"));
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        NB_TRY(tokenizer_json_write_merge(merges, json_array_get(pairs, i), i, path, err));
    }
done:
    free(text);
    json_decref(root);
    return status;
}
