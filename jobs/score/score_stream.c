#include "jobs/score/score_stream.h"

#include "scoring/scores/parameters.h"
#include "scoring/streams/stream_run.h"
#include "scoring/visual/stream_visual.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stream under way on rank 0. */
typedef struct run {
    nb_score_stream *s;
    const float *rows; /* [count, d] where the images were embedded here */
    nb_progress progress;
    nb_stream *stream;
    nb_clip *opened; /* for the inversion alone */
    nb_stream_visual visual;
} run;

/* Embeds this rank's tiles into rows [count, d], which stay zero elsewhere. */
static nb_status score_stream_embed_tiles(nb_score_stream *s, float *rows, nb_error *err)
{
    nb_score_images *im = s->images;
    nb_progress progress = nb_progress_start(&s->job->log, "images", (double)im->count);
    for (size_t t = 0, begin = 0; begin < im->count; t++, begin += im->tile) {
        size_t count = im->count - begin < im->tile ? im->count - begin : im->tile;
        if (nb_comm_owns(&s->job->comm, t)) {
            nb_status status = nb_score_images_rows(im, begin, count, rows + begin * im->d, err);
            if (status != NB_OK) {
                return status;
            }
            nb_progress_update(&progress, (double)(begin + count));
        }
    }
    nb_progress_finish(&progress);
    return NB_OK;
}

static nb_status score_stream_one_row(void *self, size_t image, float *out, nb_error *err)
{
    run *r = self;
    size_t d = r->s->images->d;
    if (!r->rows) {
        return nb_score_images_rows(r->s->images, image, 1, out, err);
    }
    memcpy(out, r->rows + image * d, d * sizeof *out);
    return NB_OK;
}

static void score_stream_batch_done(void *self, size_t images)
{
    run *r = self;
    nb_progress_update(&r->progress, (double)images);
}

/* The checkpoint to invert through: the one the images were embedded with when it computes in fp32, else read anew. */
static nb_status score_stream_open_model(run *r, const nb_clip **clip, nb_error *err)
{
    const nb_score_sources *sources = r->s->sources;
    *clip = r->s->images->model.clip;
    if (*clip && (*clip)->engine == &nb_engine_fp32) {
        r->s->model = (*clip)->digest;
        return NB_OK;
    }
    nb_status status = nb_clip_open(&r->opened, sources->model, err);
    if (status != NB_OK) {
        return status;
    }
    *clip = r->opened;
    r->s->model = r->opened->digest;
    return nb_score_check_checkpoint(r->s->job, r->s->scorer->bank, sources->model, &r->s->model,
                                     sources->allow_mismatch, err);
}

static nb_status score_stream_prepare_visual(run *r, nb_error *err)
{
    const nb_clip *clip;
    nb_status status;
    if (!r->s->invert) {
        return NB_OK;
    }
    NB_TRY(score_stream_open_model(r, &clip, err));
    NB_TRY(nb_stream_visual_create(&r->visual, clip, r->s->scorer, err));
    NB_TRY(nb_stream_visual_attach(&r->visual, r->stream, err));
done:
    return status;
}

/* Goes on from the state that is there. */
static nb_status score_stream_restore(const run *r, nb_error *err)
{
    const char *path = r->s->state_path;
    nb_status status;
    if (!path || access(path, F_OK) != 0) {
        return NB_OK;
    }
    NB_TRY(nb_stream_restore(r->stream, path, err));
    nb_log_info(&r->s->job->log, "the stream goes on from '%s', behind %zu images", path, nb_stream_images(r->stream));
done:
    return status;
}

/* What the stream came to, for the log. */
static nb_status score_stream_tell(const run *r, nb_error *err)
{
    const nb_log *log = &r->s->job->log;
    size_t count = r->s->images->count;
    nb_buffer state = {0};
    nb_status status = nb_stream_describe(r->stream, &state, err);
    if (status == NB_OK) {
        nb_log_info(log, "batches of %zu (%s); %s", r->s->batch < count ? r->s->batch : count,
                    nb_option_given(r->s->job->options, "batch") == NB_FROM_DEFAULT ? "default" : "as asked",
                    state.data);
    }
    if (status == NB_OK && r->s->invert) {
        nb_log_info(log, "%zu confident OOD images inverted, %zu of them rejected by %s", r->visual.inverted,
                    r->visual.rejected, r->s->scorer->rule->name);
    }
    nb_buffer_free(&state);
    return status;
}

/* This rank goes along the stream; rows [count, d] or NULL for stores. */
static nb_status score_stream_run_stream(nb_score_stream *s, const float *rows, nb_score_result *results, nb_error *err)
{
    run r = {.s = s, .rows = rows};
    const nb_stream_source source = {.count = s->images->count,
                                     .batch = s->batch,
                                     .order = s->order,
                                     .row = score_stream_one_row,
                                     .done = score_stream_batch_done,
                                     .self = &r};
    nb_status status;
    NB_TRY(nb_stream_create(&r.stream, s->scorer, err));
    NB_TRY(score_stream_prepare_visual(&r, err));
    NB_TRY(score_stream_restore(&r, err));
    r.progress = nb_progress_start(&s->job->log, "images", (double)source.count);
    NB_TRY(nb_stream_run(r.stream, &source, s->images->d, results, err));
    nb_progress_finish(&r.progress);
    NB_TRY(score_stream_tell(&r, err));
    if (s->state_path) {
        NB_TRY(nb_stream_pack(r.stream, s->state, err));
    }
done:
    nb_stream_destroy(r.stream);
    nb_stream_visual_destroy(&r.visual);
    nb_clip_close(r.opened);
    return status;
}

nb_status nb_score_stream_run(nb_score_stream *s, nb_score_result *results, nb_error *err)
{
    nb_job *job = s->job;
    size_t elements;
    float *rows = NULL;
    nb_status status = NB_OK;
    if (!s->images->store_count) {
        bool fits = nb_mul_size(s->images->count, s->images->d, &elements);
        rows = fits ? nb_alloc(elements + 1, sizeof *rows, err) : NULL; /* whole words */
        status = rows ? score_stream_embed_tiles(s, rows, err) : NB_ERR_LIMIT;
        NB_TRY(nb_agree(job, status, err));
        NB_TRY(nb_comm_or(&job->comm, rows, (elements + 1) / 2, err));
    }
    if (s->scorer->corpus || job->comm.rank == 0) { /* a corpus is shared by all */
        status = score_stream_run_stream(s, rows, results, err);
    }
done:
    free(rows);
    return nb_agree(job, status, err);
}
