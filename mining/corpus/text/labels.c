#include "mining/corpus/text/labels.h"

#include "common/base/file.h"
#include "mining/corpus/text/normalise.h"

#include <stdlib.h>
#include <string.h>

enum { DOUBLES_TOLD = 4 };

/* A label file while it is read. */
typedef struct label_file {
    const char *path;
    nb_strings *labels;
    nb_label_set seen;
    nb_normaliser normaliser;
    size_t *key_line; /* [lines] of each key the first line, from 1 */
    size_t doubled;
    nb_buffer doubles; /* some of them in words */
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
    nb_normalise_key(n, nb_strings_get(labels, number - 1), nb_strings_len(labels, number - 1));
    size_t known = f->seen.keys.count;
    status = nb_label_set_add(&f->seen, n, &first, err);
    if (status != NB_OK) {
        return status;
    }
    if (first == known) {
        f->key_line[first] = number;
    } else if (f->doubled++ < DOUBLES_TOLD) {
        status = nb_buffer_printf(&f->doubles, err, "%sline %zu '%.60s' is line %zu", f->doubles.len ? ", " : "",
                                  number, nb_strings_get(labels, number - 1), f->key_line[first]);
    }
    return status;
}

/* The number that a word is, -1 for none. */
static int64_t labels_number(const char *word, size_t len)
{
    int64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (word[i] < '0' || word[i] > '9' || number > NB_LABELS_MAX) {
            return -1;
        }
        number = 10 * number + (word[i] - '0');
    }
    return len ? number : -1;
}

/* The first or the last field of a line as a number where there is another; -1 without. A blank ends the first one
 * only: "route 66" is a name. */
static int64_t labels_number_beside(const char *line, bool first)
{
    const char *apart = first ? " \t,;:|" : "\t,;:|";
    const char *end = line + strlen(line);
    line += strspn(line, " \t");
    while (end > line && strchr(" \t\r", end[-1])) {
        end--;
    }
    const char *begin = line, *stop = line + strcspn(line, apart);
    if (stop >= end) {
        return -1;
    }
    if (!first) {
        for (begin = stop = end; begin > line && !strchr(apart, begin[-1]); begin--) {
        }
    }
    return labels_number(begin, (size_t)(stop - begin));
}

/* All lines have their numbers, from 0 or 1, in front or at the end. */
static bool labels_numbered(const nb_strings *lines, bool first)
{
    int64_t from = labels_number_beside(nb_strings_get(lines, 0), first);
    bool numbered = (from == 0 || from == 1) && lines->count > 1;
    for (size_t i = 1; i < lines->count && numbered; i++) {
        numbered = labels_number_beside(nb_strings_get(lines, i), first) == from + (int64_t)i;
    }
    return numbered;
}

static bool labels_wordnet(const char *line)
{
    enum { DIGITS = 8 };
    return line[0] == 'n' && strspn(line + 1, "0123456789") == DIGITS && line[DIGITS + 1] &&
           strchr(" \t,;:|", line[DIGITS + 1]);
}

nb_label_form nb_label_form_of(const nb_strings *lines, size_t *line)
{
    bool wordnet = lines->count > 0;
    *line = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const char *text = nb_strings_get(lines, i);
        text += strspn(text, " \t");
        if (*text == '#') {
            *line = i;
            return NB_LABELS_COMMENT;
        }
        if (i == 0 && (*text == '[' || *text == '{')) {
            return NB_LABELS_JSON;
        }
        wordnet = wordnet && labels_wordnet(text);
    }
    if (wordnet) {
        return NB_LABELS_WORDNET;
    }
    return lines->count && (labels_numbered(lines, true) || labels_numbered(lines, false)) ? NB_LABELS_NUMBERED
                                                                                           : NB_LABELS_PLAIN;
}

static nb_status labels_check_form(const nb_strings *lines, const char *path, nb_error *err)
{
    static const char *const forms[] = {"", "is a comment", "begins JSON", "has a number beside its name, as all lines",
                                        "has a WordNet number before its name, as all lines"};
    static const char *const hints[] = {"", "write one class name a line and nothing else",
                                        "write one class name a line: jq -r '.[]' FILE, for an array of names",
                                        "write the names alone, in the order of their class numbers from 0",
                                        "write the names alone: cut -c11- FILE"};
    size_t line;
    nb_label_form form = nb_label_form_of(lines, &line);
    if (form == NB_LABELS_PLAIN) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' line %zu %s: '%.60s'", path, line + 1, forms[form], nb_strings_get(lines, line));
    return nb_hint(err, "%s", hints[form]);
}

nb_status nb_labels_read(nb_strings *labels, const char *path, const nb_log *log, nb_error *err)
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
    NB_TRY(labels_check_form(&lines, path, err));
    NB_TRY_NEW(f.key_line, lines.count);
    NB_TRY(nb_normaliser_open(&f.normaliser, NB_LABEL_BYTES_MAX, err));
    NB_TRY(nb_label_set_open(&f.seen, lines.count, err));
    for (size_t i = 0; i < lines.count; i++) {
        NB_TRY(labels_add_label(&f, nb_strings_get(&lines, i), nb_strings_len(&lines, i), err));
    }
    if (f.doubled) {
        nb_log_warn(log, "'%s': %zu labels have the name of one before them, each line stays a class of its own: %s%s",
                    path, f.doubled, f.doubles.data, f.doubled > DOUBLES_TOLD ? ", ..." : "");
    }
done:
    if (status != NB_OK) {
        nb_strings_free(labels);
    }
    free(f.key_line);
    nb_buffer_free(&f.doubles);
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
