#include "jobs/mine/mine_visual.h"

#include "common/linear/engine.h"
#include "mining/criteria/rejection/rejection.h"
#include "mining/embed/shared_model.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_mine_visual_check(const nb_mine_visual_choice *choice, const nb_mine_sources *from, nb_error *err)
{
    const char *missing = !from->model         ? "--model"
                          : !from->id_images   ? "--id-images"
                          : !from->wild_images ? "--wild-images"
                                               : NULL;
    if (!choice->count || !missing) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_USAGE, "--visual %lld needs %s", (long long)choice->count, missing);
    return nb_hint(err, "wild images are inverted through the checkpoint's text tower and judged by the ID images");
}

/* Collective. The selected candidates' rows as normalised doubles on every rank, freed by the caller: rank 0 knows
 * which they are. */
static nb_status mine_visual_read_negatives(const nb_evidence *e, const nb_selection *s, double **out, size_t *count,
                                            nb_error *err)
{
    uint64_t total = s->count;
    nb_status status;
    NB_TRY(nb_comm_broadcast(e->comm, &total, sizeof total, err));
    *count = (size_t)total;
    *out = nb_alloc(*count * e->d, sizeof **out, err);
    status = *out ? NB_OK : NB_ERR_LIMIT;
    for (size_t i = 0; status == NB_OK && e->comm->rank == 0 && i < *count; i++) {
        status = nb_store_rows(e->candidates->store, (size_t)s->ids[i], 1, *out + i * e->d, err);
    }
    NB_TRY(nb_comm_agree(e->comm, status, err));
    NB_TRY(nb_comm_broadcast(e->comm, *out, *count * e->d * sizeof **out, err));
done:
    return status;
}

/* Collective. The selected candidates' texts on every rank. */
static nb_status mine_visual_read_words(const nb_evidence *e, const nb_selection *s, size_t count, nb_strings *out,
                                        nb_error *err)
{
    uint64_t *ids = nb_alloc(count, sizeof *ids, err);
    nb_strings name = {0};
    nb_status status = nb_comm_agree(e->comm, ids ? NB_OK : NB_ERR_LIMIT, err);
    NB_TRY(status);
    if (e->comm->rank == 0) {
        memcpy(ids, s->ids, count * sizeof *ids);
    }
    NB_TRY(nb_comm_broadcast(e->comm, ids, count * sizeof *ids, err));
    for (size_t i = 0; i < count; i++) {
        nb_strings_free(&name);
        NB_TRY(nb_store_names(e->candidates->store, (size_t)ids[i], 1, &name, NULL, err));
        NB_TRY(nb_strings_push(out, nb_strings_get(&name, 0), nb_strings_len(&name, 0), err));
    }
done:
    nb_strings_free(&name);
    free(ids);
    return nb_comm_agree(e->comm, status, err);
}

static nb_status mine_visual_name_images(nb_mine_visual *v, nb_store *wild, nb_error *err)
{
    nb_strings name = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < v->visual.count; i++) {
        nb_strings_free(&name);
        NB_TRY(nb_store_names(wild, (size_t)v->visual.images[i], 1, &name, NULL, err));
        NB_TRY(nb_strings_push(&v->names, nb_strings_get(&name, 0), nb_strings_len(&name, 0), err));
    }
done:
    nb_strings_free(&name);
    return status;
}

/* The random draws share the seed of the criteria's samples, where a criterion has one. */
static uint64_t mine_visual_seed(const nb_parsed *options)
{
    const nb_option *seed = nb_option_named(options, "seed");
    return seed && seed->type == NB_OPTION_INT ? (uint64_t) * (const int64_t *)nb_option_value(options, seed) : 0;
}

nb_status nb_mine_visual_make(nb_mine_visual *out, const nb_mine_visual_choice *choice, const nb_mine_inputs *in,
                              const nb_selection *selection, nb_error *err)
{
    nb_job *job = in->job;
    const nb_evidence evidence = nb_mine_inputs_evidence(in), *e = &evidence;
    const char *model = in->from->model;
    bool tins = choice->count && strcmp(choice->method, "tins") == 0;
    nb_model opened = {0};
    nb_strings words = {0};
    double *negatives = NULL;
    nb_visual_plan plan = {.count = (size_t)choice->count,
                           .theta = choice->theta,
                           .groups = (size_t)choice->groups,
                           .seed = mine_visual_seed(job->options)};
    nb_status status = NB_OK;
    *out = (nb_mine_visual){0};
    if (!choice->count) {
        return NB_OK;
    }
    NB_TRY(nb_model_open(&opened, &job->comm, model, &nb_engine_fp32, err));
    if (opened.clip->config.projection != e->d) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' embeds to width %zu, the texts have width %zu", model,
                         opened.clip->config.projection, e->d);
        goto done;
    }
    NB_TRY(mine_visual_read_negatives(e, selection, &negatives, &plan.negative_count, err));
    plan.negatives = negatives;
    if (tins) {
        NB_TRY(mine_visual_read_words(e, selection, plan.negative_count, &words, err));
        plan.words = &words;
        plan.theta = nb_option_given(job->options, "visual-theta") == NB_FROM_DEFAULT ? 0.3 : plan.theta;
    }
    NB_TRY(nb_visual_mine(&out->visual, e, opened.clip, &plan, err));
    NB_TRY(nb_agree(job, mine_visual_name_images(out, e->wild_images, err), err));
    nb_log_info(&job->log, "%zu of %zu wild images score under %g: %zu rejected by %s, %zu visual negatives kept",
                out->visual.confident, (size_t)e->wild_images->plan.count, plan.theta, out->visual.rejected,
                nb_rejection_interneg.name, out->visual.count);
done:
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&opened);
    nb_strings_free(&words);
    free(negatives);
    return status;
}

void nb_mine_visual_free(nb_mine_visual *v)
{
    nb_visual_free(&v->visual);
    nb_strings_free(&v->names);
}
