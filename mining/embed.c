#include "mining/embed.h"

#include "common/base/tag.h"
#include "common/linear/kernels.h"
#include "common/parallel/stop.h"
#include "common/store/provenance.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a rank's loop over its tiles needs. */
typedef struct loop {
    const nb_team *team;
    const nb_log *log;
    const nb_store_plan *plan;
    int fd;
    bool resumed;
    const char *what;
    nb_tile_maker make;
    void *maker;
    const char *path; /* of fd, for messages */
} loop;

static nb_status make_tile(const loop *l, size_t tile, float *rows, float *norms, nb_error *err)
{
    bool done = false;
    nb_status status = NB_OK;
    if (l->resumed) {
        NB_TRY(nb_store_tile_done(l->fd, l->plan, tile, &done, err));
    }
    if (!done) {
        NB_TRY(
            l->make(l->maker, nb_store_tile_begin(l->plan, tile), nb_store_tile_rows(l->plan, tile), rows, norms, err));
        status = nb_store_write_tile(l->fd, l->plan, tile, rows, norms, err);
        if (status != NB_OK) {
            nb_context(err, "'%s'", l->path);
        }
    }
done:
    return status;
}

/* Computes and writes this rank's tiles. Progress counts rank 0's share for everybody's. */
static nb_status make_tiles(const loop *l, nb_error *err)
{
    const nb_store_plan *plan = l->plan;
    float *rows = NULL, *norms = NULL;
    nb_status status = NB_OK;
    nb_progress progress = nb_progress_start(l->log, l->what, (double)plan->count);
    NB_TRY_NEW(rows, (size_t)(plan->tile_rows * plan->width));
    NB_TRY_NEW(norms, (size_t)plan->tile_rows);
    for (size_t t = 0; t < plan->tile_count; t++) {
        if (!nb_team_owns(l->team, t)) {
            continue;
        }
        if (nb_stop_requested()) {
            nb_fail(err, NB_STOPPED, "stopped on request after %zu of %llu tiles", t,
                    (unsigned long long)plan->tile_count);
            status = nb_hint(err, "what is done is kept: run again with --resume to continue");
            goto done;
        }
        NB_TRY(make_tile(l, t, rows, norms, err));
        nb_progress_update(&progress, (double)(nb_store_tile_begin(plan, t) + nb_store_tile_rows(plan, t)));
    }
done:
    if (fsync(l->fd) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", l->path);
    }
    free(rows);
    free(norms);
    if (status == NB_OK) {
        nb_progress_finish(&progress);
    }
    return status;
}

/* A partial that another engine began is not thrown away for an option that differs. */
static nb_status check_engine(nb_output *out, const nb_store_spec *spec, nb_error *err)
{
    nb_error unreadable = {0};
    char *old = NULL;
    nb_status status = NB_OK;
    if (nb_store_provenance(out->partial, &old, &unreadable) == NB_OK) {
        status = nb_provenance_same_fact(out->partial, old, spec->provenance, NB_PROVENANCE_ENGINE, err);
    }
    if (status != NB_OK) {
        nb_hint(err, "continue it with the same --precision, or give --force to start anew");
        nb_output_release(out); /* it stays */
    }
    free(old);
    return status;
}

/* Continues a partial when it is of the same store; otherwise starts a new one. The new skeleton is written beside it,
 * for the same content gives the same skeleton. */
static nb_status create_or_resume(nb_output *out, nb_store_plan *plan, const nb_embed_target *target,
                                  const nb_store_spec *spec, const nb_log *log, nb_error *err)
{
    nb_buffer fresh = {0};
    bool left = false, same = false;
    nb_status status;
    NB_TRY(target->resume ? nb_output_resume(out, target->path, target->force, &left, err)
                          : nb_output_begin(out, target->path, target->force, err));
    if (!left) {
        NB_TRY(nb_store_create(plan, out->partial, spec, err));
        goto done;
    }
    NB_TRY(nb_buffer_printf(&fresh, err, "%s.fresh", out->partial));
    NB_TRY(nb_store_create(plan, fresh.data, spec, err));
    NB_TRY(nb_store_same_plan(plan, fresh.data, out->partial, &same, err));
    if (same) {
        nb_log_info(log, "continuing '%s'", out->partial);
    } else {
        NB_TRY(target->force ? NB_OK : check_engine(out, spec, err));
        nb_log_warn(log, "'%s' is of other inputs or options: starting anew", out->partial);
        if (rename(fresh.data, out->partial) != 0) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s'", fresh.data);
        }
    }
    plan->resumed = same;
done:
    if (fresh.data) {
        unlink(fresh.data);
    }
    nb_buffer_free(&fresh);
    return status;
}

/* *same: the output is there already, made of the same content. */
static nb_status complete(const nb_embed_target *target, const nb_store_spec *spec, bool *same, nb_error *err)
{
    nb_store store;
    nb_error ignored = {0};
    *same = false;
    if (!target->resume || target->force || nb_store_open(&store, target->path, false, &ignored) != NB_OK) {
        return NB_OK;
    }
    *same = strcmp(store.provenance, spec->provenance) == 0;
    nb_status status =
        nb_provenance_same_fact(target->path, store.provenance, spec->provenance, NB_PROVENANCE_ENGINE, err);
    nb_store_close(&store);
    return status == NB_OK ? NB_OK : nb_hint(err, "give the same --precision, or --force to replace it");
}

static nb_status create(const nb_team *team, const nb_log *log, nb_output *out, nb_store_plan *plan,
                        const nb_embed_target *target, const nb_store_spec *spec, nb_error *err)
{
    bool done = false;
    nb_status status = team->rank == 0 ? complete(target, spec, &done, err) : NB_OK;
    if (done) {
        nb_log_info(log, "'%s' is complete: nothing is left to do", target->path);
    } else if (team->rank == 0 && status == NB_OK) {
        status = create_or_resume(out, plan, target, spec, log, err);
    }
    NB_TRY(nb_team_agree(team, status, err));
    NB_TRY(nb_team_broadcast(team, plan, sizeof *plan, err));
done:
    return status;
}

nb_status nb_embed_store(const nb_team *team, const nb_log *log, const nb_embed_target *target,
                         const nb_store_spec *spec, const char *what, nb_tile_maker make, void *maker,
                         nb_digest *digest, nb_error *err)
{
    nb_output out = {0}; /* rank 0's alone */
    nb_buffer partial = {0};
    nb_store_plan plan = {0};
    int fd = -1;
    nb_status status;
    *digest = (nb_digest){""};
    NB_TRY(create(team, log, &out, &plan, target, spec, err));
    if (!plan.tile_count) {
        return NB_OK;
    }
    nb_stop_listen();
    status = nb_buffer_printf(&partial, err, "%s.partial", target->path);
    if (status == NB_OK) {
        fd = open(partial.data, O_RDWR | O_CLOEXEC);
        loop l = {team, log, &plan, fd, plan.resumed != 0, what, make, maker, partial.data};
        status = fd < 0 ? nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", partial.data) : make_tiles(&l, err);
    }
    NB_TRY(nb_team_agree(team, status, err));
    if (team->rank == 0) {
        status = nb_store_seal(out.partial, &plan, digest, err);
        if (status == NB_OK) {
            status = nb_output_commit(&out, err);
        }
    }
    NB_TRY(nb_team_agree(team, status, err));
done:
    if (fd >= 0) {
        close(fd);
    }
    if (status == NB_STOPPED) {
        nb_output_release(&out); /* the partial stays, to be continued */
    }
    nb_output_end(&out);
    nb_buffer_free(&partial);
    return status;
}

/* A float row normalised from double precision; returns the norm before. */
static float finish_row(float *out, double *row, size_t d)
{
    double norm = nb_normalise_row(row, row, d);
    for (size_t i = 0; i < d; i++) {
        out[i] = (float)row[i];
    }
    return (float)norm;
}

nb_status nb_text_embedder_create(nb_text_embedder *e, const nb_clip *clip, const nb_prompts *prompts,
                                  const nb_strings *texts, const uint8_t *tags, nb_error *err)
{
    size_t d = clip->config.projection;
    nb_status status;
    *e = (nb_text_embedder){.clip = clip, .prompts = prompts, .texts = texts, .tags = tags};
    NB_TRY(nb_text_encoder_create(&e->encoder, clip, NB_TEXT_TILE, err));
    NB_TRY_NEW(e->row, NB_TEXT_TILE);
    NB_TRY_NEW(e->raw, NB_TEXT_TILE * d);
    NB_TRY_NEW(e->sum, NB_TEXT_TILE * d);
done:
    if (status != NB_OK) {
        nb_text_embedder_destroy(e);
    }
    return status;
}

void nb_text_embedder_destroy(nb_text_embedder *e)
{
    if (e) {
        nb_text_encoder_destroy(e->encoder);
        nb_strings_free(&e->filled);
        free(e->row);
        free(e->raw);
        free(e->sum);
        *e = (nb_text_embedder){0};
    }
}

static const nb_strings *prompts_of(const nb_text_embedder *e, size_t i)
{
    return e->tags && e->tags[i] == NB_TAG_ADJ ? &e->prompts->adjectives : &e->prompts->nouns;
}

/* Fills the k-th template of every text that has one. */
static nb_status fill(nb_text_embedder *e, size_t begin, size_t count, size_t k, nb_error *err)
{
    nb_buffer prompt = {0};
    nb_status status = NB_OK;
    nb_strings_free(&e->filled);
    for (size_t i = 0; i < count; i++) {
        const nb_strings *templates = prompts_of(e, begin + i);
        if (k >= templates->count) {
            continue;
        }
        nb_buffer_clear(&prompt);
        NB_TRY(nb_prompt_fill(&prompt, nb_strings_get(templates, k), nb_strings_get(e->texts, begin + i),
                              nb_strings_len(e->texts, begin + i), err));
        e->row[e->filled.count] = i;
        NB_TRY(nb_strings_push(&e->filled, prompt.data, prompt.len, err));
    }
done:
    nb_buffer_free(&prompt);
    return status;
}

/* Adds the k-th template's embeddings to the sums: raw when it is a text's only one, else normalised. */
static nb_status add_template(nb_text_embedder *e, size_t begin, size_t count, size_t k, nb_error *err)
{
    size_t d = e->clip->config.projection;
    nb_status status = fill(e, begin, count, k, err);
    if (status != NB_OK || !e->filled.count) {
        return status;
    }
    status = nb_text_encoder_run(e->encoder, &e->filled, 0, e->filled.count, e->raw, err);
    for (size_t r = 0; status == NB_OK && r < e->filled.count; r++) {
        const float *raw = e->raw + r * d;
        double *sum = e->sum + e->row[r] * d, norm = 0;
        for (size_t i = 0; i < d; i++) {
            norm += (double)raw[i] * (double)raw[i];
        }
        size_t templates = prompts_of(e, begin + e->row[r])->count;
        double scale = templates == 1 ? 1.0 : norm > 0 ? 1.0 / (sqrt(norm) * (double)templates) : 0;
        for (size_t i = 0; i < d; i++) {
            sum[i] += (double)raw[i] * scale;
        }
    }
    return status;
}

nb_status nb_text_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err)
{
    nb_text_embedder *e = embedder;
    size_t d = e->clip->config.projection;
    size_t most =
        e->prompts->nouns.count > e->prompts->adjectives.count ? e->prompts->nouns.count : e->prompts->adjectives.count;
    memset(e->sum, 0, count * d * sizeof *e->sum);
    for (size_t k = 0; k < most; k++) {
        nb_status status = add_template(e, begin, count, k, err);
        if (status != NB_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < count; i++) {
        norms[i] = finish_row(rows + i * d, e->sum + i * d, d);
        if (!(norms[i] > 0)) {
            return nb_fail(err, NB_ERR_NUMERIC, "the embedding of text '%.80s' has norm %g",
                           nb_strings_get(e->texts, begin + i), (double)norms[i]);
        }
    }
    return NB_OK;
}

nb_status nb_embed_texts(const nb_clip *clip, const nb_prompts *prompts, const nb_strings *texts, float *out,
                         nb_error *err)
{
    nb_text_embedder e;
    float norms[NB_TEXT_TILE];
    nb_status status = nb_text_embedder_create(&e, clip, prompts, texts, NULL, err);
    for (size_t at = 0; status == NB_OK && at < texts->count; at += NB_TEXT_TILE) {
        size_t count = texts->count - at < NB_TEXT_TILE ? texts->count - at : NB_TEXT_TILE;
        status = nb_text_embedder_tile(&e, at, count, out + at * clip->config.projection, norms, err);
    }
    nb_text_embedder_destroy(&e);
    return status;
}

nb_status nb_image_embedder_create(nb_image_embedder *e, const nb_clip *clip, const nb_strings *paths, nb_error *err)
{
    size_t size = clip->config.image_size;
    nb_status status;
    *e = (nb_image_embedder){.clip = clip, .paths = paths};
    NB_TRY(nb_image_encoder_create(&e->encoder, clip, NB_IMAGE_TILE, err));
    NB_TRY_NEW(e->pixels, NB_IMAGE_TILE * 3 * size * size);
done:
    if (status != NB_OK) {
        nb_image_embedder_destroy(e);
    }
    return status;
}

void nb_image_embedder_destroy(nb_image_embedder *e)
{
    if (e) {
        nb_image_encoder_destroy(e->encoder);
        free(e->pixels);
        *e = (nb_image_embedder){0};
    }
}

static nb_status load_image(const nb_image_embedder *e, const char *path, float *pixels, nb_error *err)
{
    nb_image image = {0}, crop = {0};
    nb_status status;
    NB_TRY(nb_image_read(&image, path, err));
    NB_TRY(nb_preprocess_crop(&image, e->clip->config.image_size, &crop, err));
    nb_preprocess_normalise(&e->clip->preprocess, &crop, pixels);
done:
    nb_image_free(&image);
    nb_image_free(&crop);
    return status;
}

nb_status nb_image_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err)
{
    nb_image_embedder *e = embedder;
    size_t d = e->clip->config.projection, size = e->clip->config.image_size;
    double *row = NULL;
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        NB_TRY(load_image(e, nb_strings_get(e->paths, begin + i), e->pixels + i * 3 * size * size, err));
    }
    nb_image_encoder_run(e->encoder, e->pixels, count, rows);
    NB_TRY_NEW(row, d);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < d; k++) {
            row[k] = (double)rows[i * d + k];
        }
        norms[i] = finish_row(rows + i * d, row, d);
        if (!(norms[i] > 0)) {
            status = nb_fail(err, NB_ERR_NUMERIC, "the embedding of image '%s' has norm %g",
                             nb_strings_get(e->paths, begin + i), (double)norms[i]);
            goto done;
        }
    }
done:
    free(row);
    return status;
}
