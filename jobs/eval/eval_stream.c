#include "jobs/eval/eval_stream.h"

#include "jobs/score/score_images.h"
#include "jobs/score/score_options.h"
#include "scoring/files/image_rows.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/stream_order.h"
#include "scoring/streams/stream_run.h"
#include "scoring/visual/stream_visual.h"

#include <stdlib.h>
#include <string.h>

/* The two stores as one list of images. */
typedef struct store_pair {
    nb_store *id, *ood;
    size_t id_count, count;
} store_pair;

nb_status nb_eval_stream_model(const nb_job *job, const nb_scorer *scorer, const char *model, bool allow,
                               nb_clip **clip, nb_error *err)
{
    bool asked = nb_option_given(job->options, "visual") != NB_FROM_DEFAULT, make;
    nb_buffer note = {0};
    nb_status status;
    *clip = NULL;
    NB_TRY(nb_stream_visual_decide(scorer, model, asked, &make, &note, err));
    if (note.len) {
        nb_log_info(&job->log, "%s", note.data);
    }
    if (make) {
        NB_TRY(nb_clip_open(clip, model, err));
        NB_TRY(nb_score_check_checkpoint(job, scorer->bank, model, &(*clip)->digest, allow, err));
    }
done:
    nb_buffer_free(&note);
    return status;
}

static nb_status eval_stream_one_row(void *self, size_t image, float *out, nb_error *err)
{
    store_pair *p = self;
    bool id = image < p->id_count;
    return nb_image_rows(id ? p->id : p->ood, id ? image : image - p->id_count, 1, out, err);
}

const char *nb_eval_stream_order(const nb_eval_streams *s, size_t set)
{
    const char *own = NULL, *common = NULL;
    for (size_t i = 0; i < s->orders->count; i++) {
        const char *word = nb_strings_get(s->orders, i);
        bool named = false;
        for (size_t k = 0; k < s->names->count; k++) {
            size_t len = nb_strings_len(s->names, k);
            if (strncmp(word, nb_strings_get(s->names, k), len) == 0 && word[len] == '=') {
                named = true;
                own = k == set ? word + len + 1 : own;
            }
        }
        common = named ? common : word;
    }
    return own ? own : common;
}

static nb_status eval_stream_push_names(nb_strings *out, const nb_strings *names, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < names->count && status == NB_OK; i++) {
        status = nb_strings_push(out, nb_strings_get(names, i), nb_strings_len(names, i), err);
    }
    return status;
}

static nb_status eval_stream_choose_order(const nb_eval_streams *s, const store_pair *p, uint64_t seed, size_t set,
                                          size_t **order, nb_error *err)
{
    const char *path = nb_eval_stream_order(s, set);
    nb_strings names = {0};
    nb_status status;
    if (!path) {
        return nb_stream_order_mixed(order, p->count, seed, err);
    }
    NB_TRY(eval_stream_push_names(&names, &p->id->names, err));
    NB_TRY(eval_stream_push_names(&names, &p->ood->names, err));
    NB_TRY(nb_stream_order_read(order, path, &names, err));
done:
    nb_strings_free(&names);
    return status;
}

/* Runs the stream; results in its order. */
static nb_status eval_stream_run(const nb_eval_streams *s, const nb_scorer *scorer, const nb_stream_source *source,
                                 size_t set, nb_score_result *results, nb_error *err)
{
    nb_stream *stream = NULL;
    nb_stream_visual visual = {0};
    nb_buffer state = {0};
    nb_status status;
    NB_TRY(nb_stream_create(&stream, scorer, err));
    if (s->clip) {
        NB_TRY(nb_stream_visual_create(&visual, s->clip, scorer, err));
        NB_TRY(nb_stream_visual_attach(&visual, stream, err));
    }
    NB_TRY(nb_stream_run(stream, source, scorer->d, results, err));
    NB_TRY(nb_stream_describe(stream, &state, err));
    nb_log_info(&s->job->log, "%s: a stream of %zu images in batches of %zu; %s", nb_strings_get(s->names, set),
                source->count, source->batch, state.data);
done:
    nb_buffer_free(&state);
    nb_stream_visual_destroy(&visual);
    nb_stream_destroy(stream);
    return status;
}

nb_status nb_eval_stream_score(const nb_eval_streams *s, const nb_scorer *scorer, const nb_eval_stream_pair *both,
                               nb_error *err)
{
    nb_store *id_images = both->id_images, *ood_images = both->ood_images;
    store_pair p = {.id = id_images,
                    .ood = ood_images,
                    .id_count = (size_t)id_images->plan.count,
                    .count = (size_t)id_images->plan.count + (size_t)ood_images->plan.count};
    nb_stream_source source = {.count = p.count, .batch = s->batch, .row = eval_stream_one_row, .self = &p};
    nb_score_result *stream = NULL, *results = NULL;
    size_t *order = NULL;
    nb_status status;
    NB_TRY_NEW(stream, p.count);
    NB_TRY_NEW(results, p.count);
    NB_TRY(eval_stream_choose_order(s, &p, both->seed, both->set, &order, err));
    source.order = order;
    NB_TRY(eval_stream_run(s, scorer, &source, both->set, stream, err));
    for (size_t i = 0; i < p.count; i++) {
        results[order[i]] = stream[i];
    }
    NB_TRY(nb_score_table_fill(both->id, &id_images->names, id_images->labels, results, scorer->rule, err));
    NB_TRY(nb_score_table_fill(both->ood, &ood_images->names, ood_images->labels, results + p.id_count, scorer->rule,
                               err));
done:
    free(order);
    free(stream);
    free(results);
    return status;
}
