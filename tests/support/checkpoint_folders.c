#include "support/checkpoint_folders.h"

#include "common/base/memory.h"
#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/model/model.h"
#include "support/weights/golden_weights.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS_MAX = 256 };

const char *golden_file(const char *file)
{
    char name[160];
    nb_error err = {0};
    if (golden_weights_made(file)) {
        const char *path = scratch_path(file);
        if (access(path, F_OK) != 0) {
            must(golden_weights_make(golden_path("tiny-quickgelu/model.safetensors"), file, path, &err), &err);
        }
        return path;
    }
    snprintf(name, sizeof name, "tiny-quickgelu/%s", file);
    return golden_path(name);
}

char *joined_path(const char *folder, const char *file)
{
    nb_error err = {0};
    char *out;
    must(nb_path_join(&out, folder, file, &err), &err);
    return out;
}

/* A fresh empty folder. */
const char *fresh_folder(void)
{
    static char kept[FOLDERS_MAX][256];
    static size_t number;
    char name[32];
    nb_error err = {0};
    assert_true(number < FOLDERS_MAX);
    snprintf(name, sizeof name, "folder-%zu", number);
    snprintf(kept[number], sizeof kept[number], "%s", scratch_path(name));
    must(nb_make_directories(kept[number], &err), &err);
    return kept[number++];
}

void put_text(const char *folder, const char *file, const char *text)
{
    nb_error err = {0};
    char *path = joined_path(folder, file);
    must(nb_file_write(path, true, text, strlen(text), &err), &err);
    free(path);
}

char *read_bytes(const char *path, size_t *len)
{
    nb_error err = {0};
    char *bytes;
    must(nb_file_read(path, 1 << 24, &bytes, len, &err), &err);
    return bytes;
}

/* Copies a golden file into the folder under another name. */
void copy_file(const char *folder, const char *path, const char *name)
{
    nb_error err = {0};
    size_t len;
    char *to = joined_path(folder, name), *bytes = read_bytes(path, &len);
    must(nb_file_write(to, true, bytes, len, &err), &err);
    free(bytes);
    free(to);
}

void take_golden(const char *folder, const char *from, const char *to)
{
    copy_file(folder, golden_file(from), to);
}

void drop_file(const char *folder, const char *file)
{
    char *path = joined_path(folder, file);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* Replaces the first `from` in a text file of the folder by `to`. */
void edit_file(const char *folder, const char *file, const char *from, const char *to)
{
    size_t len;
    char *path = joined_path(folder, file), *text = read_bytes(path, &len), *at = strstr(text, from);
    nb_buffer b = {0};
    assert_non_null(at);
    must(nb_buffer_printf(&b, NULL, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), NULL);
    put_text(folder, file, b.data);
    nb_buffer_free(&b);
    free(text);
    free(path);
}

const char *const open_clip_config =
    "{\"model_cfg\": {\"embed_dim\": 48, \"quick_gelu\": true,"
    " \"vision_cfg\": {\"image_size\": 32, \"layers\": 3, \"width\": 128, \"patch_size\": 8},"
    " \"text_cfg\": {\"context_length\": 77, \"vocab_size\": 1000, \"width\": 64, \"heads\": 4, \"layers\": 3}},"
    " \"preprocess_cfg\": {\"mean\": [0.48145466, 0.4578275, 0.40821073],"
    " \"std\": [0.26862954, 0.26130258, 0.27577711], \"interpolation\": \"bicubic\", \"resize_mode\": \"shortest\"}}";

/* Everything but the weights, as Hugging Face has it. */
const char *hugging_face_folder(void)
{
    const char *folder = fresh_folder();
    take_golden(folder, "config.json", "config.json");
    take_golden(folder, "vocab.json", "vocab.json");
    take_golden(folder, "merges.txt", "merges.txt");
    take_golden(folder, "preprocessor_config.json", "preprocessor_config.json");
    return folder;
}

const char *whole_folder(const char *weights)
{
    const char *folder = hugging_face_folder();
    take_golden(folder, weights, "model.safetensors");
    return folder;
}

/* Writes tokenizer.json from the golden vocab.json and merges.txt; the special tokens stand in added_tokens alone when
 * `apart`, merges are pairs when `pairs`. */
void put_tokenizer_json(const char *folder, bool pairs, bool apart)
{
    nb_error err = {0};
    nb_strings lines = {0};
    json_t *vocab = json_load_file(golden_file("vocab.json"), 0, NULL), *merges = json_array();
    must(nb_file_lines(golden_file("merges.txt"), 4096, &lines, &err), &err);
    for (size_t i = 1; i < lines.count; i++) {
        const char *line = nb_strings_get(&lines, i), *blank = strchr(line, ' ');
        if (blank) {
            json_array_append_new(merges, pairs ? json_pack("[s%, s]", line, (size_t)(blank - line), blank + 1)
                                                : json_string(line));
        }
    }
    json_t *added = json_pack("[{s:i, s:s, s:b}, {s:i, s:s, s:b}]", "id", 998, "content", "<|startoftext|>", "special",
                              1, "id", 999, "content", "<|endoftext|>", "special", 1);
    if (apart) {
        json_object_del(vocab, "<|startoftext|>");
        json_object_del(vocab, "<|endoftext|>");
    }
    json_t *root = json_pack("{s:s, s:o, s:{s:s, s:s, s:s, s:o, s:o}}", "version", "1.0", "added_tokens", added,
                             "model", "type", "BPE", "continuing_subword_prefix", "", "end_of_word_suffix", "</w>",
                             "vocab", vocab, "merges", merges);
    char *text = json_dumps(root, 0);
    assert_non_null(text);
    put_text(folder, "tokenizer.json", text);
    free(text);
    json_decref(root);
    nb_strings_free(&lines);
}

/* Cuts a golden safetensors file into `count` shards with their index; tensor i goes to shard i % count. */
void put_shards(const char *folder, const char *weights, const char *index, size_t count)
{
    nb_error err = {0};
    nb_safetensors *file;
    json_t *map = json_object();
    must(nb_safetensors_open(&file, golden_file(weights), &err), &err);
    size_t total = nb_safetensors_count(file);
    nb_tensor *some = calloc(total, sizeof *some);
    for (size_t s = 0; s < count; s++) {
        char name[64];
        size_t n = 0;
        snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", s + 1, count);
        for (size_t i = s; i < total; i += count) {
            some[n++] = *nb_safetensors_at(file, i);
            json_object_set_new(map, some[n - 1].name, json_string(name));
        }
        char *path = joined_path(folder, name);
        must(nb_safetensors_write(path, true, some, n, NULL, &err), &err);
        free(path);
    }
    json_t *root = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 1, "weight_map", map);
    char *text = json_dumps(root, JSON_INDENT(2));
    put_text(folder, index, text);
    free(text);
    json_decref(root);
    free(some);
    nb_safetensors_close(file);
}

nb_digest digest_of(const char *folder)
{
    nb_error err = {0};
    nb_clip *clip;
    must(nb_clip_open(&clip, folder, &err), &err);
    nb_digest digest = clip->digest;
    nb_clip_close(clip);
    return digest;
}

nb_tokenizer *opened_tokenizer(const char *folder)
{
    nb_error err = {0};
    nb_tokenizer *t;
    must(nb_tokenizer_open(&t, folder, &err), &err);
    return t;
}

void tokenizer_refused(const char *folder, const char *word)
{
    nb_error err = {0};
    nb_tokenizer *t;
    must_fail(nb_tokenizer_open(&t, folder, &err), NB_ERR_INPUT, &err, word);
}
