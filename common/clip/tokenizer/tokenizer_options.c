#include "common/clip/tokenizer/tokenizer_options.h"

#include "common/base/file.h"
#include "common/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_BYTES_MAX = 1 << 20 };

static const char *const options_file = "tokenizer_config.json";
static const char *const start_token = "<|startoftext|>";
static const char *const end_token = "<|endoftext|>";

static nb_status tokenizer_refuse_option(const char *path, const char *key, const json_t *value, nb_error *err)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    nb_fail(err, NB_ERR_INPUT, "'%s': %s is %.200s, which changes the tokens of texts and is not supported", path, key,
            text ? text : "?");
    nb_hint(err, "CLIP's own tokenizer is read: lower case, %s and %s around a text", start_token, end_token);
    free(text);
    return NB_ERR_INPUT;
}

/* A token is a text, or an object with one. */
static const char *tokenizer_content(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

static bool tokenizer_is_token(const json_t *token, const char *text)
{
    const char *content = tokenizer_content(token);
    return content && strcmp(content, text) == 0;
}

static nb_status tokenizer_check_flags(const json_t *root, const char *path, nb_error *err)
{
    static const struct {
        const char *key;
        bool plain;
    } flags[] = {
        {"do_lower_case", true}, {"add_bos_token", true}, {"add_eos_token", true}, {"add_prefix_space", false}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        const json_t *value = json_object_get(root, flags[i].key);
        if (value && !json_is_null(value) && !(flags[i].plain ? json_is_true(value) : json_is_false(value))) {
            return tokenizer_refuse_option(path, flags[i].key, value, err);
        }
    }
    return NB_OK;
}

/* Start and end, and no other token that is found in a text before the byte pairs are. */
static nb_status tokenizer_check_tokens(json_t *root, const char *path, nb_error *err)
{
    static const char *const keys[] = {"bos_token", "eos_token"};
    json_t *added = json_object_get(root, "added_tokens_decoder"), *token;
    const char *id;
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(root, keys[i]);
        if (value && !json_is_null(value) && !tokenizer_is_token(value, i ? end_token : start_token)) {
            return tokenizer_refuse_option(path, keys[i], value, err);
        }
    }
    json_object_foreach(added, id, token)
    {
        if (!tokenizer_is_token(token, start_token) && !tokenizer_is_token(token, end_token)) {
            return tokenizer_refuse_option(path, "added_tokens_decoder", token, err);
        }
    }
    return NB_OK;
}

nb_status nb_tokenizer_check_options(const char *directory, size_t context, nb_error *err)
{
    char *path = NULL, *text = NULL;
    size_t len;
    json_t *root = NULL;
    json_error_t where;
    nb_status status;
    NB_TRY(nb_path_join(&path, directory, options_file, err));
    if (access(path, F_OK) != 0) {
        goto done;
    }
    NB_TRY(nb_file_read(path, OPTIONS_BYTES_MAX, &text, &len, err));
    status = nb_json_parse(&root, text, len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK || !json_is_object(root)) {
        status = status != NB_OK ? nb_context(err, "'%s'", path)
                                 : nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path,
                                           root ? "another value" : where.text);
        goto done;
    }
    const json_t *most = json_object_get(root, "model_max_length");
    NB_TRY(tokenizer_check_flags(root, path, err));
    NB_TRY(tokenizer_check_tokens(root, path, err));
    if (json_is_number(most) && json_number_value(most) < (double)context) {
        status = tokenizer_refuse_option(path, "model_max_length", most, err);
    }
done:
    json_decref(root);
    free(text);
    free(path);
    return status;
}
