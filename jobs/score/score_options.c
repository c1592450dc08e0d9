#include "jobs/score/score_options.h"

#include "common/base/version.h"
#include "scoring/files/image_rows.h"
#include "scoring/streams/stream.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SLOT = 8 }; /* bytes of an option's value in the command's block */
_Static_assert(sizeof(int64_t) <= SLOT && sizeof(double) <= SLOT && sizeof(const char *) <= SLOT, "a value in a slot");

/* ---- rows ---- */

static bool score_options_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* In all but default and offset. */
static bool score_options_same_row(const nb_option *a, const nb_option *b)
{
    return strcmp(a->name, b->name) == 0 && a->type == b->type && score_options_same_text(a->value, b->value) &&
           score_options_same_text(a->choices, b->choices) && score_options_same_text(a->help, b->help) &&
           !(a->min < b->min || a->min > b->min || a->max < b->max || a->max > b->max);
}

/* True when a score before number `rule` has this row. */
static bool score_options_repeats(size_t rule, const nb_option *row)
{
    for (size_t i = 0; i < rule; i++) {
        const nb_option *other = nb_parameter_find(nb_score_table[i], row->name);
        if (other && score_options_same_row(other, row)) {
            return true;
        }
    }
    return false;
}

/* Row `i` of all parameters as it stands in the first score that has it; NULL behind the last. */
static const nb_option *score_options_parameter(size_t i)
{
    size_t number = 0;
    for (size_t r = 0; r < nb_score_count; r++) {
        for (size_t k = 0; k < nb_score_table[r]->parameter_count; k++) {
            const nb_option *row = &nb_score_table[r]->parameters[k];
            if (!score_options_repeats(r, row) && number++ == i) {
                return row;
            }
        }
    }
    return NULL;
}

bool nb_score_more(size_t i, nb_option *row)
{
    const nb_option *parameter = score_options_parameter(i);
    if (parameter) {
        *row = *parameter;
        row->offset = i * SLOT;
        row->fallback = NULL; /* not given: the bank's, or the score's own */
        row->describe = nb_score_describe;
    }
    return parameter != NULL;
}

/* ---- help ---- */

/* A text of bounded size being written. */
typedef struct room {
    char *at;
    size_t size; /* bytes left, the NUL among them */
} room;

__attribute__((format(printf, 2, 3))) static void score_options_print(room *r, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(r->at, r->size, format, list);
    va_end(list);
    size_t len = n > 0 ? (size_t)n : 0;
    len = len < r->size ? len : r->size - 1;
    r->at += len;
    r->size -= len;
}

typedef bool (*score_test)(const nb_score_rule *rule, const void *what);

static bool score_options_is_stream(const nb_score_rule *rule, const void *what)
{
    (void)what;
    return rule->stream != NULL;
}

static bool score_options_is_visual(const nb_score_rule *rule, const void *what)
{
    (void)what;
    return rule->stream && rule->stream->visual_limits;
}

bool nb_score_has_corpus(const nb_score_rule *rule)
{
    return rule->stream && rule->stream->corpus;
}

bool nb_score_has_pairs(const nb_score_rule *rule)
{
    return rule->image && rule->image->pairs;
}

static bool score_options_is_pairs(const nb_score_rule *rule, const void *what)
{
    (void)what;
    return nb_score_has_pairs(rule);
}

static bool score_options_is_corpus(const nb_score_rule *rule, const void *what)
{
    (void)what;
    return nb_score_has_corpus(rule);
}

static const char *score_options_default_of(const nb_score_rule *rule, const char *name)
{
    const nb_option *row = nb_parameter_find(rule, name);
    return row && row->fallback ? row->fallback : "";
}

/* The default of the parameter is that of the row. */
static bool score_options_has_default(const nb_score_rule *rule, const void *what)
{
    const nb_option *row = what;
    return nb_parameter_find(rule, row->name) && strcmp(score_options_default_of(rule, row->name), row->fallback) == 0;
}

static bool score_options_has_parameter(const nb_score_rule *rule, const void *what)
{
    return nb_parameter_find(rule, what) != NULL;
}

/* Prints the names of the scores that pass, "a, b and c" with " and " for last; returns how many. r may be NULL. */
static size_t score_options_names(room *r, score_test test, const void *what, const char *last)
{
    size_t count = 0, number = 0;
    for (size_t i = 0; i < nb_score_count; i++) {
        count += test(nb_score_table[i], what);
    }
    for (size_t i = 0; i < nb_score_count && r; i++) {
        if (test(nb_score_table[i], what)) {
            score_options_print(r, "%s%s",
                                number == 0           ? ""
                                : number + 1 == count ? last
                                                      : ", ",
                                nb_score_table[i]->name);
            number++;
        }
    }
    if (r && !count) {
        score_options_print(r, "no score");
    }
    return count;
}

/* "default 0.5", or "default: the bank's, else 100, or 5 for adaneg and interneg". */
static void score_options_default(room *r, const char *name)
{
    const char *seen[NB_SCORE_PARAMETERS_MAX];
    size_t count = 0;
    score_options_print(r, nb_parameter_of_banks(name) ? "default: the bank's" : "default");
    for (size_t i = 0; i < nb_score_count && count < NB_SCORE_PARAMETERS_MAX; i++) {
        const nb_option *row = nb_parameter_find(nb_score_table[i], name);
        bool known = !row || !row->fallback || row->type == NB_OPTION_TEXT; /* a bank has always a seed */
        for (size_t k = 0; k < count && !known; k++) {
            known = strcmp(seen[k], row->fallback) == 0;
        }
        if (known) {
            continue;
        }
        if (count == 0) {
            score_options_print(r, "%s%s", nb_parameter_of_banks(name) ? ", else " : " ", row->fallback);
        } else {
            score_options_print(r, ", or %s for ", row->fallback);
            score_options_names(r, score_options_has_default, row, " and ");
        }
        seen[count++] = row->fallback;
    }
}

/* "32, 256 for tanl": as published. */
static void score_options_batches(room *r)
{
    score_options_print(r, "%d", NB_STREAM_BATCH);
    for (size_t i = 0; i < nb_score_count; i++) {
        const nb_stream_rule *stream = nb_score_table[i]->stream;
        if (stream && stream->batch) {
            score_options_print(r, ", %zu for %s", stream->batch, nb_score_table[i]->name);
        }
    }
}

void nb_score_describe(const nb_option *option, char *text, size_t size)
{
    room r = {text, size};
    size_t users = score_options_names(NULL, score_options_has_parameter, option->name, "");
    text[0] = '\0';
    if (users == 1) {
        score_options_names(&r, score_options_has_parameter, option->name, "");
        score_options_print(&r, ": ");
    }
    for (const char *p = option->help; *p;) {
        size_t len = strcspn(p, "{");
        score_options_print(&r, "%.*s", (int)len, p);
        p += len;
        if (strncmp(p, "{}", 2) == 0) {
            score_options_default(&r, option->name);
        } else if (strncmp(p, "{streams}", 9) == 0) {
            score_options_names(&r, score_options_is_stream, NULL, ", ");
        } else if (strncmp(p, "{visual}", 8) == 0) {
            score_options_names(&r, score_options_is_visual, NULL, ", ");
        } else if (strncmp(p, "{corpus}", 8) == 0) {
            score_options_names(&r, score_options_is_corpus, NULL, ", ");
        } else if (strncmp(p, "{pairs}", 7) == 0) {
            score_options_names(&r, score_options_is_pairs, NULL, ", ");
        } else if (strncmp(p, "{batches}", 9) == 0) {
            score_options_batches(&r);
        } else {
            score_options_print(&r, "%.1s", p);
            p += *p != '\0';
            continue;
        }
        p += strcspn(p, "}") + 1;
    }
}

/* ---- values ---- */

const char *nb_score_seed(const nb_parsed *options)
{
    const nb_option *option = nb_option_named(options, "seed");
    return option ? *(const char *const *)nb_option_value(options, option) : NULL;
}

/* Takes the user's value of one parameter; numbers and words are within their bounds. */
static nb_status score_options_take(nb_score_parameters *out, const nb_option *row, const void *value, nb_error *err)
{
    void *to = out->block + row->offset;
    switch (row->type) {
    case NB_OPTION_REAL: *(double *)to = *(const double *)value; return NB_OK;
    case NB_OPTION_INT: *(size_t *)to = (size_t) * (const int64_t *)value; return NB_OK;
    case NB_OPTION_FLAG: *(bool *)to = *(const bool *)value; return NB_OK;
    default: break;
    }
    const char *word = *(const char *const *)value;
    return nb_parameter_set(out, row, word, err) == NB_OK
               ? NB_OK
               : nb_fail(err, NB_ERR_USAGE, "--%s: '%s' is neither a number nor 'none'", row->name, word);
}

static const char *score_options_origin(nb_option_source source)
{
    switch (source) {
    case NB_FROM_COMMAND_LINE: return "command line";
    case NB_FROM_FILE: return "run file";
    case NB_FROM_ENVIRONMENT: return "environment";
    default: return "published default";
    }
}

/* Takes what the user gave. What the score does not use is looked at, too: a bad value is never passed over. */
static nb_status score_options_take_all(nb_score_chosen *out, const nb_parsed *options, nb_error *err)
{
    const nb_score_rule *rule = out->parameters.rule;
    nb_score_parameters unused;
    const nb_option *row;
    nb_status status;
    for (size_t i = 0; (row = score_options_parameter(i)) != NULL; i++) {
        nb_option_source source = nb_option_given(options, row->name);
        const nb_option *own = nb_parameter_find(rule, row->name);
        if (source == NB_FROM_DEFAULT) {
            continue;
        }
        unused = out->parameters;
        const void *value = nb_option_value(options, nb_option_named(options, row->name));
        NB_TRY(score_options_take(own ? &out->parameters : &unused, own ? own : row, value, err));
        if (own) {
            out->origin[own - rule->parameters] = score_options_origin(source);
        }
    }
    status = NB_OK;
done:
    return status;
}

nb_status nb_score_decide(nb_score_chosen *out, const nb_bank *bank, const nb_parsed *options, const char *score,
                          nb_error *err)
{
    const char *name = score ? score : bank->score;
    const nb_score_rule *rule = nb_score_find(name);
    nb_buffer names = {0};
    nb_status status;
    *out = (nb_score_chosen){0};
    if (!rule) {
        NB_TRY(nb_score_names(&names, "|", err));
        nb_fail(err, NB_ERR_INPUT, "the bank suggests score '%s', which this version does not know", name);
        status = nb_hint(err, "choose one with --score %s", names.data);
        goto done;
    }
    NB_TRY(nb_parameters_default(&out->parameters, out->origin, bank, rule, err));
    NB_TRY(score_options_take_all(out, options, err));
done:
    nb_buffer_free(&names);
    return status;
}

/* "groups 5" */
static nb_status score_options_format(nb_buffer *out, const nb_score_parameters *p, const nb_option *row, nb_error *err)
{
    nb_status status = nb_buffer_printf(out, err, "%s ", row->name);
    return status == NB_OK ? nb_parameter_format(out, p, row, err) : status;
}

/* Warns of options that the score does not use. */
static void score_options_warn_of_idle(const nb_job *job, const nb_score_rule *rule)
{
    const nb_option *row;
    for (size_t i = 0; (row = score_options_parameter(i)) != NULL; i++) {
        if (nb_option_given(job->options, row->name) != NB_FROM_DEFAULT && !nb_parameter_find(rule, row->name)) {
            nb_log_warn(&job->log, "--%s has no effect: the score %s does not use it", row->name, rule->name);
        }
    }
}

nb_status nb_score_log(const nb_job *job, const nb_score_chosen *chosen, const nb_scorer *scorer, nb_error *err)
{
    const nb_score_rule *rule = scorer->rule;
    nb_buffer line = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&line, err, "score %s:", rule->name));
    for (size_t i = 0; i < rule->parameter_count; i++) {
        NB_TRY(nb_buffer_printf(&line, err, "%s ", i ? "," : ""));
        NB_TRY(score_options_format(&line, &chosen->parameters, &rule->parameters[i], err));
        NB_TRY(nb_buffer_printf(&line, err, " (%s)", chosen->origin[i]));
    }
    score_options_warn_of_idle(job, rule);
    nb_log_info(&job->log, "%s", line.data);
    if (scorer->note[0]) {
        nb_log_warn(&job->log, "%s", scorer->note);
    }
done:
    nb_buffer_free(&line);
    return status;
}

nb_status nb_score_choose(nb_scorer *out, const nb_bank *bank, const nb_parsed *options, const char *score,
                          nb_error *err)
{
    nb_score_chosen chosen;
    nb_status status = nb_score_decide(&chosen, bank, options, score, err);
    return status == NB_OK ? nb_scorer_create(out, bank, &chosen.parameters, err) : status;
}

nb_status nb_score_comments(nb_strings *out, const nb_scorer *scorer, nb_error *err)
{
    const nb_score_rule *rule = scorer->rule;
    nb_buffer line = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&line, err, "negbank %s (%s)", nb_version(), nb_commit()));
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
    nb_buffer_clear(&line);
    NB_TRY(nb_buffer_printf(&line, err, "bank %s: %zu labels, %zu negatives", scorer->bank->digest.hex,
                            scorer->bank->label_count, scorer->bank->negative_count));
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
    nb_buffer_clear(&line);
    NB_TRY(nb_buffer_printf(&line, err, "score %s", rule->name));
    for (size_t i = 0; i < rule->parameter_count; i++) {
        const nb_option *row = &rule->parameters[i];
        if (row->type != NB_OPTION_TEXT || scorer->parameters.shared.seeded) {
            NB_TRY(nb_buffer_printf(&line, err, ", "));
            NB_TRY(score_options_format(&line, &scorer->parameters, row, err));
        }
    }
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
    if (rule->log_odds) {
        NB_TRY(nb_strings_push(out, NB_SCORES_LOG_ODDS, strlen(NB_SCORES_LOG_ODDS), err));
    }
done:
    nb_buffer_free(&line);
    return status;
}

nb_status nb_score_rows(const nb_scorer *scorer, nb_store *images, size_t begin, size_t count, nb_score_result *results,
                        nb_error *err)
{
    nb_status status = NB_OK;
    size_t d = scorer->d;
    float *rows = nb_alloc(NB_SCORE_BATCH * d, sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    for (size_t at = 0; at < count; at += NB_SCORE_BATCH) {
        size_t batch = count - at < NB_SCORE_BATCH ? count - at : NB_SCORE_BATCH;
        NB_TRY(nb_image_rows(images, begin + at, batch, rows, err));
        NB_TRY(nb_scorer_run_float(scorer, rows, batch, results + at, err));
    }
done:
    free(rows);
    return status;
}

nb_status nb_score_table_fill(nb_scores *out, const nb_strings *names, const int32_t *labels,
                              const nb_score_result *results, const nb_score_rule *rule, nb_error *err)
{
    size_t n = names->count;
    nb_status status;
    out->log_odds = rule->log_odds;
    NB_TRY_NEW(out->labels, n);
    NB_TRY_NEW(out->classes, n);
    NB_TRY_NEW(out->score, n);
    NB_TRY_NEW(out->ood_score, n);
    for (size_t i = 0; i < n; i++) {
        NB_TRY(nb_strings_push(&out->images, nb_strings_get(names, i), nb_strings_len(names, i), err));
        out->labels[i] = labels ? labels[i] : -1;
        out->classes[i] = results[i].label;
        out->score[i] = results[i].score;
        out->ood_score[i] = results[i].ood;
        out->count = i + 1;
    }
done:
    return status;
}
