/** @file
 * What the end of a Parquet file says of it: its columns, and where the pages of one of them lie in each row group.
 *
 *     PAR1 | pages | footer (FileMetaData, Thrift) | length of the footer, u32 | PAR1
 *
 * A footer of more than NB_PARQUET_FOOTER_MAX bytes is refused. Every place and size is checked against the file.
 * Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_PARQUET_FOOTER_H
#define NB_MINING_CORPUS_FORMATS_PARQUET_FOOTER_H

#include "mining/corpus/formats/byte_stream.h"

/** Bytes of a footer and of a page, and row groups, at most; bits of the number of rows. */
enum {
    NB_PARQUET_FOOTER_MAX = 256 << 20,
    NB_PARQUET_PAGE_MAX = 256 << 20,
    NB_PARQUET_GROUPS_MAX = 1 << 22,
    NB_PARQUET_ROW_BITS = 39
};

/** Codecs, as the file numbers them. */
typedef enum nb_parquet_codec {
    NB_PARQUET_UNCOMPRESSED,
    NB_PARQUET_SNAPPY,
    NB_PARQUET_GZIP,
    NB_PARQUET_LZO,
    NB_PARQUET_BROTLI,
    NB_PARQUET_LZ4_HADOOP,
    NB_PARQUET_ZSTD,
    NB_PARQUET_LZ4_RAW
} nb_parquet_codec;

/** A column of the top level. */
typedef struct nb_parquet_column {
    const char *name; /**< [len] borrowed of the footer */
    size_t len;
    const char *refused; /**< NULL: texts that can be read; else what it is instead */
    uint64_t leaf;       /**< its number among the chunks of a row group */
    bool optional;       /**< it may hold nulls */
} nb_parquet_column;

/** The pages of a column in a row group: bytes [begin, end) of the file. */
typedef struct nb_parquet_chunk {
    uint64_t begin, end;
    uint64_t rows; /**< values with those that are null, too */
    int codec;     /**< nb_parquet_codec, or another number */
} nb_parquet_chunk;

/** A file's footer. Start from {0}; free with nb_parquet_footer_free. */
typedef struct nb_parquet_footer {
    const char *path; /**< for messages; borrowed */
    char *bytes;
    nb_parquet_column *columns; /**< [column_count] */
    size_t column_count;
    size_t group_count;
    const unsigned char *groups, *end; /**< the list of row groups in `bytes`, behind its head; their end */
    int group_type;                    /**< of its elements, nb_thrift_type */
    uint64_t size;                     /**< of the file */
    uint64_t begin;                    /**< of the footer: pages end before */
} nb_parquet_footer;

/** Reads a footer.
 * @param f becomes it; free with nb_parquet_footer_free, also after a failure
 * @param in an input that is not packed
 * @param path for messages; borrowed
 * @return NB_OK; NB_ERR_INPUT when it is no Parquet file, cut short, damaged, encrypted or over a limit; NB_ERR_IO when
 * it cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_parquet_footer_read(nb_parquet_footer *f, nb_byte_stream *in, const char *path, nb_error *err);

/** Frees what a footer holds and sets it to {0}.
 * @param f a footer or {0} */
void nb_parquet_footer_free(nb_parquet_footer *f);

/** Finds the column of the texts.
 * @param f the footer
 * @param name of the column, or its number from 1 where no column has that name; NULL: the only column of texts, else
 * the first of "caption", "text" and "TEXT" that is there
 * @param column becomes its number, from 0
 * @return NB_OK; NB_ERR_INPUT when there is no such column, or it holds no texts; NB_ERR_USAGE when none is named and
 * there are several. */
nb_status nb_parquet_find_column(const nb_parquet_footer *f, const char *name, size_t *column, nb_error *err);

/** Where a column's pages lie.
 * @param f the footer
 * @param column its number, from 0
 * @param chunks [f->group_count] becomes a chunk a row group
 * @return NB_OK; NB_ERR_INPUT when the footer is damaged, or the pages are encrypted or in another file. */
nb_status nb_parquet_find_chunks(const nb_parquet_footer *f, size_t column, nb_parquet_chunk *chunks, nb_error *err);

#endif
