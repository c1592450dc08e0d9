#include "jobs/plan/plan_rates.h"

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/linear/blas.h"
#include "common/linear/simd/vector.h"
#include "jobs/check/known_answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double unit;
} kinds[NB_RATES] = {[NB_RATE_TEXTS] = {"texts", 1},
                     [NB_RATE_IMAGES] = {"images", 1},
                     [NB_RATE_PRODUCTS] = {"gflops", 1e9},
                     [NB_RATE_CORPUS] = {"corpus", 1e6}};

/* Reading, normalising, sorting and exchanging a corpus: not worth measuring beside what follows. */
static const double corpus_rate = 5e6;
static const double measure_seconds = 0.7;

const char *nb_rate_name(size_t rate)
{
    return kinds[rate].name;
}

double nb_rate_shown(const nb_rates *rates, size_t rate)
{
    return rates->of[rate] / kinds[rate].unit;
}

nb_status nb_rates_parse(nb_rates *out, const nb_strings *words, nb_error *err)
{
    *out = (nb_rates){.of[NB_RATE_CORPUS] = corpus_rate};
    for (size_t i = 0; i < words->count; i++) {
        const char *word = nb_strings_get(words, i), *equals = strchr(word, '=');
        double value;
        size_t k = 0;
        while (k < NB_RATES && !(equals && strlen(kinds[k].name) == (size_t)(equals - word) &&
                                 strncmp(kinds[k].name, word, (size_t)(equals - word)) == 0)) {
            k++;
        }
        if (k == NB_RATES || !nb_parse_real(equals + 1, &value) || value <= 0) {
            nb_fail(err, NB_ERR_USAGE, "--rate: '%s' is no rate", word);
            return nb_hint(err, "of one rank: texts=N and images=N a second, gflops=N, corpus=N (MB/s)");
        }
        out->of[k] = value * kinds[k].unit;
        out->given[k] = true;
    }
    return NB_OK;
}

/* A tile's product and a pass over its cosines, as mining does it. */
static nb_status plan_rates_measure_products(double *rate, size_t width, nb_error *err)
{
    size_t m = NB_AFFINITY_IMAGES, n = NB_AFFINITY_TEXTS;
    const nb_vector *vector = nb_vector_best();
    float *a = NULL, *b = NULL, *c = NULL;
    double done = 0, start, spent;
    nb_status status;
    a = nb_alloc_aligned(m * width, sizeof *a, err);
    b = nb_alloc_aligned(n * width, sizeof *b, err);
    c = nb_alloc_aligned(m * n, sizeof *c, err);
    status = a && b && c ? NB_OK : NB_ERR_LIMIT;
    if (status != NB_OK) {
        goto done;
    }
    start = nb_clock();
    do {
        nb_sgemm_nt(m, n, width, a, width, b, width, 0, c, n);
        for (size_t i = 0; i < m; i++) {
            float top;
            double sum;
            vector->sum_exp(c + i * n, n, 20, &top, &sum);
        }
        done += 2.0 * (double)m * (double)n * (double)width;
        spent = nb_clock() - start;
    } while (spent < measure_seconds);
    *rate = done / spent;
done:
    free(a);
    free(b);
    free(c);
    return status;
}

static nb_status plan_rates_measure_towers(nb_rates *r, bool texts, bool images, const char *model,
                                           const nb_engine *engine, nb_error *err)
{
    nb_clip *clip = NULL;
    nb_status status;
    if (r->engine != engine || strcmp(r->model, model) != 0) { /* another checkpoint: other rates */
        r->of[NB_RATE_TEXTS] = r->given[NB_RATE_TEXTS] ? r->of[NB_RATE_TEXTS] : 0;
        r->of[NB_RATE_IMAGES] = r->given[NB_RATE_IMAGES] ? r->of[NB_RATE_IMAGES] : 0;
        r->engine = engine;
        snprintf(r->model, sizeof r->model, "%s", model);
    }
    texts = texts && !(r->of[NB_RATE_TEXTS] > 0);
    images = images && !(r->of[NB_RATE_IMAGES] > 0);
    if (!texts && !images) {
        return NB_OK;
    }
    NB_TRY(nb_clip_open_by(&clip, model, engine, err));
    if (texts) {
        NB_TRY(nb_check_text_speed(clip, measure_seconds, &r->of[NB_RATE_TEXTS], err));
    }
    if (images) {
        NB_TRY(nb_check_image_speed(clip, measure_seconds, &r->of[NB_RATE_IMAGES], err));
    }
done:
    nb_clip_close(clip);
    return status;
}

nb_status nb_rates_seconds(nb_rates *r, const nb_estimate *e, nb_rate_of of, double *seconds, nb_error *err)
{
    const double work[NB_RATES] = {e->texts, e->images, e->products, e->gathered};
    nb_status status = NB_OK;
    *seconds = 0;
    if ((e->texts > 0 || e->images > 0) && of.model) {
        NB_TRY(plan_rates_measure_towers(r, e->texts > 0, e->images > 0, of.model, of.engine, err));
    }
    if (e->products > 0 && !(r->of[NB_RATE_PRODUCTS] > 0)) {
        NB_TRY(plan_rates_measure_products(&r->of[NB_RATE_PRODUCTS], of.width, err));
    }
    for (size_t k = 0; k < NB_RATES; k++) {
        *seconds += work[k] > 0 && r->of[k] > 0 ? work[k] / r->of[k] : 0;
    }
done:
    return status;
}
