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

/* A line between its blanks. */
typedef struct span {
    const char *begin, *end;
} span;

static span labels_trim(const char *line)
{
    span s = {line + strspn(line, " \t"), line + strlen(line)};
    while (s.end > s.begin && strchr(" \t\r", s.end[-1])) {
        s.end--;
    }
    return s;
}

/* The number a line begins with where something parts it from a name, -1 for none; *blank: a blank alone parts them,
 * also behind "." or ")". A blank may belong to a name: "7 eleven". */
static int64_t labels_number_before(const char *line, bool *blank)
{
    span s = labels_trim(line);
    const char *stop = s.begin + strspn(s.begin, "0123456789");
    bool marked = stop < s.end && strchr(".)", *stop) && stop + 1 < s.end && strchr(" \t", stop[1]);
    *blank = marked || (stop < s.end && *stop == ' ' && !strchr(",;:|=", stop[strspn(stop, " ")]));
    bool parted = stop < s.end && strchr(" \t,;:|=", *stop) && stop[strspn(stop, " \t,;:|=")];
    return marked || parted ? labels_number(s.begin, (size_t)(stop - s.begin)) : -1;
}

/* The number behind the last comma or tab, ... of a line, -1 for none. */
static int64_t labels_number_behind(const char *line)
{
    span s = labels_trim(line);
    const char *begin = s.end;
    while (begin > s.begin && !strchr("\t,;:|=", begin[-1])) {
        begin--;
    }
    const char *digits = begin + strspn(begin, " ");
    return begin > s.begin + 1 ? labels_number(digits, (size_t)(s.end - digits)) : -1;
}

/* All lines, but for a first one that names columns, have numbers in front or behind. Behind a blank they must count up
 * from 0 or 1. */
static bool labels_numbered(const nb_strings *lines, bool before)
{
    bool blank = false, first = true, counted = true;
    int64_t last = -1;
    size_t found = 0;
    for (size_t i = 0; i < lines->count; i++) {
        bool at_blank = false;
        const char *line = nb_strings_get(lines, i);
        int64_t number = before ? labels_number_before(line, &at_blank) : labels_number_behind(line);
        if (number < 0 && i > 0) {
            return false;
        }
        if (number >= 0) {
            counted = counted && (first ? number <= 1 : number > last);
            first = false;
            blank = blank || at_blank;
            last = number;
            found++;
        }
    }
    return found > 1 && (!blank || counted);
}

static bool labels_wordnet(const char *line, char behind)
{
    enum { DIGITS = 8 };
    if (line[0] != 'n' || strspn(line + 1, "0123456789") != DIGITS) {
        return false;
    }
    return behind ? line[DIGITS + 1] && strchr(" \t,;:|=", line[DIGITS + 1]) : !line[DIGITS + 1];
}

/* Whether a line is the element of a list in a program: 'tench', */
static bool labels_quoted(span s)
{
    s.end -= s.end > s.begin && s.end[-1] == ',';
    return s.end - s.begin > 2 && strchr("'\"", *s.begin) && s.end[-1] == *s.begin;
}

/* What the lines together show. */
static nb_label_form labels_form_of_all(const nb_strings *lines)
{
    size_t wordnet = 0, quoted = 0, listed = 0, dashed = 0, count = lines->count;
    for (size_t i = 0; i < count; i++) {
        span s = labels_trim(nb_strings_get(lines, i));
        wordnet += labels_wordnet(s.begin, ' ');
        quoted += labels_quoted(s);
        listed += s.end > s.begin && strchr(",;", s.end[-1]);
        dashed += strncmp(s.begin, "- ", 2) == 0 || strncmp(s.begin, "* ", 2) == 0;
    }
    if (wordnet && wordnet + 1 >= count && (wordnet == count || count > 2)) {
        return NB_LABELS_WORDNET;
    }
    if (2 * quoted > count && count > 1) {
        return NB_LABELS_QUOTED;
    }
    if ((2 * listed > count && count > 1) || (dashed && dashed + 1 >= count && count > 1)) {
        return NB_LABELS_LISTED;
    }
    return labels_numbered(lines, true) || labels_numbered(lines, false) ? NB_LABELS_NUMBERED : NB_LABELS_PLAIN;
}

nb_label_form nb_label_form_of(const nb_strings *lines, size_t *line)
{
    for (*line = 0; *line < lines->count; ++*line) {
        span s = labels_trim(nb_strings_get(lines, *line));
        if (*s.begin == '#' || strncmp(s.begin, "//", 2) == 0) {
            return NB_LABELS_COMMENT;
        }
        bool closing = s.end - s.begin == 1 && strchr("]}", *s.begin);
        if (closing || (*line == 0 && (*s.begin == '[' || *s.begin == '{'))) {
            return NB_LABELS_JSON;
        }
    }
    *line = 0;
    nb_label_form form = labels_form_of_all(lines);
    for (size_t i = 0; form == NB_LABELS_PLAIN && i < lines->count; i++) {
        span s = labels_trim(nb_strings_get(lines, i));
        if (memchr(s.begin, '\t', (size_t)(s.end - s.begin))) {
            *line = i;
            return NB_LABELS_TABLE;
        }
    }
    return form;
}

/* What is no error, but seldom meant: the names are what CLIP reads. */
static void labels_warn_of_names(const nb_strings *lines, const char *path, const nb_log *log)
{
    size_t wordnet = 0, dotted = 0, counted = 0, numbers = 0, count = lines->count;
    for (size_t i = 0; i < count; i++) {
        const char *line = nb_strings_get(lines, i), *blank = strrchr(line, ' ');
        size_t digits = strspn(line, "0123456789");
        wordnet += labels_wordnet(line, '\0');
        dotted += digits && line[digits] == '.';
        numbers += digits && !line[digits];
        counted += blank && labels_number(blank + 1, strlen(blank + 1)) == (int64_t)i;
    }
    const char *are = wordnet == count   ? "are WordNet numbers, not names"
                      : dotted == count  ? "begin with numbers"
                      : numbers == count ? "are numbers, not names"
                      : counted == count ? "end with numbers that count up from 0"
                                         : NULL;
    if (are && count > 1) {
        nb_log_warn(log, "'%s': all labels %s, as '%.60s': the model reads them as they are", path, are,
                    nb_strings_get(lines, 0));
    }
}

nb_status nb_labels_check_form(const nb_strings *lines, const char *path, nb_error *err)
{
    static const char names_alone[] = "write the names alone, in the order of their class numbers from 0";
    static const struct {
        const char *is, *hint;
    } forms[] = {
        [NB_LABELS_COMMENT] = {"is a comment", "write one class name a line and nothing else"},
        [NB_LABELS_JSON] = {"begins JSON, or a list of Python",
                            "write one class name a line: jq -r '.[]' FILE, for an array of names"},
        [NB_LABELS_NUMBERED] = {"has a number beside its name, as all lines", names_alone},
        [NB_LABELS_WORDNET] = {"has a WordNet number before its name, as all lines",
                               "write the names alone: cut -c11- FILE"},
        [NB_LABELS_TABLE] = {"holds a tab, as lines of a table", "write the names alone: cut -f1 FILE"},
        [NB_LABELS_QUOTED] = {"stands in quotes, as most lines", "write the names alone, without quotes and commas"},
        [NB_LABELS_LISTED] = {"is the element of a list, as most lines",
                              "write the names alone, without commas behind or dashes before them"}};
    size_t line;
    nb_label_form form = nb_label_form_of(lines, &line);
    if (form == NB_LABELS_PLAIN) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' line %zu %s: '%.60s'", path, line + 1, forms[form].is,
            nb_strings_get(lines, line));
    return nb_hint(err, "%s", forms[form].hint);
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
    NB_TRY(nb_labels_check_form(&lines, path, err));
    labels_warn_of_names(&lines, path, log);
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
