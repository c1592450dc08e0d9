/**
 * @file
 * The state of a stream as bytes: what a score of streams saves and restores by, and the file it lies in.
 *
 * A rule has one function for both directions (nb_stream_rule.state), so that what is read is what was written. Numbers
 * lie as this machine has them (little-endian); counts are u64. A file is
 *
 *   seal                 kind "stream state" (common/store/seal.h), 512 bytes
 *   u64 format           1
 *   u64 bytes, text      the identity: lines NAME=VALUE of all that results depend on beside the images: the bank's
 *                        digest, the score, its parameters, other inputs by their digests
 *   u64 images           how many images the stream has seen
 *   u64 bytes, state     the score's own
 *
 * A reader compares the identity with its own line by line and names the first that differs. The bytes are untrusted: a
 * rule checks every number against what its arrays hold. Nothing here is collective.
 */
#ifndef NB_SCORING_STREAMS_STREAM_STATE_H
#define NB_SCORING_STREAMS_STREAM_STATE_H

#include "common/base/memory.h"

#define NB_STATE_KIND "stream state"
enum { NB_STATE_FORMAT = 1 };

/** A state on its way to bytes or from them. */
typedef struct nb_state_io {
    bool saving;                   /**< else restoring */
    nb_buffer out;                 /**< what was saved so far */
    const unsigned char *at, *end; /**< what is left to restore */
} nb_state_io;

/** Saves or restores an array in place.
 * @param io the way
 * @param data [bytes]
 * @param bytes of it
 * @return NB_OK, NB_ERR_INPUT when the bytes end before, or NB_ERR_LIMIT when memory is out */
nb_status nb_state_bytes(nb_state_io *io, void *data, size_t bytes, nb_error *err);

/** Saves or restores a count.
 * @param io the way
 * @param value the count
 * @param max what it may be at most when it is restored
 * @param what it counts, for the message
 * @return NB_OK, NB_ERR_INPUT for a larger one or when the bytes end before, or NB_ERR_LIMIT when memory is out */
nb_status nb_state_count(nb_state_io *io, size_t *value, size_t max, const char *what, nb_error *err);

/** Saves an array, or allocates and restores it. What is left of the bytes bounds the memory.
 * @param io the way
 * @param data [count] of elements; replaced (the old one is freed) when it is restored
 * @param count elements
 * @param element bytes of one
 * @return NB_OK, NB_ERR_INPUT when the bytes end before, or NB_ERR_LIMIT when memory is out */
nb_status nb_state_array(nb_state_io *io, void **data, size_t count, size_t element, nb_error *err);

/** Writes a packed state to a file, which replaces another of its name once it is whole.
 * @param path the file
 * @param packed of nb_stream_pack
 * @return NB_OK, NB_ERR_IO or NB_ERR_USAGE as outputs fail, or NB_ERR_LIMIT when memory is out */
nb_status nb_state_write(const char *path, const nb_buffer *packed, nb_error *err);

/** Reads what nb_state_write wrote, verifying the whole file.
 * @param path the file
 * @param packed for nb_stream_unpack; freed by the caller, also after a failure
 * @return NB_OK, NB_ERR_INPUT when it is missing or no stream state, NB_ERR_VERIFY when it is damaged, NB_ERR_IO, or
 * NB_ERR_LIMIT when memory is out */
nb_status nb_state_read(const char *path, nb_buffer *packed, nb_error *err);

/** Compares the identity in a state with that of the stream that is to go on from it.
 * @param had [len] lines NAME=VALUE of the state
 * @param len bytes
 * @param have those of the stream
 * @return NB_OK, or NB_ERR_INPUT naming the first line that differs */
nb_status nb_state_same(const char *had, size_t len, const char *have, nb_error *err);

#endif
