#include "jobs/score/score_corpus.h"

#include "jobs/score/score_images.h"
#include "scoring/files/image_rows.h"
#include "scoring/streams/stream.h"
#include "scoring/visual/noise_images.h"

#include <stdlib.h>

static nb_status score_corpus_rows(void *self, size_t begin, size_t count, float *out, nb_error *err)
{
    return nb_image_rows(&((nb_score_corpus *)self)->texts, begin, count, out, err);
}

static nb_status score_corpus_combine(void *self, void *words, size_t count, nb_error *err)
{
    nb_job *job = ((nb_score_corpus *)self)->job;
    nb_status status;
    NB_TRY(nb_agree(job, NB_OK, err)); /* where a rank failed before, all end here */
    NB_TRY(nb_comm_or(&job->comm, words, count, err));
done:
    return status;
}

/* Noise images from a store. */
static nb_status score_corpus_read_noise(nb_score_corpus *c, const nb_score_corpus_sources *s, const nb_bank *bank,
                                         nb_error *err)
{
    nb_store store = {0};
    size_t count;
    nb_status status;
    NB_TRY(nb_store_open(&store, s->noise, true, err));
    NB_TRY(nb_score_check_store(c->job, bank, &store, s->allow_mismatch, err));
    count = (size_t)store.plan.count;
    c->noise = nb_alloc(count * bank->d, sizeof *c->noise, err);
    status = c->noise ? nb_image_rows(&store, 0, count, c->noise, err) : NB_ERR_LIMIT;
    c->corpus.noise_count = count;
    c->corpus.noise_digest = store.seal.digest;
done:
    nb_store_close(&store);
    return status;
}

static nb_status score_corpus_draw_noise(nb_score_corpus *c, const nb_score_corpus_sources *s, const nb_scorer *scorer,
                                         nb_error *err)
{
    const nb_score_shared *shared = &scorer->parameters.shared;
    nb_clip *clip = NULL;
    nb_status status;
    NB_TRY(nb_clip_open(&clip, s->model, err));
    NB_TRY(nb_score_check_checkpoint(c->job, scorer->bank, s->model, &clip->digest, s->allow_mismatch, err));
    if (clip->config.projection != scorer->d) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' embeds to width %zu, the bank's embeddings are %zu wide", s->model,
                         clip->config.projection, scorer->d);
        goto done;
    }
    NB_TRY_NEW(c->noise, NB_NOISE_IMAGES * scorer->d);
    NB_TRY(nb_noise_images_embed(c->noise, clip, shared->seeded ? shared->seed : 0, err));
    c->corpus.noise_count = NB_NOISE_IMAGES;
    c->corpus.noise_digest = clip->digest;
done:
    nb_clip_close(clip);
    return status;
}

nb_status nb_score_corpus_open(nb_score_corpus *c, nb_job *job, const nb_score_corpus_sources *s, nb_scorer *scorer,
                               nb_error *err)
{
    const char *name = scorer->rule->name;
    nb_status status;
    *c = (nb_score_corpus){.job = job};
    if (!scorer->rule->stream || !scorer->rule->stream->corpus) {
        return NB_OK;
    }
    if (!s->texts || (!s->noise && !s->model)) {
        nb_fail(err, NB_ERR_USAGE, "the score %s needs %s", name,
                s->texts ? "noise images to begin with: --noise I.nbe" : "an embedded corpus: --texts T.nbe");
        return nb_hint(err, s->texts ? "or --model DIR, which embeds some that are drawn here"
                                     : "`embed text` makes one; its negatives come from there, not from the bank");
    }
    NB_TRY(nb_store_open(&c->texts, s->texts, job->comm.rank == 0, err));
    NB_TRY(nb_score_check_store(job, scorer->bank, &c->texts, s->allow_mismatch, err));
    c->corpus = (nb_stream_corpus){.count = (size_t)c->texts.plan.count,
                                   .d = (size_t)c->texts.plan.width,
                                   .digest = c->texts.seal.digest,
                                   .rows = score_corpus_rows,
                                   .member = (size_t)job->comm.rank,
                                   .members = (size_t)job->comm.size,
                                   .combine = score_corpus_combine,
                                   .self = c};
    NB_TRY(s->noise ? score_corpus_read_noise(c, s, scorer->bank, err) : score_corpus_draw_noise(c, s, scorer, err));
    c->corpus.noise = c->noise;
    scorer->corpus = &c->corpus;
    nb_log_info(&job->log, "%zu texts of '%s' are the corpus, %zu noise images %s", c->corpus.count, s->texts,
                c->corpus.noise_count, s->noise ? s->noise : "drawn");
done:
    return status;
}

void nb_score_corpus_close(nb_score_corpus *c)
{
    nb_store_close(&c->texts);
    free(c->noise);
    *c = (nb_score_corpus){0};
}
