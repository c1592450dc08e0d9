/* Values as bytes, for what one rank sends to another of the same program: no format for files. Nothing here is
 * collective. */
#ifndef NB_BASE_PACK_H
#define NB_BASE_PACK_H

#include "common/base/memory.h"

/** Appends words.
 *
 * @param out   the bytes
 * @param words [count]
 * @param count how many
 * @return as nb_buffer_append. */
NB_CHECKED nb_status nb_pack_words(nb_buffer *out, const uint64_t *words, size_t count, nb_error *err);

/** Appends bytes.
 *
 * @param out   the bytes
 * @param bytes [len]; may be NULL when len is 0
 * @param len   how many
 * @return as nb_buffer_append. */
NB_CHECKED nb_status nb_pack_bytes(nb_buffer *out, const void *bytes, size_t len, nb_error *err);

/** Appends a list of strings.
 *
 * @param out     the bytes
 * @param strings the list
 * @return as nb_buffer_append. */
NB_CHECKED nb_status nb_pack_strings(nb_buffer *out, const nb_strings *strings, nb_error *err);

/** What is read, borrowed: bytes [at, len). */
typedef struct nb_unpack {
    const char *bytes;
    size_t len, at;
} nb_unpack;

/** Reads words.
 *
 * @param in    moved on
 * @param words [count]
 * @param count how many
 * @return NB_OK, or NB_ERR_INTERNAL when fewer bytes are left. */
NB_CHECKED nb_status nb_unpack_words(nb_unpack *in, uint64_t *words, size_t count, nb_error *err);

/** Reads bytes.
 *
 * @param in    moved on
 * @param bytes [len]
 * @param len   how many
 * @return as nb_unpack_words. */
NB_CHECKED nb_status nb_unpack_bytes(nb_unpack *in, void *bytes, size_t len, nb_error *err);

/** Reads a list of strings.
 *
 * @param in  moved on
 * @param out from {0}, freed by the caller, also on failure
 * @return as nb_unpack_words, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_unpack_strings(nb_unpack *in, nb_strings *out, nb_error *err);

#endif
