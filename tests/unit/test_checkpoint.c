/* Checkpoints in every layout: names, shards, dtypes, tokenizer files, configurations; and what is refused by name. */
#include "support/support.h"

#include "common/clip/checkpoint.h"
#include "common/clip/model.h"
#include "common/clip/tokenizer_json.h"
#include "common/clip/weights.h"
#include "common/store/npy.h"
#include "jobs/known_answers.h"
#include "mining/embed.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS_MAX = 256 };

/* ---- folders ---- */

static const char *golden(const char *file)
{
    char name[160];
    snprintf(name, sizeof name, "golden/tiny-quickgelu/%s", file);
    return shared_path(name);
}

static char *join(const char *folder, const char *file)
{
    nb_error err = {0};
    char *out;
    must(nb_path_join(&out, folder, file, &err), &err);
    return out;
}

/* A fresh empty folder. */
static const char *fresh(void)
{
    static char kept[FOLDERS_MAX][96];
    static size_t number;
    char name[32];
    nb_error err = {0};
    assert_true(number < FOLDERS_MAX);
    snprintf(name, sizeof name, "folder-%zu", number);
    snprintf(kept[number], sizeof kept[number], "%s", scratch_path(name));
    must(nb_make_directories(kept[number], &err), &err);
    return kept[number++];
}

static void put(const char *folder, const char *file, const char *text)
{
    nb_error err = {0};
    char *path = join(folder, file);
    must(nb_file_write(path, true, text, strlen(text), &err), &err);
    free(path);
}

static char *get(const char *path, size_t *len)
{
    nb_error err = {0};
    char *bytes;
    must(nb_file_read(path, 1 << 24, &bytes, len, &err), &err);
    return bytes;
}

/* Copies a golden file into the folder under another name. */
static void take(const char *folder, const char *from, const char *to)
{
    nb_error err = {0};
    size_t len;
    char *path = join(folder, to), *bytes = get(golden(from), &len);
    must(nb_file_write(path, true, bytes, len, &err), &err);
    free(bytes);
    free(path);
}

static void drop(const char *folder, const char *file)
{
    char *path = join(folder, file);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* Replaces the first `from` in a text file of the folder by `to`. */
static void edit(const char *folder, const char *file, const char *from, const char *to)
{
    size_t len;
    char *path = join(folder, file), *text = get(path, &len), *at = strstr(text, from);
    nb_buffer b = {0};
    assert_non_null(at);
    must(nb_buffer_printf(&b, NULL, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), NULL);
    put(folder, file, b.data);
    nb_buffer_free(&b);
    free(text);
    free(path);
}

static const char *const open_clip_config =
    "{\"model_cfg\": {\"embed_dim\": 48, \"quick_gelu\": true,"
    " \"vision_cfg\": {\"image_size\": 32, \"layers\": 3, \"width\": 128, \"patch_size\": 8},"
    " \"text_cfg\": {\"context_length\": 77, \"vocab_size\": 1000, \"width\": 64, \"heads\": 4, \"layers\": 3}},"
    " \"preprocess_cfg\": {\"mean\": [0.48145466, 0.4578275, 0.40821073],"
    " \"std\": [0.26862954, 0.26130258, 0.27577711], \"interpolation\": \"bicubic\", \"resize_mode\": \"shortest\"}}";

/* Everything but the weights, as Hugging Face has it. */
static const char *hugging_face(void)
{
    const char *folder = fresh();
    take(folder, "config.json", "config.json");
    take(folder, "vocab.json", "vocab.json");
    take(folder, "merges.txt", "merges.txt");
    take(folder, "preprocessor_config.json", "preprocessor_config.json");
    return folder;
}

static const char *whole(const char *weights)
{
    const char *folder = hugging_face();
    take(folder, weights, "model.safetensors");
    return folder;
}

/* Writes tokenizer.json from the golden vocab.json and merges.txt; the special tokens stand in added_tokens alone when
 * `apart`, merges are pairs when `pairs`. */
static void put_tokenizer_json(const char *folder, bool pairs, bool apart)
{
    nb_error err = {0};
    nb_strings lines = {0};
    json_t *vocab = json_load_file(golden("vocab.json"), 0, NULL), *merges = json_array();
    must(nb_file_lines(golden("merges.txt"), 4096, &lines, &err), &err);
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
    put(folder, "tokenizer.json", text);
    free(text);
    json_decref(root);
    nb_strings_free(&lines);
}

/* Cuts a golden safetensors file into `count` shards with their index; tensor i goes to shard i % count. */
static void put_shards(const char *folder, const char *weights, const char *index, size_t count)
{
    nb_error err = {0};
    nb_safetensors *file;
    json_t *map = json_object();
    must(nb_safetensors_open(&file, golden(weights), &err), &err);
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
        char *path = join(folder, name);
        must(nb_safetensors_write(path, true, some, n, NULL, &err), &err);
        free(path);
    }
    json_t *root = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 1, "weight_map", map);
    char *text = json_dumps(root, JSON_INDENT(2));
    put(folder, index, text);
    free(text);
    json_decref(root);
    free(some);
    nb_safetensors_close(file);
}

/* ---- embeddings ---- */

/* Raw embeddings of the golden texts and images, in double. */
typedef struct embeddings {
    size_t texts, images, d;
    double *rows; /* [texts + images, d] */
} embeddings;

static void embed_texts(const nb_clip *clip, embeddings *e)
{
    nb_error err = {0};
    nb_strings lines = {0}, texts = {0};
    nb_text_encoder *encoder;
    must(nb_file_lines(golden("texts.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *object = json_loads(nb_strings_get(&lines, i), 0, NULL), *text = json_object_get(object, "text");
        assert_non_null(json_string_value(text));
        must(nb_strings_push(&texts, json_string_value(text), json_string_length(text), &err), &err);
        json_decref(object);
    }
    float *out = calloc(texts.count * e->d, sizeof *out);
    must(nb_text_encoder_create(&encoder, clip, texts.count, &err), &err);
    must(nb_text_encoder_run(encoder, &texts, 0, texts.count, out, &err), &err);
    assert_int_equal(texts.count, e->texts);
    for (size_t i = 0; i < e->texts * e->d; i++) {
        e->rows[i] = (double)out[i];
    }
    nb_text_encoder_destroy(encoder);
    free(out);
    nb_strings_free(&lines);
    nb_strings_free(&texts);
}

static void embed_images(const nb_clip *clip, embeddings *e)
{
    nb_error err = {0};
    nb_image_embedder embedder;
    nb_strings names = {0}, paths = {0};
    must(nb_file_lines(shared_path("golden/images/images.txt"), 4096, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char *path = join(shared_path("golden/images"), nb_strings_get(&names, i));
        must(nb_strings_push(&paths, path, strlen(path), &err), &err);
        free(path);
    }
    assert_int_equal(names.count, e->images);
    must(nb_image_embedder_create(&embedder, clip, &paths, &err), &err);
    float *out = calloc(NB_IMAGE_TILE * e->d, sizeof *out), norms[NB_IMAGE_TILE];
    for (size_t at = 0; at < e->images; at += NB_IMAGE_TILE) {
        size_t count = e->images - at < NB_IMAGE_TILE ? e->images - at : NB_IMAGE_TILE;
        must(nb_image_embedder_tile(&embedder, at, count, out, norms, &err), &err);
        for (size_t i = 0; i < count * e->d; i++) {
            e->rows[(e->texts + at) * e->d + i] = (double)out[i] * (double)norms[i / e->d];
        }
    }
    nb_image_embedder_destroy(&embedder);
    free(out);
    nb_strings_free(&names);
    nb_strings_free(&paths);
}

static embeddings golden_embeddings(void)
{
    nb_error err = {0};
    nb_npy text, image;
    must(nb_npy_open(&text, golden("text_embeddings.npy"), &err), &err);
    must(nb_npy_open(&image, golden("image_embeddings.npy"), &err), &err);
    embeddings e = {.texts = text.rows, .images = image.rows, .d = text.columns};
    e.rows = calloc((e.texts + e.images) * e.d, sizeof *e.rows);
    for (size_t i = 0; i < e.texts * e.d; i++) {
        e.rows[i] = nb_npy_at(&text, i);
    }
    for (size_t i = 0; i < e.images * e.d; i++) {
        e.rows[e.texts * e.d + i] = nb_npy_at(&image, i);
    }
    nb_npy_close(&text);
    nb_npy_close(&image);
    return e;
}

static embeddings embed(const char *folder)
{
    nb_error err = {0};
    nb_clip *clip;
    embeddings e = golden_embeddings();
    must(nb_clip_open(&clip, folder, &err), &err);
    assert_int_equal(clip->config.projection, e.d);
    assert_false(clip->preprocess_defaulted);
    embed_texts(clip, &e);
    embed_images(clip, &e);
    nb_clip_close(clip);
    return e;
}

/* Largest element error against the largest element, texts and images apart, and the least cosine of a row. */
static void distance(const embeddings *a, const embeddings *b, double *worst, double *least)
{
    double largest[2] = {0, 0}, error[2] = {0, 0};
    *least = 1;
    for (size_t r = 0; r < a->texts + a->images; r++) {
        double dot = 0, x2 = 0, y2 = 0;
        size_t kind = r >= a->texts;
        for (size_t i = 0; i < a->d; i++) {
            double x = a->rows[r * a->d + i], y = b->rows[r * a->d + i];
            dot += x * y;
            x2 += x * x;
            y2 += y * y;
            largest[kind] = fmax(largest[kind], fabs(y));
            error[kind] = fmax(error[kind], fabs(x - y));
        }
        *least = fmin(*least, dot / sqrt(x2 * y2));
    }
    *worst = fmax(error[0] / largest[0], error[1] / largest[1]);
}

static void check_embeddings(const char *folder, const char *what, double worst_max, double least_min)
{
    embeddings got = embed(folder), want = golden_embeddings();
    double worst, least;
    distance(&got, &want, &worst, &least);
    print_message("%s: largest element error %.2g, least cosine 1 - %.2g\n", what, worst, 1 - least);
    assert_true(worst <= worst_max);
    assert_true(least >= least_min);
    free(got.rows);
    free(want.rows);
}

/* At the tolerances for fp32. */
static void check_exact(const char *folder, const char *what)
{
    check_embeddings(folder, what, 1e-4, 0.999999);
}

static void same_embeddings(const char *folder, const char *as)
{
    embeddings got = embed(folder), want = embed(as);
    assert_memory_equal(got.rows, want.rows, (got.texts + got.images) * got.d * sizeof *got.rows);
    free(got.rows);
    free(want.rows);
}

/* Widens a golden file of 16-bit floats to F32 by the bits, apart from the code under test. */
static const char *widened(const char *weights, bool bf16)
{
    nb_error err = {0};
    nb_safetensors *file;
    const char *folder = hugging_face();
    must(nb_safetensors_open(&file, golden(weights), &err), &err);
    size_t total = nb_safetensors_count(file);
    nb_tensor *all = calloc(total, sizeof *all);
    float **values = calloc(total, sizeof *values);
    for (size_t i = 0; i < total; i++) {
        all[i] = *nb_safetensors_at(file, i);
        values[i] = calloc(all[i].count, sizeof **values);
        for (size_t k = 0; k < all[i].count; k++) {
            const unsigned char *p = (const unsigned char *)all[i].data + 2 * k;
            unsigned bits = p[0] | (unsigned)p[1] << 8, fraction = bits & (bf16 ? 0x7fu : 0x3ffu);
            int exponent = (int)((bits & 0x7fffu) >> (bf16 ? 7 : 10)), width = bf16 ? 7 : 10, bias = bf16 ? 127 : 15;
            double size =
                exponent ? ldexp(1.0 + ldexp(fraction, -width), exponent - bias) : ldexp(fraction, 1 - bias - width);
            values[i][k] = (float)(bits & 0x8000u ? -size : size);
        }
        all[i].dtype = NB_F32;
        all[i].data = values[i];
    }
    char *path = join(folder, "model.safetensors");
    must(nb_safetensors_write(path, true, all, total, NULL, &err), &err);
    for (size_t i = 0; i < total; i++) {
        free(values[i]);
    }
    free(values);
    free(all);
    free(path);
    nb_safetensors_close(file);
    return folder;
}

/* Halved weights are read exactly. What is left of the distance to fp32 is the rounding in the file: 8 bits of BF16
 * move the worst of the golden texts to 1 - 1.3e-4 in exact arithmetic too. */
static void test_dtypes(void **state)
{
    (void)state;
    check_exact(whole("model.safetensors"), "F32");
    check_embeddings(whole("model.f16.safetensors"), "F16", 0.005, 0.9999);
    check_embeddings(whole("model.bf16.safetensors"), "BF16", 0.03, 0.9998);
    same_embeddings(whole("model.f16.safetensors"), widened("model.f16.safetensors", false));
    same_embeddings(whole("model.bf16.safetensors"), widened("model.bf16.safetensors", true));
}

static void test_open_clip(void **state)
{
    (void)state;
    const char *named = whole("open_clip_model.safetensors");
    check_exact(named, "open_clip names in model.safetensors");
    const char *own = fresh();
    put(own, "open_clip_config.json", open_clip_config);
    take(own, "vocab.json", "vocab.json");
    take(own, "merges.txt", "merges.txt");
    take(own, "open_clip_model.safetensors", "open_clip_model.safetensors");
    check_exact(own, "open_clip folder");
    same_embeddings(own, whole("model.safetensors"));
}

/* OpenAI's own file: three numbers beside the weights; and a logit scale as open_clip can have it, [1]. */
static void test_original(void **state)
{
    (void)state;
    static const int64_t numbers[3] = {32, 77, 1000};
    static const char *const names[3] = {"input_resolution", "context_length", "vocab_size"};
    nb_error err = {0};
    nb_safetensors *file;
    const char *folder = hugging_face();
    must(nb_safetensors_open(&file, golden("open_clip_model.safetensors"), &err), &err);
    size_t total = nb_safetensors_count(file);
    nb_tensor *all = calloc(total + 3, sizeof *all);
    for (size_t i = 0; i < total; i++) {
        all[i] = *nb_safetensors_at(file, i);
        if (strcmp(all[i].name, "logit_scale") == 0) {
            all[i].rank = all[i].shape[0] = 1;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        all[total + i] = (nb_tensor){.name = names[i], .dtype = NB_I64, .count = 1, .data = &numbers[i]};
    }
    char *path = join(folder, "model.safetensors");
    must(nb_safetensors_write(path, true, all, total + 3, NULL, &err), &err);
    check_exact(folder, "original names with extra numbers");
    free(path);
    free(all);
    nb_safetensors_close(file);
}

static void test_shards(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *plain = whole("model.safetensors"), *folder = hugging_face();
    put_shards(folder, "model.safetensors", "model.safetensors.index.json", 3);
    same_embeddings(folder, plain);
    nb_checkpoint *c;
    must(nb_checkpoint_open(&c, folder, &err), &err);
    assert_int_equal(nb_checkpoint_shards(c), 3);
    assert_int_equal(nb_checkpoint_files(c)->count, 4);
    assert_string_equal(nb_strings_get(nb_checkpoint_files(c), 0), "model.safetensors.index.json");
    assert_string_equal(nb_strings_get(nb_checkpoint_files(c), 3), "model-00003-of-00003.safetensors");
    nb_checkpoint_close(c);
    const char *open_clip = hugging_face();
    put_shards(open_clip, "open_clip_model.safetensors", "open_clip_model.safetensors.index.json", 2);
    same_embeddings(open_clip, plain);
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    const char *plain = whole("model.safetensors");
    for (int form = 0; form < 4; form++) {
        const char *folder = whole("model.safetensors");
        put_tokenizer_json(folder, form & 1, form & 2);
        drop(folder, "merges.txt");
        if (form & 1) {
            drop(folder, "vocab.json");
        }
        same_embeddings(folder, plain);
    }
    /* the two files win when both are there */
    const char *both = whole("model.safetensors");
    put(both, "tokenizer.json", "no JSON at all");
    same_embeddings(both, plain);
}

static nb_digest digest_of(const char *folder)
{
    nb_error err = {0};
    nb_clip *clip;
    must(nb_clip_open(&clip, folder, &err), &err);
    nb_digest digest = clip->digest;
    nb_clip_close(clip);
    return digest;
}

/* The digest covers the files that were read, all of them and no others. */
static void test_digest(void **state)
{
    (void)state;
    nb_digest plain = digest_of(whole("model.safetensors"));
    const char *more = whole("model.safetensors");
    put_tokenizer_json(more, false, false);
    put(more, "open_clip_config.json", open_clip_config);
    take(more, "open_clip_model.safetensors", "open_clip_model.safetensors");
    assert_string_equal(digest_of(more).hex, plain.hex);
    drop(more, "vocab.json");
    assert_string_not_equal(digest_of(more).hex, plain.hex);
    const char *shards = hugging_face();
    put_shards(shards, "model.safetensors", "model.safetensors.index.json", 2);
    nb_digest before = digest_of(shards);
    assert_string_not_equal(before.hex, plain.hex);
    char *path = join(shards, "model-00002-of-00002.safetensors");
    size_t len;
    char *bytes = get(path, &len);
    bytes[len - 3] ^= 1; /* a bit of a weight */
    nb_error err = {0};
    must(nb_file_write(path, true, bytes, len, &err), &err);
    assert_string_not_equal(digest_of(shards).hex, before.hex);
    free(bytes);
    free(path);
}

/* ---- refusals ---- */

static void refuse(const char *folder, const char *word)
{
    nb_error err = {0};
    nb_clip *clip;
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, word);
    assert_null(clip);
}

static void refuse_index(const char *from, const char *to, const char *word)
{
    const char *folder = hugging_face();
    put_shards(folder, "model.safetensors", "model.safetensors.index.json", 2);
    edit(folder, "model.safetensors.index.json", from, to);
    refuse(folder, word);
}

static void test_hostile_index(void **state)
{
    (void)state;
    static const char *const shard = "\"model-00001-of-00002.safetensors\"";
    refuse_index(shard, "\"../x.safetensors\"", "'../x.safetensors' of tensor");
    refuse_index(shard, "\"/etc/passwd\"", "not a plain file name");
    refuse_index(shard, "\"sub/x.safetensors\"", "not a plain file name");
    refuse_index(shard, "\"..\"", "not a plain file name");
    refuse_index(shard, "\"\"", "not a plain file name");
    refuse_index(shard, "\"a\\u001bb\"", "not a plain file name");
    refuse_index(shard, "17", "not a plain file name");
    refuse_index(shard, "\"model-00007-of-00002.safetensors\"", "model-00007-of-00002.safetensors");
    refuse_index(shard, "\"model-00002-of-00002.safetensors\"", "which has it not");
    refuse_index("weight_map", "weight_mop", "has no weight_map");
    refuse_index("{", "[", "JSON");
    refuse_index("\"logit_scale\": ", "\"logit_scalf\": ", "'logit_scalf'");
    const char *folder = hugging_face();
    put_shards(folder, "model.safetensors", "model.safetensors.index.json", 2);
    put(folder, "model.safetensors.index.json", "{\"weight_map\": {}}");
    refuse(folder, "has no weight_map");
    put(folder, "model.safetensors.index.json",
        "{\"weight_map\": {\"logit_scale\": \"model-00001-of-00002.safetensors\"}}");
    refuse(folder, "does not list tensor");
}

/* A tensor in two shards, each of which is whole. */
static void test_duplicate_tensor(void **state)
{
    (void)state;
    static const float one = 1;
    nb_error err = {0};
    nb_checkpoint *c;
    const char *folder = fresh();
    nb_tensor t[2] = {{.name = "same", .dtype = NB_F32, .count = 1, .data = &one},
                      {.name = "other", .dtype = NB_F32, .count = 1, .data = &one}};
    char *a = join(folder, "a.safetensors"), *b = join(folder, "b.safetensors");
    must(nb_safetensors_write(a, true, t, 1, NULL, &err), &err);
    must(nb_safetensors_write(b, true, t, 2, NULL, &err), &err);
    put(folder, "model.safetensors.index.json",
        "{\"weight_map\": {\"same\": \"a.safetensors\", \"other\": \"b.safetensors\"}}");
    must_fail(nb_checkpoint_open(&c, folder, &err), NB_ERR_INPUT, &err, "'same' is in two shards");
    assert_null(c);
    free(a);
    free(b);
}

/* A checkpoint of one tensor of this name, and of the golden ones when `beside`. */
static void refuse_tensor(const char *name, const char *beside, const char *word)
{
    static const float one = 1;
    nb_error err = {0};
    nb_safetensors *file = NULL;
    nb_tensor *all = calloc(1000, sizeof *all);
    size_t count = 0;
    if (beside) {
        must(nb_safetensors_open(&file, golden(beside), &err), &err);
        for (; count < nb_safetensors_count(file); count++) {
            all[count] = *nb_safetensors_at(file, count);
        }
    }
    all[count++] = (nb_tensor){.name = name, .dtype = NB_F32, .count = 1, .data = &one};
    const char *folder = hugging_face();
    char *path = join(folder, "model.safetensors");
    must(nb_safetensors_write(path, true, all, count, NULL, &err), &err);
    refuse(folder, word);
    free(path);
    free(all);
    nb_safetensors_close(file);
}

static void test_other_models(void **state)
{
    (void)state;
    refuse_tensor("visual.layer1.0.conv1.weight", NULL, "a ResNet image tower");
    refuse_tensor("visual.trunk.blocks.0.norm1.weight", NULL, "timm");
    refuse_tensor("logit_bias", "model.safetensors", "SigLIP");
    refuse_tensor("text.transformer.encoder.layer.0.output.dense.bias", "open_clip_model.safetensors", "text tower");
    refuse_tensor("positional_embedding", NULL, "has no tensor 'transformer.resblocks.0.ln_1.weight'");
    refuse_tensor("other", NULL, "has no tensor 'text_model.encoder.layers.0.layer_norm1.weight'");
    refuse_tensor("text_model.encoder.layers.3.layer_norm1.weight", "model.safetensors", "does not account for");
    refuse_tensor("visual.transformer.resblocks.0.ls_1.gamma", "open_clip_model.safetensors", "does not account for");
    const char *bin = hugging_face();
    put(bin, "pytorch_model.bin", "x");
    refuse(bin, "model.safetensors");
    refuse(bin, "convert it to safetensors");
}

static void refuse_config(const char *from, const char *to, const char *word)
{
    const char *folder = whole("model.safetensors");
    edit(folder, "config.json", from, to);
    refuse(folder, word);
}

/* Where texts are read. */
static void test_end_token(void **state)
{
    (void)state;
    refuse_config("\"eos_token_id\": 999", "\"eos_token_id\": 998", "eos_token_id 998");
    refuse_config("\"eos_token_id\": 999", "\"eos_token_id\": \"999\"", "text_config.eos_token_id");
    refuse_config("\"eos_token_id\": 999", "\"eos_token_id\": -1", "text_config.eos_token_id");
    static const char *const fine[] = {"\"eos_token_id\": 2", "\"eos_token_id\": null", "\"other\": 1"};
    for (size_t i = 0; i < 3; i++) {
        const char *folder = whole("model.safetensors");
        edit(folder, "config.json", "\"eos_token_id\": 999", fine[i]);
        (void)digest_of(folder);
    }
    /* the end token below the start token: the highest id is not the end */
    const char *folder = whole("model.safetensors");
    edit(folder, "vocab.json", "\"<|startoftext|>\"", "\"<|swap|>\"");
    edit(folder, "vocab.json", "\"<|endoftext|>\"", "\"<|startoftext|>\"");
    edit(folder, "vocab.json", "\"<|swap|>\"", "\"<|endoftext|>\"");
    refuse(folder, "eos_token_id 999");
    edit(folder, "config.json", "\"eos_token_id\": 999", "\"eos_token_id\": 2");
    refuse(folder, "read at their highest token");
    edit(folder, "config.json", "\"eos_token_id\": 2", "\"eos_token_id\": 998");
    (void)digest_of(folder);
}

static void refuse_open_clip(const char *from, const char *to, const char *word)
{
    nb_error err = {0};
    nb_clip_config config;
    const char *folder = fresh();
    put(folder, "open_clip_config.json", open_clip_config);
    edit(folder, "open_clip_config.json", from, to);
    must_fail(nb_clip_config_read(&config, folder, &err), NB_ERR_INPUT, &err, word);
}

static void test_open_clip_config(void **state)
{
    (void)state;
    refuse_open_clip("\"layers\": 3, \"width\"", "\"layers\": [3, 4, 6, 3], \"width\"", "ResNet");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"timm_model_name\": \"vit_base_patch16_siglip_224\", ",
                     "vit_base_patch16_siglip_224");
    refuse_open_clip("\"text_cfg\": {", "\"text_cfg\": {\"hf_model_name\": \"roberta-base\", ", "roberta-base");
    refuse_open_clip("\"text_cfg\": {", "\"text_cfg\": {\"pool_type\": \"last\", ", "pool_type");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"global_average_pool\": true, ", "global_average_pool");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"head_width\": 40, ", "does not divide");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"head_width\": 256, ", "does not divide");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"mlp_ratio\": -4, ", "mlp_ratio");
    refuse_open_clip("\"heads\": 4", "\"heads\": 5", "does not divide");
    refuse_open_clip("\"embed_dim\": 48,", "", "embed_dim is missing");
    refuse_open_clip("\"quick_gelu\": true", "\"quick_gelu\": 1", "quick_gelu");
    refuse_open_clip("\"patch_size\": 8", "\"patch_size\": 7", "do not fit");
    refuse_open_clip("\"shortest\"", "\"squash\"", "squash");
    refuse_open_clip("0.27577711", "0", "std over 0");
    refuse_open_clip("\"vision_cfg\"", "\"vison_cfg\"", "has no model_cfg.vision_cfg");
    refuse_open_clip("{", "[", "JSON");
}

/* ViT-bigG's and ViT-H's numbers, defaults, GELU when nothing is said. */
static void test_open_clip_sizes(void **state)
{
    (void)state;
    static const char big[] = "{\"model_cfg\": {\"embed_dim\": 1280, \"vision_cfg\": {\"image_size\": [224, 224], "
                              "\"layers\": 48, \"width\": 1664, \"head_width\": 104, \"mlp_ratio\": 4.9231, "
                              "\"patch_size\": 14}, \"text_cfg\": {\"width\": 1280, \"heads\": 20, \"layers\": 32}}}";
    nb_error err = {0};
    nb_clip_config c;
    must(nb_clip_config_parse(&c, big, strlen(big), true, "big", &err), &err);
    assert_int_equal(c.image.heads, 16);
    assert_int_equal(c.image.mlp, 8192);
    assert_int_equal(c.text.mlp, 5120);
    assert_int_equal(c.context, 77);
    assert_int_equal(c.vocabulary, 49408);
    assert_int_equal(c.image_size, 224);
    assert_int_equal(c.image.activation, NB_GELU);
    assert_int_equal(c.end_token, NB_END_HIGHEST);
    assert_false(c.has_channels);
    assert_null(nb_known_answers_for(&c));
    /* open_clip's documented size: 2.54 thousand million */
    assert_int_equal(nb_clip_parameters(&c) / 10000000, 253);
    static const char b32[] = "{\"model_type\": \"clip\", \"text_config\": {}, \"vision_config\": {}}";
    must(nb_clip_config_parse(&c, b32, strlen(b32), false, "b32", &err), &err);
    assert_int_equal(nb_clip_parameters(&c), 151277313);
    assert_non_null(nb_known_answers_for(&c));
    static const char old[] =
        "{\"model_type\": \"clip\", \"text_config\": null, \"text_config_dict\": {\"hidden_size\": "
        "768, \"num_attention_heads\": 12}, \"vision_config\": {\"hidden_size\": 768}, "
        "\"vision_config_dict\": {\"hidden_size\": 1024, \"num_attention_heads\": 16}}";
    must(nb_clip_config_parse(&c, old, strlen(old), false, "old", &err), &err);
    assert_int_equal(c.text.width, 768);
    assert_int_equal(c.image.width, 1024);
}

static void refuse_tokenizer(const char *from, const char *to, const char *word)
{
    const char *folder = whole("model.safetensors");
    put_tokenizer_json(folder, false, false);
    drop(folder, "vocab.json");
    edit(folder, "tokenizer.json", from, to);
    refuse(folder, word);
}

static void test_tokenizer_json_refusals(void **state)
{
    (void)state;
    refuse_tokenizer("\"BPE\"", "\"Unigram\"", "model.type that is not 'BPE'");
    refuse_tokenizer("\"</w>\"", "\"@@\"", "suffix '</w>'");
    refuse_tokenizer("\"end_of_word_suffix\": \"</w>\",", "", "suffix '</w>'");
    refuse_tokenizer("\"continuing_subword_prefix\": \"\"", "\"continuing_subword_prefix\": \"##\"", "suffix '</w>'");
    refuse_tokenizer("\"merges\": [", "\"merges\": [7, ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [[\"a\", \"b c\"], ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [[\"a\"], ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [\"a b\\nc d\", ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [\"qqq zzz\", ", "tokenizer.json");
    refuse_tokenizer("\"merges\": [", "\"margin\": [", "lacks model.vocab or model.merges");
    refuse_tokenizer("\"model\"", "\"modem\"", "has no object 'model'");
    refuse_tokenizer("\"id\": 999", "\"id\": 997", "\"<|endoftext|>\" has another id");
    refuse_tokenizer("\"content\": \"<|endoftext|>\"", "\"content\": \"<|pad|>\"", "share the id 999");
    refuse_tokenizer("\"id\": 999", "\"id\": \"x\"", "entry 1 of added_tokens");
    refuse_tokenizer("{", "[", "JSON");
}

/* Tokens back to text, and the sanity check on a checkpoint that works and on one that does not. */
static void test_sanity(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    size_t texts;
    int32_t ids[16];
    size_t count;
    nb_buffer back = {0};
    must(nb_clip_open(&clip, whole("model.safetensors"), &err), &err);
    must(nb_tokenizer_encode(clip->tokenizer, "A  cat's hat", 12, 16, ids, &count, &err), &err);
    must(nb_tokenizer_decode(clip->tokenizer, ids, count, &back, &err), &err);
    assert_string_equal(back.data, "a cat 's hat ");
    ids[0] = 1000;
    must_fail(nb_tokenizer_decode(clip->tokenizer, ids, 1, &back, &err), NB_ERR_USAGE, &err, "no token");
    nb_buffer_free(&back);
    must(nb_check_sanity(clip, &texts, &err), &err);
    clip->logit_scale = 5.4f;
    must_fail(nb_check_sanity(clip, &texts, &err), NB_ERR_NUMERIC, &err, "logit_scale");
    clip->logit_scale = 0;
    must_fail(nb_check_sanity(clip, &texts, &err), NB_ERR_NUMERIC, &err, "logit_scale");
    clip->logit_scale = 4;
    float *projection = (float *)(uintptr_t)clip->image_projection; /* into the arena, which is ours to damage */
    memset(projection, 0, clip->config.projection * clip->config.image.width * sizeof *projection);
    must_fail(nb_check_sanity(clip, &texts, &err), NB_ERR_NUMERIC, &err, "image");
    nb_clip_close(clip);
}

/* Known answers of the golden checkpoint, from its authors' embeddings: they hold, and one that is off is seen. */
static void test_known_answers(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    nb_strings lines = {0};
    embeddings e = golden_embeddings();
    json_t *texts[2];
    double cosines[1], worst, dot = 0, norms[2] = {0, 0};
    must(nb_file_lines(golden("texts.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        texts[i] = json_loads(nb_strings_get(&lines, i), 0, NULL);
    }
    for (size_t k = 0; k < e.d; k++) {
        dot += e.rows[k] * e.rows[e.d + k];
        norms[0] += e.rows[k] * e.rows[k];
        norms[1] += e.rows[e.d + k] * e.rows[e.d + k];
    }
    nb_known_pair pair = {json_string_value(json_object_get(texts[0], "text")),
                          json_string_value(json_object_get(texts[1], "text")), dot / sqrt(norms[0] * norms[1])};
    const nb_known_answers answers = {"golden", 0.005, &pair, 1};
    must(nb_clip_open(&clip, whole("model.safetensors"), &err), &err);
    must(nb_known_answers_compare(clip, &answers, cosines, &worst, &err), &err);
    assert_true(worst < 1e-5);
    pair.cosine -= 0.01;
    must(nb_known_answers_compare(clip, &answers, cosines, &worst, &err), &err);
    assert_true(fabs(worst - 0.01) < 1e-5);
    nb_clip_close(clip);
    json_decref(texts[0]);
    json_decref(texts[1]);
    nb_strings_free(&lines);
    free(e.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_open_clip),
        cmocka_unit_test(test_original),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_hostile_index),
        cmocka_unit_test(test_duplicate_tensor),
        cmocka_unit_test(test_other_models),
        cmocka_unit_test(test_end_token),
        cmocka_unit_test(test_open_clip_config),
        cmocka_unit_test(test_open_clip_sizes),
        cmocka_unit_test(test_tokenizer_json_refusals),
        cmocka_unit_test(test_sanity),
        cmocka_unit_test(test_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
