/* JSON as jansson reads it, where there is memory for it. */
#ifndef NB_BASE_JSON_H
#define NB_BASE_JSON_H

#include "common/base/status.h"

#include <jansson.h>

/** Parses a text. Not collective.
 *
 * @param out   freed by the caller with json_decref; NULL where the text is no JSON, and what that means is the
 * caller's to say
 * @param text  [len]
 * @param len   its bytes
 * @param flags jansson's
 * @param where says why the text is no JSON; may be NULL
 * @return NB_OK, also for what is no JSON, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_json_parse(json_t **out, const char *text, size_t len, size_t flags, json_error_t *where,
                                   nb_error *err);

#endif
