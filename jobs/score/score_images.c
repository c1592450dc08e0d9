#include "jobs/score/score_images.h"

#include "jobs/pipes.h"
#include "jobs/precision.h"
#include "mining/images/check.h"
#include "scoring/files/image_rows.h"
#include "scoring/scores/parameters.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

nb_status nb_score_check_checkpoint(const nb_job *job, const nb_bank *bank, const char *path,
                                    const nb_digest *checkpoint, bool allow, nb_error *err)
{
    nb_error found = {0};
    nb_status status = nb_bank_check_checkpoint(bank, path, checkpoint, &found);
    if (status == NB_OK) {
        return NB_OK;
    }
    if (allow) {
        nb_log_warn(&job->log, "%s: scored as --allow-mismatch asks", found.message);
        return NB_OK;
    }
    *err = found;
    return nb_hint(err, "embed the images with the bank's checkpoint, or say --allow-mismatch");
}

nb_status nb_score_check_engine(const nb_job *job, const nb_bank *bank, const char *path, const char *engine,
                                bool allow, nb_error *err)
{
    char texts[NB_ENGINE_NAME_MAX];
    nb_error found = {0};
    nb_provenance_find_fact(bank->provenance, NB_PROVENANCE_TEXTS_ENGINE, texts, sizeof texts);
    if (!nb_engines_clash(*texts ? texts : "another precision", engine)) {
        return NB_OK;
    }
    nb_fail(&found, NB_ERR_INPUT, "'%s' embeds images in %s, the bank's texts are in %s", path, engine,
            *texts ? texts : "another precision");
    if (allow) {
        nb_log_warn(&job->log, "%s: scored as --allow-mismatch asks", found.message);
        return NB_OK;
    }
    *err = found;
    return nb_hint(err, "embed the images with the --precision of the bank's texts, or say --allow-mismatch");
}

nb_status nb_score_check_store(const nb_job *job, const nb_bank *bank, const nb_store *store, bool allow, nb_error *err)
{
    nb_digest checkpoint = {""};
    if (store->plan.width != bank->d) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has embeddings of width %llu, the bank's are %zu wide", store->path,
                (unsigned long long)store->plan.width, bank->d);
        return nb_hint(err, "embed the images with the checkpoint the bank was mined with");
    }
    char engine[NB_ENGINE_NAME_MAX];
    nb_provenance_find(store->provenance, "model", &checkpoint);
    nb_provenance_find_fact(store->provenance, NB_PROVENANCE_ENGINE, engine, sizeof engine);
    nb_status status = nb_score_check_checkpoint(job, bank, store->path, &checkpoint, allow, err);
    return status == NB_OK ? nb_score_check_engine(job, bank, store->path, engine, allow, err) : status;
}

nb_status nb_score_match_store(const nb_job *job, const nb_bank *bank, nb_store *store, nb_class_strangers strangers,
                               nb_error *err)
{
    const nb_class_numbers own = {store->path, &store->classes, store->labels, (size_t)store->plan.count};
    return nb_class_numbers_match(&own, &bank->labels, strangers, &job->log, err);
}

static nb_status score_images_append(nb_score_images *im, const nb_strings *names, const int32_t *labels, nb_error *err)
{
    size_t n = names->count;
    nb_status status = NB_OK;
    int32_t *grown = nb_grow(im->labels, im->count + n, sizeof *grown, err);
    if (!grown) {
        return NB_ERR_LIMIT;
    }
    im->labels = grown;
    for (size_t i = 0; i < n; i++) {
        im->labels[im->count + i] = labels ? labels[i] : -1;
        NB_TRY(nb_strings_push(&im->names, nb_strings_get(names, i), nb_strings_len(names, i), err));
    }
    im->count += n;
done:
    return status;
}

static nb_status score_images_open_stores(nb_score_images *im, nb_job *job, const nb_score_sources *s,
                                          const nb_bank *bank, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(im->stores, s->stores.count);
    NB_TRY_NEW(im->begin, s->stores.count + 1);
    im->tile = NB_SCORE_BATCH;
    for (size_t i = 0; i < s->stores.count; i++) {
        nb_store *store = &im->stores[i];
        NB_TRY(nb_job_open_store(job, store, "images", nb_strings_get(&s->stores, i), err));
        im->store_count++;
        NB_TRY(nb_score_check_store(job, bank, store, s->allow_mismatch, err));
        NB_TRY(nb_agree(job, nb_score_match_store(job, bank, store, NB_STRANGERS_ALONE, err), err));
        NB_TRY(score_images_append(im, &store->names, store->labels, err));
        im->begin[i + 1] = im->count;
    }
done:
    return status;
}

/* Where pipes are kept: beside the output, which ranks of several hosts see, or in a folder of rank 0's own. */
static nb_status score_images_place(nb_score_images *im, const nb_job *job, const char *output, nb_error *err)
{
    nb_buffer path = {0};
    nb_status status;
    if (strcmp(output, "-") != 0) {
        NB_TRY(nb_buffer_printf(&path, err, "%s", output));
    } else {
        NB_TRY(nb_buffer_printf(&path, err, "%s/negbank-XXXXXX", nb_job_scratch()));
        if (job->comm.rank == 0 && !mkdtemp(path.data)) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot make a folder '%s' for what comes through pipes", path.data);
            goto done;
        }
        im->own_folder = job->comm.rank == 0;
        NB_TRY(nb_buffer_printf(&path, err, "/images"));
    }
    im->spool = path.data;
    path = (nb_buffer){0};
done:
    nb_buffer_free(&path);
    return status;
}

static nb_status score_images_open_model(nb_score_images *im, nb_job *job, const nb_score_sources *s,
                                         const nb_bank *bank, nb_error *err)
{
    const nb_engine *engine;
    size_t dropped;
    nb_status status;
    im->tile = NB_IMAGE_TILE;
    NB_TRY(nb_agree(job, score_images_place(im, job, s->output, err), err));
    im->sources = (nb_image_sources){.spool = im->spool};
    const nb_image_choice choice = {.labels_from = s->labels_from,
                                    .label_key = "label",
                                    .limits = nb_image_limits_default(),
                                    .sources = &im->sources};
    NB_TRY(nb_image_inputs_share(&im->inputs, &job->comm, &job->log, &s->inputs, &choice, err));
    NB_TRY(nb_job_engine(job, s->precision, &engine, err));
    NB_TRY(nb_model_open(&im->model, &job->comm, s->model, engine, err));
    if (im->model.clip->config.projection != bank->d) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' embeds to width %zu, the bank's embeddings are %zu wide", s->model,
                       im->model.clip->config.projection, bank->d);
    }
    NB_TRY(nb_score_check_checkpoint(job, bank, s->model, &im->model.clip->digest, s->allow_mismatch, err));
    NB_TRY(nb_score_check_engine(job, bank, s->model, engine->precision, s->allow_mismatch, err));
    NB_TRY(nb_images_check(&job->comm, &job->log, &im->inputs, NULL, &dropped, err));
    NB_TRY(nb_agree(job, nb_image_embedder_open(&im->embedder, im->model.clip, &im->inputs, 0, err), err));
    const nb_class_numbers own = {nb_strings_get(&s->inputs, 0), &im->inputs.classes, im->inputs.labels,
                                  im->inputs.count};
    NB_TRY(nb_agree(job, nb_class_numbers_match(&own, &bank->labels, NB_STRANGERS_ALONE, &job->log, err), err));
    NB_TRY(score_images_append(im, &im->inputs.names, im->inputs.labels, err));
done:
    return status;
}

nb_status nb_score_images_open(nb_score_images *im, nb_job *job, const nb_score_sources *s, const nb_bank *bank,
                               nb_error *err)
{
    *im = (nb_score_images){.d = bank->d};
    if (!s->stores.count == !s->inputs.count || (s->inputs.count && !s->model)) {
        nb_fail(err, NB_ERR_USAGE, "score needs --images I.nbe, or --model DIR and images, one of the two");
        return nb_hint(err, "usage: negbank score %s", job->options->command->usage);
    }
    return s->stores.count ? score_images_open_stores(im, job, s, bank, err)
                           : score_images_open_model(im, job, s, bank, err);
}

void nb_score_images_close(nb_score_images *im)
{
    nb_image_embedder_destroy(&im->embedder);
    nb_model_close(&im->model);
    nb_image_inputs_free(&im->inputs);
    nb_image_sources_close(&im->sources, true);
    if (im->own_folder && im->spool) {
        *strrchr(im->spool, '/') = '\0';
        rmdir(im->spool);
    }
    free(im->spool);
    for (size_t i = 0; i < im->store_count; i++) {
        nb_store_close(&im->stores[i]);
    }
    free(im->stores);
    free(im->begin);
    free(im->labels);
    nb_strings_free(&im->names);
    *im = (nb_score_images){0};
}

static nb_status score_images_store_rows(nb_score_images *im, size_t begin, size_t count, float *out, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < im->store_count && count && status == NB_OK; i++) {
        if (begin >= im->begin[i + 1]) {
            continue;
        }
        size_t n = im->begin[i + 1] - begin < count ? im->begin[i + 1] - begin : count;
        status = nb_image_rows(&im->stores[i], begin - im->begin[i], n, out, err);
        out += n * im->d;
        begin += n;
        count -= n;
    }
    return status;
}

nb_status nb_score_images_rows(nb_score_images *im, size_t begin, size_t count, float *out, nb_error *err)
{
    float norms[NB_IMAGE_TILE];
    if (im->store_count) {
        return score_images_store_rows(im, begin, count, out, err);
    }
    nb_status status = nb_image_embedder_tile(&im->embedder, begin, count, out, norms, err);
    return status == NB_OK ? nb_score_normalise(out, count, im->d, begin, "the images", err) : status;
}
