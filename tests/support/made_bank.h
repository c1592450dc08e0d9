/* A small bank with everything that a bank may have, for the tests of its file. */
#ifndef NB_TESTS_SUPPORT_MADE_BANK_H
#define NB_TESTS_SUPPORT_MADE_BANK_H

#include "common/store/embeddings.h"
#include "mining/bank/bank_writer.h"

enum { C = 5, M = 60, V = 7, D = 48, K = 9, IMAGES = 200 };

/* The content of a bank, with memory of its own. */
typedef struct made {
    float labels[C * D], prototypes[C * D], rows[M * D], visual_rows[V * D];
    double criterion[M], visual_criterion[V];
    uint8_t tags[M];
    uint64_t ids[M];
    nb_strings label_names, texts, visual_names, prompts;
    nb_bank_visual visual;
    double log_prior[M], evidence[M], measured_rows[K * D], map[D * D], text_mean[D], image_mean[D];
    uint32_t measured[K];
    nb_bank_proxies proxies;
    nb_bank_content content;
} made;

/** Rows [count, D] of norm 1, by `stream`. */
void made_fill_rows(float *rows, size_t count, uint64_t stream);

/** Adds `count` names, WORD 0, WORD 1, ... */
void made_fill_names(nb_strings *out, size_t count, const char *word);

/** The content of a bank of that precision, without proxies; freed by unmake. */
made *make(nb_bank_precision precision);

/** Gives the content proxies, `measured` of them measured. */
void made_add_proxies(made *m, size_t measured);

/** Frees what make made. */
void unmake(made *m);

/** Opens a store of `count` ID images, by `stream`; closed by the caller. */
void made_open_images(nb_store *store, uint64_t stream, size_t count);

/** Writes the bank with a threshold, with proxies (format 2) or without (format 1). */
void made_write_bank(const char *path, nb_bank_precision precision, bool proxies);

#endif
