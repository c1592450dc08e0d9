/* The map from texts to images: it solves the normal equations of its ridge problem, with fewer classes than
 * coordinates and with more, which take different ways. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "mining/criteria/debiased/text_image_map.h"

#include <math.h>
#include <stdlib.h>

static const double gain = 2, ridge = 0.5;

/* Rows of length 1 around a common direction, as embeddings of one kind are. */
static double *make_rows(size_t rows, size_t d, uint64_t stream)
{
    double *out = calloc(rows * d, sizeof *out);
    for (size_t i = 0; i < rows * d; i++) {
        out[i] = nb_random_normal(7, stream, i) + 2 * nb_random_normal(8, stream, i % d);
    }
    for (size_t i = 0; i < rows; i++) {
        nb_normalise_row(out + i * d, out + i * d, d);
    }
    return out;
}

static double mean_at(const double *rows, size_t count, size_t d, size_t k)
{
    double sum = 0;
    for (size_t c = 0; c < count; c++) {
        sum += rows[c * d + k];
    }
    return sum / (double)count;
}

/* The largest element of (X'X + ridge I) (G - gain I) - X'(Y - X), in plain loops. */
static double residual(const nb_bank_proxies *p, const double *q, const double *v, size_t classes, size_t d)
{
    double *x = calloc(classes * d, sizeof *x), *rest = calloc(classes * d, sizeof *rest), worst = 0;
    for (size_t c = 0; c < classes; c++) {
        for (size_t k = 0; k < d; k++) {
            x[c * d + k] = q[c * d + k] - p->text_mean[k];
            rest[c * d + k] = v[c * d + k] - p->image_mean[k] - x[c * d + k];
        }
    }
    double *fit = calloc(classes * d, sizeof *fit); /* X (G - gain I) */
    for (size_t c = 0; c < classes; c++) {
        for (size_t i = 0; i < d; i++) {
            for (size_t k = 0; k < d; k++) {
                fit[c * d + k] += x[c * d + i] * (p->map[i * d + k] - (i == k ? gain : 0));
            }
        }
    }
    for (size_t i = 0; i < d; i++) {
        for (size_t k = 0; k < d; k++) {
            double sum = ridge * (p->map[i * d + k] - (i == k ? gain : 0));
            for (size_t c = 0; c < classes; c++) {
                sum += x[c * d + i] * (fit[c * d + k] - rest[c * d + k]);
            }
            worst = fmax(worst, fabs(sum));
        }
    }
    free(x);
    free(rest);
    free(fit);
    return worst;
}

static void test_solves_its_equations(void **state)
{
    static const size_t classes[] = {1,  2,  23,
                                     24, 25, 150}; /* by the smaller system up to 23, by the other from 24 on */
    enum { D = 24 };
    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t c = classes[i];
        nb_error err = {0};
        double *q = make_rows(c, D, 1), *v = make_rows(c, D, 2);
        nb_bank_proxies *p = nb_alloc(1, sizeof *p, &err);
        nb_evidence e = {.d = D, .label_count = c, .labels = q, .prototypes = v};
        must(nb_text_image_map(p, &e, gain, ridge, &err), &err);
        for (size_t k = 0; k < D; k++) {
            assert_true(fabs(p->text_mean[k] - mean_at(q, c, D, k)) < 1e-15);
            assert_true(fabs(p->image_mean[k] - mean_at(v, c, D, k)) < 1e-15);
        }
        assert_true(residual(p, q, v, c, D) < 1e-10);
        nb_bank_proxies_free(p);
        free(q);
        free(v);
    }
}

/* From a single class nothing can be learnt: the map is the identity times the gain. From many, the places of the
 * labels are more like their images than by the gain alone. */
static void test_what_is_learnt(void **state)
{
    enum { D = 24, C = 150 };
    nb_error err = {0};
    double *q = make_rows(C, D, 1), *v = calloc(C * D, sizeof *v), *places = calloc(C * D, sizeof *places);
    double learnt = 0, widened = 0;
    (void)state;
    nb_bank_proxies *p = nb_alloc(1, sizeof *p, &err);
    nb_evidence e = {.d = D, .label_count = 1, .labels = q, .prototypes = q + D};
    must(nb_text_image_map(p, &e, gain, ridge, &err), &err);
    for (size_t i = 0; i < D * D; i++) {
        assert_true(p->map[i] == (i % (D + 1) ? 0 : gain));
    }
    nb_bank_proxies_free(p);

    for (size_t i = 0; i < C * D; i++) { /* images: texts with their coordinates shifted by one, elsewhere */
        v[i] = q[i / D * D + (i % D + 1) % D] + (i % D == 3 ? 1 : 0);
    }
    for (size_t c = 0; c < C; c++) {
        nb_normalise_row(v + c * D, v + c * D, D);
    }
    p = nb_alloc(1, sizeof *p, &err);
    e = (nb_evidence){.d = D, .label_count = C, .labels = q, .prototypes = v};
    must(nb_text_image_map(p, &e, gain, ridge, &err), &err);
    for (int learns = 1; learns >= 0; learns--) {
        for (size_t i = 0; i < D * D && !learns; i++) {
            p->map[i] = i % (D + 1) ? 0 : gain;
        }
        must(nb_bank_impute(p, nb_double_matrix_of(q, C, D), places, &err), &err);
        for (size_t c = 0; c < C; c++) {
            *(learns ? &learnt : &widened) += nb_dot(places + c * D, v + c * D, D) / C;
        }
    }
    assert_true(learnt > widened + 0.05);
    nb_bank_proxies_free(p);
    free(q);
    free(v);
    free(places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solves_its_equations),
        cmocka_unit_test(test_what_is_learnt),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
