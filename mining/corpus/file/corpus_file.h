// clang-format off
/** @file
 * The corpus file (.nbc).
 *
 * Format 1, an HDF5 file behind a seal (common/store/seal.h) of kind "corpus"; everything is zstd chunks (filter
 * 32015):
 *
 *     dataset        type         what it holds
 *     ---------------------------------------------------------------------------------------------
 *     texts/bytes    u8 [bytes]   canonical texts, each with a NUL, ordered bytewise by (text, tag)
 *     texts/offsets  u64 [N + 1]  where each text begins; the last: bytes
 *     tags           u8 [N]       nb_tag
 *     source         u32 [N]      number of the input each was first seen in
 *     line           u64 [N]      its line there, from 1
 *     inputs/...     strings      base names of the inputs, by number
 *     counts         text         JSON: {"read", "kept", "mended", "dropped": {reason: count}}
 *     provenance     text         JSON (common/store/provenance.h)
 */
// clang-format on
#ifndef NB_MINING_CORPUS_FILE_CORPUS_FILE_H
#define NB_MINING_CORPUS_FILE_CORPUS_FILE_H

#include "mining/corpus/build.h"

enum { NB_CORPUS_FORMAT = 1 }; /**< the newest format, which is written */
#define NB_CORPUS_KIND "corpus"

/** Where a corpus file goes, and what it says of its making. Borrowed. */
typedef struct nb_corpus_target {
    const char *path;
    bool force;             /**< replace a file that is there */
    const char *provenance; /**< JSON; rank 0's */
} nb_corpus_target;

/** Writes the slices of all ranks as one sealed file, through a partial file that all ranks must be able to open.
 * Collective: all ranks get the same status.
 *
 * Each rank packs and writes its own chunks; the memory is a few MiB beside the budget of the slice.
 * @param slice this rank's; its rows are freed on the way
 * @param comm the ranks
 * @param plan as for nb_corpus_build
 * @param target the same path on all ranks
 * @param digest rank 0's becomes the file's SHA-256
 * @return NB_OK; NB_ERR_USAGE when the file is there and `force` is not given; NB_ERR_IO when it cannot be written, on
 * a full disk, say; NB_ERR_LIMIT without memory; NB_STOPPED after a request to stop, with no file left. */
nb_status nb_corpus_file_save(nb_corpus_slice *slice, const nb_comm *comm, const nb_corpus_plan *plan,
                              const nb_corpus_target *target, nb_digest *digest, nb_error *err);

/** Writes and seals a canonical corpus that lies in memory. Not collective.
 * @param corpus canonical, not empty
 * @param counts stored as they are
 * @param inputs paths, by number
 * @param target where to
 * @param digest becomes the file's SHA-256
 * @return NB_OK; NB_ERR_INPUT for a corpus without texts; else as nb_corpus_file_save. */
nb_status nb_corpus_file_write(const nb_corpus *corpus, const nb_corpus_counts *counts, const nb_strings *inputs,
                               const nb_corpus_target *target, nb_digest *digest, nb_error *err);

/** Verifies and reads a corpus file. Not collective.
 * @param corpus freed by the caller with nb_corpus_free; {0} on failure
 * @param digest becomes the file's SHA-256; may be NULL
 * @param path the file
 * @return NB_OK; NB_ERR_VERIFY when its seal does not match; NB_ERR_INPUT when it is missing, no corpus, of a newer
 * format, without texts, or holds a tag that is none; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_corpus_file_read(nb_corpus *corpus, nb_digest *digest, const char *path, nb_error *err);

/** The JSON texts of a corpus file. */
typedef struct nb_corpus_info {
    char *counts, *provenance; /**< owned */
} nb_corpus_info;

/** Reads the JSON texts of a corpus file, whose seal is not looked at. Not collective.
 * @param out freed by the caller with nb_corpus_info_free, also after a failure
 * @param path the file
 * @return NB_OK; NB_ERR_INPUT when it is no corpus; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_corpus_file_info(nb_corpus_info *out, const char *path, nb_error *err);

/** Frees the texts. Not collective.
 * @param info what nb_corpus_file_info gave, or {0} */
void nb_corpus_info_free(nb_corpus_info *info);

#endif
