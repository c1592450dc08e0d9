/* What the inspecting commands know of each kind of file: one line in the table of inspect_kinds.c. */
#ifndef NB_JOBS_INSPECT_INSPECT_KINDS_H
#define NB_JOBS_INSPECT_INSPECT_KINDS_H

#include "common/base/memory.h"
#include "common/store/seal.h"
#include "scoring/files/score_file.h"

#include <jansson.h>

#define NB_SCORES_KIND "score file" /* the one kind without a seal */

/** What `inspect export` writes of a file: one text a row, and rows of floats where the kind has embeddings. */
typedef struct nb_exported {
    nb_strings texts, labels;
    float *rows;                    /**< [texts.count, width] or NULL */
    float *label_rows, *prototypes; /**< [labels.count, width] or NULL; of banks */
    size_t width;
} nb_exported;

/** A kind of file: a line of the table. */
typedef struct nb_file_kind {
    const char *name;
    unsigned format; /**< the newest this version reads; 0 where there is no seal */
    /** Adds what is worth knowing to `about`. The seal was verified. */
    nb_status (*describe)(const char *path, json_t *about, nb_error *err);
    nb_status (*export)(const char *path, nb_exported *out, nb_error *err);
    /** Reads all of it, as the program does. */
    nb_status (*read)(const char *path, nb_error *err);
    /** Adds how the content of two files differs to `about` (jobs/inspect/inspect_diff.h). */
    nb_status (*diff)(const char *a, const char *b, json_t *about, bool *same, nb_error *err);
} nb_file_kind;

/** Verifies the file's seal and finds its kind. A score file has no seal: its kind, size and digest are filled in. Not
 * collective.
 * @return NB_OK; NB_ERR_INPUT for a kind this program does not know; what nb_seal_verify returns */
nb_status nb_file_kind_open(const nb_file_kind **kind, nb_seal *seal, const char *path, nb_error *err);

/** The kind of a name. Not collective.
 * @return NULL for none */
const nb_file_kind *nb_file_kind_find(const char *name);

/** Rows of a command that inspects a file: its settings have members file and json. */
#define NB_INSPECTED_OPTIONS                                                                                           \
    OPT_INPUT("inputs", file, "FILE",                                                                                  \
              "a corpus (.nbc), embedding store (.nbe), bank (.nbank) or score file (.tsv, .h5)", OPT_ARGUMENT,        \
              OPT_REQUIRED),                                                                                           \
        OPT_FLAG("json", json, "print JSON")

/** True when the file begins like a score file: comments, then a header line. Not collective. */
bool nb_looks_like_scores(const char *path);

/** Frees what `export` made. Not collective. */
void nb_exported_free(nb_exported *exported);

/** Sets a path as a JSON string, whatever bytes it has. Not collective. */
void nb_set_path(json_t *object, const char *key, const char *path);

/** Prints an object on standard output, as indented lines "key value" or as JSON. Not collective.
 * @return NB_OK; NB_ERR_IO when it cannot be written */
nb_status nb_print_about(const json_t *about, bool as_json, nb_error *err);

#endif
