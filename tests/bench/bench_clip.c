/* Our side of tests/bench/clip: makes what is measured, and measures it. Figures go to standard output.
 *
 *   bench_clip about                          BLAS kernel and vector set
 *   bench_clip engines                        those this CPU can use, one a line; why not the others, as errors
 *   bench_clip model DIR tiny|b32|b16 WORDS   a checkpoint with random weights and a vocabulary learned from WORDS
 *   bench_clip texts DIR WORDS SORTED LONG COUNT  writes the two lists of texts, prints their mean tokens
 *   bench_clip embed DIR ENGINE TEXTS OUT     OUT/ids.i32 text.f32 pixels.f32 image.f32, for comparing
 *   bench_clip time DIR ENGINE CORES ROW WHAT ITEMS BATCH   items/s of ITEMS items in batches of BATCH, one process a
 *       core; ROW: text (WHAT: a file of prompts), image (-), crop (a file of paths)
 *   bench_clip gemm CORES M N K SECONDS       GFLOP/s of OpenBLAS's sgemm, [m, k] [n, k]^T
 *   bench_clip product CORES M N K SECONDS ENGINE   the same of an engine's product with packed weights */
#include "bench/measure.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/text_encoder.h"
#include "common/clip/tokenizer/tokenizer_files.h"
#include "common/linear/blas.h"
#include "common/linear/simd/vector.h"
#include "jobs/demo/demo_model.h"
#include "mining/embed/prompts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKED_IMAGES = 4, LONG_LEAST = 20, LONG_MOST = 70 };

/* ---- what is measured is made ---- */

static nb_status make_model(const char *directory, const char *shape, const char *words, nb_error *err)
{
    nb_demo_model model = nb_demo_model_tiny();
    nb_strings lines = {0}, some = {0};
    nb_buffer prompt = {0};
    nb_status status;
    if (strcmp(shape, "tiny") != 0) {
        model = (nb_demo_model){.text = {512, 12, 8},
                                .vision = {768, 12, 12},
                                .context = 77,
                                .image_size = 224,
                                .patch_size = strcmp(shape, "b16") == 0 ? 16 : 32,
                                .projection = 512,
                                .merges = 2000};
    }
    NB_TRY(nb_make_directories(directory, err));
    NB_TRY(nb_file_lines(words, 4096, &lines, err));
    for (size_t i = 0; i < lines.count; i += 16) { /* learning takes long: CLIP's own vocabulary needs less tokens */
        nb_buffer_clear(&prompt);
        NB_TRY(nb_prompt_fill(&prompt, NB_PROMPT_DEFAULT, nb_strings_get(&lines, i), nb_strings_len(&lines, i), err));
        NB_TRY(nb_strings_push(&some, prompt.data, prompt.len, err));
    }
    NB_TRY(nb_demo_model_write(directory, true, &model, BENCH_SEED, &some, err));
done:
    nb_buffer_free(&prompt);
    nb_strings_free(&lines);
    nb_strings_free(&some);
    return status;
}

static nb_status count_tokens(const nb_tokenizer *tokenizer, const char *text, size_t len, size_t *tokens,
                              nb_error *err)
{
    int32_t ids[LONG_MOST + 7];
    return nb_tokenizer_encode(tokenizer, text, len, (nb_token_array){ids, LONG_MOST + 7}, tokens, err);
}

/* Whole tiles of neighbours, evenly spread over the sorted words, under NegLabel's prompt. */
static nb_status make_sorted(nb_strings *out, const nb_strings *words, size_t count, nb_error *err)
{
    enum { TILE = 512 };
    nb_buffer prompt = {0};
    nb_status status = NB_OK;
    size_t tiles = (count + TILE - 1) / TILE;
    for (size_t i = 0; i < count; i++) {
        size_t at = words->count / tiles * (i / TILE) + i % TILE;
        const char *word = nb_strings_get(words, at % words->count);
        nb_buffer_clear(&prompt);
        NB_TRY(nb_prompt_fill(&prompt, NB_PROMPT_DEFAULT, word, strlen(word), err));
        NB_TRY(nb_strings_push(out, prompt.data, prompt.len, err));
    }
done:
    nb_buffer_free(&prompt);
    return status;
}

/* Random words until the caption has as many tokens as were drawn for it. */
static nb_status make_long(nb_strings *out, const nb_tokenizer *tokenizer, const nb_strings *words, size_t count,
                           nb_error *err)
{
    nb_buffer caption = {0};
    nb_status status = NB_OK;
    for (size_t i = 0, draw = 0; i < count; i++) {
        size_t want = LONG_LEAST + nb_random_below(BENCH_SEED, 3, i, LONG_MOST - LONG_LEAST + 1), tokens = 0;
        nb_buffer_clear(&caption);
        while (tokens < want) {
            const char *word = nb_strings_get(words, nb_random_below(BENCH_SEED, 4, draw++, words->count));
            NB_TRY(nb_buffer_printf(&caption, err, caption.len ? " %s" : "%s", word));
            NB_TRY(count_tokens(tokenizer, caption.data, caption.len, &tokens, err));
        }
        NB_TRY(nb_strings_push(out, caption.data, caption.len, err));
    }
done:
    nb_buffer_free(&caption);
    return status;
}

static nb_status write_texts(const nb_tokenizer *tokenizer, const nb_strings *texts, const char *name, const char *path,
                             nb_error *err)
{
    nb_status status;
    size_t sum = 0;
    for (size_t i = 0; i < texts->count; i++) {
        size_t tokens;
        NB_TRY(count_tokens(tokenizer, nb_strings_get(texts, i), nb_strings_len(texts, i), &tokens, err));
        sum += tokens;
    }
    NB_TRY(nb_file_write_lines(path, true, texts, 0, texts->count, err));
    printf("%s %.1f\n", name, (double)sum / (double)texts->count);
done:
    return status;
}

static nb_status make_texts(char **args, size_t count, nb_error *err)
{
    nb_tokenizer *tokenizer = NULL;
    nb_strings words = {0}, sorted = {0}, captions = {0};
    nb_status status;
    NB_TRY(nb_tokenizer_open(&tokenizer, args[0], err));
    NB_TRY(nb_file_lines(args[1], 4096, &words, err));
    NB_TRY(make_sorted(&sorted, &words, count, err));
    NB_TRY(make_long(&captions, tokenizer, &words, count, err));
    NB_TRY(write_texts(tokenizer, &sorted, "sorted", args[2], err));
    NB_TRY(write_texts(tokenizer, &captions, "long", args[3], err));
done:
    nb_tokenizer_close(tokenizer);
    nb_strings_free(&words);
    nb_strings_free(&sorted);
    nb_strings_free(&captions);
    return status;
}

/* ---- for comparing with the yardstick ---- */

static nb_status write_raw(const char *directory, const char *name, const void *values, size_t bytes, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, directory, name, err);
    if (status == NB_OK) {
        status = nb_file_write(path, true, values, bytes, err);
    }
    free(path);
    return status;
}

static nb_status check_texts(const nb_clip *clip, const nb_strings *texts, const char *directory, nb_error *err)
{
    size_t n = texts->count, context = clip->config.context, d = clip->config.projection;
    nb_text_encoder *encoder = NULL;
    int32_t *ids = NULL;
    float *out = NULL;
    nb_status status;
    NB_TRY_NEW(ids, n * context);
    NB_TRY_NEW(out, n * d);
    for (size_t i = 0; i < n; i++) {
        size_t tokens;
        NB_TRY(nb_tokenizer_encode(clip->tokenizer, nb_strings_get(texts, i), nb_strings_len(texts, i),
                                   (nb_token_array){ids + i * context, context}, &tokens, err));
    }
    NB_TRY(bench_open_texts(&encoder, clip, n, err));
    NB_TRY(bench_embed_texts(encoder, texts, 0, n, out, err));
    NB_TRY(write_raw(directory, "ids.i32", ids, n * context * sizeof *ids, err));
    NB_TRY(write_raw(directory, "text.f32", out, n * d * sizeof *out, err));
done:
    nb_text_encoder_destroy(encoder);
    free(ids);
    free(out);
    return status;
}

static nb_status check_images(const nb_clip *clip, const char *directory, nb_error *err)
{
    size_t pixels = CHECKED_IMAGES * 3 * clip->config.image_size * clip->config.image_size;
    size_t d = clip->config.projection;
    nb_image_encoder *encoder = NULL;
    float *in = NULL, *out = NULL;
    nb_status status;
    NB_TRY_NEW(in, pixels);
    NB_TRY_NEW(out, CHECKED_IMAGES * d);
    bench_draw_pixels(in, pixels);
    NB_TRY(bench_open_images(&encoder, clip, CHECKED_IMAGES, err));
    NB_TRY(bench_embed_images(encoder, in, CHECKED_IMAGES, out, err));
    NB_TRY(write_raw(directory, "pixels.f32", in, pixels * sizeof *in, err));
    NB_TRY(write_raw(directory, "image.f32", out, CHECKED_IMAGES * d * sizeof *out, err));
done:
    nb_image_encoder_destroy(encoder);
    free(in);
    free(out);
    return status;
}

/* ---- commands ---- */

static nb_status number(const char *text, size_t *out, nb_error *err)
{
    int64_t value;
    if (!nb_parse_int(text, &value) || value < 1 || value > 1 << 24) {
        return nb_fail(err, NB_ERR_USAGE, "'%s' is no number from 1 to 2^24", text);
    }
    *out = (size_t)value;
    return NB_OK;
}

static nb_status workers_of(const char *text, size_t *out, nb_error *err)
{
    nb_status status = number(text, out, err);
    return status != NB_OK || *out <= BENCH_CORES_MAX ? status
                                                      : nb_fail(err, NB_ERR_USAGE, "at most %d cores", BENCH_CORES_MAX);
}

static nb_status run_embed(char **args, nb_error *err)
{
    nb_clip *clip = NULL;
    nb_strings texts = {0};
    nb_status status;
    NB_TRY(bench_open(&clip, args[0], args[1], err));
    NB_TRY(nb_file_lines(args[2], 4096, &texts, err));
    NB_TRY(nb_make_directories(args[3], err));
    NB_TRY(check_texts(clip, &texts, args[3], err));
    NB_TRY(check_images(clip, args[3], err));
done:
    nb_strings_free(&texts);
    nb_clip_close(clip);
    return status;
}

static nb_status run_time(char **args, nb_error *err)
{
    nb_clip *clip = NULL;
    nb_strings lines = {0};
    bench_task t = {.engine = args[1], .lines = &lines};
    const bench_row *r = bench_row_find(args[3]);
    bool towers = r && strcmp(r->name, "crop") != 0;
    size_t workers = 0;
    double rate;
    nb_status status;
    if (!r) {
        return nb_fail(err, NB_ERR_USAGE, "no row '%s'", args[3]);
    }
    NB_TRY(workers_of(args[2], &workers, err));
    NB_TRY(number(args[5], &t.items, err));
    NB_TRY(number(args[6], &t.batch, err));
    if (strcmp(args[4], "-") != 0) {
        NB_TRY(nb_file_lines(args[4], 4096, &lines, err));
        if (!lines.count || (strcmp(r->name, "text") == 0 && lines.count < t.items)) {
            status = nb_fail(err, NB_ERR_USAGE, "'%s' has %zu lines", args[4], lines.count);
            goto done;
        }
    }
    if (towers) {
        NB_TRY(bench_open(&clip, args[0], args[1], err));
    }
    t.clip = clip;
    NB_TRY(bench_measure(r, &t, workers, &rate, err));
    printf("%.4f\n", rate);
done:
    nb_strings_free(&lines);
    nb_clip_close(clip);
    return status;
}

static nb_status measure_product(char **args, const char *row, const char *engine, nb_error *err)
{
    bench_task t = {.engine = engine};
    size_t workers = 0;
    double rate;
    nb_status status;
    NB_TRY(workers_of(args[0], &workers, err));
    NB_TRY(number(args[1], &t.m, err));
    NB_TRY(number(args[2], &t.n, err));
    NB_TRY(number(args[3], &t.k, err));
    if (!nb_parse_real(args[4], &t.seconds)) {
        status = nb_fail(err, NB_ERR_USAGE, "'%s' is no number of seconds", args[4]);
        goto done;
    }
    NB_TRY(bench_measure(bench_row_find(row), &t, workers, &rate, err));
    printf("%.2f\n", rate);
done:
    return status;
}

static nb_status run_gemm(char **args, nb_error *err)
{
    return measure_product(args, "gemm", NULL, err);
}

static nb_status run_product(char **args, nb_error *err)
{
    return measure_product(args, "product", args[5], err);
}

static nb_status run_texts(char **args, nb_error *err)
{
    size_t count = 0;
    nb_status status = number(args[4], &count, err);
    return status == NB_OK ? make_texts(args, count, err) : status;
}

static nb_status run_model(char **args, nb_error *err)
{
    return make_model(args[0], args[1], args[2], err);
}

static nb_status run_info(char **args, nb_error *err)
{
    (void)args;
    (void)err;
    printf("OpenBLAS %s, vectors %s\n", nb_blas_kernel(), nb_vector_best()->name);
    return NB_OK;
}

static nb_status run_engines(char **args, nb_error *err)
{
    (void)args;
    for (size_t i = 0; bench_engines[i]; i++) {
        if (bench_engine(bench_engines[i], err)) {
            puts(bench_engines[i]);
        } else {
            fprintf(stderr, "%s\n", err->message);
        }
    }
    return NB_OK;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
        nb_status (*run)(char **args, nb_error *err);
    } commands[] = {{"about", 0, run_info},  {"engines", 0, run_engines}, {"model", 3, run_model},
                    {"texts", 5, run_texts}, {"embed", 4, run_embed},     {"time", 7, run_time},
                    {"gemm", 5, run_gemm},   {"product", 6, run_product}};
    nb_error err = {0};
    nb_blas_choose(argv);
    nb_blas_start();
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && argc == commands[i].args + 2) {
            if (commands[i].run(argv + 2, &err) == NB_OK) {
                return 0;
            }
            fprintf(stderr, "bench_clip: %s %s\n", err.message, err.hint);
            return 1;
        }
    }
    fprintf(stderr, "bench_clip: see the head of tests/bench/bench_clip.c\n");
    return 2;
}
