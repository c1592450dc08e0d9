#include "support/support.h"

#include "support/streams/method_bank.h"

#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double *golden_rows(const char *name, size_t *rows, size_t *width)
{
    nb_error err = {0};
    nb_npy npy;
    must(nb_npy_open(&npy, golden_path(name), &err), &err);
    double *out = calloc(npy.rows * npy.columns, sizeof *out);
    for (size_t i = 0; i < npy.rows * npy.columns; i++) {
        out[i] = nb_npy_at(&npy, i);
    }
    *rows = npy.rows;
    *width = npy.columns;
    nb_npy_close(&npy);
    return out;
}

float *golden_floats(const char *name, size_t *rows, size_t *width)
{
    double *in = golden_rows(name, rows, width);
    float *out = calloc(*rows * *width, sizeof *out);
    for (size_t i = 0; i < *rows; i++) {
        nb_normalise_row(in + i * *width, in + i * *width, *width);
    }
    for (size_t i = 0; i < *rows * *width; i++) {
        out[i] = (float)in[i];
    }
    free(in);
    return out;
}

float *golden_array(const char *name, size_t *count)
{
    nb_error err = {0};
    nb_map map;
    must(nb_map_open(&map, golden_path(name), &err), &err);
    size_t header = 10 + (size_t)map.data[8] + ((size_t)map.data[9] << 8); /* version 1: length in two bytes */
    *count = (map.len - header) / sizeof(float);
    float *out = calloc(*count, sizeof *out);
    memcpy(out, map.data + header, *count * sizeof *out);
    nb_map_close(&map);
    return out;
}

size_t *golden_numbers(const char *name, size_t *count)
{
    size_t rows, width;
    double *in = golden_rows(name, &rows, &width);
    size_t *out = calloc(rows * width, sizeof *out);
    for (size_t i = 0; i < rows * width; i++) {
        out[i] = (size_t)in[i];
    }
    *count = rows * width;
    free(in);
    return out;
}

static void method_bank_normalise(double *rows, size_t count, size_t d)
{
    for (size_t i = 0; i < count; i++) {
        nb_normalise_row(rows + i * d, rows + i * d, d);
    }
}

void method_bank_open(method_bank *m)
{
    size_t n, d, id, ood;
    *m = (method_bank){.bank = {.tau = (double)NAN}};
    m->bank.label_rows = golden_rows("methods/id_text.npy", &m->bank.label_count, &m->bank.d);
    d = m->bank.d;
    method_bank_normalise(m->bank.label_rows, m->bank.label_count, d);
    m->texts = golden_rows("methods/texts.npy", &m->text_count, &n);
    method_bank_normalise(m->texts, m->text_count, d);
    size_t *rows = golden_numbers("methods/bank_rows.npy", &m->bank.negative_count);
    m->bank.negative_rows = calloc(m->bank.negative_count * d, sizeof(double));
    m->bank.criterion = calloc(m->bank.negative_count, sizeof(double));
    m->bank.tags = calloc(m->bank.negative_count, 1);
    for (size_t i = 0; i < m->bank.negative_count; i++) {
        memcpy(m->bank.negative_rows + i * d, m->texts + rows[i] * d, d * sizeof(double));
        m->bank.criterion[i] = -(double)i;
    }
    free(rows);
    float *first = golden_floats("methods/images_id.npy", &id, &n);
    float *second = golden_floats("methods/images_ood.npy", &ood, &n);
    m->count = id + ood;
    m->images = realloc(first, m->count * d * sizeof *first);
    memcpy(m->images + id * d, second, ood * d * sizeof *second);
    free(second);
}

void method_bank_close(method_bank *m)
{
    free(m->bank.label_rows);
    free(m->bank.negative_rows);
    free(m->bank.criterion);
    free(m->bank.tags);
    free(m->images);
    free(m->texts);
}
