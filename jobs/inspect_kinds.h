/* What the inspecting commands know of each kind of file: one line in the table of inspect_kinds.c. */
#ifndef NB_JOBS_INSPECT_KINDS_H
#define NB_JOBS_INSPECT_KINDS_H

#include "common/base/memory.h"
#include "common/store/seal.h"

#include <jansson.h>

/* What `inspect export` writes of a file: one text a row, and rows of floats where the kind has embeddings. */
typedef struct nb_exported {
    nb_strings texts;
    float *rows; /* [texts.count, width] or NULL */
    size_t width;
} nb_exported;

typedef struct nb_file_kind {
    const char *name;
    /* Adds what is worth knowing to `about`. The seal was verified. */
    nb_status (*describe)(const char *path, json_t *about, nb_error *err);
    nb_status (*export)(const char *path, nb_exported *out, nb_error *err);
} nb_file_kind;

/* Verifies the file's seal and finds its kind. NB_ERR_INPUT for a kind this program does not know. */
nb_status nb_file_kind_open(const nb_file_kind **kind, nb_seal *seal, const char *path, nb_error *err);
void nb_exported_free(nb_exported *exported);

#endif
