#include "mining/images/inputs.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { LINE_MAX_BYTES = 8192, DEPTH_MAX = 64 };

/* Where an image's label may come from. */
typedef struct origin {
    int32_t listed;     /* the list's number, -1 without one */
    bool has_listed;    /* its line has a number */
    uint32_t class_len; /* bytes of its name that name its class, 0 without one */
} origin;

/* The result while it grows. */
typedef struct builder {
    nb_image_inputs *out;
    origin *origins; /* [out->count] */
    size_t cap;
    bool any_listed, any_class;
} builder;

typedef struct slice {
    const char *bytes;
    size_t len;
} slice;

static int by_bytes(const void *a, const void *b)
{
    const slice *x = a, *y = b;
    return nb_bytes_compare(x->bytes, x->len, y->bytes, y->len);
}

static bool has_suffix(const char *path)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".webp"};
    const char *dot = strrchr(nb_path_base(path), '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (strcasecmp(dot, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_text(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return nb_utf8_valid(name, len);
}

static nb_status add(builder *b, const char *path, const char *name, origin from, nb_error *err)
{
    if (!is_text(name, strlen(name))) {
        nb_fail(err, NB_ERR_INPUT, "the name of image '%s' holds control characters or is not UTF-8", path);
        return nb_hint(err, "rename the file");
    }
    if (b->out->count == NB_IMAGE_INPUTS_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "more than %zu images", NB_IMAGE_INPUTS_MAX);
    }
    if (b->out->count == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 256;
        origin *more = nb_grow(b->origins, cap, sizeof *more, err);
        if (!more) {
            return NB_ERR_LIMIT;
        }
        b->origins = more;
        b->cap = cap;
    }
    nb_status status = nb_strings_push(&b->out->paths, path, strlen(path), err);
    if (status == NB_OK) {
        status = nb_strings_push(&b->out->names, name, strlen(name), err);
    }
    if (status == NB_OK) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is room since the count is below the capacity */
        b->origins[b->out->count++] = from;
        b->any_listed = b->any_listed || from.has_listed;
        b->any_class = b->any_class || from.class_len;
    }
    return status;
}

/* ---- folders ---- */

/* Judges one entry of the walk; *take when it is an image. */
static nb_status visit(FTS *walk, FTSENT *entry, bool *take, nb_error *err)
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
    case FTS_F: *take = has_suffix(entry->fts_name); return NB_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS: errno = entry->fts_errno; return nb_fail_errno(err, NB_ERR_INPUT, "cannot read '%s'", entry->fts_path);
    case FTS_SLNONE:
        return has_suffix(entry->fts_name)
                   ? nb_fail(err, NB_ERR_INPUT, "image '%s' is a link to nothing", entry->fts_path)
                   : NB_OK;
    default: return NB_OK;
    }
}

/* The names of the images under a folder, in the file system's order. */
static nb_status walk_folder(const char *folder, nb_strings *names, nb_error *err)
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
        NB_TRY(visit(walk, entry, &take, err));
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

static nb_status add_folder(builder *b, const char *folder, nb_error *err)
{
    nb_status status = NB_OK;
    nb_strings names = {0};
    slice *sorted = NULL;
    char *path = NULL;
    NB_TRY(walk_folder(folder, &names, err));
    if (!names.count) {
        nb_fail(err, NB_ERR_INPUT, "folder '%s' holds no images", folder);
        status = nb_hint(err, "files named *.jpg, *.jpeg, *.png or *.webp are looked for, subfolders included");
        goto done;
    }
    NB_TRY_NEW(sorted, names.count);
    for (size_t i = 0; i < names.count; i++) {
        sorted[i] = (slice){nb_strings_get(&names, i), nb_strings_len(&names, i)};
    }
    qsort(sorted, names.count, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < names.count; i++) {
        const char *slash = strchr(sorted[i].bytes, '/');
        origin from = {.listed = -1, .class_len = slash ? (uint32_t)(slash - sorted[i].bytes) : 0};
        free(path);
        NB_TRY(nb_path_join(&path, folder, sorted[i].bytes, err));
        NB_TRY(add(b, path, sorted[i].bytes, from, err));
    }
done:
    free(path);
    free(sorted);
    nb_strings_free(&names);
    return status;
}

/* ---- image lists ---- */

/* Takes the label off the end of a line, when it ends with one. */
static nb_status split_label(char *line, origin *from, nb_error *err)
{
    *from = (origin){.listed = -1};
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
    *from = (origin){.listed = (int32_t)value, .has_listed = true};
    return NB_OK;
}

static nb_status add_line(builder *b, const char *folder, char *line, nb_error *err)
{
    nb_status status = NB_OK;
    origin from;
    char *joined = NULL;
    NB_TRY(split_label(line, &from, err));
    if (line[0] != '/') {
        NB_TRY(nb_path_join(&joined, folder, line, err));
    }
    const char *path = joined ? joined : line;
    NB_TRY(nb_file_check(path, err));
    NB_TRY(add(b, path, line, from, err));
done:
    free(joined);
    return status;
}

static nb_status add_list(builder *b, const char *list, nb_error *err)
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
        status = add_line(b, folder.data, line.data, err);
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

static nb_status add_input(builder *b, const char *input, nb_error *err)
{
    if (nb_file_is_directory(input)) {
        return add_folder(b, input, err);
    }
    if (!has_suffix(input)) {
        return add_list(b, input, err);
    }
    nb_status status = nb_file_check(input, err);
    return status == NB_OK ? add(b, input, input, (origin){.listed = -1}, err) : status;
}

/* ---- labels ---- */

/* The distinct class names in bytewise order, into out->classes. */
static nb_status collect_classes(builder *b, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_inputs *out = b->out;
    slice *all = NULL;
    size_t count = 0;
    NB_TRY_NEW(all, out->count);
    for (size_t i = 0; i < out->count; i++) {
        if (b->origins[i].class_len) {
            all[count++] = (slice){nb_strings_get(&out->names, i), b->origins[i].class_len};
        }
    }
    qsort(all, count, sizeof *all, by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || by_bytes(&all[i - 1], &all[i]) != 0) {
            NB_TRY(nb_strings_push(&out->classes, all[i].bytes, all[i].len, err));
        }
    }
done:
    free(all);
    return status;
}

static int32_t find_class(const nb_strings *classes, const char *name, size_t len)
{
    size_t low = 0, high = classes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = nb_bytes_compare(nb_strings_get(classes, middle), nb_strings_len(classes, middle), name, len);
        if (order == 0) {
            return (int32_t)middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

typedef enum source { NONE, FOLDER, LIST, AUTO, UNKNOWN } source;

static source parse_source(const char *text)
{
    static const char *const names[] = {"none", "folder", "list", "auto"};
    for (int i = 0; i < UNKNOWN; i++) {
        if (strcmp(text, names[i]) == 0) {
            return (source)i;
        }
    }
    return UNKNOWN;
}

static nb_status settle_source(const builder *b, source *from, nb_error *err)
{
    if (*from == FOLDER && !b->any_class) {
        nb_fail(err, NB_ERR_INPUT, "labels from folders are asked for, but no input is a folder with subfolders");
        return nb_hint(err, "lay images out as FOLDER/CLASS/IMAGE, or use an image list");
    }
    if (*from == LIST && !b->any_listed) {
        nb_fail(err, NB_ERR_INPUT, "labels from lists are asked for, but no line of an image list has a label");
        return nb_hint(err, "a line is `path label`, the label a number from -1 on");
    }
    if (*from == AUTO && b->any_listed && b->any_class) {
        nb_fail(err, NB_ERR_USAGE, "the inputs have both labels in lists and class folders");
        return nb_hint(err, "choose one of them with --labels-from list, folder or none");
    }
    if (*from == AUTO) {
        *from = b->any_listed ? LIST : b->any_class ? FOLDER : NONE;
    }
    return NB_OK;
}

static nb_status assign_labels(builder *b, source from, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_inputs *out = b->out;
    NB_TRY(settle_source(b, &from, err));
    NB_TRY_NEW(out->labels, out->count);
    if (from == FOLDER) {
        NB_TRY(collect_classes(b, err));
    }
    for (size_t i = 0; i < out->count; i++) {
        const origin *o = &b->origins[i];
        out->labels[i] = -1;
        if (from == LIST) {
            out->labels[i] = o->listed;
        } else if (from == FOLDER && o->class_len) {
            out->labels[i] = find_class(&out->classes, nb_strings_get(&out->names, i), o->class_len);
        }
    }
done:
    return status;
}

nb_status nb_image_inputs_read(nb_image_inputs *out, const nb_strings *inputs, const char *labels_from, nb_error *err)
{
    nb_status status = NB_OK;
    builder b = {.out = out};
    source from = parse_source(labels_from);
    *out = (nb_image_inputs){0};
    if (from == UNKNOWN) {
        return nb_fail(err, NB_ERR_USAGE, "labels from '%s', but folder, list, none or auto is needed", labels_from);
    }
    if (!inputs->count) {
        return nb_fail(err, NB_ERR_USAGE, "no image inputs: give a folder, an image list or an image");
    }
    for (size_t i = 0; i < inputs->count; i++) {
        NB_TRY(add_input(&b, nb_strings_get(inputs, i), err));
    }
    NB_TRY(assign_labels(&b, from, err));
done:
    free(b.origins);
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
        free(in->labels);
        *in = (nb_image_inputs){0};
    }
}
