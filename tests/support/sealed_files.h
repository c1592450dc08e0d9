/* Small files of every HDF5 kind, and changes to them behind checksums and a seal that are right again: what is left to
 * refuse them is what reads them. For tests and fuzzers; a failure to make one ends the program. */
#ifndef NB_TESTS_SEALED_FILES_H
#define NB_TESTS_SEALED_FILES_H

#include "common/base/status.h"
#include "common/store/seal.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SEALED_STORE_FP32,
    SEALED_STORE_FP16,
    SEALED_CORPUS,
    SEALED_LONG_CORPUS, /* with datasets of several chunks */
    SEALED_BANK_FP32,   /* all banks have a visual part */
    SEALED_BANK_FP16,
    SEALED_BANK_INT8,
    SEALED_SCORES,
    SEALED_FILES
};

/* A block of metadata that ends in its checksum, from the file's begin. */
typedef struct sealed_block {
    size_t at, len;
} sealed_block;

/* A file as it was made. */
typedef struct sealed_file {
    const char *name, *kind;
    unsigned char *bytes; /* [len] */
    size_t len;
    nb_seal seal;
    sealed_block *blocks; /* [block_count] */
    size_t block_count;
    size_t metadata; /* bytes of all blocks */
} sealed_file;

/* Takes the sealed file at `path`, which is removed; the name is borrowed. */
void sealed_file_keep(sealed_file *f, const char *path, const char *name, const char *kind);

/* Makes them all at `path`, one after the other, which is removed at the end. */
void sealed_files_make(sealed_file files[SEALED_FILES], const char *path);
void sealed_files_free(sealed_file files[SEALED_FILES]);

/* Where byte `i` of the blocks (i < metadata) lies in the file. */
size_t sealed_file_metadata(const sealed_file *f, size_t i);

/* Makes HDF5's checksums right in a changed copy, bytes[f->len]. */
void sealed_file_checksums(const sealed_file *f, unsigned char *bytes);

/* Seals the changed copy at `path`, opens it as what it was and reads all that is in it. */
nb_status sealed_file_read(const sealed_file *f, const char *path, nb_error *err);

#endif
