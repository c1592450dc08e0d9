#include "scoring/report/evaluation.h"

#include <string.h>

/* The parts of "GROUP:NAME=FILE". */
typedef struct word {
    const char *group, *name, *path;
    size_t group_len, name_len;
} word;

static nb_status evaluation_plan_split(word *out, const char *text, const char *option, nb_error *err)
{
    const char *equals = strchr(text, '=');
    const char *colon = equals ? memchr(text, ':', (size_t)(equals - text)) : NULL;
    *out = (word){.group = "", .name = colon ? colon + 1 : text, .path = equals ? equals + 1 : NULL};
    if (colon) {
        out->group = text;
        out->group_len = (size_t)(colon - text);
    }
    out->name_len = equals ? (size_t)(equals - out->name) : 0;
    if (!out->name_len || !*out->path || (colon && !out->group_len)) {
        nb_fail(err, NB_ERR_USAGE, "--%s '%s' is not NAME=FILE", option, text);
        return nb_hint(err, "for example --%s textures=textures.tsv, or --%s far:textures=textures.tsv for a group",
                       option, option);
    }
    return NB_OK;
}

static size_t evaluation_plan_find(const nb_strings *names, const word *w)
{
    size_t i = 0;
    while (i < names->count &&
           nb_bytes_compare(nb_strings_get(names, i), nb_strings_len(names, i), w->name, w->name_len) != 0) {
        i++;
    }
    return i;
}

/* Collects the names in the order they come first in. */
static nb_status evaluation_plan_collect(nb_eval_plan *p, const nb_strings *words, const char *option, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < words->count; i++) {
        word w;
        NB_TRY(evaluation_plan_split(&w, nb_strings_get(words, i), option, err));
        size_t at = evaluation_plan_find(&p->names, &w);
        if (at == p->names.count) {
            NB_TRY(nb_strings_push(&p->names, w.name, w.name_len, err));
            NB_TRY(nb_strings_push(&p->groups, w.group, w.group_len, err));
        } else if (nb_bytes_compare(nb_strings_get(&p->groups, at), nb_strings_len(&p->groups, at), w.group,
                                    w.group_len) != 0) {
            status = nb_fail(err, NB_ERR_USAGE, "--%s '%s': the set stands in group '%s' before", option,
                             nb_strings_get(words, i), nb_strings_get(&p->groups, at));
            goto done;
        }
    }
    p->set_count = p->names.count;
done:
    return status;
}

/* The file of set `set` in run `run`: the word of that name that comes after `run` others. NULL when there is none. */
static const char *evaluation_plan_occurrence(const nb_eval_plan *p, const nb_strings *words, size_t set, size_t run)
{
    for (size_t i = 0; i < words->count; i++) {
        word w;
        nb_error none;
        if (evaluation_plan_split(&w, nb_strings_get(words, i), "", &none) == NB_OK &&
            evaluation_plan_find(&p->names, &w) == set && run-- == 0) {
            return w.path;
        }
    }
    return NULL;
}

static nb_status evaluation_plan_wrong_count(const nb_eval_plan *p, size_t set, bool more, nb_error *err)
{
    const char *name = nb_strings_get(&p->names, set);
    if (more && p->run_count == 1) {
        nb_fail(err, NB_ERR_INPUT, "the OOD set '%s' is given twice", name);
        return nb_hint(err, "give each its own NAME=FILE, or for several runs one --id a run");
    }
    nb_fail(err, NB_ERR_USAGE, "the OOD set '%s' has %s files than there are runs (%zu)", name, more ? "more" : "fewer",
            p->run_count);
    return nb_hint(err, "for several runs give every --id and every NAME once a run, in the order of the runs");
}

static nb_status evaluation_plan_place(nb_eval_plan *p, const nb_strings *words, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t run = 0; run <= p->run_count; run++) {
        for (size_t set = 0; set < p->set_count; set++) {
            const char *path = evaluation_plan_occurrence(p, words, set, run);
            if (!path != (run == p->run_count)) {
                status = evaluation_plan_wrong_count(p, set, path != NULL, err);
                goto done;
            }
            if (path) {
                NB_TRY(nb_strings_push(&p->paths, path, strlen(path), err));
            }
        }
    }
done:
    return status;
}

static nb_status evaluation_plan_check_words(const nb_strings *ids, const nb_strings *oods, const nb_strings *streams,
                                             nb_error *err)
{
    if (streams->count && (ids->count || oods->count)) {
        nb_fail(err, NB_ERR_USAGE, "--stream stands for --id and --ood: give one or the other");
        return nb_hint(err, "a stream's file holds ID images (label 0 or more) and OOD images (label -1)");
    }
    if (!streams->count && (!ids->count || !oods->count)) {
        nb_fail(err, NB_ERR_USAGE, "'eval' needs --%s", ids->count ? "ood NAME=FILE" : "id FILE");
        return nb_hint(err, "metrics need both ID and OOD images: --id FILE --ood NAME=FILE, or --stream NAME=FILE");
    }
    return NB_OK;
}

nb_status nb_eval_plan_read(nb_eval_plan *p, const nb_strings *ids, const nb_strings *oods, const nb_strings *streams,
                            nb_error *err)
{
    const nb_strings *words = streams->count ? streams : oods;
    nb_status status;
    *p = (nb_eval_plan){.streams = streams->count > 0, .run_count = ids->count};
    NB_TRY(evaluation_plan_check_words(ids, oods, streams, err));
    NB_TRY(evaluation_plan_collect(p, words, p->streams ? "stream" : "ood", err));
    while (p->streams && evaluation_plan_occurrence(p, words, 0, p->run_count)) {
        p->run_count++;
    }
    NB_TRY(evaluation_plan_place(p, words, err));
    for (size_t i = 0; i < ids->count; i++) {
        NB_TRY(nb_strings_push(&p->ids, nb_strings_get(ids, i), nb_strings_len(ids, i), err));
    }
done:
    if (status != NB_OK) {
        nb_eval_plan_free(p);
    }
    return status;
}

/* Pushes string i of a list onto the list itself, whose memory may move. */
static nb_status evaluation_plan_push_again(nb_strings *list, size_t i, nb_error *err)
{
    nb_buffer copy = {0};
    nb_status status;
    NB_TRY(nb_buffer_append(&copy, nb_strings_get(list, i), nb_strings_len(list, i), err));
    NB_TRY(nb_strings_push(list, copy.data, copy.len, err));
done:
    nb_buffer_free(&copy);
    return status;
}

nb_status nb_eval_plan_repeat(nb_eval_plan *p, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    for (; p->run_count < count; p->run_count++) {
        NB_TRY(evaluation_plan_push_again(&p->ids, 0, err));
        for (size_t set = 0; set < p->set_count; set++) {
            NB_TRY(evaluation_plan_push_again(&p->paths, set, err));
        }
    }
done:
    return status;
}

void nb_eval_plan_free(nb_eval_plan *p)
{
    if (p) {
        nb_strings_free(&p->names);
        nb_strings_free(&p->groups);
        nb_strings_free(&p->ids);
        nb_strings_free(&p->paths);
        *p = (nb_eval_plan){0};
    }
}

const char *nb_eval_plan_path(const nb_eval_plan *p, size_t run, size_t set)
{
    return nb_strings_get(&p->paths, run * p->set_count + set);
}
