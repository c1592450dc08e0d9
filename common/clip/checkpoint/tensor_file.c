#include "common/clip/checkpoint/tensor_file.h"

#include "common/base/file.h"
#include "common/clip/checkpoint/pickle/torch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A format: what it begins with, and how it is read. */
typedef struct format {
    bool (*recognise)(const unsigned char *bytes, size_t len);
    nb_status (*open)(nb_tensor_file *file, const char *path, nb_error *err);
    void (*drop)(const nb_tensor_file *file, const nb_tensor *tensor);
    void (*close)(nb_tensor_file *file);
} format;

struct nb_tensor_file {
    const format *format;
    char *path;
    void *reader;             /* the format's */
    const nb_tensor *tensors; /* [count], the reader's */
    size_t count;
    bool scripted;
};

/* ---- safetensors ---- */

/* The length of a header of text, whose last two bytes of eight are 0 as long as it is below 2^48. */
static bool tensor_file_is_safetensors(const unsigned char *bytes, size_t len)
{
    return len >= 9 && bytes[6] == 0 && bytes[7] == 0 && bytes[8] == '{';
}

static nb_status tensor_file_open_safetensors(nb_tensor_file *file, const char *path, nb_error *err)
{
    nb_safetensors *s;
    nb_status status = nb_safetensors_open(&s, path, err);
    file->reader = s;
    if (status == NB_OK) {
        file->count = nb_safetensors_count(s);
        file->tensors = file->count ? nb_safetensors_at(s, 0) : NULL;
    }
    return status;
}

static void tensor_file_drop_safetensors(const nb_tensor_file *file, const nb_tensor *tensor)
{
    nb_safetensors_drop(file->reader, tensor);
}

static void tensor_file_close_safetensors(nb_tensor_file *file)
{
    nb_safetensors_close(file->reader);
}

/* ---- torch.save ---- */

static nb_status tensor_file_open_torch(nb_tensor_file *file, const char *path, nb_error *err)
{
    nb_torch *t;
    nb_status status = nb_torch_open(&t, path, err);
    file->reader = t;
    if (status == NB_OK) {
        file->count = nb_torch_count(t);
        file->tensors = file->count ? nb_torch_at(t, 0) : NULL;
        file->scripted = nb_torch_scripted(t);
    }
    return status;
}

static void tensor_file_drop_torch(const nb_tensor_file *file, const nb_tensor *tensor)
{
    nb_torch_drop(file->reader, tensor);
}

static void tensor_file_close_torch(nb_tensor_file *file)
{
    nb_torch_close(file->reader);
}

/* ---- the table ---- */

static const format formats[] = {
    {tensor_file_is_safetensors, tensor_file_open_safetensors, tensor_file_drop_safetensors,
     tensor_file_close_safetensors},
    {nb_torch_recognise, tensor_file_open_torch, tensor_file_drop_torch, tensor_file_close_torch},
};

static bool tensor_file_begins(const nb_map *map, const char *text)
{
    size_t len = strlen(text);
    return map->len >= len && strncasecmp((const char *)map->data, text, len) == 0;
}

/* What often lies where weights should. */
static nb_status tensor_file_refuse_other(const nb_map *map, const char *path, nb_error *err)
{
    if (tensor_file_begins(map, "version https://git-lfs")) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is a Git LFS pointer, not the file itself", path);
        nb_hint(err, "run 'git lfs pull' in the repository, or get the folder with 'negbank pull --model'");
        return NB_ERR_INPUT;
    }
    if (tensor_file_begins(map, "<!doctype html") || tensor_file_begins(map, "<html")) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is a web page, not the file itself", path);
        nb_hint(err, "files of a Hugging Face repository lie under '.../resolve/main/'");
        return NB_ERR_INPUT;
    }
    return NB_OK;
}

/* The format of the content; of one that is none, what the name promises, whose reader then says what is wrong. */
static nb_status tensor_file_find_format(const format **out, const char *path, nb_error *err)
{
    nb_map map;
    nb_status status;
    NB_TRY(nb_map_open(&map, path, err));
    const char *dot = strrchr(path, '.');
    bool torch_name = dot && (strcmp(dot, ".bin") == 0 || strcmp(dot, ".pt") == 0 || strcmp(dot, ".pth") == 0);
    *out = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !*out && map.len; i++) {
        *out = formats[i].recognise(map.data, map.len) ? &formats[i] : NULL;
    }
    if (!*out) {
        status = tensor_file_refuse_other(&map, path, err);
        *out = &formats[0];
        if (status == NB_OK && torch_name) {
            nb_fail(err, NB_ERR_INPUT, "'%s' is no file of torch.save: neither a zip archive nor a pickle", path);
            nb_hint(err, "copy or download the file again");
            status = NB_ERR_INPUT;
        }
    }
    nb_map_close(&map);
done:
    return status;
}

nb_status nb_tensor_file_open(nb_tensor_file **out, const char *path, nb_error *err)
{
    nb_tensor_file *file = NULL;
    nb_status status;
    *out = NULL;
    NB_TRY_NEW(file, 1);
    NB_TRY_NEW(file->path, strlen(path) + 1);
    memcpy(file->path, path, strlen(path) + 1);
    NB_TRY(tensor_file_find_format(&file->format, path, err));
    NB_TRY(file->format->open(file, path, err));
    *out = file;
    file = NULL;
done:
    nb_tensor_file_close(file);
    return status;
}

const char *nb_tensor_file_path(const nb_tensor_file *file)
{
    return file->path;
}

size_t nb_tensor_file_count(const nb_tensor_file *file)
{
    return file->count;
}

const nb_tensor *nb_tensor_file_at(const nb_tensor_file *file, size_t i)
{
    return &file->tensors[i];
}

bool nb_tensor_file_scripted(const nb_tensor_file *file)
{
    return file->scripted;
}

void nb_tensor_file_drop(const nb_tensor_file *file, const nb_tensor *tensor)
{
    file->format->drop(file, tensor);
}

void nb_tensor_file_close(nb_tensor_file *file)
{
    if (file) {
        if (file->format) {
            file->format->close(file);
        }
        free(file->path);
        free(file);
    }
}
