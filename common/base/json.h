/* JSON as jansson reads it, where there is memory for it: a small text of nothing but brackets becomes a hundred times
 * larger in memory. */
#ifndef NB_BASE_JSON_H
#define NB_BASE_JSON_H

#include "common/base/status.h"

#include <jansson.h>

/** Limits of a text; their names in messages stand behind them. The largest texts that are meant are an index of 100
 * 000 banks and the tokenizer of a large vocabulary. */
enum {
    NB_JSON_DEPTH_MAX = 64,           /**< objects and arrays in one another: json-depth */
    NB_JSON_VALUES_MAX = 1 << 22,     /**< values and keys: json-values */
    NB_JSON_CONTAINERS_MAX = 1 << 20, /**< objects and arrays: json-containers */
};

/** Parses a text. Not collective.
 *
 * @param out   freed by the caller with json_decref; NULL where the text is no JSON, and what that means is the
 * caller's to say
 * @param text  [len]
 * @param len   its bytes
 * @param flags jansson's
 * @param where says why the text is no JSON; may be NULL
 * @return NB_OK, also for what is no JSON, or NB_ERR_LIMIT over a limit, which the message names, or
 * when memory is out. */
NB_CHECKED nb_status nb_json_parse(json_t **out, const char *text, size_t len, size_t flags, json_error_t *where,
                                   nb_error *err);

#endif
