/* The state of a stream: one that is stopped at any batch goes on to the same bits, and a state of another bank, score,
 * parameter or input, or of damaged bytes, is refused by name. */
#include "support/support.h"

#include "common/linear/blas.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/stream.h"
#include "support/streams/method_bank.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 24, BATCHES = 9, IMAGES = BATCH * BATCHES - 5 }; /* the last batch is shorter */

/* Visual negatives without a text tower: the images themselves, by their first element. */
static nb_status make_visual(void *self, nb_stream *stream, const float *images, const size_t *number, size_t count,
                             nb_error *err)
{
    nb_status status = NB_OK;
    size_t d = *(const size_t *)self;
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        double margin = (double)images[i * d] + (double)(number[i] % 3);
        status = nb_stream_add_negatives(stream, images + i * d, &margin, 1, err);
    }
    return status;
}

static void open_scorer(nb_scorer *out, const nb_bank *bank, const char *score, const char *parameters)
{
    nb_error err = {0};
    nb_score_parameters p;
    must(nb_score_published(&p, nb_score_find(score), &err), &err);
    must(nb_parameters_parse(&p, parameters, &err), &err);
    must(nb_scorer_create(out, bank, &p, &err), &err);
}

static nb_stream *begin(const nb_scorer *s)
{
    nb_error err = {0};
    nb_stream *stream;
    must(nb_stream_create(&stream, s, &err), &err);
    if (nb_score_visual(s, NULL)) {
        must(nb_stream_make_visual(stream, make_visual, (void *)(uintptr_t)&s->d, &err), &err);
    }
    return stream;
}

/* Images of both kinds, mixed. */
static float *mix(const method_bank *m)
{
    size_t n, d = m->bank.d, *order = golden_numbers("methods/stream_order.npy", &n);
    float *out = calloc(IMAGES * d, sizeof *out);
    for (size_t i = 0; i < IMAGES; i++) {
        memcpy(out + i * d, m->images + order[i] * d, d * sizeof *out);
    }
    free(order);
    return out;
}

static void same(const nb_score_result *a, const nb_score_result *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(a[i].label, b[i].label);
        assert_memory_equal(&a[i].score, &b[i].score, sizeof a[i].score);
        assert_memory_equal(&a[i].ood, &b[i].ood, sizeof a[i].ood);
    }
}

static void stop_everywhere(const method_bank *m, const float *images, const char *score, const char *parameters)
{
    nb_error err = {0};
    nb_scorer scorer;
    nb_score_result want[IMAGES], got[IMAGES];
    size_t d = m->bank.d, bytes = 0;
    open_scorer(&scorer, &m->bank, score, parameters);
    nb_stream *whole = begin(&scorer), *left = begin(&scorer);
    must(nb_stream_push_batches(whole, images, IMAGES, BATCH, want, &err), &err);
    for (size_t at = 0, n; at <= IMAGES; at += n) {
        nb_buffer packed = {0}, again = {0};
        must(nb_stream_pack(left, &packed, &err), &err);
        nb_stream *right = begin(&scorer);
        must(nb_stream_unpack(right, &packed, &err), &err);
        assert_int_equal(nb_stream_images(right), at);
        must(nb_stream_pack(right, &again, &err), &err);
        assert_int_equal(packed.len, again.len);
        assert_memory_equal(packed.data, again.data, packed.len);
        must(nb_stream_push_batches(right, images + at * d, IMAGES - at, BATCH, got + at, &err), &err);
        same(got + at, want + at, IMAGES - at);
        nb_stream_destroy(right);
        bytes = packed.len;
        nb_buffer_free(&packed), nb_buffer_free(&again);
        n = IMAGES - at < BATCH ? IMAGES - at : BATCH;
        if (!n) {
            break;
        }
        must(nb_stream_push_batches(left, images + at * d, n, BATCH, got + at, &err), &err);
    }
    same(got, want, IMAGES);
    print_message("%s %s: a state of %zu bytes\n", score, parameters, bytes);
    nb_stream_destroy(whole), nb_stream_destroy(left);
    nb_scorer_destroy(&scorer);
}

static void test_stops(void **state)
{
    (void)state;
    method_bank m;
    method_bank_open(&m);
    float *images = mix(&m);
    stop_everywhere(&m, images, "neglabel", "groups=5");
    stop_everywhere(&m, images, "adaneg", "memory=3");
    stop_everywhere(&m, images, "adaneg", "proxies=task,adaptive-gap=on,seed=4");
    stop_everywhere(&m, images, "interneg", "visual=12,theta=0.9");
    stop_everywhere(&m, images, "oodd", "groups=5,queue=40");
    stop_everywhere(&m, images, "nested", "");
    free(images);
    method_bank_close(&m);
}

/* A state of SCORE PARAMETERS after two batches. */
static nb_buffer state_of(const method_bank *m, const float *images, const char *score, const char *parameters)
{
    nb_error err = {0};
    nb_scorer scorer;
    nb_score_result results[2 * BATCH];
    nb_buffer packed = {0};
    open_scorer(&scorer, &m->bank, score, parameters);
    nb_stream *stream = begin(&scorer);
    must(nb_stream_push_batches(stream, images, sizeof results / sizeof *results, BATCH, results, &err), &err);
    must(nb_stream_pack(stream, &packed, &err), &err);
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    return packed;
}

static void refuse(const nb_bank *bank, const nb_buffer *packed, const char *score, const char *parameters,
                   const char *says)
{
    nb_error err = {0};
    nb_scorer scorer;
    open_scorer(&scorer, bank, score, parameters);
    nb_stream *stream = begin(&scorer);
    must_fail(nb_stream_unpack(stream, packed, &err), NB_ERR_INPUT, &err, says);
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
}

static void test_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    method_bank m;
    nb_scorer scorer;
    method_bank_open(&m);
    float *images = mix(&m);
    nb_buffer packed = state_of(&m, images, "adaneg", "memory=3,gamma=0.4"), empty = {.data = (char *)"", .len = 0};
    refuse(&m.bank, &packed, "adaneg", "memory=4,gamma=0.4", "with memory=3, this one has memory=4");
    refuse(&m.bank, &packed, "adaneg", "memory=3", "with gamma=0.4, this one has gamma=0.5");
    refuse(&m.bank, &packed, "interneg", "", "with score=adaneg, this one has score=interneg");
    refuse(&m.bank, &empty, "adaneg", "", "too early");
    nb_bank other = m.bank;
    memcpy(other.digest.hex, "b1", 3);
    refuse(&other, &packed, "adaneg", "memory=3,gamma=0.4", "with bank=, this one has bank=b1");
    other = m.bank;
    other.negative_count--;
    refuse(&other, &packed, "adaneg", "memory=3,gamma=0.4", "negatives=");

    open_scorer(&scorer, &m.bank, "adaneg", "memory=3,gamma=0.4");
    nb_stream *stream = begin(&scorer);
    must(nb_stream_input(stream, "model", "0123", &err), &err);
    must_fail(nb_stream_unpack(stream, &packed, &err), NB_ERR_INPUT, &err, "with nothing, this one has model=0123");
    nb_stream_destroy(stream);
    stream = begin(&scorer);
    nb_score_result one;
    must(nb_stream_push(stream, images, 1, &one, &err), &err);
    must_fail(nb_stream_unpack(stream, &packed, &err), NB_ERR_USAGE, &err, "has seen 1 images");
    nb_stream_destroy(stream);

    /* a file: whole, cut, altered, of another kind */
    const char *path = scratch_path("s.state");
    must(nb_state_write(path, &packed, &err), &err);
    stream = begin(&scorer);
    must(nb_stream_restore(stream, path, &err), &err);
    must(nb_stream_save(stream, path, &err), &err);
    nb_stream_destroy(stream);
    char *bytes;
    size_t len;
    must(nb_file_read(path, 1 << 24, &bytes, &len, &err), &err);
    assert_memory_equal(bytes + 512, packed.data, packed.len);
    bytes[len - 3] = (char)(bytes[len - 3] ^ 4);
    must(nb_file_write(path, true, bytes, len, &err), &err);
    stream = begin(&scorer);
    must_fail(nb_stream_restore(stream, path, &err), NB_ERR_VERIFY, &err, "damaged");
    must(nb_file_write(path, true, bytes, len - 1, &err), &err);
    must_fail(nb_stream_restore(stream, path, &err), NB_ERR_INPUT, &err, "cut short");
    must_fail(nb_stream_restore(stream, golden_path("methods/texts.npy"), &err), NB_ERR_INPUT, &err, "no");
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    free(bytes);
    nb_buffer_free(&packed);
    free(images);
    method_bank_close(&m);
}

/* Any single byte of the state altered, or the state cut anywhere: it is refused or taken, and nothing breaks. */
static void test_altered(void **state)
{
    (void)state;
    static const char *const ways[][2] = {
        {"adaneg", "memory=3"}, {"interneg", "visual=12,theta=0.9"}, {"oodd", "queue=20,groups=5"}};
    method_bank m;
    method_bank_open(&m);
    float *images = mix(&m);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        nb_scorer scorer;
        nb_buffer packed = state_of(&m, images, ways[w][0], ways[w][1]);
        size_t len = packed.len, refused = 0, tried = 0;
        open_scorer(&scorer, &m.bank, ways[w][0], ways[w][1]);
        for (size_t i = 0; i < len; i += i < 600 || NB_SANITIZED ? 7 : 1 + len / 300) {
            for (int cut = 0; cut < 2; cut++) {
                nb_error err = {0};
                nb_score_result results[BATCH];
                char *at = packed.data + i, kept = *at;
                nb_stream *stream = begin(&scorer);
                packed.len = cut ? i : len;
                *at = (char)(cut ? kept : kept ^ (char)(1 << (i % 8)));
                if (nb_stream_unpack(stream, &packed, &err) != NB_OK) {
                    refused++;
                } else {
                    assert_false(cut);
                    must(nb_stream_push(stream, images, BATCH, results, &err), &err);
                }
                tried++;
                *at = kept;
                packed.len = len;
                nb_stream_destroy(stream);
            }
            i += NB_SANITIZED ? len / 200 : 0;
        }
        print_message("%s: %zu of %zu altered states refused\n", ways[w][0], refused, tried);
        assert_true(refused >= tried / 2);
        nb_scorer_destroy(&scorer);
        nb_buffer_free(&packed);
    }
    free(images);
    method_bank_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stops), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_altered)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
