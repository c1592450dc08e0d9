#include "support/failing_alloc.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The linker's names: what the program calls, and what it would have called. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *old);

static atomic_long made, fail_at, held;
static atomic_bool fail_onwards;

void fail_allocation(long n, bool onwards)
{
    atomic_store(&made, 0);
    atomic_store(&fail_at, n);
    atomic_store(&fail_onwards, onwards);
}

long allocations(void)
{
    return atomic_load(&made);
}

long blocks_held(void)
{
    return atomic_load(&held);
}

static bool fails(void)
{
    long number = atomic_fetch_add(&made, 1) + 1, at = atomic_load(&fail_at);
    return at && (number == at || (number > at && atomic_load(&fail_onwards)));
}

static void *hold(void *block)
{
    if (block) {
        atomic_fetch_add(&held, 1);
    }
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : hold(__real_malloc(size));
}

/* jansson's blocks, which our code frees like its own, count among those held and never fail. */
static void *for_jansson(size_t size)
{
    return hold(__real_malloc(size));
}

/* Before anything of jansson's exists. */
__attribute__((constructor)) static void begin(void)
{
    json_set_alloc_funcs(for_jansson, __wrap_free);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : hold(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    void *block = fails() ? NULL : __real_realloc(old, size);
    return old ? block : hold(block);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : hold(__real_aligned_alloc(alignment, size));
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = __wrap_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void __wrap_free(void *old)
{
    if (old) {
        atomic_fetch_sub(&held, 1);
    }
    __real_free(old);
}
