/* Checked allocation, growing byte buffers with a stated maximum, and packed lists of strings. */
#ifndef NB_BASE_MEMORY_H
#define NB_BASE_MEMORY_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory for count elements of size bytes; NULL with NB_ERR_LIMIT in err when the product overflows or there is
 * none. A count of 0 gives a pointer that may be freed. The caller frees with free(). */
void *nb_alloc(size_t count, size_t size, nb_error *err);

/* As realloc(old, count * size) with the same checks; `old` stays valid on failure. New bytes are not zeroed. */
void *nb_grow(void *old, size_t count, size_t size, nb_error *err);

/* A zeroed copy aligned to 64 bytes, for matrices. Free with free(). */
void *nb_alloc_aligned(size_t count, size_t size, nb_error *err);

/* Allocates an array of `count` elements for pointer `p`, or leaves through `done`. */
#define NB_TRY_NEW(p, count)                                                                                           \
    do {                                                                                                               \
        (p) = nb_alloc((count), sizeof *(p), err);                                                                     \
        status = (p) ? NB_OK : NB_ERR_LIMIT;                                                                           \
        if (status != NB_OK) {                                                                                         \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* Makes room in the array p of `cap` elements for one more than `count`, for functions like those of NB_TRY_NEW. */
#define NB_TRY_ROOM(p, count, cap, first)                                                                              \
    do {                                                                                                               \
        if ((count) == (cap)) {                                                                                        \
            size_t nb_room_cap = (cap) ? 2 * (cap) : (first);                                                          \
            void *nb_room = nb_grow((p), nb_room_cap, sizeof *(p), err);                                               \
            status = nb_room ? NB_OK : NB_ERR_LIMIT;                                                                   \
            if (status != NB_OK) {                                                                                     \
                goto done;                                                                                             \
            }                                                                                                          \
            (p) = nb_room;                                                                                             \
            (cap) = nb_room_cap;                                                                                       \
        }                                                                                                              \
    } while (0)

/* A byte buffer that grows up to `max` bytes (0: 1 GiB). data is always NUL-terminated once anything was appended. */
typedef struct nb_buffer {
    char *data;
    size_t len, cap, max;
} nb_buffer;

nb_status nb_buffer_append(nb_buffer *b, const void *bytes, size_t count, nb_error *err);
nb_status nb_buffer_printf(nb_buffer *b, nb_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void nb_buffer_clear(nb_buffer *b); /* keeps the memory */
void nb_buffer_free(nb_buffer *b);

/* A list of byte strings in one block: string i is bytes[offset[i] .. offset[i + 1] - 1), NUL-terminated inside the
 * block, so nb_strings_get gives a C string too. Start from {0}. */
typedef struct nb_strings {
    char *bytes;
    uint64_t *offset; /* [count + 1] once anything was pushed */
    size_t count, cap_count, cap_bytes;
} nb_strings;

nb_status nb_strings_push(nb_strings *s, const char *bytes, size_t len, nb_error *err);
const char *nb_strings_get(const nb_strings *s, size_t i);
size_t nb_strings_len(const nb_strings *s, size_t i);
void nb_strings_free(nb_strings *s);

/* Bytewise order of two byte strings, shorter first on a common prefix: the canonical order of a corpus. */
int nb_bytes_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* True with the product in *out when a * b fits size_t. */
bool nb_mul_size(size_t a, size_t b, size_t *out);

#endif
