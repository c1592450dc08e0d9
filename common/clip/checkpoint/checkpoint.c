#include "common/clip/checkpoint/checkpoint.h"

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/clip/checkpoint/layout.h"
#include "common/clip/checkpoint/tensor_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_MAX = 255 };

static const char *const single = "model.safetensors"; /* named where there are none */

typedef struct entry {
    const nb_tensor *tensor;
    size_t shard;
    bool used;
} entry;

struct nb_checkpoint {
    char *path;
    nb_strings files;
    nb_tensor_file **shards; /* [shard_count], NULL where not open yet */
    size_t shard_count;
    entry *entries; /* [count], by name */
    size_t count;
};

/* ---- the index ---- */

/* A file beside the index: nothing that leads out of the folder, nothing that steers a terminal. */
static bool checkpoint_plain_file_name(const char *name)
{
    size_t len = strlen(name);
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || *p == '/' || *p == '\\') {
            return false;
        }
    }
    return len > 0 && len <= FILE_NAME_MAX && name[0] != '.';
}

static int checkpoint_by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct shards of a weight_map in order, and in `numbers` which one each is. */
static nb_status checkpoint_number_shards(nb_shard_map *out, json_t *map, json_t *numbers, const char *path,
                                          nb_error *err)
{
    nb_status status = NB_OK;
    const char **names = NULL;
    size_t count = 0;
    const char *tensor;
    json_t *value;
    NB_TRY_NEW(names, NB_SHARDS_MAX);
    json_object_foreach(map, tensor, value)
    {
        const char *shard = json_string_value(value);
        if (!shard || !checkpoint_plain_file_name(shard)) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': the shard '%.200s' of tensor '%.200s' is not a plain file name",
                             path, shard ? shard : "(no text)", tensor);
            nb_hint(err, "shards lie in the folder of their index");
            goto done;
        }
        if (json_object_get(numbers, shard)) {
            continue;
        }
        if (count == NB_SHARDS_MAX) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' names more than %d shards", path, NB_SHARDS_MAX);
            goto done;
        }
        json_object_set_new(numbers, shard, json_integer(0));
        names[count++] = shard;
    }
    qsort(names, count, sizeof *names, checkpoint_by_text);
    for (size_t i = 0; i < count; i++) {
        NB_TRY(nb_strings_push(&out->shards, names[i], strlen(names[i]), err));
        if (json_object_set_new(numbers, names[i], json_integer((json_int_t)i)) != 0) {
            status = nb_fail(err, NB_ERR_LIMIT, "'%s': no memory for its shards", path);
            goto done;
        }
    }
done:
    free(names);
    return status;
}

nb_status nb_shard_map_parse(nb_shard_map *out, const char *json, size_t len, const char *path, nb_error *err)
{
    nb_status status;
    json_error_t where;
    json_t *root = NULL, *numbers = json_object(), *value;
    const char *tensor;
    size_t at = 0;
    status = nb_json_parse(&root, json, len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        goto done;
    }
    json_t *map = json_object_get(root, "weight_map");
    if (!json_is_object(root)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, root ? "another value" : where.text);
        goto done;
    }
    if (!json_is_object(map) || json_object_size(map) == 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has no weight_map {\"tensor\": \"shard file\"}", path);
        goto done;
    }
    NB_TRY(checkpoint_number_shards(out, map, numbers, path, err));
    NB_TRY_NEW(out->shard_of, json_object_size(map));
    json_object_foreach(map, tensor, value)
    {
        NB_TRY(nb_strings_push(&out->tensors, tensor, strlen(tensor), err));
        out->shard_of[at++] = (size_t)json_integer_value(json_object_get(numbers, json_string_value(value)));
    }
done:
    json_decref(numbers);
    json_decref(root);
    return status;
}

void nb_shard_map_free(nb_shard_map *map)
{
    nb_strings_free(&map->tensors);
    nb_strings_free(&map->shards);
    free(map->shard_of);
    *map = (nb_shard_map){0};
}

/* ---- opening ---- */

static int checkpoint_by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->tensor->name, ((const entry *)b)->tensor->name);
}

/* All tensors of all shards in one order; a name in two shards is refused. */
static nb_status checkpoint_collect(nb_checkpoint *c, nb_error *err)
{
    nb_status status = NB_OK;
    size_t total = 0;
    for (size_t s = 0; s < c->shard_count; s++) {
        total += nb_tensor_file_count(c->shards[s]);
    }
    NB_TRY_NEW(c->entries, total);
    for (size_t s = 0; s < c->shard_count; s++) {
        for (size_t i = 0; i < nb_tensor_file_count(c->shards[s]); i++) {
            c->entries[c->count++] = (entry){.tensor = nb_tensor_file_at(c->shards[s], i), .shard = s};
        }
    }
    qsort(c->entries, c->count, sizeof *c->entries, checkpoint_by_name);
    for (size_t i = 1; i < c->count; i++) {
        if (checkpoint_by_name(&c->entries[i - 1], &c->entries[i]) == 0) {
            status = nb_fail(err, NB_ERR_INPUT, "tensor '%.200s' is in two shards: '%s' and '%s'",
                             c->entries[i].tensor->name, nb_checkpoint_path_at(c, i - 1), nb_checkpoint_path_at(c, i));
            goto done;
        }
    }
done:
    return status;
}

/* The map and the shards must agree. Counted against the distinct tensors `collect` found. */
static nb_status checkpoint_check_map(nb_checkpoint *c, const nb_shard_map *map, nb_error *err)
{
    nb_status status = NB_OK;
    bool *mapped = NULL;
    size_t at;
    NB_TRY_NEW(mapped, c->count);
    for (size_t i = 0; i < map->tensors.count; i++) {
        const char *name = nb_strings_get(&map->tensors, i);
        if (!nb_checkpoint_find(c, name, &at) || c->entries[at].shard != map->shard_of[i]) {
            nb_fail(err, NB_ERR_INPUT, "'%s' places tensor '%.200s' in the shard '%s', which has it not", c->path, name,
                    nb_strings_get(&map->shards, map->shard_of[i]));
            status = nb_hint(err, "index and shards must come from one checkpoint");
            goto done;
        }
        mapped[at] = true;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (!mapped[i]) {
            nb_fail(err, NB_ERR_INPUT, "'%s' does not list tensor '%.200s' of the shard '%s'", c->path,
                    c->entries[i].tensor->name, nb_checkpoint_path_at(c, i));
            status = nb_hint(err, "index and shards must come from one checkpoint");
            goto done;
        }
    }
done:
    free(mapped);
    return status;
}

static nb_status checkpoint_open_shard(nb_checkpoint *c, size_t i, const char *directory, const char *name,
                                       nb_error *err)
{
    char *path = NULL;
    nb_status status;
    NB_TRY(nb_path_join(&path, directory, name, err));
    NB_TRY(nb_strings_push(&c->files, name, strlen(name), err));
    NB_TRY(nb_tensor_file_open(&c->shards[i], path, err));
done:
    free(path);
    return status;
}

static nb_status checkpoint_open_single(nb_checkpoint *c, const char *directory, const char *name, nb_error *err)
{
    nb_status status;
    c->shard_count = 1;
    NB_TRY_NEW(c->shards, 1);
    NB_TRY(checkpoint_open_shard(c, 0, directory, name, err));
    NB_TRY(checkpoint_collect(c, err));
done:
    return status;
}

static nb_status checkpoint_open_sharded(nb_checkpoint *c, const char *directory, const char *name, nb_error *err)
{
    nb_shard_map map = {0};
    char *text = NULL;
    size_t len;
    nb_status status;
    NB_TRY(nb_file_read(c->path, NB_INDEX_BYTES_MAX, &text, &len, err));
    NB_TRY(nb_shard_map_parse(&map, text, len, c->path, err));
    NB_TRY(nb_strings_push(&c->files, name, strlen(name), err));
    NB_TRY_NEW(c->shards, map.shards.count);
    c->shard_count = map.shards.count;
    for (size_t i = 0; i < c->shard_count; i++) {
        status = checkpoint_open_shard(c, i, directory, nb_strings_get(&map.shards, i), err);
        if (status != NB_OK) {
            nb_context(err, "'%s'", c->path);
            goto done;
        }
    }
    NB_TRY(checkpoint_collect(c, err));
    NB_TRY(checkpoint_check_map(c, &map, err));
done:
    nb_shard_map_free(&map);
    free(text);
    return status;
}

nb_status nb_checkpoint_open(nb_checkpoint **out, const char *model, nb_error *err)
{
    nb_layout layout;
    nb_checkpoint *c = NULL;
    nb_status status;
    *out = NULL;
    NB_TRY(nb_layout_find(&layout, model, err));
    NB_TRY_NEW(c, 1);
    NB_TRY(nb_path_join(&c->path, layout.folder, layout.weights ? layout.weights : single, err));
    if (!layout.weights) {
        errno = ENOENT;
        nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", c->path);
        nb_hint(err, "the weights are model.safetensors, pytorch_model.bin, open_clip_model.safetensors or "
                     "open_clip_pytorch_model.bin, the shards of one with their .index.json, or one file *.pt");
        status = NB_ERR_INPUT;
        goto done;
    }
    NB_TRY(layout.sharded ? checkpoint_open_sharded(c, layout.folder, layout.weights, err)
                          : checkpoint_open_single(c, layout.folder, layout.weights, err));
    *out = c;
    c = NULL;
done:
    nb_layout_free(&layout);
    nb_checkpoint_close(c);
    return status;
}

void nb_checkpoint_close(nb_checkpoint *c)
{
    if (c) {
        for (size_t i = 0; i < c->shard_count; i++) {
            nb_tensor_file_close(c->shards[i]);
        }
        free(c->shards);
        free(c->entries);
        free(c->path);
        nb_strings_free(&c->files);
        free(c);
    }
}

/* ---- looking up ---- */

const char *nb_checkpoint_path(const nb_checkpoint *c)
{
    return c->path;
}

const nb_strings *nb_checkpoint_files(const nb_checkpoint *c)
{
    return &c->files;
}

size_t nb_checkpoint_shards(const nb_checkpoint *c)
{
    return c->shard_count;
}

bool nb_checkpoint_scripted(const nb_checkpoint *c)
{
    return c->shard_count == 1 && nb_tensor_file_scripted(c->shards[0]);
}

size_t nb_checkpoint_count(const nb_checkpoint *c)
{
    return c->count;
}

const nb_tensor *nb_checkpoint_at(const nb_checkpoint *c, size_t i)
{
    return c->entries[i].tensor;
}

const char *nb_checkpoint_path_at(const nb_checkpoint *c, size_t i)
{
    return nb_tensor_file_path(c->shards[c->entries[i].shard]);
}

bool nb_checkpoint_used(const nb_checkpoint *c, size_t i)
{
    return c->entries[i].used;
}

void nb_checkpoint_use(nb_checkpoint *c, size_t i)
{
    c->entries[i].used = true;
}

void nb_checkpoint_drop(const nb_checkpoint *c, size_t i)
{
    nb_tensor_file_drop(c->shards[c->entries[i].shard], c->entries[i].tensor);
}

/* The first entry whose name is not below `name`, or the count. */
static size_t checkpoint_lower_bound(const nb_checkpoint *c, const char *name)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->entries[middle].tensor->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool nb_checkpoint_find(const nb_checkpoint *c, const char *name, size_t *i)
{
    *i = checkpoint_lower_bound(c, name);
    return *i < c->count && strcmp(c->entries[*i].tensor->name, name) == 0;
}

const nb_tensor *nb_checkpoint_prefix(const nb_checkpoint *c, const char *prefix)
{
    size_t at = checkpoint_lower_bound(c, prefix);
    bool found = at < c->count && strncmp(c->entries[at].tensor->name, prefix, strlen(prefix)) == 0;
    return found ? c->entries[at].tensor : NULL;
}
