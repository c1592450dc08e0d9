#include "jobs/mine/mine_inputs.h"

#include "common/base/file.h"
#include "common/linear/reference/kernels.h"
#include "jobs/precision.h"
#include "mining/corpus/text/class_numbers.h"
#include "mining/criteria/evidence.h"
#include "mining/embed/embed.h"
#include "scoring/scores/calibrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What made embeddings; "" is unknown. */
typedef struct origin {
    nb_digest model;
    char engine[NB_ENGINE_NAME_MAX];
} origin;

static origin mine_inputs_origin_of(const nb_store *store)
{
    origin o = {{""}, ""};
    nb_provenance_find(store->provenance, "model", &o.model);
    nb_provenance_find_fact(store->provenance, NB_PROVENANCE_ENGINE, o.engine, sizeof o.engine);
    return o;
}

/* An error that --allow-mismatch makes a warning. */
static nb_status mine_inputs_mismatch(const nb_mine_inputs *in, const nb_error *found, nb_error *err)
{
    if (in->from->allow_mismatch) {
        nb_log_warn(&in->job->log, "%s: mined as --allow-mismatch asks", found->message);
        return NB_OK;
    }
    *err = *found;
    return found->status;
}

/* Texts and what is compared with them must come from one checkpoint and be alike in precision, as far as is known. */
static nb_status mine_inputs_check_origin(const nb_mine_inputs *in, const char *path, size_t width,
                                          const origin *made_by, nb_error *err)
{
    origin texts = mine_inputs_origin_of(&in->texts);
    nb_error found = {0};
    nb_status status = NB_OK;
    if (width != in->texts.plan.width) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has width %zu, '%s' has width %llu", path, width, in->texts.path,
                (unsigned long long)in->texts.plan.width);
        return nb_hint(err, "embed texts, labels and images with one checkpoint");
    }
    if (texts.model.hex[0] && made_by->model.hex[0] && strcmp(texts.model.hex, made_by->model.hex) != 0) {
        nb_fail(&found, NB_ERR_INPUT, "'%s' was embedded with checkpoint %s, '%s' with %s", in->texts.path,
                texts.model.hex, path, made_by->model.hex);
        nb_hint(&found,
                "embed texts, labels and images with one checkpoint; --allow-mismatch if the two are one model");
        status = mine_inputs_mismatch(in, &found, err);
    }
    if (status == NB_OK && nb_engines_clash(texts.engine, made_by->engine)) {
        nb_fail(&found, NB_ERR_INPUT, "'%s' was embedded in %s, '%s' in %s", in->texts.path, texts.engine, path,
                made_by->engine);
        nb_hint(&found, "embed texts, labels and images with one --precision; --allow-mismatch takes both");
        status = mine_inputs_mismatch(in, &found, err);
    }
    return status;
}

static nb_status mine_inputs_check_store(const nb_mine_inputs *in, const nb_store *store, nb_error *err)
{
    const origin made_by = mine_inputs_origin_of(store);
    return mine_inputs_check_origin(in, store->path, (size_t)store->plan.width, &made_by, err);
}

/* A bank of texts in int8 says so, that images may be compared with it. */
static nb_status mine_inputs_record_texts(nb_mine_inputs *in, nb_error *err)
{
    const origin texts = mine_inputs_origin_of(&in->texts);
    return strcmp(texts.engine, nb_engine_int8.precision) == 0
               ? nb_provenance_fact(&in->job->provenance, NB_PROVENANCE_TEXTS_ENGINE, texts.engine, err)
               : NB_OK;
}

/* Label embeddings from a checkpoint: rank 0 computes, all get the same bits. */
static nb_status mine_inputs_embed_labels(nb_mine_inputs *in, nb_error *err)
{
    nb_clip *clip = NULL;
    const nb_engine *engine;
    nb_prompts prompts = {0};
    size_t d = (size_t)in->texts.plan.width, count = in->labels.count;
    char hex[65] = "";
    nb_status status = nb_job_engine(in->job, in->from->precision, &engine, err);
    if (status != NB_OK) {
        return status;
    }
    float *rows = nb_alloc(count * d, sizeof *rows, err);
    in->label_rows = rows;
    if (!rows) {
        status = NB_ERR_LIMIT;
        goto done;
    }
    if (in->job->comm.rank == 0) {
        NB_TRY(nb_prompts_create(&prompts, &in->from->prompt, NULL, err));
        prompts.raw = strcmp(in->from->prompt_mean, "raw") == 0;
        NB_TRY(nb_clip_open_by(&clip, in->from->model, engine, err));
        origin made_by = {clip->digest, ""};
        snprintf(made_by.engine, sizeof made_by.engine, "%s", engine->precision);
        NB_TRY(mine_inputs_check_origin(in, in->from->model, clip->config.projection, &made_by, err));
        NB_TRY(nb_embed_texts(clip, &prompts, &in->labels, rows, err));
        memcpy(hex, clip->digest.hex, sizeof hex);
    }
done:
    status = nb_agree(in->job, status, err);
    if (status == NB_OK) {
        status = nb_comm_broadcast(&in->job->comm, in->label_rows, count * d * sizeof(float), err);
    }
    if (status == NB_OK && in->job->comm.rank == 0) {
        status = nb_provenance_input(&in->job->provenance, "model", in->from->model, hex, err);
    }
    if (status == NB_OK) {
        status = nb_job_record_engine(in->job, engine, err);
    }
    nb_prompts_destroy(&prompts);
    nb_clip_close(clip);
    return status;
}

static nb_status mine_inputs_read_label_embeddings(nb_mine_inputs *in, nb_error *err)
{
    nb_store store = {0};
    size_t count = in->labels.count;
    nb_status status;
    NB_TRY(nb_job_open_store(in->job, &store, "label embeddings", in->from->label_embeddings, err));
    NB_TRY(nb_evidence_check_labels(&store, &in->labels, err));
    NB_TRY(mine_inputs_check_store(in, &store, err));
    in->label_rows = nb_alloc(count * (size_t)store.plan.width, sizeof *in->label_rows, err);
    status = in->label_rows ? nb_store_rows_float(&store, 0, count, in->label_rows, err) : NB_ERR_LIMIT;
    if (status == NB_OK) {
        status = nb_evidence_rows(&store, &in->label_doubles, err);
    }
done:
    nb_store_close(&store);
    return nb_agree(in->job, status, err);
}

/* The embeddings of the labels as doubles, whichever way they came. */
static nb_status mine_inputs_get_labels(nb_mine_inputs *in, nb_error *err)
{
    const nb_mine_sources *s = in->from;
    size_t d = (size_t)in->texts.plan.width;
    nb_status status;
    if (!s->model == !s->label_embeddings) {
        nb_fail(err, NB_ERR_USAGE, "mine needs --model DIR or --label-embeddings FILE, one of them");
        return nb_hint(err, "label texts are embedded with the checkpoint that embedded the corpus");
    }
    NB_TRY(nb_agree(in->job, nb_labels_read(&in->labels, s->labels, &in->job->log, err), err));
    NB_TRY(nb_provenance_file(&in->job->provenance, "labels", s->labels, err));
    if (s->label_embeddings) {
        return mine_inputs_read_label_embeddings(in, err);
    }
    NB_TRY(mine_inputs_embed_labels(in, err));
    NB_TRY_NEW(in->label_doubles, in->labels.count * d);
    for (size_t c = 0; c < in->labels.count; c++) {
        double *row = in->label_doubles + c * d;
        for (size_t i = 0; i < d; i++) {
            row[i] = (double)in->label_rows[c * d + i];
        }
        nb_normalise_row(row, row, d);
    }
done:
    return status;
}

static nb_status mine_inputs_open_images(nb_mine_inputs *in, nb_store *store, const char *role, const char *path,
                                         bool parts, nb_error *err)
{
    nb_status status;
    if (!path) {
        return NB_OK;
    }
    NB_TRY(parts ? nb_job_open_store_parts(in->job, store, role, path, err)
                 : nb_job_open_store(in->job, store, role, path, err));
    NB_TRY(mine_inputs_check_store(in, store, err));
done:
    return status;
}

/* Labelled images, their classes numbered as the labels are. */
static nb_status mine_inputs_open_labelled(nb_mine_inputs *in, nb_store *store, const char *role, const char *path,
                                           nb_error *err)
{
    nb_status status = mine_inputs_open_images(in, store, role, path, false, err);
    if (status != NB_OK || !path) {
        return status;
    }
    const nb_class_numbers own = {path, &store->classes, store->labels, (size_t)store->plan.count};
    status = nb_class_numbers_match(&own, &in->labels, NB_STRANGERS_REFUSED, &in->job->log, err);
    return nb_agree(in->job, status, err);
}

/* The user's stop list, a text a line. */
static nb_status mine_inputs_read_stops(nb_mine_inputs *in, nb_error *err)
{
    const char *path = in->from->stop_list;
    nb_status status;
    if (!path) {
        return NB_OK;
    }
    NB_TRY(nb_file_lines(path, NB_LABEL_LINE_MAX, &in->stops, err));
    NB_TRY(nb_labels_check_form(&in->stops, path, err));
    NB_TRY(nb_provenance_file(&in->job->provenance, "stop list", path, err));
done:
    return status;
}

/* Held-out images must not be those the bank is mined with. */
static nb_status mine_inputs_check_calibration(nb_mine_inputs *in, nb_error *err)
{
    nb_store *held = &in->calibrate;
    size_t shared = 0;
    nb_status status;
    if (!held->plan.count || !in->id_images.plan.count) {
        return NB_OK;
    }
    NB_TRY(nb_agree(in->job, nb_calibrate_shared(&shared, held, &in->id_images, err), err));
    if (shared == held->plan.count) {
        nb_fail(err, NB_ERR_USAGE, "--calibrate '%s' holds the images of --id-images and no others", held->path);
        return nb_hint(err, "a threshold measured on images the bank was mined with is too high: hold some out");
    }
    if (shared) {
        nb_log_warn(&in->job->log, "%zu of the %llu images of '%s' stand in --id-images too: hold them out", shared,
                    (unsigned long long)held->plan.count, held->path);
    }
done:
    return status;
}

nb_status nb_mine_inputs_open(nb_mine_inputs *in, nb_job *job, const nb_mine_sources *from, nb_error *err)
{
    nb_status status;
    *in = (nb_mine_inputs){.job = job, .from = from};
    NB_TRY(nb_job_open_store_parts(job, &in->texts, "texts", from->texts, err));
    NB_TRY(mine_inputs_record_texts(in, err));
    NB_TRY(mine_inputs_get_labels(in, err));
    NB_TRY(mine_inputs_open_labelled(in, &in->id_images, "ID images", from->id_images, err));
    NB_TRY(mine_inputs_open_images(in, &in->wild_images, "wild images", from->wild_images, true, err));
    NB_TRY(mine_inputs_open_labelled(in, &in->calibrate, "calibration images", from->calibrate, err));
    NB_TRY(mine_inputs_check_calibration(in, err));
    if (in->id_images.path) {
        NB_TRY(nb_evidence_prototypes(&in->id_images, &in->labels, &in->prototypes, err));
    }
    NB_TRY(mine_inputs_read_stops(in, err));
    NB_TRY(nb_candidates_open(&in->candidates, &job->comm, &in->texts, &in->labels, from->stop_list ? &in->stops : NULL,
                              err));
done:
    return status;
}

nb_evidence nb_mine_inputs_evidence(const nb_mine_inputs *in)
{
    nb_mine_inputs *own = (nb_mine_inputs *)(uintptr_t)in; /* stores and candidates change as they are read */
    return (nb_evidence){.comm = &in->job->comm,
                         .log = &in->job->log,
                         .candidates = &own->candidates,
                         .d = (size_t)in->texts.plan.width,
                         .label_count = in->labels.count,
                         .labels = in->label_doubles,
                         .prototypes = in->prototypes,
                         .id_images = in->id_images.path ? &own->id_images : NULL,
                         .wild_images = in->wild_images.path ? &own->wild_images : NULL};
}

void nb_mine_inputs_close(nb_mine_inputs *in)
{
    nb_candidates_close(&in->candidates);
    nb_store_close(&in->texts);
    nb_store_close(&in->id_images);
    nb_store_close(&in->wild_images);
    nb_store_close(&in->calibrate);
    nb_strings_free(&in->labels);
    nb_strings_free(&in->stops);
    free(in->label_rows);
    free(in->label_doubles);
    free(in->prototypes);
    *in = (nb_mine_inputs){0};
}
