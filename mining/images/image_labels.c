#include "mining/images/image_labels.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct slice {
    const char *bytes;
    size_t len;
} slice;

typedef enum source { NONE, FOLDER, LIST, CLS, TXT, JSON, AUTO, UNKNOWN } source;

static source image_labels_parse_source(const char *text)
{
    static const char *const names[] = {"none", "folder", "list", "cls", "txt", "json", "auto"};
    for (int i = 0; i < UNKNOWN; i++) {
        if (strcmp(text, names[i]) == 0) {
            return (source)i;
        }
    }
    return UNKNOWN;
}

bool nb_image_labels_known(const char *labels_from)
{
    return image_labels_parse_source(labels_from) != UNKNOWN;
}

const char *nb_image_labels_suffix(const char *labels_from)
{
    switch (image_labels_parse_source(labels_from)) {
    case CLS:
    case AUTO: return "cls";
    case TXT: return "txt";
    case JSON: return "json";
    default: return NULL;
    }
}

static int image_labels_by_bytes(const void *a, const void *b)
{
    const slice *x = a, *y = b;
    return nb_bytes_compare(x->bytes, x->len, y->bytes, y->len);
}

static slice image_labels_folder_class(const nb_image_builder *b, size_t i)
{
    const nb_image_origin *o = &b->origins[i];
    return (slice){nb_strings_get(&b->out->names, i) + o->class_at, o->class_len};
}

static slice image_labels_mark_class(const nb_image_builder *b, size_t i)
{
    return (slice){nb_strings_get(&b->label_texts, i), nb_strings_len(&b->label_texts, i)};
}

typedef slice (*class_finder)(const nb_image_builder *b, size_t i);

/* The distinct class names in bytewise order, into out->classes. */
static nb_status image_labels_collect_classes(nb_image_builder *b, class_finder of, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_inputs *out = b->out;
    slice *all = NULL;
    size_t count = 0;
    NB_TRY_NEW(all, out->count);
    for (size_t i = 0; i < out->count; i++) {
        slice name = of(b, i);
        if (name.len) {
            all[count++] = name;
        }
    }
    qsort(all, count, sizeof *all, image_labels_by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || image_labels_by_bytes(&all[i - 1], &all[i]) != 0) {
            NB_TRY(nb_strings_push(&out->classes, all[i].bytes, all[i].len, err));
        }
    }
done:
    free(all);
    return status;
}

static int32_t image_labels_find_class(const nb_strings *classes, const char *name, size_t len)
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

static nb_status image_labels_number_classes(nb_image_builder *b, class_finder of, nb_error *err)
{
    nb_status status = image_labels_collect_classes(b, of, err);
    for (size_t i = 0; status == NB_OK && i < b->out->count; i++) {
        slice name = of(b, i);
        b->out->labels[i] = name.len ? image_labels_find_class(&b->out->classes, name.bytes, name.len) : -1;
    }
    return status;
}

/* All marks as numbers, or, where one is none, as names. */
static nb_status image_labels_number_label_texts(nb_image_builder *b, nb_error *err)
{
    for (size_t i = 0; i < b->out->count; i++) {
        const char *label_text = nb_strings_get(&b->label_texts, i);
        int64_t value = -1;
        if (*label_text && !nb_parse_int(label_text, &value)) {
            return image_labels_number_classes(b, image_labels_mark_class, err);
        }
        if (value < -1 || value > INT32_MAX) {
            return nb_fail(err, NB_ERR_INPUT, "the label of '%s' is %s, but it must be from -1 to %d",
                           nb_strings_get(&b->out->names, i), label_text, INT32_MAX);
        }
        b->out->labels[i] = (int32_t)value;
    }
    return NB_OK;
}

static nb_status image_labels_settle_auto(const nb_image_builder *b, source *from, nb_error *err)
{
    if (b->any_listed + b->any_class + b->any_mark > 1) {
        nb_fail(err, NB_ERR_USAGE, "the inputs have two of these: labels in lists, class folders, .cls in shards");
        return nb_hint(err, "choose one of them with --labels-from list, folder, cls or none");
    }
    *from = b->any_listed ? LIST : b->any_mark ? CLS : b->any_class ? FOLDER : NONE;
    return NB_OK;
}

static nb_status image_labels_settle_source(const nb_image_builder *b, source *from, nb_error *err)
{
    if (*from == AUTO) {
        return image_labels_settle_auto(b, from, err);
    }
    if (*from == FOLDER && !b->any_class && !b->any_shard_class) {
        nb_fail(err, NB_ERR_INPUT, "labels from folders are asked for, but no input is a folder with subfolders");
        return nb_hint(err, "lay images out as FOLDER/CLASS/IMAGE, or use an image list");
    }
    if (*from == LIST && !b->any_listed) {
        nb_fail(err, NB_ERR_INPUT, "labels from lists are asked for, but no line of an image list has a label");
        return nb_hint(err, "a line is `path label`, the label a number from -1 on");
    }
    if ((*from == CLS || *from == TXT || *from == JSON) && !b->any_mark) {
        nb_fail(err, NB_ERR_INPUT, "labels from members of shards are asked for, but no image has one");
        return nb_hint(err, "the label of 0001.jpg stands in 0001.cls, 0001.txt or under --label-key in 0001.json");
    }
    return NB_OK;
}

nb_status nb_image_labels_assign(nb_image_builder *b, const char *labels_from, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_inputs *out = b->out;
    source from = image_labels_parse_source(labels_from);
    NB_TRY(image_labels_settle_source(b, &from, err));
    NB_TRY_NEW(out->labels, out->count);
    for (size_t i = 0; i < out->count; i++) {
        out->labels[i] = from == LIST ? b->origins[i].listed : -1;
    }
    if (from == FOLDER) {
        status = image_labels_number_classes(b, image_labels_folder_class, err);
    } else if (from == CLS || from == TXT || from == JSON) {
        status = image_labels_number_label_texts(b, err);
    }
done:
    return status;
}
