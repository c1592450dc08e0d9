#include "mining/tuning/tune.h"

#include "common/base/file.h"
#include "common/clip/model/export.h"
#include "common/parallel/stop.h"
#include "mining/tuning/evaluate.h"
#include "mining/tuning/folder.h"
#include "mining/tuning/state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] = "step\tepoch\trate\tloss\timage_ce\ttext_ce\timage_energy\ttext_energy\tbatch_accuracy\t"
                             "logit_scale\tid_accuracy\n";

/* Everything a run holds. */
typedef struct run {
    const nb_comm *comm;
    const nb_log *log;
    const nb_model *model;
    const nb_tune_sets *sets;
    const nb_tune_plan *plan;
    nb_tune_folder folder;
    nb_tune_data data;
    nb_tune_order order;
    nb_trainer trainer;
    nb_buffer lines; /* tune.tsv so far; rank 0's */
} run;

nb_status nb_tune_check_output(const nb_tune_plan *plan, bool *complete, nb_error *err)
{
    nb_tune_folder folder = {0};
    nb_status status;
    *complete = false;
    NB_TRY(nb_tune_folder_open(&folder, plan->output, err));
    bool there = access(folder.path, F_OK) == 0;
    if (there && !nb_file_is_directory(folder.path)) {
        status = nb_fail(err, NB_ERR_USAGE, "'%s' exists and is no folder", folder.path);
        goto done;
    }
    if (there && !plan->force && !plan->resume) {
        nb_fail(err, NB_ERR_USAGE, "'%s' exists", folder.path);
        status = nb_hint(err, "choose another name, or replace it with --force");
        goto done;
    }
    *complete = plan->resume && !plan->force && nb_tune_folder_complete(&folder);
    NB_TRY(*complete ? nb_tune_folder_clean(&folder, err) : nb_tune_folder_begin(&folder, plan->resume, err));
done:
    nb_tune_folder_close(&folder);
    return status;
}

/* Collective. A state that is damaged or another run's stops this one, unless it may be overwritten. */
static nb_status tune_load_state(run *r, bool *loaded, nb_error *err)
{
    nb_status status = nb_tune_state_load(r->folder.state, &r->trainer, r->plan->configuration, &r->lines, err);
    *loaded = status == NB_OK;
    if (r->plan->force && (status == NB_ERR_INPUT || status == NB_ERR_USAGE || status == NB_ERR_VERIFY)) {
        nb_log_warn(r->log, "%s: starting anew", err->message);
        nb_error_clear(err);
        status = NB_OK;
    }
    return status;
}

/* Collective. Continues what an interrupted run left, if there is something and it was asked for. */
static nb_status tune_resume(run *r, nb_error *err)
{
    bool left = r->plan->resume && r->comm->rank == 0 && access(r->folder.state, F_OK) == 0;
    nb_status status;
    NB_TRY(nb_comm_agree(r->comm, NB_OK, err));
    NB_TRY(nb_comm_broadcast(r->comm, &left, sizeof left, err));
    if (left) {
        NB_TRY(tune_load_state(r, &left, err));
    }
    if (left) {
        nb_log_info(r->log, "continuing '%s' behind step %zu", r->folder.partial, r->trainer.step);
    } else {
        NB_TRY(nb_comm_agree(r->comm, nb_buffer_printf(&r->lines, err, "%s", header), err));
    }
done:
    return status;
}

/* Collective. ID accuracy on the held images, or -1 without any. */
static nb_status tune_evaluate(run *r, double *accuracy, nb_error *err)
{
    uint64_t right = 0;
    *accuracy = -1;
    if (!r->sets->held) {
        return NB_OK;
    }
    const nb_labelled_images held = {.images = r->sets->held, .labels = r->sets->labels, .prompt = r->plan->prompt};
    nb_status status = nb_tune_evaluate(r->comm, r->model->clip, &held, &right, err);
    if (status == NB_OK) {
        *accuracy = (double)right / (double)held.images->count;
        nb_log_info(r->log, "step %zu: ID accuracy %.4f on %zu images", r->trainer.step, *accuracy, held.images->count);
    }
    return status;
}

static nb_status tune_note(run *r, const nb_loss_terms *t, double rate, double accuracy, nb_error *err)
{
    size_t step = r->trainer.step, epoch = (step - 1) / nb_tune_order_steps(&r->order);
    nb_status status;
    NB_TRY(nb_buffer_printf(&r->lines, err, "%zu\t%zu\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t", step, epoch,
                            rate, t->loss, t->image_ce, t->text_ce, t->image_energy, t->text_energy,
                            (double)t->right / (double)r->plan->trainer.batch, (double)r->model->clip->logit_scale));
    if (accuracy >= 0) {
        NB_TRY(nb_buffer_printf(&r->lines, err, "%.9g", accuracy));
    }
    NB_TRY(nb_buffer_append(&r->lines, "\n", 1, err));
done:
    return status;
}

static nb_status tune_save(run *r, nb_error *err)
{
    return nb_tune_state_save(r->folder.state, &r->trainer, r->plan->configuration, r->lines.data, err);
}

/* Collective. Whether any rank was asked to stop; then the state is saved. */
static nb_status tune_stop_if_asked(run *r, nb_error *err)
{
    uint64_t asked = nb_stop_requested();
    nb_status status;
    NB_TRY(nb_comm_agree(r->comm, NB_OK, err));
    NB_TRY(nb_comm_sum(r->comm, &asked, 1, err));
    if (asked) {
        NB_TRY(tune_save(r, err));
        nb_fail(err, NB_STOPPED, "stopped on request behind step %zu of %zu", r->trainer.step, r->plan->schedule.steps);
        nb_hint(err, "the state is kept in '%s': run again with --resume to continue", r->folder.partial);
        status = nb_comm_agree(r->comm, NB_STOPPED, err);
    }
done:
    return status;
}

static bool tune_due(size_t every, size_t step)
{
    return every && step % every == 0;
}

static nb_status tune_take_steps(run *r, nb_error *err)
{
    const nb_tune_plan *p = r->plan;
    nb_progress progress = nb_progress_start(r->log, "steps", (double)p->schedule.steps);
    nb_loss_terms terms;
    double accuracy;
    nb_status status = NB_OK;
    while (r->trainer.step < p->schedule.steps) {
        size_t step = r->trainer.step;
        double rate = nb_tune_rate(&p->schedule, step);
        NB_TRY(nb_trainer_step(&r->trainer, nb_tune_order_at(&r->order, step), rate, &terms, err));
        bool last = ++step == p->schedule.steps;
        accuracy = -1;
        if (last || tune_due(p->evaluate_every, step)) {
            NB_TRY(tune_evaluate(r, &accuracy, err));
        }
        NB_TRY(nb_comm_agree(r->comm, tune_note(r, &terms, rate, accuracy, err), err));
        if (tune_due(p->save_every, step) && !last) {
            NB_TRY(tune_save(r, err));
            nb_log_info(r->log, "step %zu: loss %.6g, state saved", step, terms.loss);
        }
        nb_progress_update(&progress, (double)step);
        if (!last) {
            NB_TRY(tune_stop_if_asked(r, err));
        }
    }
    nb_progress_finish(&progress);
done:
    return status;
}

/* Rank 0: the folder with checkpoint and log. */
static nb_status tune_write_folder(run *r, nb_error *err)
{
    char *path = NULL;
    nb_status status;
    NB_TRY(nb_path_join(&path, r->folder.partial, "tune.tsv", err));
    NB_TRY(nb_file_write(path, true, r->lines.data, r->lines.len, err));
    NB_TRY(nb_clip_export(r->model->clip, r->model->weights.base, r->plan->half ? NB_F16 : NB_F32, r->plan->model,
                          r->folder.partial, err));
    NB_TRY(nb_tune_folder_commit(&r->folder, err));
done:
    free(path);
    return status;
}

static nb_status tune_prepare(run *r, nb_error *err)
{
    const nb_tune_plan *p = r->plan;
    const nb_labelled_images pairs = {.images = r->sets->train,
                                      .labels = p->captions ? p->captions : r->sets->labels,
                                      .prompt = p->captions ? "{}" : p->prompt};
    nb_status status;
    NB_TRY(nb_tune_folder_open(&r->folder, p->output, err));
    NB_TRY(nb_tune_order_create(&r->order, pairs.images->count, p->trainer.batch, p->seeded, p->seed, err));
    NB_TRY(nb_tune_data_create(&r->data, r->model->clip, &pairs, p->trainer.batch, err));
done:
    return status;
}

nb_status nb_tune(const nb_comm *comm, const nb_log *log, nb_model *model, const nb_tune_sets *sets,
                  const nb_tune_plan *plan, nb_error *err)
{
    run r = {.comm = comm, .log = log, .model = model, .sets = sets, .plan = plan};
    const nb_pair_source pairs = {.read = nb_tune_data_read, .state = &r.data};
    double accuracy;
    nb_status status;
    nb_stop_listen();
    NB_TRY(nb_comm_agree(comm, tune_prepare(&r, err), err));
    NB_TRY(nb_trainer_create(&r.trainer, comm, model, &plan->trainer, &pairs, err));
    NB_TRY(tune_resume(&r, err));
    NB_TRY(tune_evaluate(&r, &accuracy, err));
    NB_TRY(tune_take_steps(&r, err));
    NB_TRY(nb_comm_agree(comm, comm->rank == 0 ? tune_write_folder(&r, err) : NB_OK, err));
done:
    nb_trainer_destroy(&r.trainer);
    nb_tune_data_destroy(&r.data);
    nb_tune_order_destroy(&r.order);
    nb_tune_folder_close(&r.folder);
    nb_buffer_free(&r.lines);
    return status;
}
