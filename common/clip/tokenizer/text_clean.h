/** @file
 * Text as CLIP's tokenizer wants it: the cleaning of OpenAI's simple_tokenizer.py without its mojibake repair (ftfy).
 *
 * Code points are classed as Python's `regex` module classes them under IGNORECASE, cases are mapped as Python's
 * str.lower() does. Everything here takes well-formed UTF-8 (nb_utf8_valid) and needs no locale. Nothing here is
 * collective; any number of threads may call it. */
#ifndef NB_COMMON_CLIP_TOKENIZER_TEXT_CLEAN_H
#define NB_COMMON_CLIP_TOKENIZER_TEXT_CLEAN_H

#include "common/base/status.h"

#include <stdbool.h>
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

/** How letters become small. */
typedef enum nb_text_lower {
    NB_LOWER_NONE, /**< not at all */
    NB_LOWER_TEXT, /**< full Unicode lower case: a capital sigma looks at its neighbours */
    NB_LOWER_EACH  /**< each code point by itself */
} nb_text_lower;

/** What is done to a text, in this order. {0} leaves it as it is. */
typedef struct nb_text_cleaning {
    bool unescape;       /**< HTML character references are replaced twice (html.unescape of Python) */
    bool strip_before;   /**< blanks and the separators U+001C to U+001F go at both ends */
    bool underscores;    /**< "_" becomes a blank */
    bool no_punctuation; /**< the 32 ASCII characters of Python's string.punctuation go */
    nb_text_lower lower; /**< then letters become small */
    bool collapse;       /**< and each run of White_Space one blank */
    bool separators;     /**< U+001C to U+001F count as White_Space */
    bool strip_after;    /**< as strip_before */
} nb_text_cleaning;

/** CLIP's own. */
extern const nb_text_cleaning nb_text_cleaning_clip;

/** Cleans a text.
 * @param[out] out a new NUL-terminated string, freed by the caller
 * @param[out] out_len its bytes
 * @param text [*out_len] well-formed UTF-8 of as many bytes as *out_len says in the call; may hold NUL bytes
 * @param cleaning what is done
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_text_clean_as(char **out, size_t *out_len, const char *text, const nb_text_cleaning *cleaning,
                           nb_error *err);

/** Cleans a text as CLIP does: HTML character references replaced twice (so "&amp;lt;" becomes "<"), blanks and the
 * separators U+001C to U+001F removed at both ends, the full Unicode lower case (U+0130 gives two code points), each
 * run of White_Space made one blank.
 * @param[out] out a new NUL-terminated string, freed by the caller
 * @param[out] out_len its bytes
 * @param text [len] well-formed UTF-8; may hold NUL bytes
 * @param len bytes of the text
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_text_clean(char **out, size_t *out_len, const char *text, size_t len, nb_error *err);

#endif
