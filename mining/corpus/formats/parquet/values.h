/** @file
 * The texts of a page: PLAIN, dictionary (PLAIN_DICTIONARY, RLE_DICTIONARY), DELTA_LENGTH_BYTE_ARRAY and
 * DELTA_BYTE_ARRAY. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_PARQUET_VALUES_H
#define NB_MINING_CORPUS_FORMATS_PARQUET_VALUES_H

#include "mining/corpus/formats/parquet/encodings.h"
#include "mining/corpus/formats/parquet/pages.h"

/** The texts of a dictionary, copied from its page. Start from {0}; free with nb_parquet_dictionary_free. */
typedef struct nb_parquet_dictionary {
    nb_parquet_bytes bytes;
    uint32_t *entries; /**< [count] place of each text in `bytes`, behind its length; as PLAIN has them */
    size_t count, cap;
    bool there;
} nb_parquet_dictionary;

/** Takes over a page of a dictionary.
 * @param d becomes the dictionary
 * @param page the page
 * @param wrong becomes NULL, or what is wrong with it
 * @return NB_OK; NB_ERR_LIMIT without memory. */
nb_status nb_parquet_dictionary_load(nb_parquet_dictionary *d, const nb_parquet_page *page, const char **wrong,
                                     nb_error *err);

/** Frees a dictionary.
 * @param d a dictionary or {0} */
void nb_parquet_dictionary_free(nb_parquet_dictionary *d);

/** Where the reading of the texts of a page stands. Keep it from page to page, for its memory; start from {0}. */
typedef struct nb_parquet_values {
    int64_t encoding;
    const nb_parquet_dictionary *dictionary;
    const unsigned char *at, *end; /**< plain texts, or the bytes behind the lengths */
    nb_parquet_runs indexes;
    nb_parquet_deltas prefixes, lengths;
    nb_parquet_bytes text; /**< DELTA_BYTE_ARRAY: the text last given, of `len` bytes */
    size_t len;
} nb_parquet_values;

/** Begins with the texts of a page.
 * @param v as the last page left it, or {0}
 * @param page the page; borrowed
 * @param dictionary of the chunk; borrowed
 * @return NULL, or what is wrong, or not read */
const char *nb_parquet_values_begin(nb_parquet_values *v, const nb_parquet_page *page,
                                    const nb_parquet_dictionary *dictionary);

/** The next text.
 * @param v the iterator
 * @param bytes becomes the text, until the next call
 * @param len becomes its length
 * @param wrong becomes NULL, or what is wrong: bytes and len are then undefined
 * @return NB_OK; NB_ERR_LIMIT without memory. */
nb_status nb_parquet_values_next(nb_parquet_values *v, const char **bytes, size_t *len, const char **wrong,
                                 nb_error *err);

/** Frees the memory of an iterator.
 * @param v an iterator or {0} */
void nb_parquet_values_close(nb_parquet_values *v);

#endif
