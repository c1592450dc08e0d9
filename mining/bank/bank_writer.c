#include "mining/bank/bank_writer.h"

#include "common/base/file.h"
#include "common/linear/reference/half.h"
#include "common/store/hdf5/h5.h"
#include "mining/bank/bank_pack.h"
#include "scoring/bank/bank_digests.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The file being written and the digests collected on the way. */
typedef struct writer {
    hid_t file;
    json_t *digests;
    nb_error *err;
} writer;

/* An array of rows; of a vector the rows are one element wide. */
typedef struct array {
    hid_t file_type, mem_type;
    size_t rank, rows, width; /* rank: 1 for a vector, 2 for rows */
} array;

static nb_status bank_writer_put(writer *w, const char *name, array shape, const void *data)
{
    const hsize_t dims[2] = {shape.rows, shape.width};
    size_t bytes = H5Tget_size(shape.mem_type) * shape.rows * shape.width;
    nb_status status = nb_bank_digests_add(w->digests, name, data, bytes, w->err);
    const nb_h5_array rows = {shape.file_type, shape.mem_type, shape.rank, dims, data};
    return status == NB_OK ? nb_h5_put(w->file, name, &rows, NB_H5_ZSTD, w->err) : status;
}

static nb_status bank_writer_put_floats(writer *w, const char *name, size_t count, const float *values)
{
    return bank_writer_put(w, name, (array){H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, count, 1}, values);
}

static nb_status bank_writer_put_doubles(writer *w, const char *name, size_t count, const double *values)
{
    return bank_writer_put(w, name, (array){H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, count, 1}, values);
}

static nb_status bank_writer_put_strings(writer *w, const char *name, const nb_strings *strings)
{
    char part[64];
    nb_status status;
    snprintf(part, sizeof part, "%s/bytes", name);
    NB_TRY(nb_bank_digests_add(w->digests, part, strings->bytes, (size_t)strings->offset[strings->count], w->err));
    snprintf(part, sizeof part, "%s/offsets", name);
    NB_TRY(
        nb_bank_digests_add(w->digests, part, strings->offset, (strings->count + 1) * sizeof *strings->offset, w->err));
    NB_TRY(nb_h5_put_strings(w->file, name, strings, w->err));
done:
    return status;
}

static nb_status bank_writer_put_text(writer *w, const char *name, const char *text)
{
    nb_status status = nb_bank_digests_add(w->digests, name, text, strlen(text) + 1, w->err);
    return status == NB_OK ? nb_h5_put_text(w->file, name, text, w->err) : status;
}

static nb_status bank_writer_check_rows(const char *what, const float *rows, size_t count, size_t d, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < d; k++) {
            sum += (double)rows[i * d + k] * (double)rows[i * d + k];
        }
        if (!(sum > 0) || !isfinite(sum)) {
            return nb_fail(err, NB_ERR_NUMERIC, "row %zu of the bank's %s has norm %g", i, what, sqrt(sum));
        }
    }
    return NB_OK;
}

/* In half precision, or as they are. */
static nb_status bank_writer_put_matrix(writer *w, const char *name, const float *rows, size_t count, size_t d,
                                        bool half)
{
    hid_t type = -1;
    uint16_t *bits = NULL;
    nb_error *err = w->err;
    nb_status status;
    if (!half) {
        return bank_writer_put(w, name, (array){H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, count, d}, rows);
    }
    NB_TRY_NEW(bits, count * d);
    for (size_t i = 0; i < count * d; i++) {
        bits[i] = nb_float_to_half(rows[i]);
    }
    type = nb_h5_half_type();
    NB_TRY(bank_writer_put(w, name, (array){type, type, 2, count, d}, bits));
done:
    if (type >= 0) {
        H5Tclose(type);
    }
    free(bits);
    return status;
}

static nb_status bank_writer_put_rows(writer *w, const char *name, const float *rows, size_t count, size_t d, bool half)
{
    nb_status status = bank_writer_check_rows(name, rows, count, d, w->err);
    return status == NB_OK ? bank_writer_put_matrix(w, name, rows, count, d, half) : status;
}

static nb_status bank_writer_put_codes(writer *w, const char *group, const nb_packed_rows *p, size_t count, size_t d)
{
    char name[64];
    nb_status status;
    snprintf(name, sizeof name, "%s/embeddings", group);
    NB_TRY(bank_writer_put(w, name, (array){H5T_STD_I8LE, H5T_NATIVE_INT8, 2, count, d}, p->codes));
    snprintf(name, sizeof name, "%s/scales", group);
    NB_TRY(bank_writer_put_floats(w, name, count, p->scales));
    snprintf(name, sizeof name, "%s/centre", group);
    NB_TRY(bank_writer_put_floats(w, name, d, p->centre));
    snprintf(name, sizeof name, "%s/columns", group);
    NB_TRY(bank_writer_put_floats(w, name, d, p->columns));
done:
    return status;
}

/* GROUP/embeddings as the content wants them: images lie where the prototypes are, or else near the labels. */
static nb_status bank_writer_put_negative_rows(writer *w, const nb_bank_content *c, const char *group,
                                               const float *rows, size_t count)
{
    char name[64];
    nb_packed_rows packed = {0};
    const nb_pack_source from = {.rows = rows,
                                 .count = count,
                                 .width = c->d,
                                 .directions = c->prototypes ? c->prototypes : c->label_rows,
                                 .direction_count = c->labels->count};
    nb_status status;
    snprintf(name, sizeof name, "%s/embeddings", group);
    if (c->precision != NB_BANK_INT8) {
        return bank_writer_put_rows(w, name, rows, count, c->d, c->precision == NB_BANK_FP16);
    }
    NB_TRY(bank_writer_check_rows(name, rows, count, c->d, w->err));
    NB_TRY(nb_pack_rows(&packed, &from, w->err));
    NB_TRY(bank_writer_put_codes(w, group, &packed, count, c->d));
done:
    nb_packed_rows_free(&packed);
    return status;
}

/* Doubles rounded to single precision, all of them finite; freed by the caller. */
static nb_status bank_writer_to_floats(const char *name, const double *values, size_t count, float **out, nb_error *err)
{
    *out = nb_alloc(count, sizeof **out, err);
    for (size_t i = 0; *out && i < count; i++) {
        (*out)[i] = (float)values[i];
        if (!isfinite((*out)[i])) {
            return nb_fail(err, NB_ERR_NUMERIC, "entry %zu of the bank's %s is %g", i, name, values[i]);
        }
    }
    return *out ? NB_OK : NB_ERR_LIMIT;
}

static nb_status bank_writer_put_rounded(writer *w, const char *name, const double *values, size_t count)
{
    float *floats = NULL;
    nb_status status = bank_writer_to_floats(name, values, count, &floats, w->err);
    if (status == NB_OK) {
        status = bank_writer_put_floats(w, name, count, floats);
    }
    free(floats);
    return status;
}

static nb_status bank_writer_put_proxies(writer *w, const nb_bank_content *c)
{
    const nb_bank_proxies *p = c->proxies;
    size_t k = p->measured_count, d = c->d;
    float *map = NULL, *rows = NULL;
    nb_status status;
    NB_TRY(bank_writer_put_rounded(w, "proxies/log_prior", p->log_prior, c->negatives->count));
    NB_TRY(bank_writer_put_rounded(w, "proxies/evidence", p->evidence, c->negatives->count));
    if (k) {
        const array numbers = {H5T_STD_U32LE, H5T_NATIVE_UINT32, 1, k, 1};
        NB_TRY(bank_writer_put(w, "proxies/measured/negatives", numbers, p->measured));
        NB_TRY(bank_writer_to_floats("proxies/measured", p->measured_rows, k * d, &rows, w->err));
        NB_TRY(bank_writer_put_negative_rows(w, c, "proxies/measured", rows, k));
    }
    NB_TRY(bank_writer_to_floats("proxies/map", p->map, d * d, &map, w->err));
    NB_TRY(bank_writer_put_matrix(w, "proxies/map", map, d, d, c->precision != NB_BANK_FP32));
    NB_TRY(bank_writer_put_rounded(w, "proxies/text_mean", p->text_mean, d));
    NB_TRY(bank_writer_put_rounded(w, "proxies/image_mean", p->image_mean, d));
done:
    free(map);
    free(rows);
    return status;
}

static nb_status bank_writer_put_data(writer *w, const nb_bank_content *c)
{
    size_t m = c->negatives->count;
    bool half = c->precision != NB_BANK_FP32;
    nb_status status;
    NB_TRY(bank_writer_put_strings(w, "labels/names", c->labels));
    NB_TRY(bank_writer_put_rows(w, "labels/embeddings", c->label_rows, c->labels->count, c->d, half));
    if (c->prototypes) {
        NB_TRY(bank_writer_put_rows(w, "labels/prototypes", c->prototypes, c->labels->count, c->d, half));
    }
    NB_TRY(bank_writer_put_strings(w, "negatives/texts", c->negatives));
    NB_TRY(bank_writer_put_negative_rows(w, c, "negatives", c->negative_rows, c->negatives->count));
    NB_TRY(bank_writer_put_doubles(w, "negatives/criterion", c->negatives->count, c->criterion));
    NB_TRY(bank_writer_put(w, "negatives/tags", (array){H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, m, 1}, c->tags));
    NB_TRY(bank_writer_put(w, "negatives/ids", (array){H5T_STD_U64LE, H5T_NATIVE_UINT64, 1, m, 1}, c->ids));
    if (c->visual) {
        NB_TRY(bank_writer_put_strings(w, "visual/names", c->visual->names));
        NB_TRY(bank_writer_put_negative_rows(w, c, "visual", c->visual->rows, c->visual->names->count));
        NB_TRY(bank_writer_put_doubles(w, "visual/criterion", c->visual->names->count, c->visual->criterion));
    }
    if (c->proxies) {
        NB_TRY(bank_writer_put_proxies(w, c));
    }
done:
    return status;
}

static nb_status bank_writer_put_findings(writer *w, const nb_bank_findings *findings)
{
    json_t *root = nb_bank_findings_json(findings);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    nb_status status = text ? bank_writer_put_text(w, "findings", text)
                            : nb_fail(w->err, NB_ERR_LIMIT, "out of memory for the bank's findings");
    json_decref(root);
    free(text);
    return status;
}

static nb_status bank_writer_put_texts(writer *w, const nb_bank_content *c, const nb_bank_threshold *threshold)
{
    char *suggestion = NULL, *calibration = NULL, *source = NULL, *digests = NULL;
    nb_status status;
    NB_TRY(nb_bank_suggestion_text(&c->suggestion, &suggestion, w->err));
    NB_TRY(bank_writer_put_text(w, "suggested", suggestion));
    if (threshold) {
        NB_TRY(nb_bank_threshold_text(threshold, &calibration, w->err));
        NB_TRY(bank_writer_put_text(w, "calibration", calibration));
    }
    NB_TRY(nb_bank_source_text(&c->source, &source, w->err));
    NB_TRY(bank_writer_put_text(w, "source", source));
    if (c->proxies && c->findings) {
        NB_TRY(bank_writer_put_findings(w, c->findings));
    }
    NB_TRY(bank_writer_put_text(w, "provenance", c->provenance));
    NB_TRY(nb_bank_digests_text(w->digests, &digests, w->err));
    NB_TRY(nb_h5_put_text(w->file, "digests", digests, w->err));
done:
    free(suggestion);
    free(calibration);
    free(source);
    free(digests);
    return status;
}

static nb_status bank_writer_write_file(const char *path, const nb_bank_content *c, const nb_bank_threshold *threshold,
                                        nb_digest *digest, nb_error *err)
{
    writer w = {.file = -1, .digests = json_object(), .err = err};
    nb_status status;
    NB_TRY(nb_h5_create(&w.file, path, NB_BANK_KIND, c->proxies ? NB_BANK_FORMAT : NB_BANK_FORMAT_PLAIN, err));
    NB_TRY(bank_writer_put_data(&w, c));
    NB_TRY(bank_writer_put_texts(&w, c, threshold));
    NB_TRY(nb_h5_save(&w.file, path, err));
    NB_TRY(nb_seal_write(path, NB_BANK_KIND, 0, 0, digest, err));
done:
    nb_h5_close(&w.file);
    json_decref(w.digests);
    return status;
}

/* Reads the bank back, and finds the threshold where one is wanted. */
static nb_status bank_writer_read_back(const char *path, const nb_bank_content *c, nb_bank_threshold *threshold,
                                       nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    if (status == NB_OK && c->measure) {
        status = c->measure(c->measure_state, &bank, threshold, err);
    }
    nb_bank_close(&bank);
    return status;
}

nb_status nb_bank_write(const char *path, bool force, const nb_bank_content *c, nb_digest *digest, nb_error *err)
{
    nb_output out = {0};
    nb_bank_threshold threshold = {0};
    nb_status status;
    NB_TRY(nb_output_begin(&out, path, force, err));
    NB_TRY(bank_writer_write_file(out.partial, c, NULL, digest, err));
    NB_TRY(bank_writer_read_back(out.partial, c, &threshold, err));
    if (c->measure) {
        NB_TRY(bank_writer_write_file(out.partial, c, &threshold, digest, err));
    }
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    return status;
}
