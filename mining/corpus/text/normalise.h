/** @file
 * The canonical form of a text, and the form in which texts are compared with ID labels.
 *
 * Canonical: well-formed UTF-8 in Unicode normalisation form C (UAX #15), every run of Unicode White_Space (25 code
 * points) one blank, none at the ends; letters keep their case. Default-ignorable characters, which show nothing, are
 * left out (zero width spaces, soft hyphens, byte order marks, variation selectors), but for the joiners U+200C and
 * U+200D in texts with letters of a script from Arabic on, or emoji. Normalising a canonical text gives it back.
 * Nothing here is collective. */
#ifndef NB_MINING_CORPUS_TEXT_NORMALISE_H
#define NB_MINING_CORPUS_TEXT_NORMALISE_H

#include "common/base/memory.h"

/** What becomes of a raw candidate. The first reason in this order that holds is the one counted. */
typedef enum nb_drop {
    NB_KEPT,
    NB_DROP_COMMENT,     /**< no candidate: the licence in front of a WordNet file, the names of columns */
    NB_DROP_JSON,        /**< a line or element that is no JSON, or another value than it should be */
    NB_DROP_MISSING,     /**< a record without the column or key */
    NB_DROP_UTF8,        /**< not well-formed UTF-8 */
    NB_DROP_CONTROL,     /**< NUL or another control character (category Cc) that is no white space */
    NB_DROP_BLANK,       /**< nothing but white space and what shows nothing */
    NB_DROP_LONG,        /**< over the limit of bytes once normalised */
    NB_DROP_EXCLUDED,    /**< an ID label */
    NB_DROP_LEXNAME,     /**< a word of WordNet's lexicographer files that were left out */
    NB_DROP_PROPER,      /**< a proper name, as WordNet has it */
    NB_DROP_SUBCATEGORY, /**< a kind of what an ID label names, as WordNet has it */
    NB_DROP_DUPLICATE,   /**< the same text with the same tag was seen */
    NB_DROP_LIMIT        /**< behind the number of texts asked for */
} nb_drop;

/** Reasons; bytes of a text at most, by default and ever. */
enum { NB_DROP_COUNT = 14, NB_TEXT_BYTES_DEFAULT = 256, NB_TEXT_BYTES_MAX = 16384 };

/** The name of a reason:
 * "kept", "comment", "bad-json", "missing", "invalid-utf8", "control", "blank", "too-long", "excluded", "lexname",
 * "proper", "subcategory", "duplicate", "limit".
 * @param drop the reason
 * @return a constant string */
const char *nb_drop_name(nb_drop drop);

/** Working memory of one caller, of a size that depends on max_bytes alone, however long the lines are. */
typedef struct nb_normaliser {
    const char *text; /**< the last result: len bytes, valid until the next call and as long as what was given,
                       * no NUL behind them */
    size_t len;
    size_t max_bytes, capacity, point_capacity;
    char *collapsed; /**< [room] */
    int32_t *points; /**< [point_capacity] */
} nb_normaliser;

/** Makes working memory.
 * @param n close with nb_normaliser_close; {0} on failure
 * @param max_bytes of a normalised text, 1 to NB_TEXT_BYTES_MAX
 * @return NB_OK; NB_ERR_USAGE for another max_bytes; NB_ERR_LIMIT without memory. */
nb_status nb_normaliser_open(nb_normaliser *n, size_t max_bytes, nb_error *err);

/** Frees working memory.
 * @param n from nb_normaliser_open, or {0} */
void nb_normaliser_close(nb_normaliser *n);

/** Puts the canonical form of a text in n->text, n->len.
 * @param n working memory and result
 * @param bytes [len] the text; must last as long as the result
 * @param len bytes
 * @param underscores '_' counts as white space
 * @return NB_KEPT, or why there is no such form; the result is undefined then */
nb_drop nb_normalise(nb_normaliser *n, const char *bytes, size_t len, bool underscores);

/** The key of a label: as nb_normalise with underscores, then the full case folding of Unicode (C + F), in form C.
 *
 * Equal keys: equal labels. The key may be longer than max_bytes. A text of underscores alone is its own key.
 * @param n working memory and result
 * @param bytes [len] the label
 * @param len bytes
 * @return as nb_normalise */
nb_drop nb_normalise_key(nb_normaliser *n, const char *bytes, size_t len);

/** Appends bytes with every maximal part that is not UTF-8 (as the Unicode standard cuts them, section 3.9) replaced by
 * U+FFFD.
 * @param out appended to
 * @param bytes [len] the bytes
 * @param len how many
 * @return NB_OK, or NB_ERR_LIMIT without memory or over the limit of `out`. */
nb_status nb_utf8_replace(nb_buffer *out, const char *bytes, size_t len, nb_error *err);

/** A set of labels that are equal when their keys are. Start from {0}. */
typedef struct nb_label_set {
    nb_strings keys;
    uint64_t *slots; /**< [slot_count] 1 + index into keys, 0: empty; slot_count is a power of two */
    size_t slot_count;
} nb_label_set;

/** Makes a set.
 * @param set becomes an empty set, to be freed with nb_label_set_close
 * @param count labels it can hold
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_label_set_open(nb_label_set *set, size_t count, nb_error *err);

/** Frees a set.
 * @param set a set or {0} */
void nb_label_set_close(nb_label_set *set);

/** Adds a key.
 * @param set the set
 * @param n holds the key, as nb_normalise_key left it
 * @param index becomes its number, or that of the equal key already there
 * @return NB_OK; NB_ERR_INTERNAL when the set has as many as it was opened for; NB_ERR_LIMIT without memory. */
nb_status nb_label_set_add(nb_label_set *set, const nb_normaliser *n, size_t *index, nb_error *err);

/** Looks a key up.
 * @param set the set
 * @param n holds the key, as nb_normalise_key left it
 * @param index becomes its number
 * @return true when the set holds it */
bool nb_label_set_find(const nb_label_set *set, const nb_normaliser *n, size_t *index);

/** Whether a set has a label.
 * @param set the set
 * @param n working memory
 * @param text [len] the label
 * @param len bytes
 * @return true when the set holds its key */
bool nb_label_set_has(const nb_label_set *set, nb_normaliser *n, const char *text, size_t len);

#endif
