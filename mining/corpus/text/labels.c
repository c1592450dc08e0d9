#include "mining/corpus/text/labels.h"

#include "common/base/file.h"
#include "mining/corpus/text/normalise.h"

#include <string.h>

/* A label file while it is read. */
typedef struct label_file {
    const char *path;
    nb_strings *labels;
    nb_label_set seen;
    nb_normaliser normaliser;
} label_file;

static nb_status labels_add_label(label_file *f, const char *line, size_t len, nb_error *err)
{
    const char *path = f->path;
    nb_strings *labels = f->labels;
    nb_normaliser *n = &f->normaliser;
    size_t number = labels->count + 1, first;
    nb_drop drop = nb_normalise(n, line, len, false);
    if (drop == NB_DROP_BLANK) {
        nb_fail(err, NB_ERR_INPUT, "'%s' line %zu is blank, a label is needed", path, number);
        return nb_hint(err, "every line is one class, remove blank lines in the middle and at the end");
    }
    if (drop == NB_DROP_LONG) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: the label has more than %zu bytes", path, number,
                       n->max_bytes);
    }
    if (drop != NB_KEPT) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu is no text: %s", path, number, nb_drop_name(drop));
    }
    nb_status status = nb_strings_push(labels, n->text, n->len, err);
    if (status != NB_OK) {
        return status;
    }
    const char *label = nb_strings_get(labels, number - 1);
    nb_normalise_key(n, label, nb_strings_len(labels, number - 1));
    status = nb_label_set_add(&f->seen, n, &first, err);
    if (status == NB_OK && first != number - 1) {
        nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: label '%s' is already on line %zu as '%s'", path, number, label,
                first + 1, nb_strings_get(labels, first));
        return nb_hint(err, "labels must differ by more than case, white space and underscores");
    }
    return status;
}

nb_status nb_labels_read(nb_strings *labels, const char *path, nb_error *err)
{
    nb_strings lines = {0};
    label_file f = {.path = path, .labels = labels};
    nb_status status = NB_OK;
    *labels = (nb_strings){0};
    NB_TRY(nb_file_lines(path, NB_LABEL_LINE_MAX, &lines, err));
    if (!lines.count) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' holds no labels", path);
        nb_hint(err, "write one class name a line");
        goto done;
    }
    if (lines.count > NB_LABELS_MAX) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has %zu lines, at most %d labels are accepted", path, lines.count,
                         NB_LABELS_MAX);
        goto done;
    }
    NB_TRY(nb_normaliser_open(&f.normaliser, NB_LABEL_BYTES_MAX, err));
    NB_TRY(nb_label_set_open(&f.seen, lines.count, err));
    for (size_t i = 0; i < lines.count; i++) {
        NB_TRY(labels_add_label(&f, nb_strings_get(&lines, i), nb_strings_len(&lines, i), err));
    }
done:
    if (status != NB_OK) {
        nb_strings_free(labels);
    }
    nb_label_set_close(&f.seen);
    nb_normaliser_close(&f.normaliser);
    nb_strings_free(&lines);
    return status;
}

nb_status nb_matcher_open(nb_matcher *m, const nb_strings *list, nb_error *err)
{
    size_t index;
    nb_status status;
    *m = (nb_matcher){0};
    NB_TRY(nb_normaliser_open(&m->normaliser, NB_LABEL_BYTES_MAX, err));
    NB_TRY(nb_label_set_open(&m->set, list->count, err));
    for (size_t c = 0; c < list->count; c++) {
        if (nb_normalise_key(&m->normaliser, nb_strings_get(list, c), nb_strings_len(list, c)) == NB_KEPT) {
            NB_TRY(nb_label_set_add(&m->set, &m->normaliser, &index, err));
        }
    }
done:
    if (status != NB_OK) {
        nb_matcher_close(m);
    }
    return status;
}

bool nb_matcher_has(nb_matcher *m, const char *text, size_t len)
{
    return nb_label_set_has(&m->set, &m->normaliser, text, len);
}

void nb_matcher_close(nb_matcher *m)
{
    nb_label_set_close(&m->set);
    nb_normaliser_close(&m->normaliser);
    *m = (nb_matcher){0};
}
