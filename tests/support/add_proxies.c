/* add_proxies B.nbank OUT.nbank [MEASURED]: a bank with ID image prototypes as one of format 2, with proxies made up
 * for it: every third negative is measured, or none when MEASURED is 0. What they are does not matter, but that they
 * are of the right kind: proxies lie between a prototype and what the map makes of the text. */
#include "mining/bank/bank_writer.h"

#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *to_floats(const double *values, size_t count)
{
    float *out = calloc(count + 1, sizeof *out);
    for (size_t i = 0; out && values && i < count; i++) {
        out[i] = (float)values[i];
    }
    return out;
}

static double *mean_of(const double *rows, size_t count, size_t d)
{
    double *out = calloc(d, sizeof *out);
    for (size_t i = 0; out && i < count * d; i++) {
        out[i % d] += rows[i] / (double)count;
    }
    return out;
}

static void fill(nb_bank_proxies *p, const nb_bank *b, size_t measured)
{
    size_t m = b->negative_count, d = b->d;
    p->log_prior = calloc(m, sizeof *p->log_prior);
    p->evidence = calloc(m, sizeof *p->evidence);
    p->measured = calloc(m, sizeof *p->measured);
    p->measured_rows = calloc(m * d, sizeof *p->measured_rows);
    p->map = calloc(d * d, sizeof *p->map);
    p->text_mean = mean_of(b->label_rows, b->label_count, d);
    p->image_mean = mean_of(b->prototypes, b->label_count, d);
    for (size_t k = 0; k < d; k++) {
        p->map[k * d + k] = 2;
    }
    for (size_t u = 0; u < m; u++) {
        p->log_prior[u] = -2 * log1p((double)(u % 7));
        p->evidence[u] = (double)(u % 3) - 0.5;
        if (measured && u % 3 == 1) {
            double *row = p->measured_rows + p->measured_count * d;
            const double *e = b->negative_rows + u * d, *prototype = b->prototypes + u % b->label_count * d;
            for (size_t k = 0; k < d; k++) {
                row[k] = p->image_mean[k] + 1.5 * (e[k] - p->text_mean[k]) + 0.5 * prototype[k];
            }
            nb_normalise_row(row, row, d);
            p->measured[p->measured_count++] = (uint32_t)u;
        }
    }
}

static nb_status write_with(const char *path, const nb_bank *b, const nb_bank_proxies *p, nb_error *err)
{
    nb_digest digest;
    float *labels = to_floats(b->label_rows, b->label_count * b->d);
    float *prototypes = to_floats(b->prototypes, b->label_count * b->d);
    float *rows = to_floats(b->negative_rows, b->negative_count * b->d);
    nb_bank_content content = {.d = b->d,
                               .precision = b->precision,
                               .labels = &b->labels,
                               .negatives = &b->negatives,
                               .label_rows = labels,
                               .negative_rows = rows,
                               .prototypes = prototypes,
                               .criterion = b->criterion,
                               .tags = b->tags,
                               .ids = b->ids,
                               .proxies = p,
                               .suggestion = nb_bank_suggested(b),
                               .source = {.checkpoint = b->checkpoint,
                                          .label_prompts = &b->label_prompts,
                                          .text_prompts = &b->text_prompts,
                                          .adjective_prompts = &b->adjective_prompts},
                               .provenance = b->provenance};
    nb_status status = nb_bank_write(path, true, &content, &digest, err);
    free(labels);
    free(prototypes);
    free(rows);
    return status;
}

int main(int argc, char *argv[])
{
    nb_error err = {0};
    nb_bank bank = {0};
    nb_status status = argc == 3 || argc == 4 ? nb_bank_open(&bank, argv[1], &err) : NB_ERR_USAGE;
    if (status == NB_OK && !bank.prototypes) {
        status = nb_fail(&err, NB_ERR_INPUT, "'%s' has no prototypes", argv[1]);
    }
    if (status == NB_OK) {
        nb_bank_proxies *p = calloc(1, sizeof *p);
        fill(p, &bank, argc == 4 ? strtoul(argv[3], NULL, 10) : 1);
        status = write_with(argv[2], &bank, p, &err);
        nb_bank_proxies_free(p);
    }
    if (status != NB_OK) {
        fprintf(stderr, "add_proxies: %s\n", err.message[0] ? err.message : "see the top of add_proxies.c");
    }
    nb_bank_close(&bank);
    return (int)status;
}
