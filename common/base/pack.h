/* Values as bytes, for what one rank sends to another of the same program: no format for files. */
#ifndef NB_BASE_PACK_H
#define NB_BASE_PACK_H

#include "common/base/memory.h"

nb_status nb_pack_words(nb_buffer *out, const uint64_t *words, size_t count, nb_error *err);
nb_status nb_pack_bytes(nb_buffer *out, const void *bytes, size_t len, nb_error *err);
nb_status nb_pack_strings(nb_buffer *out, const nb_strings *strings, nb_error *err);

/* What is read: bytes [at, len). */
typedef struct nb_unpack {
    const char *bytes;
    size_t len, at;
} nb_unpack;

/* NB_ERR_INTERNAL when fewer bytes are left than are asked for. */
nb_status nb_unpack_words(nb_unpack *in, uint64_t *words, size_t count, nb_error *err);
nb_status nb_unpack_bytes(nb_unpack *in, void *bytes, size_t len, nb_error *err);
/* *out starts from {0}. */
nb_status nb_unpack_strings(nb_unpack *in, nb_strings *out, nb_error *err);

#endif
