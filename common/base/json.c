#include "common/base/json.h"

#include "common/base/memory.h"

#include <stdlib.h>

/* What jansson takes at most for a byte of text: an array's element. */
enum { MEMORY_PER_BYTE = 16, MEMORY_MIN = 4096 };

/* jansson (2.14) that runs out of memory while it reads ends the process, or goes on with bytes missing. So the memory
 * that the text takes at most is asked for before. */
nb_status nb_json_parse(json_t **out, const char *text, size_t len, size_t flags, json_error_t *where, nb_error *err)
{
    size_t most;
    void *probe =
        nb_mul_size(len, MEMORY_PER_BYTE, &most) && most < SIZE_MAX - MEMORY_MIN ? malloc(most + MEMORY_MIN) : NULL;
    *out = NULL;
    if (!probe) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for %zu bytes of JSON", len);
    }
    free(probe);
    *out = json_loadb(text, len, flags, where);
    return NB_OK;
}
