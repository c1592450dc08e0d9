#include "scoring/scores/stream.h"

#include <stdlib.h>

struct nb_stream {
    const nb_scorer *scorer;
    void *state;
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

void nb_stream_destroy(nb_stream *s)
{
    if (s) {
        if (s->scorer->rule->stream) {
            s->scorer->rule->stream->destroy(s->state);
        }
        free(s);
    }
}

nb_status nb_stream_push(nb_stream *s, const float *images, size_t count, nb_score_result *results, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    if (!count) {
        return NB_OK;
    }
    return rule ? rule->push(s->state, s, images, count, results, err)
                : nb_scorer_run_float(s->scorer, images, count, results, err);
}

nb_status nb_stream_push_batches(nb_stream *s, const float *images, size_t count, size_t batch,
                                 nb_score_result *results, nb_error *err)
{
    const nb_stream_rule *rule = s->scorer->rule->stream;
    nb_status status = count && rule && rule->prepare ? rule->prepare(s->state, images, count, err) : NB_OK;
    for (size_t at = 0; at < count && status == NB_OK; at += batch) {
        size_t n = count - at < batch ? count - at : batch;
        status = nb_stream_push(s, images + at * s->scorer->d, n, results + at, err);
    }
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
