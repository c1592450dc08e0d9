#include "mining/corpus/formats/byte_stream.h"

#include "common/base/file.h"

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { RAW_BYTES = 1 << 17, GZIP_WINDOW = 15 + 16 }; /* zlib: a window of 2^15, in gzip's wrapping alone */

struct nb_byte_stream {
    char *name;
    int fd; /* -1: bytes in memory */
    const char *memory;
    uint64_t size, at; /* of the file; of the next byte to read from it */
    nb_packing packing;
    bool inside;  /* of a member, frame or stream that is not complete */
    bool drained; /* nothing is left in the file */
    z_stream gzip;
    bz_stream bzip2;
    lzma_stream xz;
    ZSTD_DStream *zstd;
    char *raw; /* [RAW_BYTES] packed bytes, raw_at of raw_len used */
    size_t raw_at, raw_len;
};

/* Bytes as they lie in the file. */
static nb_status byte_stream_pull(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    *got = 0;
    if (s->fd < 0) {
        size_t left = (size_t)(s->size - s->at);
        *got = cap < left ? cap : left;
        memcpy(bytes, s->memory + s->at, *got);
    } else {
        ssize_t n;
        do {
            n = pread(s->fd, bytes, cap, (off_t)s->at);
        } while (n < 0 && errno == EINTR);
        if (n < 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", s->name);
        }
        *got = (size_t)n;
    }
    s->at += *got;
    return NB_OK;
}

static nb_status byte_stream_find_packing(nb_byte_stream *s, nb_error *err)
{
    unsigned char head[10] = {0};
    size_t got;
    s->at = 0;
    nb_status status = s->size ? byte_stream_pull(s, (char *)head, sizeof head, &got, err) : NB_OK;
    if (head[0] == 0x1F && head[1] == 0x8B) {
        s->packing = NB_PACKING_GZIP;
    } else if (memcmp(head, "\x28\xB5\x2F\xFD", 4) == 0 ||
               ((head[0] & 0xF0) == 0x50 && memcmp(head + 1, "\x2A\x4D\x18", 3) == 0)) {
        s->packing = NB_PACKING_ZSTD;
    } else if (memcmp(head,
                      "\xFD"
                      "7zXZ\0",
                      6) == 0) {
        s->packing = NB_PACKING_XZ;
    } else if (memcmp(head, "BZh", 3) == 0 && head[3] >= '1' && head[3] <= '9' &&
               (memcmp(head + 4, "1AY&SY", 6) == 0 || memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0)) {
        s->packing = NB_PACKING_BZIP2; /* a block, or the end of an empty stream: "BZh9" alone may be text */
    }
    s->at = 0;
    return status;
}

static nb_status byte_stream_start_unpacking(nb_byte_stream *s, nb_error *err)
{
    nb_status status = NB_OK;
    bool good = true;
    NB_TRY_NEW(s->raw, RAW_BYTES);
    if (s->packing == NB_PACKING_GZIP) {
        good = inflateInit2(&s->gzip, GZIP_WINDOW) == Z_OK;
    } else if (s->packing == NB_PACKING_ZSTD) {
        int window = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
        s->zstd = ZSTD_createDStream();
        good = s->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, window));
    } else if (s->packing == NB_PACKING_BZIP2) {
        good = BZ2_bzDecompressInit(&s->bzip2, 0, 0) == BZ_OK;
    } else {
        s->inside = true; /* the library itself goes from stream to stream */
        good = lzma_stream_decoder(&s->xz, NB_XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
    }
    if (!good) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for unpacking '%s'", s->name);
    }
done:
    return status;
}

static nb_status byte_stream_start(nb_byte_stream **out, nb_byte_stream *s, const char *name, uint64_t begin,
                                   nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY_NEW(s->name, strlen(name) + 1);
    memcpy(s->name, name, strlen(name) + 1);
    NB_TRY(byte_stream_find_packing(s, err));
    if (s->packing != NB_PACKING_NONE) {
        NB_TRY(byte_stream_start_unpacking(s, err));
    } else {
        s->at = begin < s->size ? begin : s->size;
    }
done:
    if (status != NB_OK) {
        nb_byte_stream_close(s);
        s = NULL;
    }
    *out = s;
    return status;
}

nb_status nb_byte_stream_open(nb_byte_stream **out, const char *path, uint64_t begin, nb_error *err)
{
    struct stat st;
    *out = NULL;
    nb_status status = nb_file_check(path, err);
    if (status != NB_OK) {
        return status;
    }
    nb_byte_stream *s = nb_alloc(1, sizeof *s, err);
    if (!s) {
        return NB_ERR_LIMIT;
    }
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        status = nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", path);
        nb_byte_stream_close(s);
        return status;
    }
    s->size = (uint64_t)st.st_size;
    return byte_stream_start(out, s, path, begin, err);
}

nb_status nb_byte_stream_open_bytes(nb_byte_stream **out, const char *name, const char *bytes, size_t len,
                                    uint64_t begin, nb_error *err)
{
    *out = NULL;
    nb_byte_stream *s = nb_alloc(1, sizeof *s, err);
    if (!s) {
        return NB_ERR_LIMIT;
    }
    s->fd = -1;
    s->memory = bytes;
    s->size = len;
    return byte_stream_start(out, s, name, begin, err);
}

void nb_byte_stream_close(nb_byte_stream *s)
{
    if (s) {
        if (s->fd >= 0) {
            close(s->fd);
        }
        if (s->packing == NB_PACKING_GZIP) {
            inflateEnd(&s->gzip);
        } else if (s->packing == NB_PACKING_BZIP2) {
            BZ2_bzDecompressEnd(&s->bzip2);
        }
        lzma_end(&s->xz);
        ZSTD_freeDStream(s->zstd);
        free(s->raw);
        free(s->name);
        free(s);
    }
}

nb_status nb_byte_stream_read_at(nb_byte_stream *s, uint64_t place, char *bytes, size_t len, nb_error *err)
{
    size_t got;
    nb_status status = NB_OK;
    if (s->packing != NB_PACKING_NONE || place > s->size || len > s->size - place) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no bytes %llu to %llu", s->name, (unsigned long long)place,
                       (unsigned long long)place + len);
    }
    s->at = place;
    for (size_t done = 0; done < len && status == NB_OK; done += got) {
        status = byte_stream_pull(s, bytes + done, len - done, &got, err);
        if (status == NB_OK && !got) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' became shorter while it was read", s->name);
        }
    }
    return status;
}

nb_packing nb_byte_stream_packing(const nb_byte_stream *s)
{
    return s->packing;
}

uint64_t nb_byte_stream_size(const nb_byte_stream *s)
{
    return s->size;
}

static const char *byte_stream_tool_of(const nb_byte_stream *s)
{
    static const char *const tools[] = {
        [NB_PACKING_GZIP] = "gzip", [NB_PACKING_ZSTD] = "zstd", [NB_PACKING_BZIP2] = "bzip2", [NB_PACKING_XZ] = "xz"};
    return tools[s->packing];
}

static nb_status byte_stream_damaged(const nb_byte_stream *s, const char *why, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is damaged near byte %llu of %llu: %s", s->name,
            (unsigned long long)(s->at - (s->raw_len - s->raw_at)), (unsigned long long)s->size, why);
    return nb_hint(err, "'%s -t%s' says whether it is whole", byte_stream_tool_of(s),
                   s->packing == NB_PACKING_ZSTD ? " --long=31" : "");
}

static nb_status byte_stream_cut_short(const nb_byte_stream *s, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is cut short: its %s data break off at byte %llu", s->name, byte_stream_tool_of(s),
            (unsigned long long)s->at);
    return nb_hint(err, "download or pack it again");
}

/* One step of zlib from raw into bytes. */
static nb_status byte_stream_step_gzip(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    if (!s->inside && inflateReset(&s->gzip) != Z_OK) {
        return nb_fail(err, NB_ERR_INTERNAL, "zlib cannot start again in '%s'", s->name);
    }
    s->inside = true;
    s->gzip.next_in = (unsigned char *)s->raw + s->raw_at;
    s->gzip.avail_in = (unsigned)(s->raw_len - s->raw_at);
    s->gzip.next_out = (unsigned char *)bytes;
    s->gzip.avail_out = cap < RAW_BYTES ? (unsigned)cap : RAW_BYTES;
    unsigned capacity = s->gzip.avail_out;
    int code = inflate(&s->gzip, Z_NO_FLUSH);
    s->raw_at = s->raw_len - s->gzip.avail_in;
    *got = capacity - s->gzip.avail_out;
    if (code == Z_STREAM_END) {
        s->inside = false;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return byte_stream_damaged(s, s->gzip.msg ? s->gzip.msg : "zlib cannot read it", err);
    }
    return NB_OK;
}

static nb_status byte_stream_step_zstd(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    ZSTD_inBuffer in = {s->raw, s->raw_len, s->raw_at};
    ZSTD_outBuffer out = {bytes, cap, 0};
    size_t more = ZSTD_decompressStream(s->zstd, &out, &in);
    s->raw_at = in.pos;
    *got = out.pos;
    if (ZSTD_getErrorCode(more) == ZSTD_error_memory_allocation) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for the window of '%s'", s->name);
    }
    if (ZSTD_isError(more)) {
        return byte_stream_damaged(s, ZSTD_getErrorName(more), err);
    }
    s->inside = more != 0;
    return NB_OK;
}

/* bzip2 is begun anew for every stream. */
static nb_status byte_stream_step_bzip2(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    if (!s->inside && s->bzip2.total_in_lo32 + s->bzip2.total_in_hi32 > 0) {
        BZ2_bzDecompressEnd(&s->bzip2);
        s->bzip2 = (bz_stream){0};
        if (BZ2_bzDecompressInit(&s->bzip2, 0, 0) != BZ_OK) {
            return nb_fail(err, NB_ERR_LIMIT, "out of memory for unpacking '%s'", s->name);
        }
    }
    s->inside = true;
    s->bzip2.next_in = s->raw + s->raw_at;
    s->bzip2.avail_in = (unsigned)(s->raw_len - s->raw_at);
    s->bzip2.next_out = bytes;
    s->bzip2.avail_out = cap < RAW_BYTES ? (unsigned)cap : RAW_BYTES;
    unsigned capacity = s->bzip2.avail_out;
    int code = BZ2_bzDecompress(&s->bzip2);
    s->raw_at = s->raw_len - s->bzip2.avail_in;
    *got = capacity - s->bzip2.avail_out;
    if (code == BZ_MEM_ERROR) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for unpacking '%s'", s->name);
    }
    if (code == BZ_STREAM_END) {
        s->inside = false;
    } else if (code != BZ_OK) {
        return byte_stream_damaged(s, "bzip2 cannot read it", err);
    }
    return NB_OK;
}

static nb_status byte_stream_step_xz(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    s->xz.next_in = (unsigned char *)s->raw + s->raw_at;
    s->xz.avail_in = s->raw_len - s->raw_at;
    s->xz.next_out = (unsigned char *)bytes;
    s->xz.avail_out = cap;
    lzma_ret code = lzma_code(&s->xz, s->drained ? LZMA_FINISH : LZMA_RUN);
    s->raw_at = s->raw_len - s->xz.avail_in;
    *got = cap - s->xz.avail_out;
    switch (code) {
    case LZMA_OK:
    case LZMA_BUF_ERROR: return NB_OK; /* the second: it wants more than there is */
    case LZMA_STREAM_END: s->inside = false; return NB_OK;
    case LZMA_MEM_ERROR: return nb_fail(err, NB_ERR_LIMIT, "out of memory for unpacking '%s'", s->name);
    case LZMA_MEMLIMIT_ERROR: return byte_stream_damaged(s, "it asks for a dictionary of over 2.5 GiB", err);
    case LZMA_OPTIONS_ERROR: return byte_stream_damaged(s, "it uses a filter that xz does not know here", err);
    default: return byte_stream_damaged(s, "xz cannot read it", err);
    }
}

/* Between members, as gzip and bzip2 have it: zeros are padding. */
static void byte_stream_skip_padding(nb_byte_stream *s)
{
    bool padded = s->packing == NB_PACKING_GZIP || s->packing == NB_PACKING_BZIP2;
    while (padded && !s->inside && s->raw_at < s->raw_len && s->raw[s->raw_at] == 0) {
        s->raw_at++;
    }
}

static nb_status byte_stream_step(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    switch (s->packing) {
    case NB_PACKING_GZIP: return byte_stream_step_gzip(s, bytes, cap, got, err);
    case NB_PACKING_BZIP2: return byte_stream_step_bzip2(s, bytes, cap, got, err);
    case NB_PACKING_XZ: return byte_stream_step_xz(s, bytes, cap, got, err);
    default: return byte_stream_step_zstd(s, bytes, cap, got, err);
    }
}

nb_status nb_byte_stream_read(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err)
{
    nb_status status = NB_OK;
    *got = 0;
    if (s->packing == NB_PACKING_NONE) {
        return byte_stream_pull(s, bytes, cap, got, err);
    }
    while (status == NB_OK && !*got) {
        if (s->raw_at == s->raw_len && !s->drained) {
            s->raw_at = s->raw_len = 0;
            NB_TRY(byte_stream_pull(s, s->raw, RAW_BYTES, &s->raw_len, err));
            s->drained = s->raw_len == 0;
        }
        byte_stream_skip_padding(s);
        if (s->raw_at == s->raw_len && !s->inside) {
            if (s->drained) {
                break;
            }
            continue;
        }
        size_t before = s->raw_at;
        bool was_inside = s->inside;
        status = byte_stream_step(s, bytes, cap, got, err);
        if (status == NB_OK && s->drained && !*got && s->inside && was_inside && s->raw_at == before) {
            status = byte_stream_cut_short(s, err);
        }
    }
done:
    return status;
}

uint64_t nb_byte_stream_place(const nb_byte_stream *s)
{
    return s->at;
}
