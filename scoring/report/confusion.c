#include "scoring/report/confusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_MAX = 1 << 20 }; /* beyond, class numbers are no list of labels */

static int confusion_descending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x < y) - (x > y);
}

nb_status nb_key_at_recall(const double *keys, size_t count, double recall, double *out, nb_error *err)
{
    double *sorted = NULL;
    nb_status status;
    NB_TRY_NEW(sorted, count);
    memcpy(sorted, keys, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, confusion_descending);
    size_t need = (size_t)ceil(recall * (double)count);
    *out = sorted[need ? need - 1 : 0];
done:
    free(sorted);
    return status;
}

static size_t confusion_classes_of(const nb_scores *s, bool labels)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        int32_t most = labels && s->labels[i] > s->classes[i] ? s->labels[i] : s->classes[i];
        count = most >= 0 && (size_t)most + 1 > count ? (size_t)most + 1 : count;
    }
    return count;
}

/* Keeps the image among the worst of its label: OOD images by falling key, then ID images by rising key. */
static void confusion_accuse(const nb_evaluation *e, nb_confused *c, nb_culprit who)
{
    double key = e->samples[who.sample].keys[who.row];
    size_t at = c->culprit_count;
    while (at > 0) {
        const nb_culprit *before = &c->culprits[at - 1];
        double other = e->samples[before->sample].keys[before->row];
        bool worse = who.id != before->id ? !who.id : who.id ? key < other : key > other;
        if (!worse) {
            break;
        }
        at--;
    }
    if (at == NB_CONFUSED_IMAGES) {
        return;
    }
    c->culprit_count += c->culprit_count < NB_CONFUSED_IMAGES;
    for (size_t i = c->culprit_count - 1; i > at; i--) {
        c->culprits[i] = c->culprits[i - 1];
    }
    c->culprits[at] = who;
}

static void confusion_judge_id(const nb_evaluation *e, nb_confusion *out, size_t sample)
{
    const nb_sample *s = &e->samples[sample];
    for (size_t i = 0; i < s->scores.count; i++) {
        if (s->scores.labels[i] < 0) {
            continue;
        }
        nb_confused *c = &out->labels[s->scores.labels[i]];
        bool right = s->scores.classes[i] == s->scores.labels[i];
        bool rejected = s->keys[i] < out->threshold;
        c->images++;
        c->right += right;
        c->rejected += rejected;
        if (!right || rejected) {
            confusion_accuse(e, c, (nb_culprit){sample, i, true});
        }
    }
}

static void confusion_judge_ood(const nb_evaluation *e, nb_confusion *out, size_t sample)
{
    const nb_sample *s = &e->samples[sample];
    for (size_t i = 0; i < s->scores.count; i++) {
        if (s->scores.classes[i] >= 0 && s->keys[i] >= out->threshold) {
            nb_confused *c = &out->labels[s->scores.classes[i]];
            c->taken++;
            confusion_accuse(e, c, (nb_culprit){sample, i, false});
        }
    }
}

/* For one label after the other: its ID images' most frequent wrong class. */
static nb_status confusion_find_mistaken(nb_confusion *out, const nb_scores *s, nb_error *err)
{
    size_t *counts = NULL;
    size_t *next = NULL;
    size_t *first = NULL;
    nb_status status;
    NB_TRY_NEW(counts, out->count);
    NB_TRY_NEW(first, out->count);
    NB_TRY_NEW(next, s->count);
    for (size_t i = s->count; i-- > 0;) { /* lists of rows by label: row + 1, 0 at the end */
        if (s->labels[i] >= 0) {
            next[i] = first[s->labels[i]];
            first[s->labels[i]] = i + 1;
        }
    }
    for (size_t label = 0; label < out->count; label++) {
        nb_confused *c = &out->labels[label];
        for (size_t i = first[label]; i; i = next[i - 1]) {
            int32_t class = s->classes[i - 1];
            if (class < 0 || (size_t) class == label) {
                continue;
            }
            size_t n = ++counts[class];
            if (n > c->mistaken || (n == c->mistaken && (size_t) class < c->mistaken_for)) {
                c->mistaken = n;
                c->mistaken_for = (size_t) class;
            }
        }
        for (size_t i = first[label]; i; i = next[i - 1]) {
            if (s->classes[i - 1] >= 0) {
                counts[s->classes[i - 1]] = 0;
            }
        }
    }
done:
    free(counts);
    free(first);
    free(next);
    return status;
}

static size_t confusion_blame(const nb_confused *c)
{
    return c->taken + (c->images - c->right) + c->rejected;
}

static int confusion_by_blame(const void *a, const void *b, void *labels)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    size_t p = confusion_blame(&((const nb_confused *)labels)[x]);
    size_t q = confusion_blame(&((const nb_confused *)labels)[y]);
    return p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

nb_status nb_confusion_find(nb_confusion *out, const nb_evaluation *e, nb_error *err)
{
    size_t id = e->pairs[0].id;
    const nb_sample *s = &e->samples[id];
    nb_status status;
    *out = (nb_confusion){.count = confusion_classes_of(&s->scores, true)};
    for (size_t set = 0; set < e->set_count; set++) {
        size_t other = confusion_classes_of(&e->samples[e->pairs[set].ood].scores, false);
        out->count = other > out->count ? other : out->count;
    }
    if (!out->count || out->count > CLASSES_MAX) {
        out->count = 0;
        return NB_OK;
    }
    NB_TRY(nb_key_at_recall(s->keys, s->scores.count, 0.95, &out->threshold, err));
    NB_TRY_NEW(out->labels, out->count);
    NB_TRY_NEW(out->ranked, out->count);
    for (size_t i = 0; i < out->count; i++) {
        out->labels[i].label = i;
        out->ranked[i] = i;
    }
    confusion_judge_id(e, out, id);
    for (size_t set = 0; set < e->set_count; set++) {
        confusion_judge_ood(e, out, e->pairs[set].ood);
    }
    NB_TRY(confusion_find_mistaken(out, &s->scores, err));
    qsort_r(out->ranked, out->count, sizeof *out->ranked, confusion_by_blame, out->labels);
done:
    if (status != NB_OK) {
        nb_confusion_free(out);
    }
    return status;
}

void nb_confusion_free(nb_confusion *c)
{
    if (c) {
        free(c->labels);
        free(c->ranked);
        *c = (nb_confusion){0};
    }
}
