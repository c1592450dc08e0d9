/** @file
 * The pages of a column in a row group, one after another, decompressed and cut into definition levels and values.
 *
 * A page holds at most NB_PARQUET_PAGE_MAX bytes, compressed or not; memory for one of each is kept from page to page.
 * Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_PARQUET_PAGES_H
#define NB_MINING_CORPUS_FORMATS_PARQUET_PAGES_H

#include "mining/corpus/formats/parquet/codec.h"
#include "mining/corpus/formats/parquet/footer.h"

/** Memory that is kept from page to page. Start from {0}. */
typedef struct nb_parquet_bytes {
    unsigned char *at; /**< [cap], NB_PARQUET_PADDING of them behind what was asked for */
    size_t cap;
} nb_parquet_bytes;

/** A page: borrowed of the reader until the next one. */
typedef struct nb_parquet_page {
    bool dictionary;                          /**< values of the dictionary; else of rows */
    uint64_t values;                          /**< with those that are null, too */
    int64_t encoding;                         /**< of the values, as the format numbers them */
    const unsigned char *levels, *levels_end; /**< definition levels, RLE of one bit; NULL: no value is null */
    const unsigned char *at, *end;            /**< the values; padded, as encodings.h has it */
} nb_parquet_page;

/** Where the reading of the pages stands. */
typedef struct nb_parquet_pages {
    nb_byte_stream *in; /**< borrowed */
    const char *path;   /**< of the file, for messages; borrowed */
    const nb_parquet_column *column;
    nb_parquet_chunk chunk;
    size_t group;     /**< the row group's number, from 0 */
    uint64_t at;      /**< the next page */
    uint64_t page_at; /**< the page last given */
    nb_parquet_bytes head, packed, page;
    nb_parquet_decompressor decompressor;
} nb_parquet_pages;

/** Begins with the pages of a chunk; memory of chunks before it is kept.
 * @param p {0} with in, path and column set, or as the last chunk left it; free with nb_parquet_pages_close
 * @param chunk the chunk
 * @param group the number of its row group, from 0, for messages
 * @return NB_OK; NB_ERR_INPUT for a codec that is not read. */
nb_status nb_parquet_pages_begin(nb_parquet_pages *p, const nb_parquet_chunk *chunk, size_t group, nb_error *err);

/** Reads the next page of values; others are passed over.
 * @param p the reader
 * @param page becomes the page
 * @return NB_OK; NB_ERR_INPUT when the chunk ends, is damaged, or is over a limit; NB_ERR_IO when the file cannot be
 * read; NB_ERR_LIMIT without memory. */
nb_status nb_parquet_pages_next(nb_parquet_pages *p, nb_parquet_page *page, nb_error *err);

/** A failure in the page last given.
 * @param p the reader
 * @param why what is wrong with it
 * @return NB_ERR_INPUT */
nb_status nb_parquet_pages_refuse(const nb_parquet_pages *p, const char *why, nb_error *err);

/** Frees a reader's memory.
 * @param p a reader or {0} */
void nb_parquet_pages_close(nb_parquet_pages *p);

/** Room for bytes, with the padding behind them; what it held is lost.
 * @param b the memory
 * @param bytes how many
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_parquet_bytes_reserve(nb_parquet_bytes *b, size_t bytes, nb_error *err);

#endif
