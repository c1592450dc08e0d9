/* Hostile states of streams: gone on from or refused, nothing else. The first byte chooses the score, the second what
 * the rest is: changes to the bytes of a state, three bytes a change (offset, two, and exclusive-or), or the state
 * itself behind its identity. */
#include "fuzz/fuzz.h"

#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/corpus_pass.h"
#include "scoring/streams/stream.h"

#include <math.h>

enum { C = 3, M = 7, D = 4, IMAGES = 12, CORPUS = 9, SCORES = 5 };

static const char *const scores[SCORES][2] = {{"adaneg", "memory=3,groups=2"},
                                              {"interneg", "visual=3,theta=1,groups=2"},
                                              {"oodd", "queue=4,groups=2"},
                                              {"tanl", "beta=5,queue=3,history=20"},
                                              {"tins", "visual=3,theta=1,buffer=2,groups=2"}};
static double rows[(C + M) * D];
static double criterion[M];
static float images[IMAGES * D], corpus[CORPUS * D];
static nb_bank bank;
static nb_stream_corpus texts;
static nb_scorer scorers[SCORES];
static nb_buffer originals[SCORES];
static size_t identity[SCORES]; /* bytes before the images seen */

static nb_status corpus_rows(void *self, size_t begin, size_t count, float *out, nb_error *err)
{
    (void)self, (void)err;
    memcpy(out, corpus + begin * D, count * D * sizeof *out);
    return NB_OK;
}

static nb_status make_visual(void *self, nb_stream *stream, const float *of, const size_t *number, size_t count,
                             nb_error *err)
{
    nb_status status = NB_OK;
    (void)self;
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        double margin = (double)(number[i] % 5);
        status = nb_stream_add_negatives(stream, of + i * D, &margin, 1, err);
    }
    return status;
}

static nb_stream *begin(const nb_scorer *s)
{
    nb_error err = {0};
    nb_stream *stream;
    require(nb_stream_create(&stream, s, &err) == NB_OK);
    if (nb_score_visual(s, NULL)) {
        require(nb_stream_make_visual(stream, make_visual, NULL, &err) == NB_OK);
    }
    return stream;
}

static void fill(float *out, size_t count, double by)
{
    nb_error err = {0};
    for (size_t i = 0; i < count * D; i++) {
        out[i] = (float)sin(by * (double)(i + 1));
    }
    require(nb_score_normalise(out, count, D, 0, "rows", &err) == NB_OK);
}

static void make_originals(void)
{
    nb_error err = {0};
    nb_score_result results[IMAGES];
    nb_blas_start();
    for (size_t i = 0; i < C + M; i++) {
        for (size_t k = 0; k < D; k++) {
            rows[i * D + k] = cos(3.1 * (double)(i * D + k));
        }
        nb_normalise_row(rows + i * D, rows + i * D, D);
    }
    fill(images, IMAGES, 1.7);
    fill(corpus, CORPUS, 0.9);
    bank = (nb_bank){.d = D,
                     .label_count = C,
                     .negative_count = M,
                     .label_rows = rows,
                     .negative_rows = rows + C * D,
                     .criterion = criterion,
                     .tau = (double)NAN};
    texts =
        (nb_stream_corpus){.count = CORPUS, .d = D, .rows = corpus_rows, .noise = images, .noise_count = 2, .tile = 4};
    for (size_t s = 0; s < SCORES; s++) {
        nb_score_parameters p;
        require(nb_score_published(&p, nb_score_find(scores[s][0]), &err) == NB_OK);
        require(nb_parameters_parse(&p, scores[s][1], &err) == NB_OK);
        require(nb_scorer_create(&scorers[s], &bank, &p, &err) == NB_OK);
        scorers[s].corpus = &texts;
        nb_stream *stream = begin(&scorers[s]);
        require(nb_stream_push_batches(stream, images, IMAGES, 4, results, &err) == NB_OK);
        require(nb_stream_pack(stream, &originals[s], &err) == NB_OK);
        uint64_t text;
        memcpy(&text, originals[s].data + 8, sizeof text);
        identity[s] = 16 + (size_t)text;
        nb_stream_destroy(stream);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_score_result results[4];
    nb_buffer packed = {0};
    if (!originals[0].data) {
        make_originals();
    }
    if (size < 2) {
        return 0;
    }
    size_t s = data[0] % SCORES;
    const nb_buffer *from = &originals[s];
    bool whole = data[1] % 2;
    require(nb_buffer_append(&packed, from->data, whole ? identity[s] : from->len, &err) == NB_OK);
    if (whole) {
        require(nb_buffer_append(&packed, data + 2, size - 2, &err) == NB_OK);
    }
    for (size_t i = 2; !whole && i + 2 < size; i += 3) {
        size_t at = ((size_t)data[i] << 8 | data[i + 1]) % packed.len;
        packed.data[at] = (char)(packed.data[at] ^ (char)data[i + 2]);
    }
    nb_stream *stream = begin(&scorers[s]);
    nb_status status = nb_stream_unpack(stream, &packed, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        status = nb_stream_push(stream, images, 4, results, &err);
        require_message(status, &err);
    }
    nb_stream_destroy(stream);
    nb_buffer_free(&packed);
    return 0;
}
