#include "scoring/files/score_file.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IMAGE, LABEL, CLASS, SCORE, OOD_SCORE, COLUMNS };
static const char *const column_names[COLUMNS] = {"image", "label", "class", "score", "ood_score"};

/* Longest number accepted; %.9g gives at most 16 bytes, other writers may print more digits. */
enum { NUMBER_MAX = 64 };

typedef struct span {
    const char *bytes;
    size_t len;
} span;

typedef struct reader {
    const char *name; /* of the file, for messages */
    span rest;
    size_t line;        /* number of the line last taken, from 1 */
    size_t at[COLUMNS]; /* where the columns stand */
    size_t fields;      /* fields a row has */
} reader;

/* Why row i cannot be ordered by; NULL when it can. */
static const char *score_file_number_fault(const nb_scores *s, size_t i)
{
    double score = s->score[i], ood_score = s->ood_score[i], first = s->ood_score[0];
    if (!isfinite(score)) {
        return "the score is not finite";
    }
    if (isnan(ood_score) != isnan(first)) {
        return "ood_score is a number in some rows and nan in others";
    }
    if (isnan(ood_score)) {
        return NULL;
    }
    if (!isfinite(ood_score) || ood_score < 0) {
        return "ood_score is neither nan nor a number from 0 on";
    }
    if (s->log_odds) {
        return NULL;
    }
    if (score < 0) {
        return "the score is negative beside an ood_score, which makes it no probability";
    }
    return score == 0 && ood_score == 0 ? "score and ood_score are both 0" : NULL;
}

/* Takes the part before the next `mark` off *rest; false when nothing is left. */
static bool score_file_cut(span *rest, char mark, span *part)
{
    if (!rest->bytes) {
        return false;
    }
    const char *end = memchr(rest->bytes, mark, rest->len);
    *part = (span){rest->bytes, end ? (size_t)(end - rest->bytes) : rest->len};
    *rest = end ? (span){end + 1, rest->len - part->len - 1} : (span){0};
    return true;
}

/* The next line without its end; *line keeps bytes NULL at the end of the file. */
static nb_status score_file_next_line(reader *r, span *line, nb_error *err)
{
    *line = (span){0};
    if (!r->rest.len || !score_file_cut(&r->rest, '\n', line)) {
        *line = (span){0};
        return NB_OK;
    }
    r->line++;
    if (line->len > NB_SCORE_LINE_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu has %zu bytes, at most %d are accepted", r->name, r->line,
                       line->len, NB_SCORE_LINE_MAX);
    }
    if (memchr(line->bytes, '\0', line->len)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu holds a NUL byte: this is no score file", r->name, r->line);
    }
    if (line->len && line->bytes[line->len - 1] == '\r') {
        line->len--;
    }
    return NB_OK;
}

/* A field as it may stand in a message: its beginning, in printable ASCII. */
static void score_file_quote(char out[48], span field)
{
    size_t n = field.len < 40 ? field.len : 40;
    for (size_t i = 0; i < n; i++) {
        out[i] = field.bytes[i] >= ' ' && field.bytes[i] <= '~' ? field.bytes[i] : '?';
    }
    snprintf(out + n, 48 - n, "%s", n < field.len ? "..." : "");
}

static nb_status score_file_parse_comment(nb_scores *out, span line, nb_error *err)
{
    size_t skip = line.len > 1 && line.bytes[1] == ' ' ? 2 : 1;
    return nb_strings_push(&out->comments, line.bytes + skip, line.len - skip, err);
}

static nb_status score_file_parse_header(reader *r, span line, nb_error *err)
{
    bool found[COLUMNS] = {false};
    span field;
    for (r->fields = 0; score_file_cut(&line, '\t', &field); r->fields++) {
        for (size_t k = 0; k < COLUMNS; k++) {
            if (field.len != strlen(column_names[k]) || memcmp(field.bytes, column_names[k], field.len) != 0) {
                continue;
            }
            if (found[k]) {
                return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: column '%s' appears twice in the header", r->name,
                               r->line, column_names[k]);
            }
            found[k] = true;
            r->at[k] = r->fields;
        }
    }
    for (size_t k = 0; k < COLUMNS; k++) {
        if (!found[k]) {
            nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: the header has no column '%s'", r->name, r->line,
                    column_names[k]);
            return nb_hint(err, "a score file begins with '#' lines, then the tab-separated header "
                                "image, label, class, score, ood_score");
        }
    }
    return NB_OK;
}

static nb_status score_file_bad_field(const reader *r, size_t column, span field, const char *want, nb_error *err)
{
    char shown[48];
    score_file_quote(shown, field);
    return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: %s '%s' is not %s", r->name, r->line, column_names[column], shown,
                   want);
}

static bool score_file_as_text(char out[NUMBER_MAX], span field)
{
    if (!field.bytes || field.len >= NUMBER_MAX) {
        return false;
    }
    memcpy(out, field.bytes, field.len);
    out[field.len] = '\0';
    return true;
}

static nb_status score_file_parse_class(const reader *r, size_t column, span field, int32_t *out, nb_error *err)
{
    char text[NUMBER_MAX];
    int64_t value;
    if (!score_file_as_text(text, field) || !nb_parse_int(text, &value) || value < -1 || value > INT32_MAX) {
        return score_file_bad_field(r, column, field, "a class number (0 or more, -1 for none)", err);
    }
    *out = (int32_t)value;
    return NB_OK;
}

static nb_status score_file_parse_real(const reader *r, size_t column, span field, bool nan_allowed, double *out,
                                       nb_error *err)
{
    char text[NUMBER_MAX];
    bool whole = score_file_as_text(text, field);
    if (whole && nan_allowed && strcasecmp(text, "nan") == 0) {
        *out = (double)NAN;
        return NB_OK;
    }
    if (!whole || !nb_parse_real(text, out)) {
        return score_file_bad_field(r, column, field, nan_allowed ? "a number or nan" : "a finite number", err);
    }
    return NB_OK;
}

/* Undoes the escapes into `name`. */
static nb_status score_file_parse_name(const reader *r, span field, nb_buffer *name, nb_error *err)
{
    nb_buffer_clear(name);
    for (size_t i = 0; i < field.len; i++) {
        char c = field.bytes[i];
        if (c == '\\') {
            char code = i + 1 < field.len ? field.bytes[i + 1] : '?';
            c = code == 't' ? '\t' : code == 'n' ? '\n' : code == 'r' ? '\r' : code == '\\' ? '\\' : '\0';
            i++;
        }
        if (c == '\0' || (c == '\r' && field.bytes[i] == '\r')) {
            score_file_bad_field(r, IMAGE, field, "a name", err);
            return nb_hint(err, "in image names a backslash is written \\\\, and tab, line feed and carriage return "
                                "\\t, \\n and \\r; no other escapes exist");
        }
        nb_status status = nb_buffer_append(name, &c, 1, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

static nb_status score_file_parse_row(reader *r, span line, nb_scores *out, nb_buffer *name, nb_error *err)
{
    span want[COLUMNS] = {{0}};
    span field;
    size_t i = out->count;
    size_t fields = 0;
    for (; score_file_cut(&line, '\t', &field); fields++) {
        for (size_t k = 0; k < COLUMNS; k++) {
            if (r->at[k] == fields) {
                want[k] = field;
            }
        }
    }
    if (fields != r->fields) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu has %zu tab-separated fields, the header has %zu", r->name,
                       r->line, fields, r->fields);
    }
    nb_status status;
    NB_TRY(score_file_parse_class(r, LABEL, want[LABEL], &out->labels[i], err));
    NB_TRY(score_file_parse_class(r, CLASS, want[CLASS], &out->classes[i], err));
    NB_TRY(score_file_parse_real(r, SCORE, want[SCORE], false, &out->score[i], err));
    NB_TRY(score_file_parse_real(r, OOD_SCORE, want[OOD_SCORE], true, &out->ood_score[i], err));
    const char *fault = score_file_number_fault(out, i);
    if (fault) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' line %zu: %s (score %.9g, ood_score %.9g)", r->name, r->line, fault,
                         out->score[i], out->ood_score[i]);
        goto done;
    }
    NB_TRY(score_file_parse_name(r, want[IMAGE], name, err));
    NB_TRY(nb_strings_push(&out->images, name->len ? name->data : "", name->len, err));
    out->count++;
done:
    return status;
}

/* Room for one row a line still to come. */
static nb_status score_file_allocate_rows(nb_scores *out, span rest, nb_error *err)
{
    nb_status status = NB_OK;
    size_t lines = 0;
    span line;
    while (score_file_cut(&rest, '\n', &line)) {
        lines++;
    }
    NB_TRY_NEW(out->labels, lines);
    NB_TRY_NEW(out->classes, lines);
    NB_TRY_NEW(out->score, lines);
    NB_TRY_NEW(out->ood_score, lines);
done:
    return status;
}

nb_status nb_scores_parse(nb_scores *out, const char *name, const char *bytes, size_t len, nb_error *err)
{
    reader r = {.name = name, .rest = {bytes, len}};
    nb_buffer unescaped = {0};
    nb_status status;
    span line;
    *out = (nb_scores){0};
    for (;;) {
        NB_TRY(score_file_next_line(&r, &line, err));
        if (!line.bytes || !line.len || line.bytes[0] != '#') {
            break;
        }
        NB_TRY(score_file_parse_comment(out, line, err));
    }
    if (!line.bytes) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has no header line: it is no score file", name);
        goto done;
    }
    nb_scores_set_kind(out);
    NB_TRY(score_file_parse_header(&r, line, err));
    NB_TRY(score_file_allocate_rows(out, r.rest, err));
    for (;;) {
        NB_TRY(score_file_next_line(&r, &line, err));
        if (!line.bytes) {
            break;
        }
        NB_TRY(score_file_parse_row(&r, line, out, &unescaped, err));
    }
    if (!out->count) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has a header but no rows: no image was scored", name);
    }
done:
    nb_buffer_free(&unescaped);
    if (status != NB_OK) {
        nb_scores_free(out);
    }
    return status;
}

nb_status nb_scores_read(nb_scores *out, const char *path, nb_error *err)
{
    nb_map map;
    *out = (nb_scores){0};
    nb_status status = nb_map_open(&map, path, err);
    if (status == NB_OK) {
        status = nb_scores_parse(out, path, (const char *)map.data, map.len, err);
        nb_map_close(&map);
    }
    return status;
}

void nb_scores_free(nb_scores *scores)
{
    if (scores) {
        nb_strings_free(&scores->images);
        nb_strings_free(&scores->comments);
        free(scores->labels);
        free(scores->classes);
        free(scores->score);
        free(scores->ood_score);
        free(scores->accepted);
        *scores = (nb_scores){0};
    }
}

static nb_status score_file_check_row(const nb_scores *s, size_t i, nb_status kind, nb_error *err)
{
    const char *fault = score_file_number_fault(s, i);
    return fault ? nb_fail(err, kind, "score row %zu (counted from 1): %s (score %.9g, ood_score %.9g)", i + 1, fault,
                           s->score[i], s->ood_score[i])
                 : NB_OK;
}

nb_status nb_score_escape(nb_buffer *out, const char *name, size_t len, nb_error *err)
{
    static const char plain[] = "\t\n\r\\";
    static const char coded[] = "tnr\\";
    nb_status status = NB_OK;
    for (size_t i = 0; i < len; i++) {
        const char *special = name[i] ? strchr(plain, name[i]) : NULL;
        if (special) {
            char pair[2] = {'\\', coded[special - plain]};
            NB_TRY(nb_buffer_append(out, pair, 2, err));
        } else {
            NB_TRY(nb_buffer_append(out, &name[i], 1, err));
        }
    }
done:
    return status;
}

static nb_status score_file_format_row(const nb_scores *s, size_t i, nb_buffer *out, nb_error *err)
{
    const char *name = nb_strings_get(&s->images, i);
    size_t len = nb_strings_len(&s->images, i);
    char ood_score[32] = "nan";
    nb_status status;
    NB_TRY(score_file_check_row(s, i, NB_ERR_NUMERIC, err));
    if (memchr(name, '\0', len)) {
        status = nb_fail(err, NB_ERR_INPUT, "the image name of score row %zu holds a NUL byte", i + 1);
        goto done;
    }
    if (s->labels[i] < -1 || s->classes[i] < -1) {
        status = nb_fail(err, NB_ERR_NUMERIC, "score row %zu has label %d and class %d, neither may be under -1", i + 1,
                         s->labels[i], s->classes[i]);
        goto done;
    }
    /* not left to printf: it would print the sign of a nan */
    if (!isnan(s->ood_score[i])) {
        snprintf(ood_score, sizeof ood_score, "%.9g", s->ood_score[i]);
    }
    nb_buffer_clear(out);
    NB_TRY(nb_score_escape(out, name, len, err));
    NB_TRY(nb_buffer_printf(out, err, "\t%d\t%d\t%.9g\t%s", s->labels[i], s->classes[i], s->score[i], ood_score));
    if (s->class_names) {
        const char *class_name = nb_scores_class_name(s, i);
        NB_TRY(nb_buffer_append(out, "\t", 1, err));
        NB_TRY(nb_score_escape(out, class_name, strlen(class_name), err));
    }
    if (s->accepted) {
        NB_TRY(nb_buffer_printf(out, err, "\t%s", s->accepted[i] ? "in" : "out"));
    }
    NB_TRY(nb_buffer_append(out, "\n", 1, err));
    if (out->len > NB_SCORE_LINE_MAX) {
        status = nb_fail(err, NB_ERR_INPUT,
                         "the image name of score row %zu is too long: its line has %zu bytes, at "
                         "most %d are accepted",
                         i + 1, out->len, NB_SCORE_LINE_MAX);
    }
done:
    return status;
}

static nb_status score_file_format_comment(span comment, nb_buffer *out, nb_error *err)
{
    nb_status status = NB_OK;
    span line;
    nb_buffer_clear(out);
    if (comment.len >= NB_SCORE_LINE_MAX - 2 || memchr(comment.bytes, '\0', comment.len)) {
        return nb_fail(err, NB_ERR_INPUT, "a comment for a score file has %zu bytes (under %d are accepted) or a NUL",
                       comment.len, NB_SCORE_LINE_MAX - 2);
    }
    while (score_file_cut(&comment, '\n', &line)) {
        NB_TRY(nb_buffer_append(out, line.len ? "# " : "#", line.len ? 2 : 1, err));
        NB_TRY(nb_buffer_append(out, line.bytes, line.len, err));
        NB_TRY(nb_buffer_append(out, "\n", 1, err));
    }
done:
    return status;
}

static nb_status score_file_put(FILE *f, const char *path, const nb_buffer *text, nb_error *err)
{
    return fwrite(text->data, 1, text->len, f) == text->len ? NB_OK
                                                            : nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
}

static nb_status score_file_write_all(const nb_scores *s, FILE *f, const char *path, nb_error *err)
{
    nb_buffer text = {0};
    nb_status status;
    for (size_t i = 0; i < s->comments.count; i++) {
        span comment = {nb_strings_get(&s->comments, i), nb_strings_len(&s->comments, i)};
        NB_TRY(score_file_format_comment(comment, &text, err));
        NB_TRY(score_file_put(f, path, &text, err));
    }
    nb_buffer_clear(&text);
    for (size_t k = 0; k < COLUMNS; k++) {
        NB_TRY(nb_buffer_printf(&text, err, "%s%s", k ? "\t" : "", column_names[k]));
    }
    NB_TRY(
        nb_buffer_printf(&text, err, "%s%s\n", s->class_names ? "\tclass_name" : "", s->accepted ? "\tdecision" : ""));
    NB_TRY(score_file_put(f, path, &text, err));
    for (size_t i = 0; i < s->count; i++) {
        NB_TRY(score_file_format_row(s, i, &text, err));
        NB_TRY(score_file_put(f, path, &text, err));
    }
done:
    nb_buffer_free(&text);
    return status;
}

nb_status nb_scores_write(const nb_scores *scores, const char *path, bool force, nb_error *err)
{
    nb_output out;
    FILE *f = NULL;
    nb_status status = nb_output_begin(&out, path, force, err);
    if (status != NB_OK) {
        goto done;
    }
    if (!scores->count) {
        status = nb_fail(err, NB_ERR_INPUT, "no scores to write to '%s'", path);
        goto done;
    }
    NB_TRY(nb_output_file(&f, &out, err));
    NB_TRY(score_file_write_all(scores, f, out.partial, err));
    int closed = fclose(f);
    f = NULL;
    if (closed != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", out.partial);
        goto done;
    }
    NB_TRY(nb_output_commit(&out, err));
done:
    if (f) {
        fclose(f);
    }
    nb_output_end(&out);
    return status;
}

const char *nb_scores_class_name(const nb_scores *s, size_t i)
{
    if (!s->class_names) {
        return NULL;
    }
    bool known = s->classes[i] >= 0 && (size_t)s->classes[i] < s->class_names->count;
    return known ? nb_strings_get(s->class_names, (size_t)s->classes[i]) : "";
}

bool nb_scores_have_odds(const nb_scores *scores)
{
    return scores->count && !isnan(scores->ood_score[0]);
}

void nb_scores_set_kind(nb_scores *scores)
{
    scores->log_odds = false;
    for (size_t i = 0; i < scores->comments.count && !scores->log_odds; i++) {
        scores->log_odds = strcmp(nb_strings_get(&scores->comments, i), NB_SCORES_LOG_ODDS) == 0;
    }
}

nb_status nb_scores_check(const nb_scores *scores, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < scores->count && status == NB_OK; i++) {
        status = score_file_check_row(scores, i, NB_ERR_INPUT, err);
    }
    return status;
}

nb_status nb_scores_keys(const nb_scores *scores, bool as_released, double *keys, nb_error *err)
{
    bool odds = nb_scores_have_odds(scores) && !scores->log_odds;
    nb_status status = nb_scores_check(scores, err);
    for (size_t i = 0; i < scores->count && status == NB_OK; i++) {
        double score = scores->score[i];
        keys[i] = as_released ? (double)(float)score : odds ? log(score) - log(scores->ood_score[i]) : score;
    }
    return status;
}

double nb_scores_accuracy(const nb_scores *scores)
{
    size_t known = 0;
    size_t right = 0;
    for (size_t i = 0; i < scores->count; i++) {
        known += scores->labels[i] >= 0;
        right += scores->labels[i] >= 0 && scores->classes[i] == scores->labels[i];
    }
    return known ? (double)right / (double)known : (double)NAN;
}
