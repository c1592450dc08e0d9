/** @file
 * Text as CLIP's tokenizer wants it: the cleaning of OpenAI's simple_tokenizer.py without its mojibake repair (ftfy).
 *
 * Code points are classed as Python's `regex` module classes them under IGNORECASE, cases are mapped as Python's
 * str.lower() does. Everything here takes well-formed UTF-8 (nb_utf8_valid) and needs no locale. Nothing here is
 * collective; any number of threads may call it. */
#ifndef NB_COMMON_CLIP_TOKENIZER_TEXT_CLEAN_H
#define NB_COMMON_CLIP_TOKENIZER_TEXT_CLEAN_H

#include "common/base/status.h"

#include <stdint.h>

/** The classes that the word pattern of the tokenizer tells apart. */
typedef enum nb_text_class {
    NB_TEXT_SPACE,  /**< White_Space, 25 code points */
    NB_TEXT_LETTER, /**< general category L */
    NB_TEXT_NUMBER, /**< general category N */
    NB_TEXT_OTHER,  /**< neither blank, letter nor number */
    NB_TEXT_NOTHING /**< U+0345: in none of them */
} nb_text_class;

/** The class of a code point.
 * @param code_point of Unicode */
nb_text_class nb_text_classify(int32_t code_point);

/** Decodes the code point at p, the start of a sequence of well-formed UTF-8.
 * @param p where the sequence starts
 * @param[out] code_point what it encodes
 * @return its length in bytes */
size_t nb_text_decode(const char *p, int32_t *code_point);

/** Cleans a text: HTML character references replaced twice (html.unescape of Python, so "&amp;lt;" becomes "<"), blanks
 * and the separators U+001C to U+001F removed at both ends, each run of White_Space made one blank, then the full
 * Unicode lower case (U+0130 gives two code points, a capital sigma looks at its neighbours).
 * @param[out] out a new NUL-terminated string, freed by the caller
 * @param[out] out_len its bytes
 * @param text [len] well-formed UTF-8; may hold NUL bytes
 * @param len bytes of the text
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_text_clean(char **out, size_t *out_len, const char *text, size_t len, nb_error *err);

#endif
