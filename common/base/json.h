/* JSON as jansson reads it, where there is memory for it. */
#ifndef NB_BASE_JSON_H
#define NB_BASE_JSON_H

#include "common/base/status.h"

#include <jansson.h>

/* Parses text [len] with jansson's flags into *out (json_decref by the caller); *out is NULL where the text is no JSON
 * (*where, which may be NULL, says why), and what that means is the caller's to say. NB_ERR_LIMIT when memory is out.
 */
nb_status nb_json_parse(json_t **out, const char *text, size_t len, size_t flags, json_error_t *where, nb_error *err);

#endif
