/* Every kind of tower on all ranks: the stores of texts and of images have the bytes that one rank makes. */
#include "support/on_ranks.h"
#include "support/tower_folders.h"

#include "mining/embed/embed.h"
#include "mining/embed/shared_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_ROWS = 5 };
static nb_comm comm;
static nb_comm alone; /* one rank */
static const nb_log silent = {0};
static char folder[256]; /* rank 0's, the same for all */

static void store(const nb_comm *ranks, const nb_clip *clip, const nb_strings *names, nb_embed_work work,
                  char path[300])
{
    nb_error err = {0};
    nb_digest digest;
    nb_embed_account account;
    int32_t *labels = NULL;
    uint8_t *tags = calloc(names->count, 1);
    const nb_embed_target target = {.path = path, .force = true};
    nb_store_spec spec = {.count = names->count,
                          .width = clip->config.projection,
                          .tile_rows = TILE_ROWS,
                          .names = names,
                          .provenance = "{}"};
    nb_embed_times times = {0};
    if (work.make == nb_text_embedder_tile) {
        spec.tags = tags;
    } else {
        labels = calloc(names->count, sizeof *labels);
        spec.labels = labels;
    }
    work.times = &times;
    work.run = (nb_tile_run){1, false};
    const nb_embed_job job = {.log = &silent, .target = &target, .spec = &spec, .work = &work};
    must(nb_embed_store(ranks, &job, &digest, &account, &err), &err);
    free(tags);
    free(labels);
}

static void embed(const nb_comm *ranks, const char *model, const nb_engine *engine, char texts_path[300],
                  char images_path[300])
{
    nb_error err = {0};
    nb_model m;
    nb_strings texts = {0}, nouns = {0}, names = {0}, paths = {0};
    nb_prompts prompts;
    nb_text_embedder text;
    nb_image_embedder image;
    must(nb_model_open(&m, ranks, model, engine, &err), &err);
    tower_texts(&texts);
    must(nb_strings_push(&nouns, "{}", 2, &err), &err);
    must(nb_prompts_create(&prompts, &nouns, &nouns, &err), &err);
    must(nb_text_embedder_create(&text, m.clip, &prompts, &texts, NULL, &err), &err);
    store(ranks, m.clip, &texts, (nb_embed_work){.what = "texts", .make = nb_text_embedder_tile, .maker = &text},
          texts_path);
    nb_text_embedder_destroy(&text);
    must(nb_file_lines(golden_path("images/images.txt"), 4096, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char file[160];
        snprintf(file, sizeof file, "images/%s", nb_strings_get(&names, i));
        must(nb_strings_push(&paths, golden_path(file), strlen(golden_path(file)), &err), &err);
    }
    must(nb_image_embedder_create(&image, m.clip, &paths, &err), &err);
    store(ranks, m.clip, &names, (nb_embed_work){.what = "images", .make = nb_image_embedder_tile, .maker = &image},
          images_path);
    nb_image_embedder_destroy(&image);
    nb_prompts_destroy(&prompts);
    nb_strings_free(&texts);
    nb_strings_free(&nouns);
    nb_strings_free(&names);
    nb_strings_free(&paths);
    must(nb_comm_agree(ranks, NB_OK, &err), &err);
    nb_model_close(&m);
}

static void same_bytes(const char *a, const char *b)
{
    nb_error err = {0};
    nb_map x, y;
    must(nb_map_open(&x, a, &err), &err);
    must(nb_map_open(&y, b, &err), &err);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    nb_map_close(&x);
    nb_map_close(&y);
}

static void check_family(const char *family, const nb_engine *engine)
{
    nb_error err = {0};
    char model[256] = "", paths[4][300];
    static const char *const names[] = {"texts.nbe", "images.nbe", "texts-alone.nbe", "images-alone.nbe"};
    if (comm.rank == 0) {
        snprintf(model, sizeof model, "%s", tower_folder(family));
    }
    must(nb_comm_broadcast(&comm, model, sizeof model, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    }
    embed(&comm, model, engine, paths[0], paths[1]);
    if (comm.rank == 0) {
        embed(&alone, model, engine, paths[2], paths[3]);
        same_bytes(paths[0], paths[2]);
        same_bytes(paths[1], paths[3]);
    }
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
}

static void test_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < tower_family_count; i++) {
        check_family(tower_families[i], &nb_engine_fp32);
        check_family(tower_families[i], &nb_engine_bf16_emulated);
    }
    for (size_t i = 0; i < convolution_family_count; i++) {
        check_family(convolution_families[i], &nb_engine_fp32);
        check_family(convolution_families[i], &nb_engine_bf16_emulated);
    }
}

static int share_folder(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_blas_start();
    alone = (nb_comm){.handle = MPI_COMM_SELF, .size = 1};
    if (comm.rank == 0) {
        snprintf(folder, sizeof folder, "%s", scratch_path("stores"));
        must(nb_make_directories(folder, &err), &err);
    }
    must(nb_comm_broadcast(&comm, folder, sizeof folder, &err), &err);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families)};
    return run_on_ranks(&comm, tests, share_folder);
}
