/** @file
 * What the inspecting commands know of each kind of file: one line in the table of inspect_kinds.c. Nothing here
 * is collective. */
#ifndef NB_JOBS_INSPECT_INSPECT_KINDS_H
#define NB_JOBS_INSPECT_INSPECT_KINDS_H

#include "common/base/memory.h"
#include "common/store/seal.h"
#include "scoring/files/score_file.h"

#include <jansson.h>

#define NB_SCORES_KIND "score file" /**< the one kind without a seal */

/** What `inspect export` writes of a file: one text a row, and rows of floats where the kind has embeddings. */
typedef struct nb_exported {
    nb_strings texts, labels;
    float *rows;                    /**< [texts.count, width] or NULL */
    float *label_rows, *prototypes; /**< [labels.count, width] or NULL; of banks */
    double *log_prior, *evidence;   /**< [texts.count] or NULL; of banks with proxies, as the next two */
    float *imputed;                 /**< [texts.count, width] or NULL */
    float *measured;                /**< [texts.count, width], NaN where none was measured, or NULL */
    size_t width;
} nb_exported;

/** A kind of file. */
typedef struct nb_file_kind {
    const char *name;
    unsigned format; /**< the newest this version reads; 0 where there is no seal */
    /** Adds what is worth knowing to `info`. The seal was verified. */
    nb_status (*describe)(const char *path, json_t *info, nb_error *err);
    /** What `inspect export` writes; freed by the caller with nb_exported_free. */
    nb_status (*export)(const char *path, nb_exported *out, nb_error *err);
    /** Reads all of it, as the program does. */
    nb_status (*read)(const char *path, nb_error *err);
    /** Adds how the content of two files differs to `info` (jobs/inspect/inspect_diff.h). */
    nb_status (*diff)(const char *a, const char *b, json_t *info, bool *same, nb_error *err);
} nb_file_kind;

/** Verifies a file's seal and finds its kind.
 * @param kind becomes the kind
 * @param seal becomes the seal; a score file has none: its kind, size and digest are filled in
 * @param path the file
 * @return NB_OK; NB_ERR_INPUT for a kind this program does not know; else as nb_seal_verify. */
nb_status nb_file_kind_open(const nb_file_kind **kind, nb_seal *seal, const char *path, nb_error *err);

/** Finds a kind.
 * @param name its name
 * @return the kind, NULL for none */
const nb_file_kind *nb_file_kind_find(const char *name);
/* The file a command inspects, and how it speaks of it; `set` has members file and json. */
#define NB_INSPECTED_OPTIONS                                                                                           \
    OPT_INPUT("inputs", file, "FILE",                                                                                  \
              "a corpus (.nbc), embedding store (.nbe), bank (.nbank) or score file (.tsv, .h5)", OPT_ARGUMENT,        \
              OPT_REQUIRED, OPT_PIPED),                                                                                \
        OPT_FLAG("json", json, "print JSON")

/** Whether a file begins like a score file: comments, then a header line.
 * @param path the file
 * @return true when it does */
bool nb_looks_like_scores(const char *path);

/** Frees what a kind exported.
 * @param exported what `export` gave, or {0} */
void nb_exported_free(nb_exported *exported);

/** Sets a path as a JSON string, whatever bytes it has.
 * @param object added to
 * @param key the name
 * @param path the path */
void nb_set_path(json_t *object, const char *key, const char *path);

/** Prints an object to standard output.
 * @param info the object
 * @param as_json as JSON, else as indented lines "key value"
 * @return NB_OK, or NB_ERR_IO when it cannot be written. */
nb_status nb_print_info(const json_t *info, bool as_json, nb_error *err);

#endif
