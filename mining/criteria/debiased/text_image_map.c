#include "mining/criteria/debiased/text_image_map.h"

#include <math.h>
#include <stdlib.h>

/* The rows of the learning problem and what is solved for. */
typedef struct lesson {
    size_t classes, d, n; /* n: order of the system, the smaller of both */
    double *x, *rest;     /* [classes, d] X and Y - X */
    double *transposed;   /* [d, classes] X', then (Y - X)' */
    double *system;       /* [n, n] */
    double *right;        /* [n, d] */
} lesson;

static void text_image_free(lesson *l)
{
    free(l->x);
    free(l->rest);
    free(l->transposed);
    free(l->system);
    free(l->right);
}

static void text_image_mean(double *mean, const double *rows, size_t count, size_t d)
{
    for (size_t c = 0; c < count; c++) {
        for (size_t k = 0; k < d; k++) {
            mean[k] += rows[c * d + k] / (double)count;
        }
    }
}

static void text_image_transpose(double *out, const double *in, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < columns; k++) {
            out[k * rows + i] = in[i * columns + k];
        }
    }
}

/* a [n, n] = its Cholesky factor L in the lower triangle; a is symmetric and positive definite. */
static void text_image_factor(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        double *row = a + j * n;
        for (size_t k = 0; k < j; k++) {
            row[j] -= row[k] * row[k];
        }
        row[j] = sqrt(row[j]);
        for (size_t i = j + 1; i < n; i++) {
            double *below = a + i * n, sum = below[j];
            for (size_t k = 0; k < j; k++) {
                sum -= below[k] * row[k];
            }
            below[j] = sum / row[j];
        }
    }
}

/* row[d] = (row - factor other) */
static void text_image_subtract(double *row, const double *other, double factor, size_t d)
{
    for (size_t k = 0; k < d; k++) {
        row[k] -= factor * other[k];
    }
}

static void text_image_divide(double *row, double by, size_t d)
{
    for (size_t k = 0; k < d; k++) {
        row[k] /= by;
    }
}

/* b [n, d] = (L L')^-1 b. */
static void text_image_solve(const double *l, double *b, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            text_image_subtract(b + i * d, b + k * d, l[i * n + k], d);
        }
        text_image_divide(b + i * d, l[i * n + i], d);
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) {
            text_image_subtract(b + i * d, b + k * d, l[k * n + i], d);
        }
        text_image_divide(b + i * d, l[i * n + i], d);
    }
}

static nb_status text_image_prepare(lesson *l, const nb_bank_proxies *p, const nb_evidence *e, nb_error *err)
{
    nb_status status;
    *l = (lesson){.classes = e->label_count, .d = e->d, .n = e->label_count < e->d ? e->label_count : e->d};
    NB_TRY_NEW(l->x, l->classes * l->d);
    NB_TRY_NEW(l->rest, l->classes * l->d);
    NB_TRY_NEW(l->transposed, l->classes * l->d);
    NB_TRY_NEW(l->system, l->n * l->n);
    NB_TRY_NEW(l->right, l->n * l->d);
    for (size_t c = 0; c < l->classes; c++) {
        for (size_t k = 0; k < l->d; k++) {
            size_t at = c * l->d + k;
            l->x[at] = e->labels[at] - p->text_mean[k];
            l->rest[at] = e->prototypes[at] - p->image_mean[k] - l->x[at];
        }
    }
done:
    return status;
}

/* The ridge solution [d, d] for Y - X; where there are fewer classes than coordinates by way of the smaller system,
 * (X'X + r I)^-1 X' = X' (X X' + r I)^-1. */
static void text_image_learn(lesson *l, double *map, double ridge)
{
    size_t c = l->classes, d = l->d, n = l->n;
    text_image_transpose(l->transposed, l->x, c, d);
    const nb_double_matrix across = nb_double_matrix_of(l->transposed, d, c), along = nb_double_matrix_of(l->x, c, d);
    nb_dgemm_nt(1, c < d ? along : across, c < d ? along : across, l->system, n);
    for (size_t i = 0; i < n; i++) {
        l->system[i * n + i] += ridge;
    }
    text_image_factor(l->system, n);
    if (c < d) { /* X' times the solution for Y - X */
        text_image_solve(l->system, l->rest, c, d);
        text_image_transpose(l->right, l->rest, c, d);
        nb_dgemm_nt(1, across, nb_double_matrix_of(l->right, d, c), map, d);
    } else {                 /* the solution for X' (Y - X) */
        double *rest = l->x; /* not needed any more */
        text_image_transpose(rest, l->rest, c, d);
        nb_dgemm_nt(1, across, nb_double_matrix_of(rest, d, c), map, d);
        text_image_solve(l->system, map, d, d);
    }
}

nb_status nb_text_image_map(nb_bank_proxies *out, const nb_evidence *e, double gain, double ridge, nb_error *err)
{
    lesson l = {0};
    nb_status status;
    NB_TRY_NEW(out->map, e->d * e->d);
    NB_TRY_NEW(out->text_mean, e->d);
    NB_TRY_NEW(out->image_mean, e->d);
    text_image_mean(out->text_mean, e->labels, e->label_count, e->d);
    text_image_mean(out->image_mean, e->prototypes, e->label_count, e->d);
    NB_TRY(text_image_prepare(&l, out, e, err));
    text_image_learn(&l, out->map, ridge);
    for (size_t k = 0; k < e->d; k++) {
        out->map[k * e->d + k] += gain;
    }
done:
    text_image_free(&l);
    return status;
}
