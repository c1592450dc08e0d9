#include "mining/bank/bank_pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weight of a step's own error beside the error summed along the directions: low, they are what scores see. */
static const double own_error = 0.1;

/* One row being rounded. */
typedef struct rounding {
    double *directions; /* [width, k]: a coordinate's share in each direction; the last is the row's own */
    double sum[NB_PACK_DIRECTIONS + 1];
    size_t k;
} rounding;

/* The mean row, and the root mean square of what is left of every coordinate. */
static void bank_pack_find_columns(nb_packed_rows *p, const float *rows, size_t count, size_t width)
{
    for (size_t j = 0; j < width; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) {
            sum += (double)rows[i * width + j];
        }
        p->centre[j] = (float)(sum / (double)count);
        for (size_t i = 0; i < count; i++) {
            double rest = (double)rows[i * width + j] - (double)p->centre[j];
            squares += rest * rest;
        }
        p->columns[j] = (float)sqrt(squares / (double)count);
        if (!(p->columns[j] > 1e-12F)) { /* all rows are the same here: the codes are 0 */
            p->columns[j] = 1;
        }
    }
}

static double bank_pack_rest_of(const nb_packed_rows *p, const float *row, size_t j)
{
    return ((double)row[j] - (double)p->centre[j]) / (double)p->columns[j];
}

static float bank_pack_find_scale(const nb_packed_rows *p, const float *row, size_t width)
{
    double largest = 0;
    for (size_t j = 0; j < width; j++) {
        largest = fmax(largest, fabs(bank_pack_rest_of(p, row, j)));
    }
    return largest > 0 ? (float)(largest / NB_PACK_CODE_MAX) : 1;
}

/* What the sums along the directions would be worth after an error of `step` in coordinate j. */
static double bank_pack_cost(const rounding *r, size_t j, double step)
{
    double total = own_error * step * step;
    for (size_t k = 0; k < r->k; k++) {
        double sum = r->sum[k] + step * r->directions[j * r->k + k];
        total += sum * sum;
    }
    return total;
}

static double bank_pack_clamp_code(double code)
{
    return fmin(fmax(code, -NB_PACK_CODE_MAX), NB_PACK_CODE_MAX);
}

static void bank_pack_round_row(nb_packed_rows *p, rounding *r, const float *row, size_t i, size_t width)
{
    memset(r->sum, 0, sizeof r->sum);
    p->scales[i] = bank_pack_find_scale(p, row, width);
    for (size_t j = 0; j < width; j++) {
        r->directions[j * r->k + r->k - 1] = (double)row[j];
        double unit = (double)p->scales[i] * (double)p->columns[j];
        double exact = ((double)row[j] - (double)p->centre[j]) / unit;
        double low = bank_pack_clamp_code(floor(exact)), high = bank_pack_clamp_code(ceil(exact));
        double below = (low - exact) * unit, above = (high - exact) * unit;
        bool down = bank_pack_cost(r, j, below) <= bank_pack_cost(r, j, above);
        for (size_t k = 0; k < r->k; k++) {
            r->sum[k] += (down ? below : above) * r->directions[j * r->k + k];
        }
        p->codes[i * width + j] = (int8_t)(down ? low : high);
    }
}

nb_status nb_pack_rows(nb_packed_rows *p, const nb_pack_source *from, nb_error *err)
{
    size_t count = from->count, width = from->width;
    size_t used = from->direction_count < NB_PACK_DIRECTIONS ? from->direction_count : NB_PACK_DIRECTIONS;
    rounding r = {.k = used + 1};
    nb_status status;
    *p = (nb_packed_rows){0};
    NB_TRY_NEW(p->codes, count * width);
    NB_TRY_NEW(p->scales, count);
    NB_TRY_NEW(p->centre, width);
    NB_TRY_NEW(p->columns, width);
    NB_TRY_NEW(r.directions, width * r.k);
    for (size_t k = 0; k < used; k++) {
        const float *direction = from->directions + k * from->direction_count / used * width;
        for (size_t j = 0; j < width; j++) {
            r.directions[j * r.k + k] = (double)direction[j];
        }
    }
    bank_pack_find_columns(p, from->rows, count, width);
    for (size_t i = 0; i < count; i++) {
        bank_pack_round_row(p, &r, from->rows + i * width, i, width);
    }
done:
    free(r.directions);
    if (status != NB_OK) {
        nb_packed_rows_free(p);
    }
    return status;
}

void nb_packed_rows_free(nb_packed_rows *p)
{
    if (p) {
        free(p->codes);
        free(p->scales);
        free(p->centre);
        free(p->columns);
        *p = (nb_packed_rows){0};
    }
}
