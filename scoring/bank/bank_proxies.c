#include "scoring/bank/bank_proxies.h"

#include "common/linear/reference/kernels.h"
#include "common/store/hdf5/h5.h"
#include "scoring/bank/bank_rows.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_ROWS = 512 };

/* A prior is stored in single precision: 0 may come back as a little more. */
static const double rounding = 1e-6;

static void bank_proxies_transpose(const double *in, size_t d, double *out)
{
    for (size_t i = 0; i < d; i++) {
        for (size_t k = 0; k < d; k++) {
            out[k * d + i] = in[i * d + k];
        }
    }
}

nb_status nb_bank_impute(const nb_bank_proxies *p, nb_double_matrix texts, double *out, nb_error *err)
{
    size_t d = texts.cols;
    double *transposed = NULL, *offsets = NULL;
    nb_status status;
    NB_TRY_NEW(transposed, d * d);
    NB_TRY_NEW(offsets, BLOCK_ROWS * d);
    bank_proxies_transpose(p->map, d, transposed);
    for (size_t at = 0; at < texts.rows; at += BLOCK_ROWS) {
        size_t n = texts.rows - at < BLOCK_ROWS ? texts.rows - at : BLOCK_ROWS;
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < d; k++) {
                offsets[i * d + k] = texts.data[(at + i) * texts.stride + k] - p->text_mean[k];
            }
        }
        nb_dgemm_nt(1, nb_double_matrix_of(offsets, n, d), nb_double_matrix_of(transposed, d, d), out + at * d, d);
        for (size_t i = at; i < at + n; i++) {
            for (size_t k = 0; k < d; k++) {
                out[i * d + k] += p->image_mean[k];
            }
            double norm = nb_normalise_row(out + i * d, out + i * d, d);
            if (!(norm > 0) || !isfinite(norm)) {
                status = nb_fail(err, NB_ERR_INPUT, "the imputed proxy of row %zu has norm %g", i, norm);
                goto done;
            }
        }
    }
done:
    free(transposed);
    free(offsets);
    return status;
}

void nb_bank_proxies_free(nb_bank_proxies *p)
{
    if (p) {
        free(p->log_prior);
        free(p->evidence);
        free(p->measured);
        free(p->measured_rows);
        free(p->map);
        free(p->text_mean);
        free(p->image_mean);
        free(p->imputed_rows);
        free(p);
    }
}

/* Reads f32 [count], every entry finite and at most `top`. */
static nb_status bank_proxies_read_floats(nb_bank_reader *r, const char *name, size_t count, double top, double **out)
{
    float *raw = NULL;
    nb_error *err = r->err;
    nb_status status;
    NB_TRY(nb_bank_read_vector(r, name, H5T_NATIVE_FLOAT, 4, count, (void **)&raw));
    NB_TRY_NEW(*out, count);
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = (double)raw[i];
        if (!isfinite(raw[i]) || (*out)[i] > top) {
            status = nb_fail(err, NB_ERR_INPUT, "entry %zu of '%s' is %g", i, name, (*out)[i]);
            goto done;
        }
    }
done:
    free(raw);
    return status;
}

static nb_status bank_proxies_read_measured(nb_bank *b, nb_bank_reader *r)
{
    static const char *const negatives = "proxies/measured/negatives";
    nb_bank_proxies *p = b->proxies;
    nb_bank_precision precision;
    hsize_t count;
    nb_status status;
    if (!nb_h5_has(r->file, "proxies/measured")) {
        return NB_OK;
    }
    NB_TRY(nb_h5_dims(r->file, negatives, 1, &count, NULL, r->err));
    if (!count || count > b->negative_count) {
        return nb_fail(r->err, NB_ERR_INPUT, "'%s' has %llu entries of %zu negatives", negatives,
                       (unsigned long long)count, b->negative_count);
    }
    NB_TRY(nb_bank_read_vector(r, negatives, H5T_NATIVE_UINT32, 4, (size_t)count, (void **)&p->measured));
    for (size_t i = 0; i < count; i++) {
        if (p->measured[i] >= b->negative_count || (i && p->measured[i] <= p->measured[i - 1])) {
            return nb_fail(r->err, NB_ERR_INPUT, "entry %zu of '%s' is %u: rising numbers under %zu belong there", i,
                           negatives, p->measured[i], b->negative_count);
        }
    }
    NB_TRY(nb_bank_read_rows(r, &(nb_bank_matrix){"proxies/measured", "embeddings", (size_t)count}, &b->d, &precision,
                             &p->measured_rows));
    p->measured_count = (size_t)count;
done:
    return status;
}

nb_status nb_bank_read_proxies(nb_bank *b, nb_bank_reader *r)
{
    nb_bank_proxies *p;
    nb_error *err = r->err;
    nb_status status;
    if (!nb_h5_has(r->file, "proxies")) {
        return NB_OK;
    }
    if (!b->prototypes) {
        return nb_fail(err, NB_ERR_INPUT, "it has 'proxies' but no 'labels/prototypes'");
    }
    NB_TRY_NEW(p, 1);
    b->proxies = p;
    NB_TRY(bank_proxies_read_floats(r, "proxies/log_prior", b->negative_count, rounding, &p->log_prior));
    NB_TRY(bank_proxies_read_floats(r, "proxies/evidence", b->negative_count, INFINITY, &p->evidence));
    NB_TRY(bank_proxies_read_measured(b, r));
    NB_TRY(nb_bank_read_plain(r, &(nb_bank_matrix){"proxies", "map", b->d}, b->d, &p->map));
    NB_TRY(bank_proxies_read_floats(r, "proxies/text_mean", b->d, INFINITY, &p->text_mean));
    NB_TRY(bank_proxies_read_floats(r, "proxies/image_mean", b->d, INFINITY, &p->image_mean));
    NB_TRY_NEW(p->imputed_rows, b->negative_count * b->d);
    NB_TRY(nb_bank_impute(p, nb_double_matrix_of(b->negative_rows, b->negative_count, b->d), p->imputed_rows, err));
done:
    return status;
}
