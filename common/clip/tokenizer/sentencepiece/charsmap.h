/** @file
 * The precompiled character map of a sentencepiece model: which sequences of bytes are replaced by which texts (NFKC
 * and more).
 *
 * The bytes are: the length of the trie (uint32, little endian), the trie (a double array of uint32 units, of the
 * darts-clone library), then the texts, each with its NUL; a leaf of the trie holds where its text begins.
 *
 * Nothing here is collective. Read-only once read, so any number of threads may look up. */
#ifndef NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_CHARSMAP_H
#define NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_CHARSMAP_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** A character map. {0} replaces nothing. */
typedef struct nb_charsmap {
    uint32_t *units;  /**< [count] */
    size_t count;     /**< units */
    char *texts;      /**< [texts_len] */
    size_t texts_len; /**< bytes */
} nb_charsmap;

/** Reads a map. No bytes at all are the map that replaces nothing.
 * @param[out] map freed by nb_charsmap_free; {0} on failure
 * @param bytes [len]; only read in the call
 * @param len bytes
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for lengths that do not fit or texts that are not UTF-8, NB_ERR_LIMIT without memory
 */
nb_status nb_charsmap_read(nb_charsmap *map, const void *bytes, size_t len, const char *path, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param map as nb_charsmap_read left it, or {0} */
void nb_charsmap_free(nb_charsmap *map);

/** What the beginning of a text is replaced by.
 * @param map looked up in
 * @param text [len] UTF-8
 * @param len bytes
 * @param longest take the longest sequence that the map has, as sentencepiece does, else the shortest, as the
 * tokenizers library does
 * @param[out] used bytes of the text that are replaced
 * @return the new text, the map's; NULL when nothing is replaced */
const char *nb_charsmap_find(const nb_charsmap *map, const char *text, size_t len, bool longest, size_t *used);

#endif
