/** @file
 * SHA-256: by OpenSSL, which uses the CPU's instructions for it and is five times as fast as libsodium where it has
 * some; by libsodium where OpenSSL does not do it. Nothing here is collective. */
#ifndef NB_BASE_DIGEST_H
#define NB_BASE_DIGEST_H

#include "common/base/status.h"

#include <sodium.h>
#include <stdint.h>

/** A digest: 64 hexadecimal digits and a NUL; "" where there is none. */
typedef struct nb_digest {
    char hex[65];
} nb_digest;

/** The digest of `bytes` [len]. */
nb_digest nb_digest_bytes(const void *bytes, size_t len);

/** Bytes of a digest. */
enum { NB_DIGEST_BYTES = 32 };

/** A digest of bytes that come one after another. Only for the functions below. */
typedef struct nb_digest_stream {
    void *fast;                  /**< OpenSSL's context; NULL: it could not make one */
    crypto_hash_sha256_state by; /**< libsodium's, in use where `fast` is NULL */
} nb_digest_stream;

/** Begins a digest, which nb_digest_end ends.
 * @param[out] stream not collective; one thread at a time */
void nb_digest_begin(nb_digest_stream *stream);

/** Goes on with `bytes` [len].
 * @param stream of nb_digest_begin */
void nb_digest_add(nb_digest_stream *stream, const void *bytes, size_t len);

/** Ends a digest and frees what it has.
 * @param stream of nb_digest_begin
 * @param[out] out NULL: nobody wants it */
void nb_digest_end(nb_digest_stream *stream, unsigned char out[NB_DIGEST_BYTES]);

/** The digest of a whole regular file, in little memory.
 *
 * @param out  the digest
 * @param path the file
 * @return NB_OK, NB_ERR_INPUT when it is missing or no regular file, NB_ERR_IO when it cannot be read, or NB_ERR_LIMIT
 *         when memory is out. */
NB_CHECKED nb_status nb_digest_file(nb_digest *out, const char *path, nb_error *err);

/** Hears now and then how many bytes are done; what it returns but NB_OK ends the work. */
typedef nb_status (*nb_progress_callback)(void *state, uint64_t bytes);

/** nb_digest_file of a long file.
 *
 * @param out   the digest
 * @param path  the file
 * @param progress called behind every MiB; NULL: never
 * @param state what `progress` is given
 * @return as nb_digest_file, or the status of `progress`. */
NB_CHECKED nb_status nb_digest_file_progress(nb_digest *out, const char *path, nb_progress_callback progress,
                                             void *state, nb_error *err);

#endif
