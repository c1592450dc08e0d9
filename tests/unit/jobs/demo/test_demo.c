/* The demo world: the same bytes for one seed, complete lists, what each split holds, the corpus, the checkpoint; and
 * the byte-pair trainer by hand-worked cases. */
#include "support/support.h"

#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/tokenizer/bpe_train.h"
#include "common/image/decode.h"
#include "jobs/demo/demo.h"
#include "jobs/demo/draw.h"
#include "jobs/demo/training.h"
#include "jobs/demo/world.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const nb_log silent = {.command = "demo"};

/* The world of seed 7 is made once, the others next to it. */
static char first[600], second[600], other[600];

static int make_worlds(void **state)
{
    (void)state;
    nb_error err = {0};
    snprintf(first, sizeof first, "%s", scratch_path("new/first"));
    snprintf(second, sizeof second, "%s", scratch_path("second/"));
    snprintf(other, sizeof other, "%s", scratch_path("other"));
    must(nb_demo_make(first, &(nb_demo_plan){.seed = 7, .scale = 1, .random_weights = true}, &silent, &err), &err);
    must(nb_demo_make(second, &(nb_demo_plan){.seed = 7, .scale = 1, .random_weights = true}, &silent, &err), &err);
    must(nb_demo_make(other, &(nb_demo_plan){.seed = 8, .scale = 1, .random_weights = true}, &silent, &err), &err);
    return 0;
}

static char *in(const char *world, const char *name)
{
    nb_error err = {0};
    char *path = NULL;
    must(nb_path_join(&path, world, name, &err), &err);
    return path;
}

static nb_digest digest_in(const char *world, const char *name)
{
    nb_error err = {0};
    nb_digest digest;
    char *path = in(world, name);
    must(nb_digest_file(&digest, path, &err), &err);
    free(path);
    return digest;
}

static nb_strings lines_in(const char *world, const char *name)
{
    nb_error err = {0};
    nb_strings lines = {0};
    char *path = in(world, name);
    must(nb_file_lines(path, 4096, &lines, &err), &err);
    free(path);
    return lines;
}

static const char *const plain_files[] = {
    "README.txt",        "labels.txt",           "captions.tsv",
    "id-train.txt",      "id-test.txt",          "wild.txt",
    "ood-near.txt",      "ood-far.txt",          "corpus/adj.demo.txt",
    "model/config.json", "corpus/noun.demo.txt", "model/model.safetensors",
    "model/vocab.json",  "model/merges.txt",     "model/preprocessor_config.json",
};

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain_files / sizeof plain_files[0]; i++) {
        nb_digest a = digest_in(first, plain_files[i]);
        nb_digest b = digest_in(second, plain_files[i]);
        assert_string_equal(a.hex, b.hex);
    }
    size_t differ = 0;
    for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
        for (size_t i = 0; i < nb_demo_split_count((nb_demo_split)s, 1); i++) {
            nb_demo_item item = nb_demo_item_at(7, (nb_demo_split)s, 1, i);
            nb_digest a = digest_in(first, item.path);
            nb_digest b = digest_in(second, item.path);
            nb_digest c = digest_in(other, item.path); /* another seed makes the same names */
            assert_string_equal(a.hex, b.hex);
            differ += strcmp(a.hex, c.hex) != 0;
        }
    }
    assert_int_equal(differ, 460);
    assert_string_not_equal(digest_in(first, "model/model.safetensors").hex,
                            digest_in(other, "model/model.safetensors").hex);
}

static void test_lists(void **state)
{
    (void)state;
    nb_error err = {0};
    static const size_t want[NB_DEMO_SPLITS] = {160, 100, 50, 50, 100};
    for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
        nb_buffer name = {0};
        must(nb_buffer_printf(&name, &err, "%s.txt", nb_demo_split_name((nb_demo_split)s)), &err);
        nb_strings lines = lines_in(first, name.data);
        assert_int_equal(lines.count, want[s]);
        size_t per_class[10] = {0};
        for (size_t i = 0; i < lines.count; i++) {
            char path[200];
            const char *line = nb_strings_get(&lines, i);
            const char *blank = strchr(line, ' ');
            int64_t label;
            assert_non_null(blank);
            assert_true(nb_parse_int(blank + 1, &label));
            snprintf(path, sizeof path, "%.*s", (int)(blank - line), line);
            char *full = in(first, path);
            nb_image image = {0};
            must(nb_image_read(&image, full, &err), &err);
            assert_int_equal(image.width, 64);
            assert_int_equal(image.height, 64);
            nb_image_free(&image);
            free(full);
            bool id = s == NB_DEMO_ID_TRAIN || s == NB_DEMO_ID_TEST;
            assert_in_range(label + 1, id ? 1 : 0, id ? 10 : 0);
            per_class[id ? label : 0]++;
        }
        for (size_t c = 0; c < 10 && s <= NB_DEMO_ID_TEST; c++) {
            assert_int_equal(per_class[c], s == NB_DEMO_ID_TRAIN ? 16 : 10);
        }
        nb_strings_free(&lines);
        nb_buffer_free(&name);
    }
}

/* The ID class whose label is in the text, -1 for none. */
static int64_t class_in(const nb_strings *labels, const char *text)
{
    for (size_t c = 0; c < labels->count; c++) {
        if (strstr(text, nb_strings_get(labels, c))) {
            return (int64_t)c;
        }
    }
    return -1;
}

static void test_splits(void **state)
{
    (void)state;
    nb_strings labels = lines_in(first, "labels.txt");
    nb_strings captions = lines_in(first, "captions.tsv");
    assert_int_equal(labels.count, 10);
    for (size_t a = 0; a < labels.count; a++) {
        for (size_t b = 0; b < a; b++) {
            assert_string_not_equal(nb_strings_get(&labels, a), nb_strings_get(&labels, b));
        }
    }
    assert_int_equal(captions.count, 461);
    assert_string_equal(nb_strings_get(&captions, 0), "path\tcaption");
    size_t row = 1;
    size_t wild_id = 0;
    for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
        for (size_t i = 0; i < nb_demo_split_count((nb_demo_split)s, 1); i++, row++) {
            nb_demo_item item = nb_demo_item_at(7, (nb_demo_split)s, 1, i);
            const char *line = nb_strings_get(&captions, row);
            size_t len = strlen(item.path);
            assert_memory_equal(line, item.path, len);
            assert_int_equal(line[len], '\t');
            /* what a caption says is what the item is said to show, in every split */
            assert_int_equal(class_in(&labels, line + len + 1), item.truth);
            bool id = s == NB_DEMO_ID_TRAIN || s == NB_DEMO_ID_TEST;
            assert_int_equal(item.label, id ? item.truth : -1);
            assert_true(s == NB_DEMO_WILD || (item.truth >= 0) == id);
            wild_id += s == NB_DEMO_WILD && item.truth >= 0;
            if (s == NB_DEMO_OOD_FAR && item.scene.kind == NB_DEMO_OBJECT) {
                assert_true(item.scene.shape >= NB_DEMO_SHAPES_NAMED);
            }
        }
    }
    assert_int_equal(wild_id, 50);
    nb_strings_free(&labels);
    nb_strings_free(&captions);
}

static void test_corpus(void **state)
{
    (void)state;
    nb_strings labels = lines_in(first, "labels.txt");
    nb_strings nouns = lines_in(first, "corpus/noun.demo.txt");
    nb_strings adjectives = lines_in(first, "corpus/adj.demo.txt");
    assert_in_range(nouns.count, 600, 2000);
    assert_in_range(adjectives.count, 300, 800);
    size_t exact = 0;
    size_t blank = 0;
    size_t overlong = 0;
    size_t untidy = 0;
    for (size_t i = 0; i < nouns.count; i++) {
        const char *line = nb_strings_get(&nouns, i);
        for (size_t c = 0; c < labels.count; c++) {
            exact += strcmp(line, nb_strings_get(&labels, c)) == 0;
        }
        blank += line[strspn(line, " \t")] == '\0';
        overlong += nb_strings_len(&nouns, i) > 256;
        untidy += line[0] == ' ' || (line[0] && strchr(" \t", line[strlen(line) - 1]));
    }
    assert_true(exact >= 8);
    assert_true(blank > 3 && untidy > 20);
    assert_int_equal(overlong, 1);
    nb_strings_free(&labels);
    nb_strings_free(&nouns);
    nb_strings_free(&adjectives);
}

static void check_tensor(const nb_safetensors *s, const char *name, size_t rank, size_t rows, size_t columns,
                         double deviation)
{
    nb_error err = {0};
    const nb_tensor *t = nb_safetensors_find(s, name);
    if (!t) {
        fail_msg("no tensor '%s'", name);
        return;
    }
    assert_int_equal(t->dtype, NB_F32);
    assert_int_equal(t->rank, rank);
    assert_int_equal(t->shape[0], rows);
    assert_true(rank < 2 || t->shape[1] == columns);
    float *values = nb_alloc(t->count, sizeof *values, &err);
    assert_non_null(values);
    must(nb_tensor_to_float(t, values, &err), &err);
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < t->count; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
    }
    double n = (double)t->count;
    assert_true(fabs(sum / n) <= 5 * deviation / sqrt(n));
    assert_true(fabs(sqrt(squares / n) - deviation) <= 4 * deviation / sqrt(n));
    free(values);
}

static void test_checkpoint(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_safetensors *s = NULL;
    char *path = in(first, "model/model.safetensors");
    char *vocab_path = in(first, "model/vocab.json");
    char *config_path = in(first, "model/config.json");
    must(nb_safetensors_open(&s, path, &err), &err);
    json_t *vocab = json_load_file(vocab_path, JSON_REJECT_DUPLICATES, NULL);
    json_t *config = json_load_file(config_path, JSON_REJECT_DUPLICATES, NULL);
    nb_strings merges = lines_in(first, "model/merges.txt");
    assert_non_null(vocab);
    assert_non_null(config);
    size_t words = json_object_size(vocab);
    assert_in_range(words, 514 + 300, 514 + 500);
    assert_int_equal(merges.count, words - 514 + 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(config, "text_config"), "vocab_size")), words);
    assert_int_equal(json_integer_value(json_object_get(vocab, "!")), 0);
    assert_int_equal(json_integer_value(json_object_get(vocab, "!</w>")), 256);
    assert_int_equal(json_integer_value(json_object_get(vocab, "\304\240")), 188 + 32); /* the blank */
    assert_int_equal(json_integer_value(json_object_get(vocab, "<|endoftext|>")), words - 1);
    assert_non_null(json_object_get(vocab, "photo</w>"));
    assert_non_null(json_object_get(vocab, "circle</w>"));

    /* as transformers' CLIPModel: 5 + 2 of the text tower, 8 of the image tower, scale and projections apart */
    assert_int_equal(nb_safetensors_count(s), 3 + 4 + 7 + 4 * 16);
    check_tensor(s, "text_model.embeddings.token_embedding.weight", 2, words, 64, 0.02);
    check_tensor(s, "text_model.embeddings.position_embedding.weight", 2, 32, 64, 0.01);
    check_tensor(s, "text_model.encoder.layers.1.self_attn.k_proj.weight", 2, 64, 64, 0.125);
    check_tensor(s, "text_model.encoder.layers.0.self_attn.out_proj.weight", 2, 64, 64, 0.0625);
    check_tensor(s, "text_model.encoder.layers.0.self_attn.out_proj.bias", 1, 64, 0, 0);
    check_tensor(s, "vision_model.encoder.layers.1.mlp.fc1.weight", 2, 256, 64, 1 / sqrt(128));
    check_tensor(s, "vision_model.encoder.layers.1.mlp.fc2.weight", 2, 64, 256, 0.0625);
    check_tensor(s, "vision_model.embeddings.class_embedding", 1, 64, 0, 0.125);
    check_tensor(s, "vision_model.embeddings.patch_embedding.weight", 4, 64, 3, 0.02);
    check_tensor(s, "vision_model.embeddings.position_embedding.weight", 2, 65, 64, 0.125);
    check_tensor(s, "visual_projection.weight", 2, 32, 64, 0.125);
    check_tensor(s, "text_projection.weight", 2, 32, 64, 0.125);
    float scale = 0;
    must(nb_tensor_to_float(nb_safetensors_find(s, "logit_scale"), &scale, &err), &err);
    assert_true(fabs(exp((double)scale) - 1 / 0.07) < 1e-4);

    json_decref(vocab);
    json_decref(config);
    nb_strings_free(&merges);
    nb_safetensors_close(s);
    free(path);
    free(vocab_path);
    free(config_path);
}

/* The names are those of a checkpoint that transformers wrote: every layer up to ours has its tensors. */
static void test_names_as_reference(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_safetensors *reference = NULL;
    nb_safetensors *ours = NULL;
    char *path = in(first, "model/model.safetensors");
    must(nb_safetensors_open(&reference, golden_path("tiny-quickgelu/model.safetensors"), &err), &err);
    must(nb_safetensors_open(&ours, path, &err), &err);
    size_t common = 0;
    for (size_t i = 0; i < nb_safetensors_count(reference); i++) {
        const nb_tensor *t = nb_safetensors_at(reference, i);
        const nb_tensor *mine = nb_safetensors_find(ours, t->name);
        if (strstr(t->name, "layers.2.")) {
            assert_null(mine);
        } else {
            assert_non_null(mine);
            assert_int_equal(mine->rank, t->rank);
            common++;
        }
    }
    assert_int_equal(common, nb_safetensors_count(ours));
    nb_safetensors_close(reference);
    nb_safetensors_close(ours);
    free(path);
}

static void test_refuses_full_directory(void **state)
{
    (void)state;
    nb_error err = {0};
    char *readme = in(second, "README.txt");
    char *stranger = in(second, "mine.txt");
    must(nb_file_write(stranger, false, "keep", 4, &err), &err);
    must_fail(nb_demo_make(second, &(nb_demo_plan){.seed = 8, .scale = 1, .random_weights = true}, &silent, &err),
              NB_ERR_USAGE, &err, "not empty");
    must_fail(NB_ERR_USAGE, NB_ERR_USAGE, &err, "--force");
    must(nb_demo_make(second, &(nb_demo_plan){.seed = 8, .scale = 1, .random_weights = true, .force = true}, &silent,
                      &err),
         &err);
    for (size_t i = 0; i < sizeof plain_files / sizeof plain_files[0]; i++) {
        assert_string_equal(digest_in(second, plain_files[i]).hex, digest_in(other, plain_files[i]).hex);
    }
    must(nb_file_check(stranger, &err), &err);

    /* stopped early, by a folder where a file should be: no README vouches for what is there */
    char *labels = in(second, "labels.txt");
    assert_int_equal(unlink(labels), 0);
    must(nb_make_directories(labels, &err), &err);
    must_fail(nb_demo_make(second, &(nb_demo_plan){.seed = 8, .scale = 1, .random_weights = true, .force = true},
                           &silent, &err),
              NB_ERR_USAGE, &err, "is a directory");
    assert_int_not_equal(nb_file_check(readme, &err), NB_OK);
    free(readme);
    free(stranger);
    free(labels);
}

/* A shape covers about the area its geometry says and lies inside the picture. */
static void test_drawing(void **state)
{
    (void)state;
    enum { SIDE = 64 };
    uint8_t rgb[SIDE * SIDE * 3];
    nb_demo_scene s = nb_demo_scene_object(3, 5, NB_DEMO_RED, NB_DEMO_CIRCLE);
    s.texture = NB_DEMO_PLAIN;
    s.radius = 0.5;
    s.spots[0].x = 0.25;
    s.spots[0].y = 0.25;
    memcpy(s.rgb, (double[3]){1, 0, 0}, sizeof s.rgb);
    memcpy(s.ground, (double[3]){0, 0, 1}, sizeof s.ground);
    nb_demo_draw(&s, rgb, SIDE);
    double covered = 0;
    double column = 0;
    double row = 0;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        double share = rgb[3 * i] > 40 ? rgb[3 * i] / 255.0 : 0.0;
        covered += share;
        column += share * (double)(i % SIDE);
        row += share * (double)(i / SIDE); /* NOLINT(bugprone-integer-division): the pixel's row */
    }
    double radius = 0.92 * 0.5 * SIDE / 2;
    assert_true(fabs(covered / (3.14159265 * radius * radius) - 1) < 0.03);
    /* right of the middle and above it */
    assert_true(fabs(column / covered - 39.5) < 0.5);
    assert_true(fabs(row / covered - 23.5) < 0.5);
}

static void test_captions(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_buffer b = {0};
    nb_demo_scene s = {
        .shape = NB_DEMO_CIRCLE, .texture = NB_DEMO_STRIPED, .size = NB_DEMO_LARGE, .background = 2, .count = 1};
    must(nb_demo_caption(&b, &s, false, &err), &err);
    assert_string_equal(b.data, "a large striped red circle on a grey background");
    s.texture = NB_DEMO_PLAIN;
    nb_buffer_clear(&b);
    must(nb_demo_caption(&b, &s, true, &err), &err);
    assert_string_equal(b.data, "a large red circle in the top left corner of a grey background");
    s.count = 2;
    nb_buffer_clear(&b);
    must(nb_demo_caption(&b, &s, true, &err), &err);
    assert_string_equal(b.data, "two large red circles on a grey background");
    nb_buffer_clear(&b);
    must(nb_demo_plural(&b, "cross", &err), &err);
    assert_string_equal(b.data, "crosses");
    nb_buffer_free(&b);
}

static void test_scale(void **state)
{
    (void)state;
    /* three times the pictures, of the same classes in the same shares, under names of their own */
    for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
        size_t count = nb_demo_split_count((nb_demo_split)s, 3);
        size_t id[2] = {0};
        assert_int_equal(count, 3 * nb_demo_split_count((nb_demo_split)s, 1));
        for (size_t i = 0; i < count; i++) {
            nb_demo_item item = nb_demo_item_at(7, (nb_demo_split)s, 3, i);
            id[0] += item.truth >= 0;
            id[1] += i < count / 3 && nb_demo_item_at(7, (nb_demo_split)s, 1, i).truth >= 0;
            for (size_t k = i >= 60 ? i - 60 : 0; k < i; k++) {
                assert_string_not_equal(item.path, nb_demo_item_at(7, (nb_demo_split)s, 3, k).path);
            }
        }
        assert_int_equal(id[0], 3 * id[1]);
    }
}

/* Several objects lie apart, but for the tips of the largest, and inside the picture. */
static void check_spots(const nb_demo_scene *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        assert_true(fabs(s->spots[i].x) + s->radius < 1 && fabs(s->spots[i].y) + s->radius < 1);
        for (unsigned k = 0; k < i && s->kind == NB_DEMO_OBJECT; k++) {
            assert_true(hypot(s->spots[i].x - s->spots[k].x, s->spots[i].y - s->spots[k].y) > 1.9 * s->radius);
        }
    }
}

/* Training pictures show what they may, their captions vary and name only what is shown. */
static void test_training(void **state)
{
    (void)state;
    enum { PICTURES = 4000 };
    nb_error err = {0};
    nb_buffer b = {0};
    size_t seen[NB_DEMO_SHAPES_TRAINED][NB_DEMO_COLOURS] = {{0}}, kinds[NB_DEMO_KINDS_TRAINED] = {0};
    size_t counts[NB_DEMO_OBJECTS_MAX + 1] = {0}, shortest = SIZE_MAX, longest = 0;
    for (uint64_t i = 0; i < PICTURES; i++) {
        nb_demo_scene s = nb_demo_training_scene(7, i);
        assert_in_range(s.kind, 0, NB_DEMO_KINDS_TRAINED - 1);
        assert_in_range(s.count, 1, NB_DEMO_OBJECTS_MAX);
        check_spots(&s);
        kinds[s.kind]++;
        counts[s.count]++;
        if (s.kind == NB_DEMO_OBJECT) {
            assert_in_range(s.shape, 0, NB_DEMO_SHAPES_TRAINED - 1);
            seen[s.shape][s.colour]++;
        }
        nb_buffer_clear(&b);
        must(nb_demo_training_caption(&b, &s, 7, i, &err), &err);
        shortest = b.len < shortest ? b.len : shortest;
        longest = b.len > longest ? b.len : longest;
        assert_in_range(b.len, 3, 255); /* what a shard's label may have */
        for (unsigned c = 0; c < NB_DEMO_COLOURS; c++) {
            char word[32];
            snprintf(word, sizeof word, " %s circle", nb_demo_colour_name((nb_demo_colour)c));
            bool shown = s.kind == NB_DEMO_OBJECT && s.shape == NB_DEMO_CIRCLE && s.colour == c;
            bool begins = strncmp(b.data, word + 1, strlen(word + 1)) == 0;
            assert_true(shown || (!begins && !strstr(b.data, word)));
        }
    }
    for (unsigned shape = 0; shape < NB_DEMO_SHAPES_TRAINED; shape++) {
        for (unsigned c = 0; c < NB_DEMO_COLOURS; c++) {
            assert_in_range(seen[shape][c], 5, 45); /* 21 are expected */
        }
    }
    for (unsigned k = NB_DEMO_STRIPES; k < NB_DEMO_KINDS_TRAINED; k++) {
        assert_in_range(kinds[k], 100, 220);
    }
    assert_true(counts[2] > 300 && counts[3] > 300 && counts[1] > 2500);
    assert_true(shortest < 6 && longest > 60);
    nb_buffer_free(&b);
}

static void test_training_file(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_digest a, b, c;
    char path[600];
    snprintf(path, sizeof path, "%s", scratch_path("train.tar"));
    must(nb_demo_training_write(path, &(nb_demo_shard){.seed = 7, .count = 50, .side = 48}, false, &silent, &err),
         &err);
    must(nb_digest_file(&a, path, &err), &err);
    must_fail(nb_demo_training_write(path, &(nb_demo_shard){.seed = 7, .count = 50, .side = 48}, false, &silent, &err),
              NB_ERR_USAGE, &err, "exists");
    must(nb_demo_training_write(path, &(nb_demo_shard){.seed = 7, .count = 50, .side = 48}, true, &silent, &err), &err);
    must(nb_digest_file(&b, path, &err), &err);
    must(nb_demo_training_write(path, &(nb_demo_shard){.seed = 8, .count = 50, .side = 48}, true, &silent, &err), &err);
    must(nb_digest_file(&c, path, &err), &err);
    assert_string_equal(a.hex, b.hex);
    assert_string_not_equal(a.hex, c.hex);
}

/* No training picture is one of a split's. */
static void test_training_apart(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t grain = nb_demo_training_scene(7, i).grain;
        for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
            for (size_t k = i % 10; k < nb_demo_split_count((nb_demo_split)s, 1); k += 10) {
                assert_true(nb_demo_item_at(7, (nb_demo_split)s, 1, k).scene.grain != grain);
            }
        }
    }
}

static void train(nb_strings *merges, const char *text, size_t limit, uint64_t min_count)
{
    nb_error err = {0};
    nb_word_counts words = {0};
    must(nb_word_counts_add(&words, text, strlen(text), &err), &err);
    must(nb_word_counts_finish(&words, &err), &err);
    must(nb_bpe_train(merges, &words.words, words.counts, limit, min_count, &err), &err);
    nb_word_counts_free(&words);
}

static void test_word_counts(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_word_counts words = {0};
    const char *text = "It's IT, 42!? caf\303\251 it";
    must(nb_word_counts_add(&words, text, strlen(text), &err), &err);
    must(nb_word_counts_finish(&words, &err), &err);
    static const char *const want[] = {"!?", "'", ",", "2", "4", "caf\303\251", "it", "s"};
    assert_int_equal(words.words.count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(nb_strings_get(&words.words, i), want[i]);
        assert_int_equal(words.counts[i], i == 6 ? 3 : 1);
    }
    nb_word_counts_free(&words);
}

static void test_bpe(void **state)
{
    (void)state;
    nb_strings merges = {0};
    /* low low low lower lower: "l o" 5, "o w</w>" 3, "o w" 2: then lo w</w> 3, lo w 2, and ties at 2 bytewise */
    train(&merges, "low low low lower Lower", 10, 2);
    static const char *const want[] = {"l o", "lo w</w>", "e r</w>", "lo w", "low er</w>"};
    assert_int_equal(merges.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(nb_strings_get(&merges, i), want[i]);
    }
    nb_strings_free(&merges);

    /* a byte that Latin-1 does not print has GPT-2's stand-in: e acute is C3 A9, spelled U+00C3 U+00A9 */
    train(&merges, "\303\251 \303\251", 1, 2);
    assert_string_equal(nb_strings_get(&merges, 0), "\303\203 \302\251</w>");
    nb_strings_free(&merges);

    /* aaa: left to right, "a a" then "aa a</w>"; a limit of 0 and no words are fine */
    train(&merges, "aaaa aaaa", 9, 2);
    assert_string_equal(nb_strings_get(&merges, 0), "a a");
    assert_string_equal(nb_strings_get(&merges, merges.count - 1), "aa aa</w>");
    nb_strings_free(&merges);
    train(&merges, "aaaa", 0, 1);
    train(&merges, " ", 5, 1);
    assert_int_equal(merges.count, 0);
    nb_strings_free(&merges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_names_as_reference),
        cmocka_unit_test(test_refuses_full_directory),
        cmocka_unit_test(test_drawing),
        cmocka_unit_test(test_captions),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_training_file),
        cmocka_unit_test(test_training_apart),
        cmocka_unit_test(test_word_counts),
        cmocka_unit_test(test_bpe),
    };
    return cmocka_run_group_tests(tests, make_worlds, NULL);
}
