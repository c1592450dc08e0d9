#include "common/clip/tokenizer/tokenizer_files.h"

#include "common/base/file.h"
#include "common/clip/tokenizer/piece_tokenizer.h"
#include "common/clip/tokenizer/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const vocab_file = "vocab.json";
static const char *const merges_file = "merges.txt";
static const char *const json_file = "tokenizer.json";

static bool tokenizer_exists(const char *directory, const char *name)
{
    char *path;
    bool found = nb_path_join(&path, directory, name, NULL) == NB_OK && access(path, F_OK) == 0;
    free(path);
    return found;
}

static bool tokenizer_is_json(const char *directory)
{
    return !(tokenizer_exists(directory, vocab_file) && tokenizer_exists(directory, merges_file)) &&
           tokenizer_exists(directory, json_file);
}

/* Those of what stands beside a sentencepiece vocabulary and says how it is used. */
static nb_status tokenizer_push_beside(nb_strings *files, const char *directory, nb_error *err)
{
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json"};
    nb_status status = NB_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == NB_OK; i++) {
        if (tokenizer_exists(directory, names[i])) {
            status = nb_strings_push(files, names[i], strlen(names[i]), err);
        }
    }
    return status;
}

nb_status nb_tokenizer_files(nb_strings *files, const char *directory, nb_error *err)
{
    const char *pieces;
    nb_status status;
    NB_TRY(nb_piece_tokenizer_find(directory, &pieces, err));
    if (pieces) {
        NB_TRY(nb_strings_push(files, pieces, strlen(pieces), err));
        NB_TRY(strcmp(pieces, vocab_file) == 0 ? nb_strings_push(files, merges_file, strlen(merges_file), err) : NB_OK);
        return tokenizer_push_beside(files, directory, err);
    }
    if (tokenizer_is_json(directory)) {
        return nb_strings_push(files, json_file, strlen(json_file), err);
    }
    NB_TRY(nb_strings_push(files, vocab_file, strlen(vocab_file), err));
    NB_TRY(nb_strings_push(files, merges_file, strlen(merges_file), err));
done:
    return status;
}

static nb_status tokenizer_open_pieces(nb_tokenizer **out, const char *directory, const char *name, nb_error *err)
{
    nb_piece_tokenizer *pieces;
    nb_status status = nb_piece_tokenizer_open(&pieces, directory, name, err);
    return status == NB_OK ? nb_tokenizer_of_pieces(out, pieces, err) : status;
}

static nb_status tokenizer_open_json(nb_tokenizer **out, const char *directory, nb_error *err)
{
    nb_buffer vocab = {0}, merges = {0};
    char *path = NULL, *json = NULL;
    size_t len;
    nb_status status;
    NB_TRY(nb_path_join(&path, directory, json_file, err));
    NB_TRY(nb_file_read(path, NB_TOKENIZER_FILE_MAX, &json, &len, err));
    NB_TRY(nb_tokenizer_json_convert(&vocab, &merges, json, len, path, err));
    const nb_tokenizer_texts texts = {vocab.data, vocab.len, merges.data, merges.len};
    status = nb_tokenizer_open_memory(out, &texts, directory, err);
    if (status != NB_OK) {
        nb_context(err, "'%s', read as vocab.json and merges.txt", path);
    }
done:
    nb_buffer_free(&vocab);
    nb_buffer_free(&merges);
    free(json);
    free(path);
    return status;
}

nb_status nb_tokenizer_open(nb_tokenizer **out, const char *directory, nb_error *err)
{
    nb_status status;
    char *vocab_path = NULL, *merges_path = NULL, *vocab = NULL, *merges = NULL;
    nb_tokenizer_texts texts = {0};
    const char *pieces;
    *out = NULL;
    NB_TRY(nb_piece_tokenizer_find(directory, &pieces, err));
    if (pieces) {
        return tokenizer_open_pieces(out, directory, pieces, err);
    }
    if (tokenizer_is_json(directory)) {
        return tokenizer_open_json(out, directory, err);
    }
    NB_TRY(nb_path_join(&vocab_path, directory, vocab_file, err));
    NB_TRY(nb_path_join(&merges_path, directory, merges_file, err));
    NB_TRY(nb_file_read(vocab_path, NB_TOKENIZER_FILE_MAX, &vocab, &texts.vocab_len, err));
    NB_TRY(nb_file_read(merges_path, NB_TOKENIZER_FILE_MAX, &merges, &texts.merges_len, err));
    texts.vocab = vocab;
    texts.merges = merges;
    NB_TRY(nb_tokenizer_open_memory(out, &texts, directory, err));
done:
    free(vocab_path);
    free(merges_path);
    free(vocab);
    free(merges);
    return status;
}
