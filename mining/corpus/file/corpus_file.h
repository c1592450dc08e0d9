/* The corpus file (.nbc).
 *
 * Format 1, an HDF5 file behind a seal (common/store/seal.h) of kind "corpus"; everything is zstd chunks (filter
 * 32015):
 *
 *   texts/...      strings [N]  canonical texts, ordered bytewise by (text, tag)
 *   tags           u8 [N]       nb_tag
 *   source         u32 [N]      number of the input each was first seen in
 *   line           u64 [N]      its line there, from 1
 *   inputs/...     strings      base names of the inputs, by number
 *   counts         text         JSON: {"read", "kept", "mended", "dropped": {reason: count}}
 *   provenance     text         JSON (common/store/provenance.h) */
#ifndef NB_MINING_CORPUS_FILE_CORPUS_FILE_H
#define NB_MINING_CORPUS_FILE_CORPUS_FILE_H

#include "mining/corpus/build.h"

enum { NB_CORPUS_FORMAT = 1 };
#define NB_CORPUS_KIND "corpus"

/* Collective. Writes the slices of all ranks as one sealed file, through a partial file that all ranks must be able to
 * open. Each rank packs and writes its own chunks; the memory is a few MiB beside the budget of the slice. The rows of
 * the slice are freed on the way. provenance and digest are rank 0's. NB_ERR_IO on a full disk, say. */
nb_status nb_corpus_file_save(nb_corpus_slice *slice, const nb_team *team, const nb_corpus_plan *plan, const char *path,
                              bool force, const char *provenance, nb_digest *digest, nb_error *err);

/* Writes and seals a canonical corpus in memory. `inputs` are paths. Not collective. */
nb_status nb_corpus_file_write(const nb_corpus *corpus, const nb_corpus_counts *counts, const nb_strings *inputs,
                               const char *path, bool force, const char *provenance, nb_digest *digest, nb_error *err);

/* Verifies and reads a corpus; digest may be NULL. Freed by the caller. */
nb_status nb_corpus_file_read(nb_corpus *corpus, nb_digest *digest, const char *path, nb_error *err);

/* The JSON texts of a corpus file, freed by nb_corpus_about_free. */
typedef struct nb_corpus_about {
    char *counts, *provenance;
} nb_corpus_about;
nb_status nb_corpus_file_about(nb_corpus_about *out, const char *path, nb_error *err);
void nb_corpus_about_free(nb_corpus_about *about);

#endif
