#include "mining/corpus/text/class_numbers.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

enum { STRANGER = -1, SHOWN = 4 };

/* The labels by the form in which they are compared. */
typedef struct finder {
    const nb_strings *labels;
    nb_normaliser normaliser;
    nb_label_set keys;
    int32_t *first; /* [keys] the first label of a key */
    bool *several;  /* [keys] it is not the only one */
} finder;

static void class_numbers_close(finder *f)
{
    nb_label_set_close(&f->keys);
    nb_normaliser_close(&f->normaliser);
    free(f->first);
    free(f->several);
    *f = (finder){0};
}

static nb_status class_numbers_open(finder *f, const nb_strings *labels, nb_error *err)
{
    nb_status status;
    *f = (finder){.labels = labels};
    NB_TRY(nb_normaliser_open(&f->normaliser, NB_LABEL_BYTES_MAX, err));
    NB_TRY(nb_label_set_open(&f->keys, labels->count + 1, err)); /* one more: the key that is looked for */
    NB_TRY_NEW(f->first, labels->count + 1);
    NB_TRY_NEW(f->several, labels->count + 1);
    for (size_t c = 0; c < labels->count; c++) {
        size_t known = f->keys.keys.count, key;
        if (nb_normalise_key(&f->normaliser, nb_strings_get(labels, c), nb_strings_len(labels, c)) != NB_KEPT) {
            continue;
        }
        NB_TRY(nb_label_set_add(&f->keys, &f->normaliser, &key, err));
        f->several[key] = key < known;
        f->first[key] = key < known ? f->first[key] : (int32_t)c;
    }
done:
    if (status != NB_OK) {
        class_numbers_close(f);
    }
    return status;
}

/* Of labels that are compared as equal, the one that is spelt as the class is, if it is the only one. */
static int32_t class_numbers_spelt(const finder *f, const char *name)
{
    int32_t found = STRANGER;
    for (size_t c = 0; c < f->labels->count; c++) {
        if (strcmp(nb_strings_get(f->labels, c), name) == 0) {
            if (found != STRANGER) {
                return STRANGER;
            }
            found = (int32_t)c;
        }
    }
    return found;
}

/* The label a class is, or STRANGER. */
static nb_status class_numbers_find(finder *f, const nb_class_numbers *images, size_t class, int32_t *label,
                                    nb_error *err)
{
    const char *name = nb_strings_get(images->names, class);
    *label = STRANGER;
    if (!nb_label_set_has(&f->keys, &f->normaliser, name, nb_strings_len(images->names, class))) {
        return NB_OK;
    }
    size_t key;
    nb_status status = nb_label_set_add(&f->keys, &f->normaliser, &key, err);
    if (status != NB_OK) {
        return status;
    }
    *label = f->several[key] ? class_numbers_spelt(f, name) : f->first[key];
    if (*label == STRANGER) {
        nb_fail(err, NB_ERR_INPUT, "'%s': class '%s' may be label %d, '%s', or another label of that name",
                images->path, name, f->first[key], nb_strings_get(f->labels, (size_t)f->first[key]));
        return nb_hint(err, "number the classes instead, as in an image list, or give each label a name of its own");
    }
    return NB_OK;
}

/* Whether all names are numbers of labels; then they are. */
static bool class_numbers_are_numbers(const nb_strings *names, size_t labels, int32_t *label_of)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = nb_strings_get(names, i);
        size_t digits = strspn(name, "0123456789");
        unsigned long number = strtoul(name, NULL, 10);
        if (!digits || name[digits] || digits > 9 || number >= labels) {
            return false;
        }
    }
    for (size_t i = 0; i < names->count; i++) {
        label_of[i] = (int32_t)strtoul(nb_strings_get(names, i), NULL, 10);
    }
    return true;
}

/* Some of the names as `'a', 'b', ...`. */
static nb_status class_numbers_list(nb_buffer *out, const nb_strings *names, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < names->count && i < SHOWN; i++) {
        NB_TRY(nb_buffer_printf(out, err, "%s'%.60s'", i ? ", " : "", nb_strings_get(names, i)));
    }
    if (names->count > SHOWN) {
        NB_TRY(nb_buffer_printf(out, err, ", ... (%zu)", names->count));
    }
done:
    return status;
}

/* A class is no label: an error, or a warning where none is. */
static nb_status class_numbers_tell(const nb_class_numbers *images, const nb_strings *labels, size_t stranger,
                                    const nb_log *log, nb_error *err)
{
    nb_buffer own = {0}, theirs = {0};
    nb_status status;
    NB_TRY(class_numbers_list(&own, images->names, err));
    NB_TRY(class_numbers_list(&theirs, labels, err));
    if (log) {
        nb_log_warn(log, "no class of '%s' is a label: its images count as without label; classes: %s; labels: %s",
                    images->path, own.data, theirs.data);
        goto done;
    }
    status = nb_fail(err, NB_ERR_INPUT, "'%s': class '%.60s' is no label; its classes: %s; the labels: %s",
                     images->path, nb_strings_get(images->names, stranger), own.data, theirs.data);
    nb_hint(err, "name the class folders as the labels are named, or number the classes as an image list does");
done:
    nb_buffer_free(&own);
    nb_buffer_free(&theirs);
    return status;
}

static nb_status class_numbers_find_all(const nb_class_numbers *images, const nb_strings *labels, int32_t *label_of,
                                        nb_error *err)
{
    finder f;
    nb_status status = class_numbers_open(&f, labels, err);
    if (status != NB_OK) {
        return status;
    }
    for (size_t i = 0; i < images->names->count; i++) {
        NB_TRY(class_numbers_find(&f, images, i, &label_of[i], err));
    }
done:
    class_numbers_close(&f);
    return status;
}

nb_status nb_class_numbers_match(const nb_class_numbers *images, const nb_strings *labels, nb_class_strangers strangers,
                                 const nb_log *log, nb_error *err)
{
    int32_t *label_of = NULL;
    size_t classes = images->names->count, unknown = 0, stranger = 0;
    nb_status status;
    if (!images->numbers || !classes) {
        return NB_OK;
    }
    NB_TRY_NEW(label_of, classes);
    NB_TRY(class_numbers_find_all(images, labels, label_of, err));
    for (size_t i = 0; i < classes; i++) {
        stranger = label_of[i] == STRANGER && !unknown++ ? i : stranger;
    }
    if (unknown == classes && class_numbers_are_numbers(images->names, labels->count, label_of)) {
        nb_log_info(log, "the classes of '%s' are named by numbers: they are taken as lines of the labels, from 0",
                    images->path);
        unknown = 0;
    }
    if (unknown && strangers != NB_STRANGERS_ALLOWED) {
        bool alone = strangers == NB_STRANGERS_ALONE && unknown == classes;
        NB_TRY(class_numbers_tell(images, labels, stranger, alone ? log : NULL, err));
    }
    for (size_t i = 0; i < images->count; i++) {
        int32_t own = images->numbers[i];
        images->numbers[i] = own >= 0 && (size_t)own < classes ? label_of[own] : own < 0 ? own : STRANGER;
    }
done:
    free(label_of);
    return status;
}
