#include "jobs/eval/eval_report.h"

#include "jobs/score/score_options.h"
#include "scoring/report/page.h"
#include "scoring/report/panel_curves.h"

#include <stdlib.h>
#include <string.h>

enum {
    SWEEP_IMAGES = 5000, /* of a set are scored again for each point of a sweep */
    SWEEP_BLOCK = 50     /* they are taken in blocks this long, spread over the store */
};

/* The stores of the first run, open for scoring again. */
typedef struct stores {
    const nb_eval_show *show;
    nb_store *items; /* [set_count + 1] */
    bool thinned;    /* a store has more images than are scored again */
} stores;

static nb_status eval_report_open_stores(stores *s, nb_error *err)
{
    const nb_eval_plan *plan = s->show->plan;
    nb_status status;
    NB_TRY_NEW(s->items, plan->set_count + 1);
    for (size_t i = 0; i <= plan->set_count; i++) {
        const char *path = i ? nb_eval_plan_path(plan, 0, i - 1) : nb_strings_get(&plan->ids, 0);
        NB_TRY(nb_store_open(&s->items[i], path, false, err));
        s->thinned = s->thinned || s->items[i].plan.count > SWEEP_IMAGES;
    }
done:
    return status;
}

static void eval_report_close_stores(stores *s)
{
    for (size_t i = 0; s->items && i <= s->show->plan->set_count; i++) {
        nb_store_close(&s->items[i]);
    }
    free(s->items);
}

/* Scores a store, or SWEEP_IMAGES of it. */
static nb_status eval_report_score_some(const nb_scorer *scorer, nb_store *store, nb_score_result *results,
                                        size_t *count, nb_error *err)
{
    size_t all = (size_t)store->plan.count;
    nb_status status = NB_OK;
    if (all <= SWEEP_IMAGES) {
        *count = all;
        return nb_score_rows(scorer, store, 0, all, results, err);
    }
    size_t blocks = SWEEP_IMAGES / SWEEP_BLOCK;
    for (size_t b = 0; status == NB_OK && b < blocks; b++) {
        size_t begin = b * (all - SWEEP_BLOCK) / (blocks - 1);
        status = nb_score_rows(scorer, store, begin, SWEEP_BLOCK, results + b * SWEEP_BLOCK, err);
    }
    *count = SWEEP_IMAGES;
    return status;
}

static nb_status eval_report_score_again(void *context, const nb_rescore *what, double **keys, size_t *count,
                                         nb_error *err)
{
    stores *s = context;
    const nb_scorer *first = s->show->scorer;
    nb_store *store = &s->items[what->set];
    nb_score_parameters parameters = first->parameters;
    nb_score_result *results = NULL;
    nb_scorer scorer = {0};
    nb_strings names = {0};
    nb_scores table = {0};
    nb_status status;
    parameters.shared.groups = what->groups;
    NB_TRY(nb_scorer_create(&scorer, what->bank, &parameters, err));
    NB_TRY_NEW(results, store->plan.count < SWEEP_IMAGES ? (size_t)store->plan.count : SWEEP_IMAGES);
    NB_TRY(eval_report_score_some(&scorer, store, results, count, err));
    for (size_t i = 0; i < *count; i++) {
        NB_TRY(nb_strings_push(&names, "", 0, err));
    }
    NB_TRY(nb_score_table_fill(&table, &names, NULL, results, scorer.rule, err));
    NB_TRY_NEW(*keys, *count);
    NB_TRY(nb_scores_keys(&table, s->show->evaluation->as_released, *keys, err));
done:
    nb_scores_free(&table);
    nb_strings_free(&names);
    nb_scorer_destroy(&scorer);
    free(results);
    return status;
}

/* The charts about the bank; *thinned: not all images were scored again. */
static nb_status eval_report_add_sweeps(const nb_eval_show *show, nb_panels *panels, bool *thinned, nb_error *err)
{
    stores s = {.show = show};
    nb_rescorer by = {&s, show->plan->set_count, show->scorer->parameters.shared.groups, eval_report_score_again};
    nb_sweep sizes = {0};
    nb_sweep groups = {0};
    nb_status status;
    NB_TRY(eval_report_open_stores(&s, err));
    NB_TRY(nb_sweep_sizes(&sizes, show->bank, &by, err));
    NB_TRY(nb_sweep_groups(&groups, show->bank, &by, err));
    NB_TRY(nb_panels_bank(panels, &sizes, &groups, show->report, err));
    *thinned = s.thinned;
done:
    nb_sweep_free(&sizes);
    nb_sweep_free(&groups);
    eval_report_close_stores(&s);
    return status;
}

static nb_status eval_report_write_page(const nb_eval_show *show, const nb_panels *panels,
                                        const nb_confusion *confusion, const char *note, nb_error *err)
{
    nb_strings comments = {0};
    char *provenance = NULL;
    char made[32];
    size_t thumbnails;
    nb_status status;
    nb_clock_iso(made);
    NB_TRY(nb_provenance_text(&show->job->provenance, &provenance, err));
    if (show->bank) {
        NB_TRY(nb_score_comments(&comments, show->scorer, err));
    }
    const nb_page page = {
        .report = show->report,
        .evaluation = show->evaluation,
        .panels = panels,
        .confusion = confusion,
        .classes = show->bank ? &show->bank->labels : show->classes,
        .bank = show->bank,
        .image_folder = show->image_folder,
        .scoring = comments.count ? nb_strings_get(&comments, comments.count - 1) : NULL,
        .sweep_note = note,
        .provenance = provenance,
        .made = made,
    };
    NB_TRY(nb_page_write(&page, show->page, show->force, &thumbnails, err));
    nb_log_info(&show->job->log, "report with %zu drawings and %zu thumbnails -> %s", panels->count, thumbnails,
                show->page);
done:
    nb_strings_free(&comments);
    free(provenance);
    return status;
}

nb_status nb_eval_show_all(const nb_eval_show *show, nb_error *err)
{
    nb_panels panels = {0};
    nb_confusion confusion = {0};
    bool thinned = false;
    nb_status status;
    NB_TRY(nb_confusion_find(&confusion, show->evaluation, err));
    NB_TRY(nb_panels_scores(&panels, show->evaluation, show->report, err));
    NB_TRY(nb_panels_curves(&panels, show->evaluation, show->report, err));
    bool alone = show->bank && !show->scorer->rule->stream && !nb_score_has_pairs(show->scorer->rule);
    if (alone) { /* of a stream, parts of the bank say little */
        NB_TRY(eval_report_add_sweeps(show, &panels, &thinned, err));
    }
    NB_TRY(nb_panels_classes(&panels, &confusion, show->bank ? &show->bank->labels : show->classes, err));
    if (show->plots) {
        NB_TRY(nb_panels_write(&panels, show->plots, show->force, err));
        nb_log_info(&show->job->log, "%zu plots as SVG and PNG -> %s", panels.count, show->plots);
    }
    if (show->page) {
        NB_TRY(eval_report_write_page(
            show, &panels, &confusion,
            thinned ? "The images are scored again with parts of the bank, the best negatives of each tag "
                      "first; of each set 5000 images, spread over it, are used here."
                    : "All images are scored again with parts of the bank, the best negatives of each tag "
                      "first.",
            err));
    }
done:
    nb_panels_free(&panels);
    nb_confusion_free(&confusion);
    return status;
}
