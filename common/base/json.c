#include "common/base/json.h"

#include "common/base/memory.h"

#include <stdlib.h>

/* What jansson (2.14) takes at most for each of them, on top of the bytes of the text themselves. */
enum { CONTAINER_BYTES = 320, VALUE_BYTES = 160, MEMORY_MIN = 4096 };

/* What a text holds, if it is JSON. */
typedef struct sizes {
    size_t containers, values, depth;
} sizes;

/* Counts without building anything: brackets, commas and colons outside of strings. */
static sizes json_measure(const char *text, size_t len)
{
    sizes s = {0, 1, 0};
    size_t open = 0;
    bool string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (string) {
            i += c == '\\';
            string = c != '"';
            continue;
        }
        string = c == '"';
        s.values += c == ',' || c == ':';
        if (c == '{' || c == '[') {
            s.containers++;
            open++;
            s.depth = open > s.depth ? open : s.depth;
        } else if (c == '}' || c == ']') {
            open -= open > 0;
        }
    }
    return s;
}

static nb_status json_over(size_t len, const char *what, int most, const char *limit, nb_error *err)
{
    return nb_fail(err, NB_ERR_LIMIT, "%zu bytes of JSON hold over %d %s (limit %s)", len, most, what, limit);
}

static nb_status json_check(const sizes *s, size_t len, nb_error *err)
{
    return s->depth > NB_JSON_DEPTH_MAX     ? json_over(len, "levels", NB_JSON_DEPTH_MAX, "json-depth", err)
           : s->values > NB_JSON_VALUES_MAX ? json_over(len, "values", NB_JSON_VALUES_MAX, "json-values", err)
           : s->containers > NB_JSON_CONTAINERS_MAX
               ? json_over(len, "objects and arrays", NB_JSON_CONTAINERS_MAX, "json-containers", err)
               : NB_OK;
}

/* jansson that runs out of memory while it reads ends the process, or goes on with bytes missing. So the memory that
 * the text takes at most is asked for before. */
nb_status nb_json_parse(json_t **out, const char *text, size_t len, size_t flags, json_error_t *where, nb_error *err)
{
    size_t most;
    sizes s = json_measure(text, len);
    *out = NULL;
    nb_status status = json_check(&s, len, err);
    if (status != NB_OK) {
        return status;
    }
    size_t fixed = s.containers * CONTAINER_BYTES + s.values * VALUE_BYTES + MEMORY_MIN;
    void *probe = nb_mul_size(len, 2, &most) && most < SIZE_MAX - fixed ? malloc(most + fixed) : NULL;
    if (!probe) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for %zu bytes of JSON", len);
    }
    free(probe);
    *out = json_loadb(text, len, flags, where);
    return NB_OK;
}
