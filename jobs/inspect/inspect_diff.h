/* How two files of one kind differ in content: for the table of inspect_kinds.c. Each adds to `about` what it compared,
 * and clears *same when the content differs; provenance is no content. Of long lists the first few are named. */
#ifndef NB_JOBS_INSPECT_INSPECT_DIFF_H
#define NB_JOBS_INSPECT_INSPECT_DIFF_H

#include "common/base/memory.h"

#include <jansson.h>
#include <stdbool.h>

/** Compares labels, negatives (by text and tag: only in one, moved, embeddings, criterion) and parameters. Not
 * collective.
 * @param about receives what was compared
 * @param same  is cleared when the content differs
 * @return NB_OK, or what opening a file returns */
nb_status nb_diff_banks(const char *a, const char *b, json_t *about, bool *same, nb_error *err);

/** Compares texts by text and tag. Not collective.
 * @param about receives what was compared
 * @param same  is cleared when the content differs
 * @return NB_OK, or what opening a file returns */
nb_status nb_diff_corpora(const char *a, const char *b, json_t *about, bool *same, nb_error *err);

/** Compares row by row: names, tags, labels, embeddings. Not collective.
 * @param about receives what was compared
 * @param same  is cleared when the content differs
 * @return NB_OK, or what opening a file returns */
nb_status nb_diff_stores(const char *a, const char *b, json_t *about, bool *same, nb_error *err);

/** Compares row by row: images, labels, classes, scores. Not collective.
 * @param about receives what was compared
 * @param same  is cleared when the content differs
 * @return NB_OK, or what opening a file returns */
nb_status nb_diff_scores(const char *a, const char *b, json_t *about, bool *same, nb_error *err);

/** A list of texts with what belongs to each; members but texts may be NULL. */
typedef struct nb_side {
    const nb_strings *texts;
    const uint8_t *tags;
    const double *rows; /**< [count, d] */
    const double *values;
    const uint64_t *ids;
} nb_side;

/** Compares two lists by text and tag. Texts of one tag must not repeat within a list. Not collective.
 * @param d    numbers a row of `rows`; 0: rows are not compared
 * @param out  receives an object with "a", "b", "only_a", "only_b", "moved", "first_only_a", "first_only_b", and of the
 *         entries in both how many differ in their rows (with the largest Euclidean distance), values (with the largest
 *         difference) and ids; the caller owns it
 * @param same is cleared when they differ
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_diff_sides(const nb_side *a, const nb_side *b, size_t d, json_t **out, bool *same, nb_error *err);

/** Adds the leaves in which two objects differ, as {"path/to/leaf": {"a", "b"}}. Not collective.
 * @param path what to put before each, "" for nothing */
void nb_diff_objects(json_t *out, const char *path, const json_t *a, const json_t *b);

#endif
