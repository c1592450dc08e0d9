#include "mining/images/image_inputs.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "mining/images/image_labels.h"
#include "mining/images/image_name.h"

#include <stdlib.h>
#include <string.h>

enum { EXAMPLES_MAX = 20 };

static nb_status image_inputs_reserve(nb_image_builder *b, nb_error *err)
{
    if (b->out->count == NB_IMAGE_INPUTS_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "more than %zu images", NB_IMAGE_INPUTS_MAX);
    }
    if (b->out->count < b->cap) {
        return NB_OK;
    }
    size_t cap = b->cap ? 2 * b->cap : 256;
    nb_image_origin *origins = nb_grow(b->origins, cap, sizeof *origins, err);
    b->origins = origins ? origins : b->origins;
    nb_image_place *places = origins ? nb_grow(b->out->places, cap, sizeof *places, err) : NULL;
    if (!places) {
        return NB_ERR_LIMIT;
    }
    b->out->places = places;
    b->cap = cap;
    return NB_OK;
}

/* An image to be added: `label_text` is its label's text from a shard, "" without one. */
typedef struct found_image {
    const char *path, *name, *label_text;
    nb_image_origin from;
    nb_image_place place;
} found_image;

static nb_status image_inputs_add(nb_image_builder *b, const found_image *image, nb_error *err)
{
    const char *path = image->path, *name = image->name, *label_text = image->label_text;
    nb_status status;
    if (!nb_image_name_is_text(name, strlen(name))) {
        nb_fail(err, NB_ERR_INPUT, "the name of image '%s' holds control characters or is not UTF-8", path);
        return nb_hint(err, "rename the file");
    }
    NB_TRY(image_inputs_reserve(b, err));
    NB_TRY(nb_strings_push(&b->out->paths, path, strlen(path), err));
    NB_TRY(nb_strings_push(&b->out->names, name, strlen(name), err));
    NB_TRY(nb_strings_push(&b->label_texts, label_text, strlen(label_text), err));
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is room since the count is below the capacity */
    b->origins[b->out->count] = image->from;
    b->out->places[b->out->count++] = image->place;
    b->any_listed = b->any_listed || image->from.has_listed;
    b->any_mark = b->any_mark || *label_text;
    if (image->place.shard == NB_IMAGE_NO_SHARD) {
        b->any_class = b->any_class || image->from.class_len;
    } else {
        b->any_shard_class = b->any_shard_class || image->from.class_len;
    }
done:
    return status;
}

nb_status nb_image_builder_add_file(nb_image_builder *b, const char *path, const char *name, nb_image_origin from,
                                    nb_error *err)
{
    const found_image image = {
        .path = path, .name = name, .label_text = "", .from = from, .place = {.shard = NB_IMAGE_NO_SHARD}};
    return image_inputs_add(b, &image, err);
}

nb_status nb_image_builder_leave_out(nb_image_builder *b, const char *input, const char *name, const char *why,
                                     nb_error *err)
{
    nb_strings one = {0};
    nb_buffer text = {0};
    nb_status status = NB_OK;
    if (b->out->examples.count < EXAMPLES_MAX) {
        NB_TRY(nb_shard_example(&one, name, why, err));
        NB_TRY(nb_buffer_printf(&text, err, "'%s': %s", input, nb_strings_get(&one, 0)));
        NB_TRY(nb_strings_push(&b->out->examples, text.data, text.len, err));
    }
done:
    nb_strings_free(&one);
    nb_buffer_free(&text);
    return status;
}

/* ---- shards ---- */

static nb_status image_inputs_add_shard(nb_image_builder *b, const char *path, nb_error *err)
{
    const nb_shard *s = &b->shards[b->shards_used++];
    nb_image_inputs *out = b->out;
    nb_buffer full = {0};
    size_t number = out->shards.count, base_at = (size_t)(nb_path_base(path) - path), base_len = strlen(path) - base_at;
    nb_status status;
    uint8_t *compressed = nb_grow(out->compressed, number + 1, 1, err);
    if (!compressed) {
        return NB_ERR_LIMIT;
    }
    out->compressed = compressed;
    compressed[number] = s->compressed;
    NB_TRY(nb_strings_push(&out->shards, path, strlen(path), err));
    for (size_t i = 0; i < NB_SKIPS; i++) {
        out->skipped[i] += s->skipped[i];
    }
    for (size_t i = 0; i < NB_IMAGE_OTHER_SUFFIXES; i++) {
        out->others[i] += s->others[i];
    }
    for (size_t i = 0; i < s->examples.count && out->examples.count < EXAMPLES_MAX; i++) {
        nb_buffer_clear(&full);
        NB_TRY(nb_buffer_printf(&full, err, "'%s': %s", path, nb_strings_get(&s->examples, i)));
        NB_TRY(nb_strings_push(&out->examples, full.data, full.len, err));
    }
    if (!s->count) {
        nb_fail(err, NB_ERR_INPUT, "shard '%s' holds no images", path);
        status =
            nb_hint(err, "members named *.jpg, *.jpeg, *.png, *.webp, *.gif, *.bmp or *.tif are looked for%s%s",
                    s->examples.count ? "; left out: " : "", s->examples.count ? nb_strings_get(&s->examples, 0) : "");
        goto done;
    }
    for (size_t i = 0; i < s->count; i++) {
        const char *member = nb_strings_get(&s->names, i), *slash = strchr(member, '/');
        nb_image_origin from = {
            .listed = -1, .class_at = (uint32_t)(base_len + 1), .class_len = slash ? (uint32_t)(slash - member) : 0};
        nb_buffer_clear(&full);
        NB_TRY(nb_buffer_printf(&full, err, "%s/%s", path, member));
        const found_image image = {.path = full.data,
                                   .name = full.data + base_at,
                                   .label_text = nb_strings_get(&s->labels, i),
                                   .from = from,
                                   .place = {number, s->at[i], s->size[i]}};
        NB_TRY(image_inputs_add(b, &image, err));
    }
done:
    nb_buffer_free(&full);
    return status;
}

/* ---- all of them ---- */

static nb_status image_inputs_add_source(nb_image_builder *b, const nb_image_source *source, nb_error *err)
{
    switch (nb_image_kind_of(source->path)) {
    case NB_IMAGE_FOLDER: return nb_image_builder_add_folder(b, source->path, err);
    case NB_IMAGE_SHARD: return image_inputs_add_shard(b, source->path, err);
    case NB_IMAGE_LIST: return nb_image_builder_add_list(b, source, err);
    case NB_IMAGE_FILE: break;
    }
    nb_status status = nb_file_check(source->path, err);
    return status == NB_OK
               ? nb_image_builder_add_file(b, source->path, source->shown, (nb_image_origin){.listed = -1}, err)
               : status;
}

nb_status nb_image_inputs_build(nb_image_inputs *out, const nb_image_sources *sources, const nb_shard *shards,
                                const nb_image_choice *choice, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_builder b = {.out = out, .shards = shards};
    *out = (nb_image_inputs){.limits = choice->limits};
    if (!nb_image_labels_known(choice->labels_from)) {
        return nb_fail(err, NB_ERR_USAGE, "labels from '%s', but folder, list, cls, txt, json, none or auto is needed",
                       choice->labels_from);
    }
    if (!sources->given.count) {
        return nb_fail(err, NB_ERR_USAGE, "no image inputs: give a folder, an image list, a tar shard or an image");
    }
    for (size_t i = 0; i < sources->given.count; i++) {
        nb_image_source source = nb_image_sources_get(sources, i);
        NB_TRY(image_inputs_add_source(&b, &source, err));
    }
    NB_TRY(nb_image_labels_assign(&b, choice->labels_from, err));
done:
    free(b.origins);
    nb_strings_free(&b.label_texts);
    if (status != NB_OK) {
        nb_image_inputs_free(out);
    }
    return status;
}

void nb_image_inputs_free(nb_image_inputs *in)
{
    if (in) {
        nb_strings_free(&in->paths);
        nb_strings_free(&in->names);
        nb_strings_free(&in->classes);
        nb_strings_free(&in->shards);
        nb_strings_free(&in->examples);
        free(in->labels);
        free(in->places);
        free(in->compressed);
        *in = (nb_image_inputs){0};
    }
}
