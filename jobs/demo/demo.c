#include "jobs/demo/demo.h"

#include "common/base/file.h"
#include "common/image/decode.h"
#include "common/image/write_png.h"
#include "jobs/demo/demo_model.h"
#include "jobs/demo/draw.h"
#include "jobs/demo/trained.h"
#include "jobs/demo/training.h"
#include "jobs/demo/words.h"
#include "jobs/demo/world.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PICTURE_SIDE = 64, TRAINING_SIDE = 48 };

/* What all steps need. */
typedef struct world {
    const char *directory;
    const nb_demo_plan *plan;
    const nb_log *log;
    nb_strings texts; /* captions, words and prompts: what the vocabulary is learned from */
} world;

static nb_status demo_check_empty(const char *directory, nb_error *err)
{
    DIR *open = opendir(directory);
    if (!open) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot read directory '%s'", directory);
    }
    nb_status status = NB_OK;
    struct dirent *entry;
    while ((entry = readdir(open)) != NULL && status == NB_OK) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            nb_fail(err, NB_ERR_USAGE, "directory '%s' is not empty ('%s' is in it)", directory, entry->d_name);
            status = nb_hint(err, "choose another directory, or overwrite the demo's files in it with --force");
        }
    }
    closedir(open);
    return status;
}

static nb_status demo_make_directory(const world *w, const char *name, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, w->directory, name, err);
    if (status == NB_OK) {
        status = nb_make_directories(path, err);
    }
    free(path);
    return status;
}

static nb_status demo_write_text(const world *w, const char *name, const nb_buffer *text, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, w->directory, name, err);
    if (status == NB_OK) {
        status = nb_file_write(path, w->plan->force, text->data, text->len, err);
    }
    free(path);
    return status;
}

static nb_status demo_write_picture(const world *w, const nb_demo_item *item, nb_image *image, nb_error *err)
{
    nb_status status = NB_OK;
    char *path = NULL;
    NB_TRY(nb_path_join(&path, w->directory, item->path, err));
    char *slash = strrchr(path, '/');
    *slash = '\0';
    NB_TRY(nb_make_directories(path, err));
    *slash = '/';
    nb_demo_draw(&item->scene, image->rgb, PICTURE_SIDE);
    NB_TRY(nb_image_write_png(path, image, w->plan->force, err));
done:
    free(path);
    return status;
}

/* All pictures while they are made. */
typedef struct pictures {
    nb_image image;     /* the one being painted */
    nb_buffer captions; /* captions.tsv */
    nb_progress progress;
    size_t made;
} pictures;

/* One split: its pictures, its list, and its rows of captions.tsv. */
static nb_status demo_make_split(world *w, nb_demo_split split, pictures *p, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer list = {0};
    nb_buffer caption = {0};
    nb_buffer name = {0};
    for (size_t i = 0; i < nb_demo_split_count(split, w->plan->scale); i++) {
        nb_demo_item item = nb_demo_item_at(w->plan->seed, split, w->plan->scale, i);
        nb_buffer_clear(&caption);
        NB_TRY(nb_demo_caption(&caption, &item.scene, item.with_place, err));
        NB_TRY(nb_strings_push(&w->texts, caption.data, caption.len, err));
        NB_TRY(nb_buffer_printf(&p->captions, err, "%s\t%s\n", item.path, caption.data));
        NB_TRY(nb_buffer_printf(&list, err, "%s %" PRId64 "\n", item.path, item.label));
        NB_TRY(demo_write_picture(w, &item, &p->image, err));
        nb_progress_update(&p->progress, (double)++p->made);
    }
    NB_TRY(nb_buffer_printf(&name, err, "%s.txt", nb_demo_split_name(split)));
    NB_TRY(demo_write_text(w, name.data, &list, err));
done:
    nb_buffer_free(&list);
    nb_buffer_free(&caption);
    nb_buffer_free(&name);
    return status;
}

static nb_status demo_make_pictures(world *w, nb_error *err)
{
    nb_status status = NB_OK;
    pictures p = {0};
    size_t total = 0;
    for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
        total += nb_demo_split_count((nb_demo_split)s, w->plan->scale);
    }
    NB_TRY(nb_image_create(&p.image, PICTURE_SIDE, PICTURE_SIDE, err));
    NB_TRY(nb_buffer_printf(&p.captions, err, "path\tcaption\n"));
    p.progress = nb_progress_start(w->log, "images", (double)total);
    for (unsigned s = 0; s < NB_DEMO_SPLITS; s++) {
        NB_TRY(demo_make_split(w, (nb_demo_split)s, &p, err));
    }
    nb_progress_finish(&p.progress);
    NB_TRY(demo_write_text(w, "captions.tsv", &p.captions, err));
done:
    nb_buffer_free(&p.captions);
    nb_image_free(&p.image);
    return status;
}

static nb_status demo_make_training(const world *w, nb_error *err)
{
    const nb_demo_plan *p = w->plan;
    char *path = NULL;
    if (!p->training) {
        return NB_OK;
    }
    nb_status status = nb_path_join(&path, w->directory, "train.tar", err);
    if (status == NB_OK) {
        const nb_demo_shard shard = {.seed = p->seed, .count = p->training, .side = TRAINING_SIDE};
        status = nb_demo_training_write(path, &shard, p->force, w->log, err);
    }
    free(path);
    return status;
}

static nb_status demo_make_labels(world *w, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer labels = {0};
    for (size_t c = 0; c < nb_demo_class_count(); c++) {
        NB_TRY(nb_demo_class_name(&labels, c, err));
        NB_TRY(nb_buffer_printf(&labels, err, "\n"));
    }
    NB_TRY(demo_write_text(w, "labels.txt", &labels, err));
done:
    nb_buffer_free(&labels);
    return status;
}

static nb_status demo_make_words(world *w, nb_demo_words which, const char *name, nb_error *err)
{
    nb_status status = NB_OK;
    nb_strings lines = {0};
    nb_buffer text = {0};
    NB_TRY(nb_demo_words_push(&lines, which, w->plan->seed, err));
    for (size_t i = 0; i < lines.count; i++) {
        NB_TRY(nb_buffer_printf(&text, err, "%s\n", nb_strings_get(&lines, i)));
        NB_TRY(nb_strings_push(&w->texts, nb_strings_get(&lines, i), nb_strings_len(&lines, i), err));
    }
    NB_TRY(demo_write_text(w, name, &text, err));
done:
    nb_strings_free(&lines);
    nb_buffer_free(&text);
    return status;
}

static nb_status demo_make_random_model(world *w, const char *directory, nb_error *err)
{
    /* often enough that the words of the usual prompts become single tokens */
    static const char prompts[] = "the nice a photo of a this is a photo";
    enum { REPEAT = 50 };
    nb_status status = NB_OK;
    nb_demo_model model = nb_demo_model_tiny();
    for (int i = 0; i < REPEAT; i++) {
        NB_TRY(nb_strings_push(&w->texts, prompts, strlen(prompts), err));
    }
    NB_TRY(nb_demo_model_write(directory, w->plan->force, &model, w->plan->seed, &w->texts, err));
done:
    return status;
}

static nb_status demo_make_model(world *w, nb_error *err)
{
    nb_status status;
    char *path = NULL;
    NB_TRY(demo_make_directory(w, "model", err));
    NB_TRY(nb_path_join(&path, w->directory, "model", err));
    status = w->plan->random_weights ? demo_make_random_model(w, path, err)
                                     : nb_demo_trained_write(path, w->plan->force, err);
done:
    free(path);
    return status;
}

static nb_status demo_make_readme(const world *w, nb_error *err)
{
    static const char trained[] = "The model in model/ was trained on such pictures and captions (jobs/train-demo in "
                                  "the sources). It knows every\n"
                                  "colour, the shapes of the ID and near-OOD pictures, flowers, gears, stripes, dots "
                                  "and checkerboards; it never\n"
                                  "saw a spiral, a lightning bolt, an hourglass, static or clouds. None of these "
                                  "pictures was in its training.\n\n";
    static const char untrained[] =
        "The weights in model/ are RANDOM: the model was never trained. Scores made with it show that every stage\n"
        "works; whether an AUROC comes out high or low says nothing about the methods.\n\n";
    const nb_demo_plan *p = w->plan;
    nb_buffer text = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(
        &text, err,
        "The demo world of negbank, seed %" PRIu64 ". Every file in it was made by `negbank demo`.\n\n"
        "labels.txt            the in-distribution (ID) label set: colour and shape\n"
        "id-train.txt          image list: ID pictures for prototypes, %zu a class (\"path label\" a line)\n"
        "id-test.txt           image list: ID pictures to score, %zu a class\n"
        "ood-near.txt          image list: the same kind of shapes and colours in other combinations, label -1\n"
        "ood-far.txt           image list: shapes no label names, patterns, noise, label -1\n"
        "wild.txt              image list: unlabelled mixture, half of it ID classes (all labels -1)\n"
        "images/               the pictures; folders are named for what is in them, except in images/wild\n"
        "captions.tsv          what every picture shows, wild ones too\n"
        "corpus/noun.demo.txt  candidate nouns and phrases, ID labels among them, untidy on purpose\n"
        "corpus/adj.demo.txt   candidate adjectives\n"
        "model/                a small CLIP checkpoint in Hugging Face layout\n%s\n%s"
        "To try it, in this folder:\n\n"
        "  negbank corpus -o c.nbc --tag by-file --exclude labels.txt corpus/noun.demo.txt corpus/adj.demo.txt\n"
        "  negbank embed text --model model -o texts.nbe c.nbc\n"
        "  negbank embed images --model model --labels-from list -o train.nbe id-train.txt\n"
        "  negbank embed images --model model --labels-from none -o wild.nbe wild.txt\n"
        "  negbank mine --texts texts.nbe --labels labels.txt --model model --id-images train.nbe \\\n"
        "      --wild-images wild.nbe -o demo.nbank\n"
        "  negbank score --bank demo.nbank --model model -o id.tsv id-test.txt\n"
        "  negbank score --bank demo.nbank --model model -o near.tsv ood-near.txt\n"
        "  negbank eval --id id.tsv --ood near=near.tsv\n",
        p->seed, nb_demo_split_count(NB_DEMO_ID_TRAIN, p->scale) / nb_demo_class_count(),
        nb_demo_split_count(NB_DEMO_ID_TEST, p->scale) / nb_demo_class_count(),
        p->training ? "train.tar             training pictures with captions, for `negbank tune --captions`\n" : "",
        p->random_weights ? untrained : trained));
    NB_TRY(demo_write_text(w, "README.txt", &text, err));
done:
    nb_buffer_free(&text);
    return status;
}

/* With force, an older README must not vouch for a world half overwritten. */
static nb_status demo_remove_readme(const world *w, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, w->directory, "README.txt", err);
    if (status == NB_OK && unlink(path) != 0 && errno != ENOENT) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", path);
    }
    free(path);
    return status;
}

nb_status nb_demo_make(const char *directory, const nb_demo_plan *plan, const nb_log *log, nb_error *err)
{
    nb_status status = NB_OK;
    world w = {.directory = directory, .plan = plan, .log = log};
    if (nb_file_is_directory(directory) && !plan->force) {
        NB_TRY(demo_check_empty(directory, err));
    }
    NB_TRY(nb_make_directories(directory, err));
    NB_TRY(demo_remove_readme(&w, err));
    NB_TRY(demo_make_labels(&w, err));
    NB_TRY(demo_make_pictures(&w, err));
    NB_TRY(demo_make_training(&w, err));
    NB_TRY(demo_make_directory(&w, "corpus", err));
    NB_TRY(demo_make_words(&w, NB_DEMO_NOUNS, "corpus/noun.demo.txt", err));
    NB_TRY(demo_make_words(&w, NB_DEMO_ADJECTIVES, "corpus/adj.demo.txt", err));
    NB_TRY(demo_make_model(&w, err));
    NB_TRY(demo_make_readme(&w, err));
    nb_log_info(log, "the demo world is in '%s'; its README.txt says what to try", directory);
done:
    nb_strings_free(&w.texts);
    return status;
}
