#include "scoring/streams/stream.h"

#include "scoring/scores/parameters.h"
#include "scoring/streams/corpus_pass.h"

#include <stdlib.h>
#include <string.h>

struct nb_stream {
    const nb_scorer *scorer;
    void *state;
    size_t images;    /* seen so far */
    nb_buffer inputs; /* lines NAME=VALUE of nb_stream_input */
};

nb_status nb_stream_create(nb_stream **out, const nb_scorer *scorer, nb_error *err)
{
    nb_stream *s;
    nb_status status;
    *out = NULL;
    NB_TRY_NEW(s, 1);
    s->scorer = scorer;
    if (scorer->rule->stream) {
        NB_TRY(scorer->rule->stream->create(&s->state, scorer, err));
    }
    *out = s;
    s = NULL;
done:
    free(s);
    return status;
}

size_t nb_stream_batch(const nb_score_rule *rule, size_t asked)
{
    return asked ? asked : rule->stream && rule->stream->batch ? rule->stream->batch : NB_STREAM_BATCH;
}

void nb_stream_destroy(nb_stream *s)
{
    if (s) {
        if (s->scorer->rule->stream) {
            s->scorer->rule->stream->destroy(s->state);
        }
        nb_buffer_free(&s->inputs);
        free(s);
    }
}

nb_status nb_stream_push(nb_stream *s, const float *images, size_t count, nb_score_result *results, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    if (!count) {
        return NB_OK;
    }
    nb_status status = rule ? rule->push(s->state, s, images, count, results, err)
                            : nb_scorer_run_float(s->scorer, images, count, results, err);
    s->images += status == NB_OK ? count : 0;
    return status;
}

/* Images of one block of products. */
static nb_status stream_push_block(nb_stream *s, const float *images, size_t count, size_t batch,
                                   nb_score_result *results, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t at = 0; at < count && status == NB_OK; at += batch) {
        size_t n = count - at < batch ? count - at : batch;
        status = nb_stream_push(s, images + at * s->scorer->d, n, results + at, err);
    }
    return status;
}

nb_status nb_stream_push_batches(nb_stream *s, const float *images, size_t count, size_t batch,
                                 nb_score_result *results, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    size_t rows = batch < NB_STREAM_TOGETHER ? NB_STREAM_TOGETHER / batch * batch : batch;
    nb_status status = NB_OK;
    for (size_t at = 0, n; at < count && status == NB_OK; at += n) {
        size_t lead = s->images % rows;
        bool whole = lead % batch == 0; /* batches do not cross the blocks' limits */
        n = whole && count - at > rows - lead ? rows - lead : count - at;
        if (whole && batch < rows && rule && rule->prepare) { /* else a push computes its own */
            status = rule->prepare(s->state, images + at * s->scorer->d, n, lead, rows, err);
        }
        if (status == NB_OK) {
            status = stream_push_block(s, images + at * s->scorer->d, n, batch, results + at, err);
        }
    }
    return status;
}

size_t nb_stream_images(const nb_stream *s)
{
    return s->images;
}

nb_status nb_stream_input(nb_stream *s, const char *name, const char *value, nb_error *err)
{
    return nb_buffer_printf(&s->inputs, err, "%s=%s\n", name, value);
}

/* ---- state ---- */

/* All that results depend on beside the images, a line each. */
static nb_status stream_identity(const nb_stream *s, nb_buffer *out, nb_error *err)
{
    const nb_scorer *scorer = s->scorer;
    const nb_score_rule *rule = scorer->rule;
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "bank=%s\nlabels=%zu\nnegatives=%zu\nwidth=%zu\nscore=%s\n",
                            scorer->bank->digest.hex, scorer->label_count, scorer->negative_count, scorer->d,
                            rule->name));
    for (size_t i = 0; i < rule->parameter_count; i++) {
        NB_TRY(nb_buffer_printf(out, err, "%s=", rule->parameters[i].name));
        NB_TRY(nb_parameter_format(out, &scorer->parameters, &rule->parameters[i], err));
        NB_TRY(nb_buffer_append(out, "\n", 1, err));
    }
    if (rule->stream && rule->stream->corpus) {
        NB_TRY(nb_buffer_printf(out, err, "texts=%zu %s\nnoise=%zu %s\n", scorer->corpus->count,
                                scorer->corpus->digest.hex, scorer->corpus->noise_count,
                                scorer->corpus->noise_digest.hex));
    }
    NB_TRY(nb_buffer_append(out, s->inputs.data ? s->inputs.data : "", s->inputs.len, err));
done:
    return status;
}

nb_status nb_stream_pack(nb_stream *s, nb_buffer *packed, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    nb_state_io io = {.saving = true, .out = {.max = SIZE_MAX / 2}};
    nb_buffer identity = {0};
    uint64_t numbers[2] = {NB_STATE_FORMAT, 0};
    nb_status status;
    packed->max = SIZE_MAX / 2;
    NB_TRY(stream_identity(s, &identity, err));
    numbers[1] = identity.len;
    NB_TRY(nb_buffer_append(packed, numbers, sizeof numbers, err));
    NB_TRY(nb_buffer_append(packed, identity.data, identity.len, err));
    if (rule) {
        NB_TRY(rule->state(s->state, &io, err));
    }
    numbers[0] = s->images;
    numbers[1] = io.out.len;
    NB_TRY(nb_buffer_append(packed, numbers, sizeof numbers, err));
    NB_TRY(nb_buffer_append(packed, io.out.data ? io.out.data : "", io.out.len, err));
done:
    nb_buffer_free(&identity);
    nb_buffer_free(&io.out);
    return status;
}

nb_status nb_stream_unpack(nb_stream *s, const nb_buffer *packed, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    nb_state_io io = {.at = (const unsigned char *)packed->data,
                      .end = (const unsigned char *)packed->data + packed->len};
    nb_buffer identity = {0};
    size_t format = 0, bytes = 0, images = 0;
    nb_status status;
    if (s->images) {
        return nb_fail(err, NB_ERR_USAGE, "a stream that has seen %zu images cannot go on from a state", s->images);
    }
    NB_TRY(nb_state_count(&io, &format, SIZE_MAX, "formats", err));
    if (format != NB_STATE_FORMAT) {
        status = nb_fail(err, NB_ERR_INPUT, "the state has format %zu, this program reads %d", format, NB_STATE_FORMAT);
        goto done;
    }
    NB_TRY(nb_state_count(&io, &bytes, (size_t)(io.end - io.at), "bytes of identity", err));
    if (bytes > (size_t)(io.end - io.at)) {
        status = nb_fail(err, NB_ERR_INPUT, "the state ends within its identity");
        goto done;
    }
    NB_TRY(stream_identity(s, &identity, err));
    NB_TRY(nb_state_same((const char *)io.at, bytes, identity.data, err));
    io.at += bytes;
    NB_TRY(nb_state_count(&io, &images, SIZE_MAX / 2, "images", err));
    NB_TRY(nb_state_count(&io, &bytes, SIZE_MAX, "bytes", err));
    if (bytes != (size_t)(io.end - io.at)) {
        status = nb_fail(err, NB_ERR_INPUT, "the state has %zu bytes, %zu were to be", (size_t)(io.end - io.at), bytes);
        goto done;
    }
    if (rule) {
        NB_TRY(rule->state(s->state, &io, err));
    }
    if (io.at != io.end) {
        status = nb_fail(err, NB_ERR_INPUT, "the state has %zu bytes too many", (size_t)(io.end - io.at));
        goto done;
    }
    s->images = images;
done:
    nb_buffer_free(&identity);
    return status;
}

nb_status nb_stream_save(nb_stream *s, const char *path, nb_error *err)
{
    nb_buffer packed = {0};
    nb_status status = nb_stream_pack(s, &packed, err);
    status = status == NB_OK ? nb_state_write(path, &packed, err) : status;
    nb_buffer_free(&packed);
    return status;
}

nb_status nb_stream_restore(nb_stream *s, const char *path, nb_error *err)
{
    nb_buffer packed = {0};
    nb_status status = nb_state_read(path, &packed, err);
    if (status == NB_OK) {
        status = nb_stream_unpack(s, &packed, err);
        status = status == NB_OK ? status : nb_context(err, "'%.300s'", path);
    }
    nb_buffer_free(&packed);
    return status;
}

nb_status nb_stream_describe(const nb_stream *s, nb_buffer *out, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    return rule ? rule->describe(s->state, out, err) : nb_buffer_append(out, "", 0, err);
}

bool nb_score_visual(const nb_scorer *s, nb_visual_limits *limits)
{
    const nb_stream_rule *rule = s->rule->stream;
    bool takes = rule && rule->visual_limits;
    if (takes && limits) {
        *limits = rule->visual_limits(s);
    }
    return takes;
}

static nb_status stream_no_visual(const nb_stream *s, nb_error *err)
{
    return nb_fail(err, NB_ERR_USAGE, "the score '%s' takes no visual negatives", s->scorer->rule->name);
}

nb_status nb_stream_add_negatives(nb_stream *s, const float *rows, const double *margins, size_t count, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    return rule && rule->add_negatives ? rule->add_negatives(s->state, rows, margins, count, err)
                                       : stream_no_visual(s, err);
}

nb_status nb_stream_make_visual(nb_stream *s, nb_visual_maker make, void *self, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    return rule && rule->make_visual ? rule->make_visual(s->state, make, self, err) : stream_no_visual(s, err);
}
