#include "jobs/mine_visual.h"

#include "common/linear/half.h"
#include "common/linear/kernels.h"
#include "mining/model.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_mine_visual_check(const nb_mine_visual_choice *choice, const char *model, const char *id_images,
                               const char *wild_images, nb_error *err)
{
    if (!choice->count || (model && id_images && wild_images)) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_USAGE, "--visual %lld needs %s", (long long)choice->count,
            !model       ? "--model"
            : !id_images ? "--id-images"
                         : "--wild-images");
    return nb_hint(err, "wild images are inverted through the checkpoint's text tower and judged by the ID images");
}

/* The selected candidates' rows as normalised doubles, freed by the caller. */
static nb_status read_negatives(nb_store *texts, const nb_selection *s, double **out, nb_error *err)
{
    size_t d = (size_t)texts->plan.width;
    void *raw = NULL;
    nb_status status;
    NB_TRY_NEW(*out, s->count * d);
    raw = nb_alloc(s->count, nb_store_row_bytes(&texts->plan), err);
    NB_TRY(raw ? nb_store_raw_rows(texts, s->ids, s->count, raw, err) : NB_ERR_LIMIT);
    for (size_t i = 0; i < s->count * d; i++) {
        (*out)[i] = (double)(texts->plan.half ? nb_half_to_float(((const uint16_t *)raw)[i]) : ((const float *)raw)[i]);
    }
    for (size_t i = 0; i < s->count; i++) {
        nb_normalise_row(*out + i * d, *out + i * d, d);
    }
done:
    free(raw);
    return status;
}

static nb_status name_images(nb_mine_visual *v, const nb_store *wild, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < v->visual.count && status == NB_OK; i++) {
        size_t image = (size_t)v->visual.images[i];
        status =
            nb_strings_push(&v->names, nb_strings_get(&wild->names, image), nb_strings_len(&wild->names, image), err);
    }
    return status;
}

static nb_visual_plan plan_of(const nb_mine_visual_choice *choice, uint64_t seed)
{
    nb_visual_plan plan = nb_visual_plan_default((size_t)choice->count);
    plan.theta = choice->theta;
    plan.groups = (size_t)choice->groups;
    plan.seed = seed;
    return plan;
}

nb_status nb_mine_visual_make(nb_mine_visual *out, nb_job *job, const nb_mine_visual_choice *choice, const char *model,
                              const nb_evidence *e, const nb_selection *selection, const nb_store *wild, nb_error *err)
{
    nb_model opened = {0};
    double *negatives = NULL;
    nb_visual_plan plan = plan_of(choice, e->seed);
    nb_status status = NB_OK;
    *out = (nb_mine_visual){0};
    if (!choice->count) {
        return NB_OK;
    }
    NB_TRY(nb_model_open(&opened, &job->team, model, err));
    if (opened.clip->config.projection != e->d) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' embeds to width %zu, the texts have width %zu", model,
                         opened.clip->config.projection, e->d);
        goto done;
    }
    NB_TRY(nb_agree(job, read_negatives(e->texts, selection, &negatives, err), err));
    NB_TRY(nb_visual_mine(&out->visual, e, opened.clip, negatives, selection->count, &plan, err));
    NB_TRY(nb_agree(job, name_images(out, wild, err), err));
    nb_log_info(&job->log, "%zu of %zu wild images score under %g: %zu rejected by interneg, %zu visual negatives kept",
                out->visual.confident, e->wild_count, plan.theta, out->visual.rejected, out->visual.count);
done:
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&opened);
    free(negatives);
    return status;
}

void nb_mine_visual_free(nb_mine_visual *v)
{
    nb_visual_free(&v->visual);
    nb_strings_free(&v->names);
}
