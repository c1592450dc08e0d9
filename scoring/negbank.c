#include "scoring/negbank_internal.h"

#include "common/base/json.h"
#include "common/base/version.h"
#include "common/store/provenance.h"
#include "scoring/bank/bank_summary.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/corpus_pass.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)NEGBANK_ERR_USAGE == (int)NB_ERR_USAGE && (int)NEGBANK_ERR_INPUT == (int)NB_ERR_INPUT &&
                   (int)NEGBANK_ERR_IO == (int)NB_ERR_IO && (int)NEGBANK_ERR_LIMIT == (int)NB_ERR_LIMIT &&
                   (int)NEGBANK_ERR_NUMERIC == (int)NB_ERR_NUMERIC && (int)NEGBANK_ERR_VERIFY == (int)NB_ERR_VERIFY &&
                   (int)NEGBANK_ERR_INTERNAL == (int)NB_ERR_INTERNAL,
               "codes are statuses");
_Static_assert(sizeof(negbank_result) >= NEGBANK_RESULT_SIZE_MIN, "results only grow");

struct negbank_bank {
    nb_bank bank;
    char criterion[64];
    char *info; /* JSON */
    nb_digest checkpoint;
};

struct negbank_scorer {
    nb_scorer scorer;
    char *description;
    bool decides;         /* the bank's threshold holds for it */
    size_t result_size;   /* bytes of the caller's negbank_result, which may be of another version */
    float *texts, *noise; /* of the corpus */
    nb_stream_corpus corpus;
};

struct negbank_stream {
    const negbank_scorer *scorer;
    nb_stream *stream;
};

pthread_mutex_t negbank_hdf5_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local char negbank_last_hint[NB_HINT_MAX];

int negbank_report(nb_status status, const nb_error *err, char *message, size_t size)
{
    const char *hint = status == NB_OK ? "" : err->hint;
    if (status != NB_OK) {
        snprintf(negbank_last_hint, sizeof negbank_last_hint, "%s", hint);
    }
    if (message && size) {
        snprintf(message, size, "%s%s%s%s", status == NB_OK ? "" : err->message, *hint ? " (" : "", hint,
                 *hint ? ")" : "");
    }
    return (int)status;
}

const char *negbank_hint(void)
{
    return negbank_last_hint;
}

const char *negbank_version(void)
{
    return nb_version();
}

/* What the provenance of a bank says about how it was made. */
static nb_status negbank_read_provenance(negbank_bank *b, nb_error *err)
{
    json_t *root = NULL;
    nb_status status = NB_OK;
    if (b->bank.provenance) {
        status = nb_json_parse(&root, b->bank.provenance, strlen(b->bank.provenance), 0, NULL, err);
    }
    const char *criterion = json_string_value(json_object_get(json_object_get(root, "options"), "criterion"));
    snprintf(b->criterion, sizeof b->criterion, "%s", criterion ? criterion : "");
    json_decref(root);
    nb_bank_checkpoint(&b->bank, &b->checkpoint);
    return status;
}

/* What `negbank inspect info --json` says of it, but the name of the file. */
static nb_status negbank_write_info(negbank_bank *b, nb_error *err)
{
    json_t *info = json_pack("{s:s, s:I, s:s}", "kind", NB_BANK_KIND, "bytes", (json_int_t)b->bank.file_bytes, "sha256",
                             b->bank.digest.hex);
    if (info && nb_summarise_bank(&b->bank, info)) {
        b->info = json_dumps(info, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    }
    json_decref(info);
    return b->info ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for what a bank says of itself");
}

int negbank_open(negbank_bank **out, const char *path, char *message, size_t message_size)
{
    nb_error err = {0};
    nb_status status = NB_OK;
    *out = NULL;
    negbank_bank *b = nb_alloc(1, sizeof *b, &err);
    if (!b) {
        return negbank_report(NB_ERR_LIMIT, &err, message, message_size);
    }
    pthread_mutex_lock(&negbank_hdf5_lock);
    status = path ? nb_bank_open(&b->bank, path, &err) : nb_fail(&err, NB_ERR_USAGE, "no path is given");
    pthread_mutex_unlock(&negbank_hdf5_lock);
    if (status == NB_OK) {
        status = negbank_read_provenance(b, &err);
    }
    if (status == NB_OK) {
        status = negbank_write_info(b, &err);
    }
    if (status == NB_OK) {
        *out = b;
    } else {
        negbank_close(b);
    }
    return negbank_report(status, &err, message, message_size);
}

void negbank_close(negbank_bank *b)
{
    if (b) {
        nb_bank_close(&b->bank);
        free(b->info);
        free(b);
    }
}

size_t negbank_width(const negbank_bank *b)
{
    return b->bank.d;
}

size_t negbank_label_count(const negbank_bank *b)
{
    return b->bank.label_count;
}

size_t negbank_negative_count(const negbank_bank *b)
{
    return b->bank.negative_count;
}

const char *negbank_label(const negbank_bank *b, size_t index)
{
    return index < b->bank.label_count ? nb_strings_get(&b->bank.labels, index) : NULL;
}

const char *negbank_negative(const negbank_bank *b, size_t index)
{
    return index < b->bank.negative_count ? nb_strings_get(&b->bank.negatives, index) : NULL;
}

double negbank_negative_value(const negbank_bank *b, size_t index)
{
    return index < b->bank.negative_count ? b->bank.criterion[index] : (double)NAN;
}

const char *negbank_criterion(const negbank_bank *b)
{
    return b->criterion;
}

const char *negbank_digest(const negbank_bank *b)
{
    return b->bank.digest.hex;
}

const char *negbank_checkpoint(const negbank_bank *b)
{
    return b->checkpoint.hex;
}

const char *negbank_info(const negbank_bank *b)
{
    return b->info;
}

const char *negbank_suggested_score(const negbank_bank *b)
{
    return b->bank.score;
}

int negbank_threshold(const negbank_bank *b, double *score)
{
    if (b->bank.threshold.images && score) {
        *score = b->bank.threshold.score;
    }
    return b->bank.threshold.images > 0;
}

static nb_status negbank_describe(negbank_scorer *s, nb_error *err)
{
    const nb_score_rule *rule = s->scorer.rule;
    nb_buffer text = {0};
    const char *before = " ";
    nb_status status;
    NB_TRY(nb_buffer_printf(&text, err, "%s", rule->name));
    for (size_t i = 0; i < rule->parameter_count; i++) {
        NB_TRY(nb_buffer_printf(&text, err, "%s%s=", before, rule->parameters[i].name));
        NB_TRY(nb_parameter_format(&text, &s->scorer.parameters, &rule->parameters[i], err));
        before = ",";
    }
    s->description = text.data;
    text.data = NULL;
done:
    nb_buffer_free(&text);
    return status;
}

int negbank_scorer_create(negbank_scorer **out, const negbank_bank *b, const char *score, const char *parameters,
                          char *message, size_t message_size)
{
    const char *name = score ? score : b->bank.score, *origin[NB_SCORE_PARAMETERS_MAX];
    const nb_score_rule *rule = nb_score_find(name);
    nb_score_parameters values;
    negbank_scorer *s = NULL;
    nb_buffer names = {0};
    nb_error error = {0}, *err = &error;
    nb_status status;
    *out = NULL;
    if (!rule) {
        NB_TRY(nb_score_names(&names, "|", err));
        status = nb_fail(err, NB_ERR_USAGE, "'%s' is none of the scores %s", name, names.data);
        goto done;
    }
    if (rule->image && rule->image->pairs) {
        nb_fail(err, NB_ERR_USAGE, "the score %s embeds texts of two labels, which the library has no checkpoint for",
                name);
        status = nb_hint(err, "`negbank score --score %s --model DIR` has one", name);
        goto done;
    }
    NB_TRY(nb_parameters_default(&values, origin, &b->bank, rule, err));
    NB_TRY(nb_parameters_parse(&values, parameters ? parameters : "", err));
    NB_TRY_NEW(s, 1);
    NB_TRY(nb_scorer_create(&s->scorer, &b->bank, &values, err));
    NB_TRY(negbank_describe(s, err));
    s->decides = nb_threshold_holds(&b->bank, &s->scorer);
    s->result_size = sizeof(negbank_result);
    *out = s;
    s = NULL;
done:
    nb_buffer_free(&names);
    negbank_scorer_destroy(s);
    return negbank_report(status, err, message, message_size);
}

int negbank_scorer_result_size(negbank_scorer *s, size_t bytes, char *message, size_t message_size)
{
    nb_error err = {0};
    nb_status status = NB_OK;
    if (bytes < NEGBANK_RESULT_SIZE_MIN) {
        status = nb_fail(&err, NB_ERR_USAGE, "a result has at least %d bytes, not %zu", NEGBANK_RESULT_SIZE_MIN, bytes);
    } else {
        s->result_size = bytes;
    }
    return negbank_report(status, &err, message, message_size);
}

void negbank_scorer_destroy(negbank_scorer *s)
{
    if (s) {
        nb_scorer_destroy(&s->scorer);
        free(s->description);
        free(s->texts);
        free(s->noise);
        free(s);
    }
}

const char *negbank_scorer_description(const negbank_scorer *s)
{
    return s->description;
}

/* Images first, first + 1, ... of a call. */
typedef struct batch {
    const float *embeddings; /* [count, d] */
    size_t first, count;
    char *results; /* [count * result_size] */
} batch;

static void negbank_hand_over(const negbank_scorer *s, const nb_score_result *results, const batch *b)
{
    size_t size = s->result_size, known = size < sizeof(negbank_result) ? size : sizeof(negbank_result);
    for (size_t i = 0; i < b->count; i++) {
        const nb_score_result *r = &results[i];
        const negbank_result one = {.score = r->score,
                                    .ood_score = r->ood,
                                    .label = r->label,
                                    .accepted = s->decides ? nb_threshold_accepts(s->scorer.bank, r) : -1};
        memcpy(b->results + i * size, &one, known);
        memset(b->results + i * size + known, 0, size - known);
    }
}

/* Scores a batch of images, alone or as part of a stream. */
static nb_status negbank_score_batch(const negbank_scorer *s, nb_stream *stream, const batch *b, nb_error *err)
{
    size_t count = b->count;
    size_t d = s->scorer.d, elements;
    float *rows = NULL;
    nb_score_result *results = NULL;
    nb_status status;
    if (!nb_mul_size(count, d, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu embeddings are too many", count);
    }
    NB_TRY_NEW(rows, elements);
    NB_TRY_NEW(results, count);
    memcpy(rows, b->embeddings, elements * sizeof *rows);
    NB_TRY(nb_score_normalise(rows, count, d, b->first, "the embeddings", err));
    NB_TRY(stream ? nb_stream_push(stream, rows, count, results, err)
                  : nb_scorer_run_float(&s->scorer, rows, count, results, err));
    negbank_hand_over(s, results, b);
done:
    free(rows);
    free(results);
    return status;
}

int negbank_score(const negbank_scorer *s, const float *embeddings, size_t count, negbank_result *results,
                  char *message, size_t message_size)
{
    nb_error err = {0};
    nb_status status = NB_OK;
    for (size_t at = 0; at < count && status == NB_OK; at += NB_SCORE_BATCH) {
        size_t n = count - at < NB_SCORE_BATCH ? count - at : NB_SCORE_BATCH;
        const batch part = {embeddings + at * s->scorer.d, at, n, (char *)results + at * s->result_size};
        status = negbank_score_batch(s, NULL, &part, &err);
    }
    return negbank_report(status, &err, message, message_size);
}

static nb_status negbank_corpus_rows(void *self, size_t begin, size_t count, float *out, nb_error *err)
{
    const negbank_scorer *s = self;
    (void)err;
    memcpy(out, s->texts + begin * s->scorer.d, count * s->scorer.d * sizeof *out);
    return NB_OK;
}

/* A normalised copy of rows, and its digest. */
static nb_status negbank_copy_rows(float **out, const negbank_rows *from, size_t d, nb_error *err)
{
    size_t count = from->count, elements;
    nb_status status;
    if (!nb_mul_size(count, d, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu embeddings are too many", count);
    }
    NB_TRY_NEW(*out, elements);
    memcpy(*out, from->embeddings, elements * sizeof **out);
    NB_TRY(nb_score_normalise(*out, count, d, 0, "the embeddings", err));
done:
    return status;
}

int negbank_scorer_corpus(negbank_scorer *s, const negbank_rows *texts, const negbank_rows *noise, char *message,
                          size_t message_size)
{
    nb_error error = {0}, *err = &error;
    float *text_rows = NULL, *noise_rows = NULL;
    size_t d = s->scorer.d;
    nb_status status;
    if (s->texts || !texts || !texts->count || !noise || !noise->count) {
        status =
            nb_fail(err, NB_ERR_USAGE, s->texts ? "the scorer has a corpus" : "no texts or no noise images are given");
        goto done;
    }
    NB_TRY(negbank_copy_rows(&text_rows, texts, d, err));
    NB_TRY(negbank_copy_rows(&noise_rows, noise, d, err));
    s->corpus = (nb_stream_corpus){.count = texts->count,
                                   .d = d,
                                   .digest = nb_digest_bytes(text_rows, texts->count * d * sizeof *text_rows),
                                   .rows = negbank_corpus_rows,
                                   .noise = noise_rows,
                                   .noise_count = noise->count,
                                   .noise_digest = nb_digest_bytes(noise_rows, noise->count * d * sizeof *noise_rows),
                                   .self = s};
    s->texts = text_rows;
    s->noise = noise_rows;
    s->scorer.corpus = &s->corpus;
    text_rows = noise_rows = NULL;
done:
    free(text_rows);
    free(noise_rows);
    return negbank_report(status, err, message, message_size);
}

int negbank_stream_create(negbank_stream **out, const negbank_scorer *scorer, char *message, size_t message_size)
{
    nb_error error = {0}, *err = &error;
    negbank_stream *s = NULL;
    nb_status status;
    *out = NULL;
    NB_TRY_NEW(s, 1);
    s->scorer = scorer;
    NB_TRY(nb_stream_create(&s->stream, &scorer->scorer, err));
    *out = s;
    s = NULL;
done:
    free(s);
    return negbank_report(status, err, message, message_size);
}

void negbank_stream_destroy(negbank_stream *s)
{
    if (s) {
        nb_stream_destroy(s->stream);
        free(s);
    }
}

int negbank_stream_push(negbank_stream *s, const float *embeddings, size_t count, negbank_result *results,
                        char *message, size_t message_size)
{
    nb_error err = {0};
    const batch all = {embeddings, 0, count, (char *)results};
    nb_status status = count ? negbank_score_batch(s->scorer, s->stream, &all, &err) : NB_OK;
    return negbank_report(status, &err, message, message_size);
}

int negbank_stream_save(negbank_stream *s, const char *path, char *message, size_t message_size)
{
    nb_error err = {0};
    nb_status status = path ? nb_stream_save(s->stream, path, &err) : nb_fail(&err, NB_ERR_USAGE, "no path is given");
    return negbank_report(status, &err, message, message_size);
}

int negbank_stream_restore(negbank_stream *s, const char *path, char *message, size_t message_size)
{
    nb_error err = {0};
    nb_status status =
        path ? nb_stream_restore(s->stream, path, &err) : nb_fail(&err, NB_ERR_USAGE, "no path is given");
    return negbank_report(status, &err, message, message_size);
}
