/* The seal: what makes a file of ours whole, or not.
 *
 * Every .nbc, .nbe and .nbank is an HDF5 file behind a user block of 512 bytes (HDF5 tools skip it):
 *
 *   seal     = "NEGBANK\n" version kind size hole-begin hole-end digest zeros
 *   version  = u32 little-endian, 1 or 2
 *   kind     = 20 bytes of ASCII, zero-padded: "corpus", "embedding store", "bank", "scores"
 *   size     = u64, bytes of the whole file
 *   hole-*   = u64 u64, a byte range the digest leaves out because the file holds checksums of its own for it
 *              (the embeddings of a store); 0 0 when there is none
 *   digest   = 32 bytes, SHA-256 of the seal's bytes before it, then, in version 1, of the bytes [512, hole-begin) and
 *              [hole-end, size), or, in version 2, of the SHA-256 of every piece of them: each of the two ranges is cut
 *              into pieces of 16 MiB, the last one shorter, in their order
 *   zeros    = up to byte 512
 *
 * Version 1 is written where at most 64 MiB go into the digest, version 2 beyond: its pieces can be hashed by many
 * processes at once (common/parallel/sealing.h). A file cut short, or with one byte altered, is refused. The digest is
 * the file's identity in provenance. Nothing here is collective. */
#ifndef NB_STORE_SEAL_H
#define NB_STORE_SEAL_H

#include "common/base/digest.h"
#include "common/base/file.h"

#include <stdint.h>

/** Bytes of a seal, of the kind in it, and of a digest. */
enum { NB_SEAL_BYTES = 512, NB_SEAL_KIND_MAX = 20, NB_SEAL_DIGEST_BYTES = 32 };
/** Bytes of a piece in version 2, and the most that version 1 takes into its digest. */
enum { NB_SEAL_PIECE = 1 << 24, NB_SEAL_WHOLE_MAX = 1 << 26 };

/** A seal as it was read. */
typedef struct nb_seal {
    char kind[NB_SEAL_KIND_MAX + 1]; /**< printable ASCII */
    uint64_t size;                   /**< bytes of the file */
    uint64_t hole_begin, hole_end;   /**< bytes the digest leaves out; 0 0: none */
    nb_digest digest;                /**< what it states, verified or not */
} nb_seal;

/** Seals a closed file that was created with a user block of NB_SEAL_BYTES. It is not synced.
 *
 * @param path       the file
 * @param kind       what it is
 * @param hole_begin bytes [hole_begin, hole_end) are left out
 * @param hole_end   0 0: nothing is
 * @param digest     of the sealed file
 * @return NB_OK, NB_ERR_INPUT when it is missing, NB_ERR_IO when it cannot be read or written, NB_ERR_LIMIT when memory
 * is out, or NB_ERR_INTERNAL for a file without room for a seal, or a hole beyond it. */
NB_CHECKED nb_status nb_seal_write(const char *path, const char *kind, uint64_t hole_begin, uint64_t hole_end,
                                   nb_digest *digest, nb_error *err);

/** Reads the seal and checks the size: cheap.
 *
 * @param out  the seal
 * @param path the file
 * @param kind what it must be; NULL: any
 * @return NB_OK, NB_ERR_INPUT when it is missing, no file of ours, cut short or too long, of another kind or a newer
 * seal, NB_ERR_VERIFY when its seal is damaged, NB_ERR_IO when it cannot be mapped, or NB_ERR_LIMIT when memory is out.
 */
NB_CHECKED nb_status nb_seal_read(nb_seal *out, const char *path, const char *kind, nb_error *err);

/** nb_seal_read, then recomputes the digest.
 *
 * @param out  the seal
 * @param path the file
 * @param kind what it must be; NULL: any
 * @return as nb_seal_read; NB_ERR_VERIFY also when the bytes are not those that were sealed. */
NB_CHECKED nb_status nb_seal_verify(nb_seal *out, const char *path, const char *kind, nb_error *err);

/* ---- by many processes ---- */

/** A seal being made or checked. {0}: none. */
typedef struct nb_sealing {
    nb_map map;                        /**< the file */
    unsigned char head[NB_SEAL_BYTES]; /**< its seal; the digest is missing while it is made */
    nb_seal seal;                      /**< what it says */
    size_t pieces;                     /**< to be hashed */
    bool whole;                        /**< version 1: the one piece is all of it */
} nb_sealing;

/** Begins to seal a file, as nb_seal_write does.
 *
 * @param out        closed by the caller; {0} on failure
 * @param path       the file
 * @param kind       what it is
 * @param hole_begin bytes [hole_begin, hole_end) are left out
 * @param hole_end   0 0: nothing is
 * @return as nb_seal_write. */
NB_CHECKED nb_status nb_sealing_begin(nb_sealing *out, const char *path, const char *kind, uint64_t hole_begin,
                                      uint64_t hole_end, nb_error *err);

/** Begins to check a sealed file.
 *
 * @param out  closed by the caller; {0} on failure
 * @param path the file
 * @param kind what it must be; NULL: any
 * @return as nb_seal_read. */
NB_CHECKED nb_status nb_sealing_check(nb_sealing *out, const char *path, const char *kind, nb_error *err);

/** Hashes one piece.
 *
 * @param s      a seal that was begun
 * @param piece  below s->pieces
 * @param digest [NB_SEAL_DIGEST_BYTES] */
void nb_sealing_hash(const nb_sealing *s, size_t piece, unsigned char *digest);

/** Writes the seal.
 *
 * @param s       begun with nb_sealing_begin
 * @param path    the file
 * @param digests [pieces, NB_SEAL_DIGEST_BYTES] of nb_sealing_hash
 * @param digest  of the sealed file
 * @return NB_OK, or NB_ERR_IO. */
NB_CHECKED nb_status nb_sealing_write(nb_sealing *s, const char *path, const unsigned char *digests, nb_digest *digest,
                                      nb_error *err);

/** Whether the file's bytes are those that were sealed.
 *
 * @param s       begun with nb_sealing_check
 * @param path    the file, for the message
 * @param digests [pieces, NB_SEAL_DIGEST_BYTES] of nb_sealing_hash
 * @return NB_OK, or NB_ERR_VERIFY. */
NB_CHECKED nb_status nb_sealing_verify(const nb_sealing *s, const char *path, const unsigned char *digests,
                                       nb_error *err);

/** Closes `sealing`, which becomes {0}. Harmless on {0}. */
void nb_sealing_close(nb_sealing *sealing);

#endif
