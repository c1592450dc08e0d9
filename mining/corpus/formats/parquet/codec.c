#include "mining/corpus/formats/parquet/codec.h"

#include "mining/corpus/formats/parquet/footer.h"

#include <limits.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

enum { GZIP_OR_ZLIB = 15 + 32 }; /* zlib: a window of 2^15, in either wrapping */

void nb_parquet_codec_close(nb_parquet_decompressor *d)
{
    ZSTD_freeDCtx(d->zstd);
    *d = (nb_parquet_decompressor){0};
}

const char *nb_parquet_codec_refused(int codec)
{
    switch (codec) {
    case NB_PARQUET_UNCOMPRESSED:
    case NB_PARQUET_SNAPPY:
    case NB_PARQUET_GZIP:
    case NB_PARQUET_ZSTD:
    case NB_PARQUET_LZ4_RAW: return NULL;
    case NB_PARQUET_LZO: return "it is compressed with LZO, which is not read";
    case NB_PARQUET_BROTLI: return "it is compressed with Brotli, which is not read";
    case NB_PARQUET_LZ4_HADOOP: return "it is compressed with the old LZ4 codec of Hadoop, which is not read";
    default: return "it is compressed with an unknown codec";
    }
}

static const char *codec_snappy(const nb_parquet_packed *p)
{
    size_t len = p->out_len;
    if (snappy_uncompressed_length((const char *)p->bytes, p->len, &len) != SNAPPY_OK || len != p->out_len ||
        snappy_uncompress((const char *)p->bytes, p->len, (char *)p->out, &len) != SNAPPY_OK || len != p->out_len) {
        return "its snappy data are damaged";
    }
    return NULL;
}

/* One member, or several. */
static const char *codec_gzip(const nb_parquet_packed *p)
{
    z_stream z = {0};
    int code = inflateInit2(&z, GZIP_OR_ZLIB);
    if (code != Z_OK) {
        return "out of memory for gzip";
    }
    z.next_in = (unsigned char *)(uintptr_t)p->bytes;
    z.avail_in = (unsigned)p->len;
    z.next_out = p->out;
    z.avail_out = (unsigned)p->out_len;
    do {
        code = inflate(&z, Z_NO_FLUSH);
    } while (code == Z_OK || (code == Z_STREAM_END && z.avail_in && inflateReset(&z) == Z_OK));
    inflateEnd(&z);
    return code == Z_STREAM_END && !z.avail_out ? NULL : "its gzip data are damaged";
}

static const char *codec_zstd(nb_parquet_decompressor *d, const nb_parquet_packed *p)
{
    d->zstd = d->zstd ? d->zstd : ZSTD_createDCtx();
    if (!d->zstd) {
        return "out of memory for zstd";
    }
    size_t len = ZSTD_decompressDCtx(d->zstd, p->out, p->out_len, p->bytes, p->len);
    return !ZSTD_isError(len) && len == p->out_len ? NULL : "its zstd data are damaged";
}

static const char *codec_lz4(const nb_parquet_packed *p)
{
    int len = LZ4_decompress_safe((const char *)p->bytes, (char *)p->out, (int)p->len, (int)p->out_len);
    return len >= 0 && (size_t)len == p->out_len ? NULL : "its LZ4 data are damaged";
}

const char *nb_parquet_decompress(nb_parquet_decompressor *d, int codec, const nb_parquet_packed *page)
{
    _Static_assert(NB_PARQUET_PAGE_MAX <= INT_MAX, "the libraries count in int");
    switch (codec) {
    case NB_PARQUET_SNAPPY: return codec_snappy(page);
    case NB_PARQUET_GZIP: return codec_gzip(page);
    case NB_PARQUET_ZSTD: return codec_zstd(d, page);
    case NB_PARQUET_LZ4_RAW: return codec_lz4(page);
    default: return "its codec is not read";
    }
}
