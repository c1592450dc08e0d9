#include "scoring/stream_run.h"

#include <stdlib.h>

nb_status nb_stream_run(nb_stream *stream, const nb_stream_source *s, size_t d, nb_score_result *results, nb_error *err)
{
    size_t most = s->batch < s->count ? s->batch : s->count;
    float *batch = NULL;
    nb_status status;
    NB_TRY_NEW(batch, most * d);
    for (size_t at = 0; at < s->count; at += most) {
        size_t n = s->count - at < most ? s->count - at : most;
        for (size_t i = 0; i < n; i++) {
            NB_TRY(s->row(s->self, s->order ? s->order[at + i] : at + i, batch + i * d, err));
        }
        NB_TRY(nb_stream_push(stream, batch, n, results + at, err));
        if (s->done) {
            s->done(s->self, at + n);
        }
    }
done:
    free(batch);
    return status;
}
