#include "common/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nb_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static void *memory_refuse(size_t count, size_t size, nb_error *err)
{
    nb_fail(err, NB_ERR_LIMIT, "out of memory: %zu elements of %zu bytes", count, size);
    nb_hint(err, "use more nodes, fewer ranks a node, or a smaller input");
    return NULL;
}

void *nb_alloc(size_t count, size_t size, nb_error *err)
{
    size_t bytes;
    void *p = nb_mul_size(count, size, &bytes) ? calloc(bytes ? bytes : 1, 1) : NULL;
    return p ? p : memory_refuse(count, size, err);
}

void *nb_grow(void *old, size_t count, size_t size, nb_error *err)
{
    size_t bytes;
    if (!nb_mul_size(count, size, &bytes)) {
        return memory_refuse(count, size, err);
    }
    void *p = realloc(old, bytes ? bytes : 1);
    return p ? p : memory_refuse(count, size, err);
}

void *nb_alloc_aligned(size_t count, size_t size, nb_error *err)
{
    size_t bytes;
    if (!nb_mul_size(count, size, &bytes) || bytes > SIZE_MAX - 64) {
        return memory_refuse(count, size, err);
    }
    bytes = (bytes / 64 + 1) * 64;
    void *p = aligned_alloc(64, bytes);
    if (!p) {
        return memory_refuse(count, size, err);
    }
    memset(p, 0, bytes);
    return p;
}

static nb_status memory_reserve(nb_buffer *b, size_t more, nb_error *err)
{
    size_t max = b->max ? b->max : (size_t)1 << 30;
    if (more > max || b->len > max - more) {
        return nb_fail(err, NB_ERR_LIMIT, "text buffer would exceed its limit of %zu bytes", max);
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap) {
        return NB_OK;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need) {
        cap *= 2;
    }
    char *p = nb_grow(b->data, cap, 1, err);
    if (!p) {
        return NB_ERR_LIMIT;
    }
    b->data = p;
    b->cap = cap;
    return NB_OK;
}

nb_status nb_buffer_append(nb_buffer *b, const void *bytes, size_t count, nb_error *err)
{
    nb_status status = memory_reserve(b, count, err);
    if (status != NB_OK) {
        return status;
    }
    if (count) {
        memcpy(b->data + b->len, bytes, count);
    }
    b->len += count;
    b->data[b->len] = '\0';
    return NB_OK;
}

nb_status nb_buffer_printf(nb_buffer *b, nb_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        return nb_fail(err, NB_ERR_INTERNAL, "cannot format '%s'", format);
    }
    nb_status status = memory_reserve(b, (size_t)len, err);
    if (status != NB_OK) {
        return status;
    }
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return NB_OK;
}

void nb_buffer_clear(nb_buffer *b)
{
    b->len = 0;
    if (b->data) {
        b->data[0] = '\0';
    }
}

void nb_buffer_free(nb_buffer *b)
{
    if (b) {
        free(b->data);
        *b = (nb_buffer){0};
    }
}

nb_status nb_strings_push(nb_strings *s, const char *bytes, size_t len, nb_error *err)
{
    if (s->count + 2 > s->cap_count) {
        size_t cap = s->cap_count ? s->cap_count * 2 : 64;
        uint64_t *offset = nb_grow(s->offset, cap, sizeof *offset, err);
        if (!offset) {
            return NB_ERR_LIMIT;
        }
        if (!s->count) {
            offset[0] = 0;
        }
        s->offset = offset;
        s->cap_count = cap;
    }
    size_t used = (size_t)s->offset[s->count];
    if (used + len + 1 > s->cap_bytes) {
        size_t cap = s->cap_bytes ? s->cap_bytes : 1024;
        while (cap < used + len + 1) {
            cap *= 2;
        }
        char *p = nb_grow(s->bytes, cap, 1, err);
        if (!p) {
            return NB_ERR_LIMIT;
        }
        s->bytes = p;
        s->cap_bytes = cap;
    }
    if (len) {
        memcpy(s->bytes + used, bytes, len);
    }
    s->bytes[used + len] = '\0';
    s->count++;
    s->offset[s->count] = used + len + 1;
    return NB_OK;
}

const char *nb_strings_get(const nb_strings *s, size_t i)
{
    return s->bytes + s->offset[i];
}

size_t nb_strings_len(const nb_strings *s, size_t i)
{
    return (size_t)(s->offset[i + 1] - s->offset[i] - 1);
}

void nb_strings_free(nb_strings *s)
{
    if (s) {
        free(s->bytes);
        free(s->offset);
        *s = (nb_strings){0};
    }
}

int nb_bytes_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common ? memcmp(a, b, common) : 0;
    if (order) {
        return order;
    }
    return (a_len > b_len) - (a_len < b_len);
}
