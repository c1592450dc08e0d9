/** @file
 * A text out of a JSON value, read as Python's json reads it: NaN and Infinity, numbers of any size, escapes of lone
 * surrogates, a key that stands twice (the last one counts). Values may nest NB_JSON_DEPTH_MAX deep. Nothing here is
 * collective. */
#ifndef NB_BASE_JSON_SCAN_H
#define NB_BASE_JSON_SCAN_H

#include "common/base/memory.h"

enum { NB_JSON_DEPTH_MAX = 1000 }; /**< about as deep as Python goes */

/** What a value is. */
typedef enum nb_json_kind {
    NB_JSON_TEXT,    /**< there is a text */
    NB_JSON_INTEGER, /**< there is an integer under the key; `text` has its digits, of which there may be any number */
    NB_JSON_MISSING, /**< an object without the key, or with something else than these under it */
    NB_JSON_BAD      /**< no JSON, or another value than was to be expected */
} nb_json_kind;

/** A text found. Start from {0}; free `text` and `key` with nb_buffer_free. */
typedef struct nb_json_found {
    nb_json_kind kind;
    nb_buffer text;  /**< unescaped; U+FFFD stands for a lone surrogate */
    bool surrogates; /**< there were such */
    const char *why; /**< NB_JSON_BAD: what is wrong; else NULL */
    bool cut;        /**< it is that the value ends too early */
    nb_buffer key;   /**< scratch */
} nb_json_found;

/** Finds the text in a value.
 * @param out becomes what was found; its memory is used again
 * @param bytes [len] the value and white space around it; UTF-8
 * @param len how many
 * @param key of the object that the value is to be; NULL: it is to be a string
 * @return NB_OK, whatever the value is; NB_ERR_LIMIT without memory. */
nb_status nb_json_scan(nb_json_found *out, const char *bytes, size_t len, const char *key, nb_error *err);

#endif
