#include "common/clip/checkpoint/layout.h"

#include "common/base/file.h"
#include "common/clip/checkpoint/config.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20, HUGGING_FACE = 0, OPEN_CLIP = 4 };

/* In the order they are preferred; those of open_clip begin at OPEN_CLIP. */
static const char *const weights_names[] = {
    "model.safetensors",           "model.safetensors.index.json",
    "pytorch_model.bin",           "pytorch_model.bin.index.json",
    "open_clip_model.safetensors", "open_clip_model.safetensors.index.json",
    "open_clip_pytorch_model.bin",
};
enum { WEIGHTS_NAMES = sizeof weights_names / sizeof *weights_names };

static const char *const hugging_face_config = "config.json";
static const char *const open_clip_config = "open_clip_config.json";

static bool layout_exists(const char *folder, const char *name)
{
    char *path;
    bool found = nb_path_join(&path, folder, name, NULL) == NB_OK && access(path, F_OK) == 0;
    free(path);
    return found;
}

static bool layout_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool layout_names_weights(const char *path)
{
    static const char *const ends[] = {".safetensors", ".bin", ".pt", ".pth", ".index.json"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (layout_ends_with(path, ends[i])) {
            return true;
        }
    }
    return false;
}

static nb_status layout_copy(char **out, const char *text, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status = nb_buffer_append(&b, text, strlen(text), err);
    *out = b.data;
    return status;
}

/* The only *.pt of the folder; *out NULL: there is none. */
static nb_status layout_find_pt(char **out, const char *folder, nb_error *err)
{
    DIR *d = opendir(folder);
    nb_status status = d ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", folder);
    for (const struct dirent *e; status == NB_OK && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || !layout_ends_with(e->d_name, ".pt")) {
            continue;
        }
        if (*out) {
            nb_fail(err, NB_ERR_INPUT, "'%s' holds '%s' and '%s', and no other weights", folder, *out, e->d_name);
            nb_hint(err, "name one of the files in place of the folder");
            status = NB_ERR_INPUT;
        } else {
            status = layout_copy(out, e->d_name, err);
        }
    }
    if (d) {
        closedir(d);
    }
    return status;
}

/* Whether config.json says that it is something else than a CLIP: it cannot be read as one, and names another kind of
 * model or, as timm's, none. One that is damaged is no such file. */
static bool layout_foreign(const char *folder)
{
    char *path = NULL, *text = NULL;
    size_t len;
    bool foreign = false;
    nb_clip_config config;
    if (nb_path_join(&path, folder, hugging_face_config, NULL) == NB_OK &&
        nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, NULL) == NB_OK &&
        nb_clip_config_parse(&config, text, len, false, path, NULL) != NB_OK) {
        json_t *root = json_loadb(text, len, 0, NULL);
        const char *type = json_string_value(json_object_get(root, "model_type"));
        foreign = json_is_object(root) && (!type || strcmp(type, "clip") != 0);
        json_decref(root);
    }
    free(text);
    free(path);
    return foreign;
}

bool nb_layout_index(const char *name)
{
    return layout_ends_with(name, ".index.json");
}

static nb_status layout_push(nb_strings *names, size_t begin, size_t end, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = begin; i < end && status == NB_OK; i++) {
        status = nb_strings_push(names, weights_names[i], strlen(weights_names[i]), err);
    }
    return status;
}

/* Weights of an image tower lie under Hugging Face's names where its configuration is another model's. */
nb_status nb_layout_weights(nb_strings *names, const char *folder, nb_error *err)
{
    bool hugging_face = layout_exists(folder, hugging_face_config), open_clip = layout_exists(folder, open_clip_config);
    bool foreign = hugging_face && open_clip && layout_foreign(folder);
    nb_status status;
    if (hugging_face && !foreign) {
        return layout_push(names, HUGGING_FACE, WEIGHTS_NAMES, err);
    }
    NB_TRY(layout_push(names, OPEN_CLIP, WEIGHTS_NAMES, err));
    NB_TRY(foreign ? NB_OK : layout_push(names, HUGGING_FACE, OPEN_CLIP, err));
done:
    return status;
}

/* open_clip's pair is read where Hugging Face's configuration is another model's, or has no weights of its own. */
static nb_status layout_choose(nb_layout *out, nb_error *err)
{
    const char *folder = out->folder, *weights = NULL;
    bool hugging_face = layout_exists(folder, hugging_face_config), open_clip = layout_exists(folder, open_clip_config);
    nb_strings names = {0};
    nb_status status;
    NB_TRY(nb_layout_weights(&names, folder, err));
    for (size_t i = 0; i < names.count && !weights; i++) {
        weights = layout_exists(folder, nb_strings_get(&names, i)) ? nb_strings_get(&names, i) : NULL;
    }
    out->open_clip = open_clip && (!hugging_face || (weights && strncmp(weights, "open_clip_", 10) == 0));
    out->config = out->open_clip ? open_clip_config : hugging_face ? hugging_face_config : NULL;
    out->sharded = weights && nb_layout_index(weights);
    status = weights ? layout_copy(&out->weights, weights, err) : layout_find_pt(&out->weights, folder, err);
done:
    nb_strings_free(&names);
    return status;
}

/* A file of weights, and the configuration that goes with its name. */
static nb_status layout_take_file(nb_layout *out, const char *path, nb_error *err)
{
    const char *name = nb_path_base(path);
    bool open_clip = layout_exists(out->folder, open_clip_config);
    for (size_t i = HUGGING_FACE; i < OPEN_CLIP; i++) {
        open_clip = open_clip && strcmp(name, weights_names[i]) != 0;
    }
    bool hugging_face = !open_clip && layout_exists(out->folder, hugging_face_config);
    out->open_clip = open_clip;
    out->config = open_clip ? open_clip_config : hugging_face ? hugging_face_config : NULL;
    out->sharded = nb_layout_index(name);
    return layout_copy(&out->weights, name, err);
}

nb_status nb_layout_folder(char **out, const char *path, nb_error *err)
{
    const char *name = nb_path_base(path);
    *out = NULL;
    if (nb_file_is_directory(path) || access(path, F_OK) != 0) {
        return layout_copy(out, path, err);
    }
    if (name == path) {
        return layout_copy(out, ".", err);
    }
    nb_buffer b = {0};
    size_t len = (size_t)(name - path);
    nb_status status = nb_buffer_append(&b, path, len > 1 ? len - 1 : len, err);
    *out = b.data;
    return status;
}

nb_status nb_layout_find(nb_layout *out, const char *path, nb_error *err)
{
    nb_status status;
    *out = (nb_layout){0};
    if (!nb_file_is_directory(path) && (access(path, F_OK) != 0 || !layout_names_weights(path))) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is not a folder with a checkpoint", path);
        nb_hint(err, "a Hugging Face folder is needed: config.json, model.safetensors, vocab.json, merges.txt, "
                     "preprocessor_config.json; open_clip_config.json and open_clip_model.safetensors serve too");
        return NB_ERR_INPUT;
    }
    NB_TRY(nb_layout_folder(&out->folder, path, err));
    NB_TRY(nb_file_is_directory(path) ? layout_choose(out, err) : layout_take_file(out, path, err));
done:
    if (status != NB_OK) {
        nb_layout_free(out);
    }
    return status;
}

void nb_layout_free(nb_layout *layout)
{
    free(layout->folder);
    free(layout->weights);
    *layout = (nb_layout){0};
}
