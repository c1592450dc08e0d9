#include "scoring/bank/bank_rows.h"

#include "common/linear/reference/half.h"
#include "common/linear/reference/kernels.h"
#include "common/store/embeddings.h"
#include "common/store/hdf5/h5.h"
#include "scoring/bank/bank_digests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };

nb_status nb_bank_check(nb_bank_reader *r, const char *name, const void *data, size_t bytes)
{
    r->checked++;
    return nb_bank_digests_check(r->digests, r->strict, name, data, bytes, r->err);
}

nb_status nb_bank_check_size(nb_bank_reader *r, const char *name, size_t rank, size_t element)
{
    hsize_t dims[2];
    size_t bytes = element;
    nb_status status = nb_h5_dims(r->file, name, rank, dims, NULL, r->err);
    if (status != NB_OK) {
        return status;
    }
    for (size_t i = 0; i < rank; i++) {
        if (!nb_mul_size(bytes, (size_t)dims[i], &bytes)) {
            bytes = SIZE_MAX;
        }
    }
    if (bytes > NB_BANK_UNPACKED_MIN && bytes / NB_BANK_UNPACKED_TIMES > r->file_bytes) {
        nb_fail(r->err, NB_ERR_LIMIT, "'%s' unpacks to %zu bytes, over %d times the file's %llu (limit bank-unpacked)",
                name, bytes, NB_BANK_UNPACKED_TIMES, (unsigned long long)r->file_bytes);
        return nb_hint(r->err, "embeddings hardly pack: this is no bank that negbank wrote");
    }
    return NB_OK;
}

nb_status nb_bank_read_vector(nb_bank_reader *r, const char *name, hid_t type, size_t element, size_t count,
                              void **data)
{
    hsize_t dim = count;
    nb_status status;
    NB_TRY(nb_bank_check_size(r, name, 1, element));
    NB_TRY(nb_h5_get(r->file, name, &(nb_h5_array){.memory = type, .rank = 1, .dims = &dim}, data, r->err));
    NB_TRY(nb_bank_check(r, name, *data, count * element));
done:
    return status;
}

/* The dimensions and the precision of a matrix. */
static nb_status bank_rows_look(nb_bank_reader *r, const char *name, size_t rows, size_t *width, bool may_be_codes,
                                nb_bank_precision *precision)
{
    hsize_t dims[2];
    bool half = false, codes = may_be_codes && nb_h5_has_type(r->file, name, H5T_STD_I8LE);
    nb_status status = nb_h5_dims(r->file, name, 2, dims, codes ? NULL : &half, r->err);
    if (status != NB_OK) {
        return status;
    }
    if (dims[0] != rows || !dims[1] || dims[1] > NB_STORE_WIDTH_MAX || (*width && dims[1] != *width)) {
        return nb_fail(r->err, NB_ERR_INPUT, "'%s' is [%llu, %llu], [%zu, %zu] belongs there", name,
                       (unsigned long long)dims[0], (unsigned long long)dims[1], rows, *width);
    }
    *width = (size_t)dims[1];
    *precision = codes ? NB_BANK_INT8 : half ? NB_BANK_FP16 : NB_BANK_FP32;
    return NB_OK;
}

static nb_status bank_rows_decode(nb_bank_reader *r, const char *group, const int8_t *codes, size_t rows, size_t width,
                                  double *out)
{
    char name[NAME_MAX_BYTES];
    float *scales = NULL, *centre = NULL, *columns = NULL;
    nb_status status;
    snprintf(name, sizeof name, "%s/scales", group);
    NB_TRY(nb_bank_read_vector(r, name, H5T_NATIVE_FLOAT, 4, rows, (void **)&scales));
    snprintf(name, sizeof name, "%s/centre", group);
    NB_TRY(nb_bank_read_vector(r, name, H5T_NATIVE_FLOAT, 4, width, (void **)&centre));
    snprintf(name, sizeof name, "%s/columns", group);
    NB_TRY(nb_bank_read_vector(r, name, H5T_NATIVE_FLOAT, 4, width, (void **)&columns));
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < width; k++) {
            double step = (double)scales[i] * (double)columns[k];
            out[i * width + k] = (double)centre[k] + step * codes[i * width + k];
        }
    }
done:
    free(scales);
    free(centre);
    free(columns);
    return status;
}

static void bank_rows_widen(const void *raw, bool half, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (double)(half ? nb_half_to_float(((const uint16_t *)raw)[i]) : ((const float *)raw)[i]);
    }
}

/* A matrix as it is stored, checked. */
static nb_status bank_rows_load(nb_bank_reader *r, const char *path, size_t rows, size_t width,
                                nb_bank_precision stored, void **raw)
{
    size_t element = stored == NB_BANK_INT8 ? 1 : stored == NB_BANK_FP16 ? 2 : 4;
    hid_t half = nb_h5_half_type();
    /* HDF5 has no native half: the bits come through its own type, unconverted */
    hid_t type = stored == NB_BANK_INT8 ? H5T_NATIVE_INT8 : stored == NB_BANK_FP16 ? half : H5T_NATIVE_FLOAT;
    hsize_t dims[2] = {rows, width};
    nb_status status;
    NB_TRY(nb_bank_check_size(r, path, 2, element));
    NB_TRY(nb_h5_get(r->file, path, &(nb_h5_array){.memory = type, .rank = 2, .dims = dims}, raw, r->err));
    NB_TRY(nb_bank_check(r, path, *raw, rows * width * element));
done:
    H5Tclose(half);
    return status;
}

nb_status nb_bank_read_rows(nb_bank_reader *r, const nb_bank_matrix *matrix, size_t *width,
                            nb_bank_precision *precision, double **out)
{
    const char *group = matrix->group;
    size_t rows = matrix->rows;
    char path[NAME_MAX_BYTES];
    nb_bank_precision have = NB_BANK_FP32;
    void *raw = NULL;
    nb_error *err = r->err;
    nb_status status;
    snprintf(path, sizeof path, "%s/%s", group, matrix->name);
    NB_TRY(bank_rows_look(r, path, rows, width, precision != NULL, &have));
    NB_TRY(bank_rows_load(r, path, rows, *width, have, &raw));
    NB_TRY_NEW(*out, rows * *width);
    if (have == NB_BANK_INT8) {
        NB_TRY(bank_rows_decode(r, group, raw, rows, *width, *out));
    } else {
        bank_rows_widen(raw, have == NB_BANK_FP16, rows * *width, *out);
    }
    for (size_t i = 0; i < rows; i++) {
        double norm = nb_normalise_row(*out + i * *width, *out + i * *width, *width);
        if (!(norm > 0) || !isfinite(norm)) {
            status = nb_fail(err, NB_ERR_INPUT, "row %zu of '%s' has norm %g", i, path, norm);
            goto done;
        }
    }
    if (precision) {
        *precision = have;
    }
done:
    free(raw);
    return status;
}

nb_status nb_bank_read_plain(nb_bank_reader *r, const nb_bank_matrix *matrix, size_t width, double **out)
{
    char path[NAME_MAX_BYTES];
    nb_bank_precision have = NB_BANK_FP32;
    void *raw = NULL;
    nb_error *err = r->err;
    nb_status status;
    snprintf(path, sizeof path, "%s/%s", matrix->group, matrix->name);
    NB_TRY(bank_rows_look(r, path, matrix->rows, &width, false, &have));
    NB_TRY(bank_rows_load(r, path, matrix->rows, width, have, &raw));
    NB_TRY_NEW(*out, matrix->rows * width);
    bank_rows_widen(raw, have == NB_BANK_FP16, matrix->rows * width, *out);
    for (size_t i = 0; i < matrix->rows * width; i++) {
        if (!isfinite((*out)[i])) {
            status = nb_fail(err, NB_ERR_INPUT, "element %zu of '%s' is %g", i, path, (*out)[i]);
            goto done;
        }
    }
done:
    free(raw);
    return status;
}
