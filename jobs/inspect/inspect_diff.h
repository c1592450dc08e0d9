/** @file
 * How two files of one kind differ in content: for the table of inspect_kinds.c. Each adds to `info` what it compared,
 * and clears *same when the content differs; provenance is no content. Of long lists the first few are named. Nothing
 * here is collective. */
#ifndef NB_JOBS_INSPECT_INSPECT_DIFF_H
#define NB_JOBS_INSPECT_INSPECT_DIFF_H

#include "common/base/memory.h"

#include <jansson.h>
#include <stdbool.h>

/** Compares two banks: labels, negatives (by text and tag: only in one, moved, embeddings, criterion),
 * proxies, parameters.
 * @param a, b the files
 * @param info added to
 * @param same cleared when they differ
 * @return NB_ERR_LIMIT without memory; else as nb_bank_open. */
nb_status nb_diff_banks(const char *a, const char *b, json_t *info, bool *same, nb_error *err);

/** Compares two corpora: texts by text and tag.
 * @param a, b the files
 * @param info added to
 * @param same cleared when they differ
 * @return NB_ERR_LIMIT without memory; else as nb_corpus_file_read. */
nb_status nb_diff_corpora(const char *a, const char *b, json_t *info, bool *same, nb_error *err);

/** Compares two embedding stores row by row: names, tags, labels, embeddings.
 * @param a, b the files
 * @param info added to
 * @param same cleared when they differ
 * @return NB_ERR_LIMIT without memory; else as nb_store_open and nb_store_rows. */
nb_status nb_diff_stores(const char *a, const char *b, json_t *info, bool *same, nb_error *err);

/** Compares two score files row by row: images, labels, classes, scores.
 * @param a, b the files
 * @param info added to
 * @param same cleared when they differ
 * @return as the reader of score files. */
nb_status nb_diff_scores(const char *a, const char *b, json_t *info, bool *same, nb_error *err);

/** A list of texts with what belongs to each; members but texts may be NULL. */
typedef struct nb_diff_list {
    const nb_strings *texts;
    const uint8_t *tags;
    const double *rows; /**< [count, d] */
    size_t d;           /**< 0, or another one on the other side: rows do not compare */
    const double *values;
    const uint64_t *ids;
} nb_diff_list;

/** Compares two lists by text and tag: an object with "a", "b", "only_a", "only_b", "moved", "first_only_a",
 * "first_only_b", and of the entries in both how many differ in their rows (with the largest Euclidean distance),
 * values (with the largest difference) and ids. Texts of one tag must not repeat within a list. Rows compare where both
 * sides have them.
 * @param a, b the lists
 * @param out becomes the object, which the caller owns; NULL on failure
 * @param same cleared when they differ
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_diff_sides(const nb_diff_list *a, const nb_diff_list *b, json_t **out, bool *same, nb_error *err);

/** The leaves in which two objects differ, as {"path/to/leaf": {"a", "b"}}.
 * @param out added to
 * @param path of these objects; "" at the top
 * @param a, b the objects; NULL for one that is not there */
void nb_diff_objects(json_t *out, const char *path, const json_t *a, const json_t *b);

#endif
