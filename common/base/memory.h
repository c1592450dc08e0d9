/* Checked allocation, growing byte buffers with a stated maximum, and packed lists of strings. Nothing here is
 * collective. */
#ifndef NB_BASE_MEMORY_H
#define NB_BASE_MEMORY_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** Zeroed memory for an array.
 *
 * @param count elements; 0 gives a pointer that may be freed
 * @param size  bytes of one
 * @return freed by the caller with free(); NULL, with NB_ERR_LIMIT in `err`, when the product overflows or there is no
 *         memory. */
void *nb_alloc(size_t count, size_t size, nb_error *err);

/** As realloc(old, count * size) with the same checks. New bytes are not zeroed.
 *
 * @param old   of nb_alloc, nb_grow or NULL; it stays valid on failure
 * @param count elements
 * @param size  bytes of one
 * @return as nb_alloc. */
void *nb_grow(void *old, size_t count, size_t size, nb_error *err);

/** As nb_alloc, aligned to 64 bytes: for matrices.
 *
 * @param count elements
 * @param size  bytes of one
 * @return as nb_alloc. */
void *nb_alloc_aligned(size_t count, size_t size, nb_error *err);

/** Allocates an array of `count` elements for pointer `p`, or leaves through `done`. */
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

/* ---- buffers ---- */

/** A byte buffer that grows. Start from {0} or {.max = N}; free with nb_buffer_free. */
typedef struct nb_buffer {
    char *data; /**< [len], NUL-terminated once anything was appended; NULL before */
    size_t len, cap;
    size_t max; /**< bytes it may hold; 0: 1 GiB */
} nb_buffer;

/** Appends bytes.
 *
 * @param b     the buffer, unchanged on failure
 * @param bytes [count]
 * @param count how many
 * @return NB_OK, or NB_ERR_LIMIT when the buffer would exceed its maximum or memory is out. */
NB_CHECKED nb_status nb_buffer_append(nb_buffer *b, const void *bytes, size_t count, nb_error *err);

/** Appends a formatted text.
 *
 * @param b      the buffer, unchanged on failure
 * @param format as printf takes it
 * @return as nb_buffer_append; NB_ERR_INTERNAL for a format that is none. */
NB_CHECKED nb_status nb_buffer_printf(nb_buffer *b, nb_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Empties `b`, which keeps its memory. */
void nb_buffer_clear(nb_buffer *b);

/** Frees what `b` holds and makes it {0}. Takes NULL. */
void nb_buffer_free(nb_buffer *b);

/* ---- strings ---- */

/** A list of byte strings in one block: string i is bytes[offset[i] .. offset[i + 1] - 1), NUL-terminated inside the
 * block, so nb_strings_get gives a C string too. Start from {0}; free with nb_strings_free. */
typedef struct nb_strings {
    char *bytes;      /**< all strings, each with its NUL */
    uint64_t *offset; /**< [count + 1] once anything was pushed */
    size_t count;
    size_t cap_count, cap_bytes; /**< room in `offset` and in `bytes` */
} nb_strings;

/** Appends a string.
 *
 * @param s     the list, unchanged on failure
 * @param bytes [len], copied
 * @param len   its bytes
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_strings_push(nb_strings *s, const char *bytes, size_t len, nb_error *err);

/** String `i` of `s`, NUL-terminated; valid until the list grows. i is below the count. */
const char *nb_strings_get(const nb_strings *s, size_t i);

/** Bytes of string `i` of `s`, without the NUL. */
size_t nb_strings_len(const nb_strings *s, size_t i);

/** Frees what `s` holds and makes it {0}. Takes NULL. */
void nb_strings_free(nb_strings *s);

/** Compares two byte strings: bytewise, the shorter first on a common prefix. The canonical order of a corpus.
 *
 * @param a     [a_len]
 * @param a_len its bytes
 * @param b     [b_len]
 * @param b_len its bytes
 * @return below, equal to or over 0, as memcmp. */
int nb_bytes_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/** True, with the product in *out, when `a` * `b` fits size_t; false otherwise. */
bool nb_mul_size(size_t a, size_t b, size_t *out);

#endif
