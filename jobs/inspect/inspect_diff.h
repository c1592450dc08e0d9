/* How two files of one kind differ in content: for the table of inspect_kinds.c. Each adds to `about` what it compared,
 * and clears *same when the content differs; provenance is no content. Of long lists the first few are named. */
#ifndef NB_JOBS_INSPECT_INSPECT_DIFF_H
#define NB_JOBS_INSPECT_INSPECT_DIFF_H

#include "common/base/memory.h"

#include <jansson.h>
#include <stdbool.h>

/* Labels, negatives (by text and tag: only in one, moved, embeddings, criterion), parameters. */
nb_status nb_diff_banks(const char *a, const char *b, json_t *about, bool *same, nb_error *err);
/* Texts by text and tag. */
nb_status nb_diff_corpora(const char *a, const char *b, json_t *about, bool *same, nb_error *err);
/* Row by row: names, tags, labels, embeddings. */
nb_status nb_diff_stores(const char *a, const char *b, json_t *about, bool *same, nb_error *err);
/* Row by row: images, labels, classes, scores. */
nb_status nb_diff_scores(const char *a, const char *b, json_t *about, bool *same, nb_error *err);

/* A list of texts with what belongs to each; members but texts may be NULL. */
typedef struct nb_side {
    const nb_strings *texts;
    const uint8_t *tags;
    const double *rows; /* [count, d] */
    const double *values;
    const uint64_t *ids;
} nb_side;

/* Compares two lists by text and tag: an object with "a", "b", "only_a", "only_b", "moved", "first_only_a",
 * "first_only_b", and of the entries in both how many differ in their rows (with the largest Euclidean distance),
 * values (with the largest difference) and ids. Texts of one tag must not repeat within a list. Rows compare where d is
 * not 0. */
nb_status nb_diff_sides(const nb_side *a, const nb_side *b, size_t d, json_t **out, bool *same, nb_error *err);

/* The leaves in which two objects differ, as {"path/to/leaf": {"a", "b"}}. */
void nb_diff_objects(json_t *out, const char *path, const json_t *a, const json_t *b);

#endif
