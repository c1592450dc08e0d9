#include "scoring/report/evaluation.h"

#include "scoring/report/bootstrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_evaluation_begin(nb_evaluation *e, const nb_eval_plan *plan, bool as_released, nb_error *err)
{
    nb_status status;
    *e = (nb_evaluation){.set_count = plan->set_count, .run_count = plan->run_count, .as_released = as_released};
    bool apart = plan->streams || plan->paired; /* every set has ID images of its own */
    size_t per_run = apart ? 2 * plan->set_count : 1 + plan->set_count;
    e->sample_count = plan->run_count * per_run;
    NB_TRY_NEW(e->samples, e->sample_count);
    NB_TRY_NEW(e->pairs, plan->run_count * plan->set_count);
    for (size_t run = 0; run < plan->run_count; run++) {
        for (size_t set = 0; set < plan->set_count; set++) {
            size_t first = run * per_run;
            nb_pairing *pair = &e->pairs[run * plan->set_count + set];
            pair->id = apart ? first + 2 * set : first;
            pair->ood = apart ? first + 2 * set + 1 : first + 1 + set;
        }
    }
done:
    return status;
}

static void evaluation_sample_free(nb_sample *s)
{
    free(s->path);
    nb_scores_free(&s->scores);
    free(s->keys);
    free(s->by_name);
    *s = (nb_sample){0};
}

void nb_evaluation_free(nb_evaluation *e)
{
    if (e) {
        for (size_t i = 0; e->samples && i < e->sample_count; i++) {
            evaluation_sample_free(&e->samples[i]);
        }
        free(e->samples);
        free(e->pairs);
        *e = (nb_evaluation){0};
    }
}

static int evaluation_compare_names(const nb_scores *s, uint32_t a, uint32_t b)
{
    return nb_bytes_compare(nb_strings_get(&s->images, a), nb_strings_len(&s->images, a), nb_strings_get(&s->images, b),
                            nb_strings_len(&s->images, b));
}

static int evaluation_by_name(const void *a, const void *b, void *scores)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    int order = evaluation_compare_names(scores, x, y);
    return order ? order : (x > y) - (x < y);
}

/* The comment that begins with this word, NULL when there is none. */
static const char *evaluation_comment(const nb_sample *s, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < s->scores.comments.count; i++) {
        if (strncmp(nb_strings_get(&s->scores.comments, i), word, len) == 0) {
            return nb_strings_get(&s->scores.comments, i);
        }
    }
    return NULL;
}

/* The labels of the bank that a score file names ("bank DIGEST: 24 labels, ..."); 0 when it names none. */
static size_t evaluation_labels_said(const nb_sample *s)
{
    const char *line = evaluation_comment(s, "bank ");
    const char *colon = line ? strchr(line, ':') : NULL;
    char *end = NULL;
    unsigned long long count = colon && strncmp(colon, ": ", 2) == 0 ? strtoull(colon + 2, &end, 10) : 0;
    return end && strncmp(end, " labels", 7) == 0 && count < 1000000000 ? (size_t)count : 0;
}

static nb_status evaluation_refuse_class(const nb_sample *s, size_t i, const char *what, int32_t number,
                                         size_t label_count, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' row %zu (counted from 1), image '%.200s': %s %d, the bank's %zu labels end at %zu",
            s->path, i + 1, nb_strings_get(&s->scores.images, i), what, number, label_count, label_count - 1);
    return nb_hint(err, "classes are the line numbers, from 0, of the label file the bank was mined for");
}

/* Labels count where the images are ID images; those of OOD images may number other classes. */
static nb_status evaluation_check_classes(const nb_sample *s, size_t label_count, bool id, nb_error *err)
{
    for (size_t i = 0; label_count && i < s->scores.count; i++) {
        int32_t label = s->scores.labels[i];
        int32_t class = s->scores.classes[i];
        if (id && label >= 0 && (size_t)label >= label_count) {
            return evaluation_refuse_class(s, i, "label", label, label_count, err);
        }
        if (class >= 0 && (size_t) class >= label_count) {
            return evaluation_refuse_class(s, i, "class", class, label_count, err);
        }
    }
    return NB_OK;
}

nb_status nb_evaluation_take(nb_evaluation *e, size_t sample, const nb_sample_source *source, nb_scores *scores,
                             nb_error *err)
{
    const char *path = source->path;
    nb_sample *s = &e->samples[sample];
    size_t n = scores->count;
    nb_status status;
    s->scores = *scores;
    *scores = (nb_scores){0};
    NB_TRY_NEW(s->path, strlen(path) + 1);
    memcpy(s->path, path, strlen(path) + 1);
    if (n > UINT32_MAX) {
        status = nb_fail(err, NB_ERR_LIMIT, "'%s' has %zu rows, at most 2^32 - 1 are evaluated", path, n);
        goto done;
    }
    NB_TRY(evaluation_check_classes(s, source->label_count ? source->label_count : evaluation_labels_said(s),
                                    source->id, err));
    NB_TRY_NEW(s->keys, n);
    status = nb_scores_keys(&s->scores, e->as_released, s->keys, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        goto done;
    }
    NB_TRY_NEW(s->by_name, n);
    for (size_t i = 0; i < n; i++) {
        s->by_name[i] = (uint32_t)i;
    }
    qsort_r(s->by_name, n, sizeof *s->by_name, evaluation_by_name, &s->scores);
    for (size_t i = 1; i < n; i++) {
        if (evaluation_compare_names(&s->scores, s->by_name[i - 1], s->by_name[i]) == 0) {
            s->doubled++;
            s->example = s->by_name[i];
        }
    }
done:
    return status;
}

static nb_status evaluation_copy_rows(nb_scores *out, const nb_scores *from, bool id, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(out->labels, from->count);
    NB_TRY_NEW(out->classes, from->count);
    NB_TRY_NEW(out->score, from->count);
    NB_TRY_NEW(out->ood_score, from->count);
    for (size_t i = 0; i < from->count; i++) {
        if ((from->labels[i] >= 0) != id) {
            continue;
        }
        NB_TRY(nb_strings_push(&out->images, nb_strings_get(&from->images, i), nb_strings_len(&from->images, i), err));
        out->labels[out->count] = from->labels[i];
        out->classes[out->count] = from->classes[i];
        out->score[out->count] = from->score[i];
        out->ood_score[out->count++] = from->ood_score[i];
    }
    out->log_odds = from->log_odds;
    for (size_t i = 0; i < from->comments.count; i++) {
        NB_TRY(nb_strings_push(&out->comments, nb_strings_get(&from->comments, i), nb_strings_len(&from->comments, i),
                               err));
    }
done:
    return status;
}

nb_status nb_evaluation_split(nb_evaluation *e, const nb_pairing *pair, const char *path, const nb_scores *scores,
                              nb_error *err)
{
    nb_status status = NB_OK;
    nb_scores part = {0};
    for (int id = 0; id < 2; id++) {
        NB_TRY(evaluation_copy_rows(&part, scores, id, err));
        if (!part.count) {
            nb_fail(err, NB_ERR_INPUT, "the stream '%s' has no %s", path,
                    id ? "ID image: no row has a label" : "OOD image: no row has label -1");
            status = nb_hint(err, "in a stream ID images carry their class number and OOD images -1");
            goto done;
        }
        const nb_sample_source source = {.path = path, .id = id};
        NB_TRY(nb_evaluation_take(e, id ? pair->id : pair->ood, &source, &part, err));
    }
done:
    nb_scores_free(&part);
    return status;
}

static nb_status evaluation_check_comment(const nb_sample *a, const nb_sample *b, const char *word, nb_error *err)
{
    const char *x = evaluation_comment(a, word);
    const char *y = evaluation_comment(b, word);
    if (!x || !y || strcmp(x, y) == 0) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' and '%s' do not compare: '%.120s' against '%.120s'", a->path, b->path, x, y);
    return nb_hint(err, "score the ID and the OOD images of a run with one bank and one score");
}

nb_status nb_evaluation_check(nb_evaluation *e, nb_error *err)
{
    nb_status status = NB_OK;
    e->log_odds = e->samples[0].scores.log_odds;
    e->odds = !e->as_released && nb_scores_have_odds(&e->samples[0].scores);
    for (size_t i = 0; i < e->run_count * e->set_count; i++) {
        const nb_sample *id = &e->samples[e->pairs[i].id];
        const nb_sample *ood = &e->samples[e->pairs[i].ood];
        if (!e->as_released && nb_scores_have_odds(&id->scores) != nb_scores_have_odds(&ood->scores)) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' and '%s' do not compare: one has ood_score, the other has not",
                             id->path, ood->path);
            goto done;
        }
        if (id->scores.log_odds != ood->scores.log_odds) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' and '%s' do not compare: one has log-odds, the other has not",
                             id->path, ood->path);
            goto done;
        }
        NB_TRY(evaluation_check_comment(id, ood, "bank ", err));
        NB_TRY(evaluation_check_comment(id, ood, "score ", err));
    }
done:
    return status;
}

bool nb_evaluation_flat(const nb_evaluation *e, const nb_pairing *pair)
{
    const nb_sample *id = &e->samples[pair->id];
    const nb_sample *ood = &e->samples[pair->ood];
    double key = id->keys[0];
    for (size_t i = 0; i < id->scores.count; i++) {
        if (id->keys[i] != key) {
            return false;
        }
    }
    for (size_t i = 0; i < ood->scores.count; i++) {
        if (ood->keys[i] != key) {
            return false;
        }
    }
    return true;
}

/* A run's ID accuracy: of the one ID sample, or the mean over the sets' own. */
static double evaluation_run_accuracy(const nb_evaluation *e, const nb_pairing *pairs)
{
    double sum = 0;
    for (size_t set = 0; set < e->set_count; set++) {
        sum += nb_scores_accuracy(&e->samples[pairs[set].id].scores);
    }
    return pairs[0].id == pairs[e->set_count - 1].id ? nb_scores_accuracy(&e->samples[pairs[0].id].scores)
                                                     : sum / (double)e->set_count;
}

static nb_status evaluation_add_run(const nb_evaluation *e, size_t run, nb_metrics *rows, nb_report *out, nb_error *err)
{
    const nb_pairing *pairs = e->pairs + run * e->set_count;
    nb_status status = NB_OK;
    for (size_t set = 0; set < e->set_count; set++) {
        const nb_sample *id = &e->samples[pairs[set].id];
        const nb_sample *ood = &e->samples[pairs[set].ood];
        NB_TRY(nb_metrics_compute(&rows[set], id->keys, id->scores.count, ood->keys, ood->scores.count, err));
        if (run == 0) {
            out->id_images[set] = id->scores.count;
            out->ood_images[set] = ood->scores.count;
        }
    }
    NB_TRY(nb_report_add_run(out, rows, evaluation_run_accuracy(e, pairs), err));
done:
    return status;
}

nb_status nb_evaluation_report(const nb_evaluation *e, const nb_eval_plan *plan, const nb_bootstrap *how,
                               nb_report *out, nb_error *err)
{
    nb_metrics *rows = NULL;
    nb_status status;
    NB_TRY(nb_report_begin(out, &plan->names, &plan->groups, err));
    NB_TRY_NEW(rows, e->set_count);
    for (size_t run = 0; run < e->run_count; run++) {
        NB_TRY(evaluation_add_run(e, run, rows, out, err));
    }
    NB_TRY(nb_report_settle(out, err));
    out->ordered = e->as_released ? "the score in single precision"
                   : e->log_odds  ? "the score, a log-odd"
                   : e->odds      ? "the log-odds of the score"
                                  : "the score";
    if (how->resamples) {
        NB_TRY(nb_bootstrap_intervals(e, how, out, err));
    }
done:
    free(rows);
    if (status != NB_OK) {
        nb_report_free(out);
    }
    return status;
}
