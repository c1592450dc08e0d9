#include "support/made_bank.h"

#include "support/support.h"

#include "common/base/random.h"
#include "common/store/npy.h"
#include "mining/embed/import.h"
#include "scoring/scores/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void made_fill_rows(float *rows, size_t count, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < D; k++) {
            double common = k == 3 ? 4 : 0.3; /* as CLIP has it: a common part, and one coordinate far larger */
            double value = common + nb_random_normal(7, stream, i * D + k);
            rows[i * D + k] = (float)value;
            sum += value * value;
        }
        for (size_t k = 0; k < D; k++) {
            rows[i * D + k] /= (float)sqrt(sum);
        }
    }
}

void made_fill_names(nb_strings *out, size_t count, const char *word)
{
    nb_error err = {0};
    for (size_t i = 0; i < count; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "%s %zu", word, i);
        must(nb_strings_push(out, name, (size_t)len, &err), &err);
    }
}

made *make(nb_bank_precision precision)
{
    made *m = calloc(1, sizeof *m);
    nb_error err = {0};
    made_fill_rows(m->labels, C, 1);
    made_fill_rows(m->prototypes, C, 2);
    made_fill_rows(m->rows, M, 3);
    made_fill_rows(m->visual_rows, V, 4);
    made_fill_names(&m->label_names, C, "label");
    made_fill_names(&m->texts, M, "negative");
    made_fill_names(&m->visual_names, V, "image");
    must(nb_strings_push(&m->prompts, "The nice {}.", 12, &err), &err);
    for (size_t i = 0; i < M; i++) {
        m->criterion[i] = 1.0 / (double)(i + 3);
        m->tags[i] = (uint8_t)(i % 3);
        m->ids[i] = i * 1000003;
    }
    for (size_t i = 0; i < V; i++) {
        m->visual_criterion[i] = (double)i;
    }
    m->visual = (nb_bank_visual){&m->visual_names, m->visual_rows, m->visual_criterion};
    m->content = (nb_bank_content){
        .d = D,
        .precision = precision,
        .labels = &m->label_names,
        .negatives = &m->texts,
        .label_rows = m->labels,
        .negative_rows = m->rows,
        .prototypes = m->prototypes,
        .criterion = m->criterion,
        .tags = m->tags,
        .ids = m->ids,
        .visual = &m->visual,
        .suggestion = {.score = "neglabel", .temperature = 0.02, .groups = 3, .seeded = true, .seed = 11, .tau = 0.4},
        .source = {.checkpoint = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                   .label_prompts = &m->prompts},
        .provenance = "{}"};
    return m;
}

void made_add_proxies(made *m, size_t measured)
{
    float rows[K * D];
    made_fill_rows(rows, K, 5);
    for (size_t i = 0; i < M; i++) {
        m->log_prior[i] = -0.37 * (double)i;
        m->evidence[i] = 12.5 - (double)i;
    }
    for (size_t i = 0; i < K; i++) {
        m->measured[i] = (uint32_t)(6 * i + 3);
    }
    for (size_t i = 0; i < K * D; i++) {
        m->measured_rows[i] = (double)rows[i];
    }
    for (size_t i = 0; i < D * D; i++) {
        m->map[i] = (i % (D + 1) == 0 ? 2 : 0) + 0.1 * nb_random_normal(7, 6, i);
    }
    for (size_t k = 0; k < D; k++) {
        m->text_mean[k] = 0.01 * (double)k;
        m->image_mean[k] = 0.4 - 0.01 * (double)k;
    }
    m->proxies = (nb_bank_proxies){.log_prior = m->log_prior,
                                   .evidence = m->evidence,
                                   .measured_count = measured,
                                   .measured = m->measured,
                                   .measured_rows = m->measured_rows,
                                   .map = m->map,
                                   .text_mean = m->text_mean,
                                   .image_mean = m->image_mean};
    m->content.proxies = &m->proxies;
}

void unmake(made *m)
{
    nb_strings_free(&m->label_names);
    nb_strings_free(&m->texts);
    nb_strings_free(&m->visual_names);
    nb_strings_free(&m->prompts);
    free(m);
}

static nb_status made_bank_measure(void *state, const nb_bank *bank, nb_bank_threshold *out, nb_error *err)
{
    return nb_calibrate(out, bank, state, 0.95, err);
}

void made_open_images(nb_store *store, uint64_t stream, size_t count)
{
    nb_error err = {0};
    nb_digest digest;
    size_t made_of;
    const char *npy = scratch_path("images.npy"), *path = scratch_path("images.nbe");
    float *rows = calloc(count * D, sizeof *rows);
    made_fill_rows(rows, count, stream);
    must(nb_npy_write(npy, true, NB_NPY_F32, (nb_npy_shape){.rows = count, .columns = D}, rows, &err), &err);
    free(rows);
    nb_import import = {.embeddings = npy, .provenance = "{}"};
    must(nb_import_store(&import, path, true, &digest, &made_of, &err), &err);
    must(nb_store_open(store, path, true, &err), &err);
}

void made_write_bank(const char *path, nb_bank_precision precision, bool proxies)
{
    nb_error err = {0};
    nb_digest digest;
    nb_store images;
    made *m = make(precision);
    made_open_images(&images, 9, IMAGES);
    if (proxies) {
        made_add_proxies(m, K);
    }
    m->content.measure = made_bank_measure;
    m->content.measure_state = &images;
    must(nb_bank_write(path, true, &m->content, &digest, &err), &err);
    nb_store_close(&images);
    unmake(m);
}
