#include "scoring/streams/stream_run.h"

#include <stdlib.h>

nb_status nb_stream_run(nb_stream *stream, const nb_stream_source *s, size_t d, nb_score_result *results, nb_error *err)
{
    size_t batch = s->batch < s->count ? s->batch : s->count;
    size_t most = batch && batch < NB_STREAM_TOGETHER ? NB_STREAM_TOGETHER / batch * batch : batch;
    float *images = NULL;
    nb_status status;
    NB_TRY_NEW(images, most * d);
    for (size_t at = 0; at < s->count; at += most) {
        size_t n = s->count - at < most ? s->count - at : most;
        for (size_t i = 0; i < n; i++) {
            NB_TRY(s->row(s->self, s->order ? s->order[at + i] : at + i, images + i * d, err));
        }
        NB_TRY(nb_stream_push_batches(stream, images, n, batch, results + at, err));
        if (s->done) {
            s->done(s->self, at + n);
        }
    }
done:
    free(images);
    return status;
}
