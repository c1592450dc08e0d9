#include "mining/images/image_inputs.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "mining/images/image_labels.h"
#include "mining/images/image_name.h"

#include <errno.h>
#include <fts.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_MAX_BYTES = 8192, DEPTH_MAX = 64, EXAMPLES_MAX = 20 };

typedef struct slice {
    const char *bytes;
    size_t len;
} slice;

static int image_inputs_by_bytes(const void *a, const void *b)
{
    const slice *x = a, *y = b;
    return nb_bytes_compare(x->bytes, x->len, y->bytes, y->len);
}

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

static nb_status image_inputs_add_file(nb_image_builder *b, const char *path, const char *name, nb_image_origin from,
                                       nb_error *err)
{
    const found_image image = {
        .path = path, .name = name, .label_text = "", .from = from, .place = {.shard = NB_IMAGE_NO_SHARD}};
    return image_inputs_add(b, &image, err);
}

/* ---- folders ---- */

static nb_status image_inputs_leave_out(nb_image_builder *b, const char *input, const char *name, nb_shard_skip why,
                                        nb_error *err)
{
    nb_strings one = {0};
    nb_buffer text = {0};
    nb_status status = nb_shard_example(&one, name, why, err);
    b->out->skipped[why]++;
    if (status == NB_OK && b->out->examples.count < EXAMPLES_MAX) {
        status = nb_buffer_printf(&text, err, "'%s': %s", input, nb_strings_get(&one, 0));
        status = status == NB_OK ? nb_strings_push(&b->out->examples, text.data, text.len, err) : status;
    }
    nb_strings_free(&one);
    nb_buffer_free(&text);
    return status;
}

/* Judges a name that is no folder's; *take when it is that of an image that can be read. */
static nb_status image_inputs_judge(nb_image_builder *b, const char *folder, const FTSENT *entry, bool *take,
                                    nb_error *err)
{
    int other = entry->fts_info == FTS_F ? nb_image_name_other(entry->fts_name) : -1;
    if (other >= 0) {
        b->out->others[other]++;
    }
    if (!nb_image_name_has_suffix(entry->fts_name)) {
        return NB_OK;
    }
    const char *name = entry->fts_path + strlen(folder);
    name += strspn(name, "/");
    if (entry->fts_info != FTS_F) {
        return image_inputs_leave_out(b, folder, name, entry->fts_info == FTS_SLNONE ? NB_SKIP_DANGLING : NB_SKIP_KIND,
                                      err);
    }
    *take = nb_image_name_is_text(name, strlen(name));
    return *take ? NB_OK : image_inputs_leave_out(b, folder, name, NB_SKIP_NAME, err);
}

/* Judges one entry of the walk; *take when it is an image. */
static nb_status image_inputs_visit(nb_image_builder *b, const char *folder, FTS *walk, FTSENT *entry, bool *take,
                                    nb_error *err)
{
    bool hidden = entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.';
    *take = false;
    if (hidden) {
        if (entry->fts_info == FTS_D) {
            fts_set(walk, entry, FTS_SKIP);
        }
        return NB_OK;
    }
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level > DEPTH_MAX) {
            return nb_fail(err, NB_ERR_INPUT, "folder '%s' is more than %d levels deep", entry->fts_path, DEPTH_MAX);
        }
        return NB_OK;
    case FTS_F:
    case FTS_SLNONE:
    case FTS_DEFAULT: return image_inputs_judge(b, folder, entry, take, err);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS: errno = entry->fts_errno; return nb_fail_errno(err, NB_ERR_INPUT, "cannot read '%s'", entry->fts_path);
    default: return NB_OK;
    }
}

/* The names of the images under a folder, in the file system's order. */
static nb_status image_inputs_walk_folder(nb_image_builder *b, const char *folder, nb_strings *names, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer root = {0};
    FTS *walk = NULL;
    NB_TRY(nb_buffer_append(&root, folder, strlen(folder), err));
    char *roots[] = {root.data, NULL};
    walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        status = nb_fail_errno(err, NB_ERR_INPUT, "cannot read folder '%s'", folder);
        goto done;
    }
    FTSENT *entry;
    while (errno = 0, (entry = fts_read(walk)) != NULL) {
        bool take;
        NB_TRY(image_inputs_visit(b, folder, walk, entry, &take, err));
        const char *name = entry->fts_path + root.len;
        name += strspn(name, "/");
        if (take) {
            NB_TRY(nb_strings_push(names, name, strlen(name), err));
        }
    }
    if (errno) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot read folder '%s'", folder);
    }
done:
    if (walk) {
        fts_close(walk);
    }
    nb_buffer_free(&root);
    return status;
}

static nb_status image_inputs_add_folder(nb_image_builder *b, const char *folder, nb_error *err)
{
    nb_status status = NB_OK;
    nb_strings names = {0};
    slice *sorted = NULL;
    char *path = NULL;
    NB_TRY(image_inputs_walk_folder(b, folder, &names, err));
    if (!names.count) {
        nb_fail(err, NB_ERR_INPUT, "folder '%s' holds no images", folder);
        const nb_strings *left = &b->out->examples;
        status = nb_hint(err, "files named *.jpg, *.jpeg, *.png or *.webp are looked for, subfolders included%s%s",
                         left->count ? "; left out of " : "", left->count ? nb_strings_get(left, 0) : "");
        goto done;
    }
    NB_TRY_NEW(sorted, names.count);
    for (size_t i = 0; i < names.count; i++) {
        sorted[i] = (slice){nb_strings_get(&names, i), nb_strings_len(&names, i)};
    }
    qsort(sorted, names.count, sizeof *sorted, image_inputs_by_bytes);
    for (size_t i = 0; i < names.count; i++) {
        const char *slash = strchr(sorted[i].bytes, '/');
        nb_image_origin from = {.listed = -1, .class_len = slash ? (uint32_t)(slash - sorted[i].bytes) : 0};
        free(path);
        NB_TRY(nb_path_join(&path, folder, sorted[i].bytes, err));
        NB_TRY(image_inputs_add_file(b, path, sorted[i].bytes, from, err));
    }
done:
    free(path);
    free(sorted);
    nb_strings_free(&names);
    return status;
}

/* ---- image lists ---- */

/* Takes the label off the end of a line, when it ends with one. */
static nb_status image_inputs_split_label(char *line, nb_image_origin *from, nb_error *err)
{
    *from = (nb_image_origin){.listed = -1};
    size_t end = strlen(line);
    size_t field = end;
    while (field && !strchr(" \t", line[field - 1])) {
        field--;
    }
    int64_t value;
    if (!field || strspn(line + field, "-0123456789") != end - field || !nb_parse_int(line + field, &value) ||
        value < -1) {
        return NB_OK;
    }
    if (value > INT32_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "label %s is over %d", line + field, INT32_MAX);
    }
    while (field && strchr(" \t", line[field - 1])) {
        field--;
    }
    line[field] = '\0';
    *from = (nb_image_origin){.listed = (int32_t)value, .has_listed = true};
    return NB_OK;
}

static nb_status image_inputs_add_line(nb_image_builder *b, const char *folder, char *line, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_origin from;
    char *joined = NULL;
    NB_TRY(image_inputs_split_label(line, &from, err));
    if (line[0] != '/') {
        NB_TRY(nb_path_join(&joined, folder, line, err));
    }
    const char *path = joined ? joined : line;
    NB_TRY(nb_file_check(path, err));
    NB_TRY(image_inputs_add_file(b, path, line, from, err));
done:
    free(joined);
    return status;
}

static nb_status image_inputs_add_list(nb_image_builder *b, const char *list, nb_error *err)
{
    nb_status status = NB_OK;
    nb_strings lines = {0};
    nb_buffer folder = {0}, line = {0};
    size_t before = b->out->count;
    NB_TRY(nb_file_check(list, err));
    size_t folder_len = (size_t)(nb_path_base(list) - list);
    NB_TRY(nb_buffer_append(&folder, folder_len ? list : ".", folder_len ? folder_len : 1, err));
    status = nb_file_lines(list, LINE_MAX_BYTES, &lines, err);
    if (status != NB_OK) {
        nb_hint(err, "an image list is a text file with a line `path` or `path label` an image");
        goto done;
    }
    for (size_t i = 0; i < lines.count; i++) {
        const char *text = nb_strings_get(&lines, i);
        text += strspn(text, " \t");
        size_t len = strlen(text);
        while (len && strchr(" \t", text[len - 1])) {
            len--;
        }
        if (!len || text[0] == '#') {
            continue;
        }
        nb_buffer_clear(&line);
        NB_TRY(nb_buffer_append(&line, text, len, err));
        status = image_inputs_add_line(b, folder.data, line.data, err);
        if (status != NB_OK) {
            nb_context(err, "image list '%s' line %zu", list, i + 1);
            goto done;
        }
    }
    if (b->out->count == before) {
        status = nb_fail(err, NB_ERR_INPUT, "image list '%s' names no images", list);
    }
done:
    nb_buffer_free(&line);
    nb_buffer_free(&folder);
    nb_strings_free(&lines);
    return status;
}

/* ---- shards ---- */

bool nb_image_input_is_shard(const char *input)
{
    return nb_shard_named(input) && !nb_file_is_directory(input);
}

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
            nb_hint(err, "members named *.jpg, *.jpeg, *.png or *.webp are looked for%s%s",
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

static nb_status image_inputs_add_input(nb_image_builder *b, const char *input, nb_error *err)
{
    if (nb_file_is_directory(input)) {
        return image_inputs_add_folder(b, input, err);
    }
    if (nb_image_input_is_shard(input)) {
        return image_inputs_add_shard(b, input, err);
    }
    if (!nb_image_name_has_suffix(input)) {
        return image_inputs_add_list(b, input, err);
    }
    nb_status status = nb_file_check(input, err);
    return status == NB_OK ? image_inputs_add_file(b, input, input, (nb_image_origin){.listed = -1}, err) : status;
}

static nb_status image_inputs_expand_one(nb_strings *out, const char *pattern, nb_error *err)
{
    glob_t found = {0};
    struct stat st;
    nb_status status = NB_OK;
    if (!strpbrk(pattern, "*?[{") || stat(pattern, &st) == 0) {
        return nb_strings_push(out, pattern, strlen(pattern), err);
    }
    int code = glob(pattern, GLOB_BRACE | GLOB_ERR, NULL, &found);
    if (code == GLOB_NOMATCH) {
        status = nb_fail(err, NB_ERR_INPUT, "nothing matches '%s'", pattern);
    } else if (code != 0) {
        status = nb_fail_errno(err, code == GLOB_NOSPACE ? NB_ERR_LIMIT : NB_ERR_INPUT, "cannot match '%s'", pattern);
    }
    for (size_t i = 0; status == NB_OK && i < found.gl_pathc; i++) {
        status = nb_strings_push(out, found.gl_pathv[i], strlen(found.gl_pathv[i]), err);
    }
    globfree(&found);
    return status;
}

nb_status nb_image_inputs_expand(nb_strings *out, const nb_strings *inputs, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; status == NB_OK && i < inputs->count; i++) {
        status = image_inputs_expand_one(out, nb_strings_get(inputs, i), err);
    }
    return status;
}

nb_status nb_image_inputs_build(nb_image_inputs *out, const nb_strings *expanded, const nb_shard *shards,
                                const nb_image_choice *choice, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_builder b = {.out = out, .shards = shards};
    *out = (nb_image_inputs){.limits = choice->limits};
    if (!nb_image_labels_known(choice->labels_from)) {
        return nb_fail(err, NB_ERR_USAGE, "labels from '%s', but folder, list, cls, txt, json, none or auto is needed",
                       choice->labels_from);
    }
    if (!expanded->count) {
        return nb_fail(err, NB_ERR_USAGE, "no image inputs: give a folder, an image list, a tar shard or an image");
    }
    for (size_t i = 0; i < expanded->count; i++) {
        NB_TRY(image_inputs_add_input(&b, nb_strings_get(expanded, i), err));
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
