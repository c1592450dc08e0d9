/* The seal: what makes a file of ours whole, or not.
 *
 * Every .nbc, .nbe and .nbank is an HDF5 file behind a user block of 512 bytes (HDF5 tools skip it):
 *
 *   seal     = "NEGBANK\n" version kind size hole-begin hole-end digest zeros
 *   version  = u32 little-endian, 1
 *   kind     = 20 bytes of ASCII, zero-padded: "corpus", "embedding store", "bank"
 *   size     = u64, bytes of the whole file
 *   hole-*   = u64 u64, a byte range the digest leaves out because the file holds checksums of its own for it
 *              (the embeddings of a store); 0 0 when there is none
 *   digest   = 32 bytes, SHA-256 of the seal's bytes before it, then of the bytes [512, hole-begin), [hole-end, size)
 *   zeros    = up to byte 512
 *
 * A file cut short, or with one byte altered, is refused. The digest is the file's identity in provenance. */
#ifndef NB_STORE_SEAL_H
#define NB_STORE_SEAL_H

#include "common/base/digest.h"

#include <stdint.h>

enum { NB_SEAL_BYTES = 512, NB_SEAL_KIND_MAX = 20 };

typedef struct nb_seal {
    char kind[NB_SEAL_KIND_MAX + 1];
    uint64_t size, hole_begin, hole_end;
    nb_digest digest;
} nb_seal;

/* Seals a closed file that was created with a user block of NB_SEAL_BYTES. */
nb_status nb_seal_write(const char *path, const char *kind, uint64_t hole_begin, uint64_t hole_end, nb_digest *digest,
                        nb_error *err);

/* Reads the seal and checks the size: cheap. NB_ERR_INPUT when it is no file of ours, is cut short, or is of another
 * kind than `kind` (NULL: any). */
nb_status nb_seal_read(nb_seal *out, const char *path, const char *kind, nb_error *err);

/* nb_seal_read, then recomputes the digest: NB_ERR_VERIFY when the bytes are not those that were sealed. */
nb_status nb_seal_verify(nb_seal *out, const char *path, const char *kind, nb_error *err);

#endif
