/** @file
 * What compresses a page of a Parquet file: snappy, gzip, zstd, LZ4_RAW or nothing. Brotli, LZO and the LZ4 of Hadoop,
 * which the format gave up, are named and refused. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_PARQUET_CODEC_H
#define NB_MINING_CORPUS_FORMATS_PARQUET_CODEC_H

#include <stddef.h>

/** Working memory for decompressing. Start from {0}; free with nb_parquet_codec_close. */
typedef struct nb_parquet_decompressor {
    void *zstd; /**< ZSTD_DCtx, made when it is needed */
} nb_parquet_decompressor;

/** Frees working memory.
 * @param d it, or {0} */
void nb_parquet_codec_close(nb_parquet_decompressor *d);

/** Why a codec is refused.
 * @param codec nb_parquet_codec, or another number
 * @return NULL for one that is read */
const char *nb_parquet_codec_refused(int codec);

/** Compressed and decompressed bytes. */
typedef struct nb_parquet_packed {
    const unsigned char *bytes; /**< [len] compressed */
    size_t len;
    unsigned char *out; /**< [out_len] becomes what they hold */
    size_t out_len;
} nb_parquet_packed;

/** Decompresses a page.
 * @param d working memory
 * @param codec one that is read
 * @param page what to decompress, and where to
 * @return NULL, or what is wrong: they do not hold exactly page->out_len bytes, or memory is out */
const char *nb_parquet_decompress(nb_parquet_decompressor *d, int codec, const nb_parquet_packed *page);

#endif
