#include "common/store/seal.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[8] = {'N', 'E', 'G', 'B', 'A', 'N', 'K', '\n'};
enum { SEAL_WHOLE = 1, SEAL_PIECES = 2, DIGEST_AT = 56, DIGEST_BYTES = NB_SEAL_DIGEST_BYTES, PAGES = 1 << 24 };

static void seal_put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t seal_get(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

/* Hashes mapped bytes and lets go of their pages, so that a process does not seem to hold the file. */
static void seal_hash_pages(nb_digest_stream *stream, const nb_map *file, uint64_t begin, uint64_t end)
{
    while (begin < end) {
        uint64_t stop = (begin / PAGES + 1) * PAGES;
        stop = stop < end ? stop : end;
        nb_digest_add(stream, file->data + begin, stop - begin);
        madvise((void *)(uintptr_t)(file->data + begin / PAGES * PAGES), stop - begin / PAGES * PAGES, MADV_DONTNEED);
        begin = stop;
    }
}

static bool seal_hole_fits(uint64_t begin, uint64_t end, uint64_t size)
{
    return (begin == 0 && end == 0) || (begin >= NB_SEAL_BYTES && begin <= end && end <= size);
}

/* ---- pieces ---- */

/* What the digest is of: [512, end of the first) and [begin of the second, size), which may be empty. */
static void seal_ranges(const nb_sealing *s, uint64_t range[2][2])
{
    uint64_t size = s->map.len, before = s->seal.hole_end ? s->seal.hole_begin : size;
    range[0][0] = NB_SEAL_BYTES;
    range[0][1] = before;
    range[1][0] = s->seal.hole_end ? s->seal.hole_end : size;
    range[1][1] = size;
}

static size_t seal_pieces_of(uint64_t bytes)
{
    return (size_t)((bytes + NB_SEAL_PIECE - 1) / NB_SEAL_PIECE);
}

static void seal_count_pieces(nb_sealing *s)
{
    uint64_t range[2][2];
    seal_ranges(s, range);
    s->whole = seal_get(s->head + 8, 4) == SEAL_WHOLE;
    s->pieces = s->whole ? 1 : seal_pieces_of(range[0][1] - range[0][0]) + seal_pieces_of(range[1][1] - range[1][0]);
}

void nb_sealing_hash(const nb_sealing *s, size_t piece, unsigned char *digest)
{
    uint64_t range[2][2];
    nb_digest_stream stream;
    nb_digest_begin(&stream);
    seal_ranges(s, range);
    if (s->whole) {
        nb_digest_add(&stream, s->head, DIGEST_AT);
        seal_hash_pages(&stream, &s->map, range[0][0], range[0][1]);
        seal_hash_pages(&stream, &s->map, range[1][0], range[1][1]);
    } else {
        size_t first = seal_pieces_of(range[0][1] - range[0][0]);
        const uint64_t *of = range[piece >= first];
        uint64_t begin = of[0] + (piece >= first ? piece - first : piece) * (uint64_t)NB_SEAL_PIECE;
        uint64_t end = of[1] - begin < NB_SEAL_PIECE ? of[1] : begin + NB_SEAL_PIECE;
        seal_hash_pages(&stream, &s->map, begin, end);
    }
    nb_digest_end(&stream, digest);
}

/* The digest of the file, of those of its pieces. */
static void seal_combine(const nb_sealing *s, const unsigned char *digests, unsigned char out[DIGEST_BYTES])
{
    nb_digest_stream stream;
    if (s->whole) {
        memcpy(out, digests, DIGEST_BYTES);
        return;
    }
    nb_digest_begin(&stream);
    nb_digest_add(&stream, s->head, DIGEST_AT);
    nb_digest_add(&stream, digests, s->pieces * DIGEST_BYTES);
    nb_digest_end(&stream, out);
}

static nb_status seal_hash_all(const nb_sealing *s, unsigned char **digests, nb_error *err)
{
    *digests = nb_alloc(s->pieces, DIGEST_BYTES, err);
    for (size_t i = 0; *digests && i < s->pieces; i++) {
        nb_sealing_hash(s, i, *digests + i * DIGEST_BYTES);
    }
    return *digests ? NB_OK : NB_ERR_LIMIT;
}

void nb_sealing_close(nb_sealing *s)
{
    nb_map_close(&s->map);
    *s = (nb_sealing){0};
}

/* ---- making ---- */

nb_status nb_sealing_begin(nb_sealing *s, const char *path, const char *kind, uint64_t hole_begin, uint64_t hole_end,
                           nb_error *err)
{
    *s = (nb_sealing){0};
    nb_status status = nb_map_open(&s->map, path, err);
    if (status != NB_OK) {
        return status;
    }
    size_t size = s->map.len;
    if (size < NB_SEAL_BYTES || !seal_hole_fits(hole_begin, hole_end, size)) {
        nb_sealing_close(s);
        return nb_fail(err, NB_ERR_INTERNAL, "'%s' cannot be sealed: %zu bytes", path, size);
    }
    uint64_t hashed = size - NB_SEAL_BYTES - (hole_end - hole_begin);
    memcpy(s->head, magic, sizeof magic);
    seal_put(s->head + 8, hashed <= NB_SEAL_WHOLE_MAX ? SEAL_WHOLE : SEAL_PIECES, 4);
    memcpy(s->head + 12, kind, strnlen(kind, NB_SEAL_KIND_MAX));
    seal_put(s->head + 32, size, 8);
    seal_put(s->head + 40, hole_begin, 8);
    seal_put(s->head + 48, hole_end, 8);
    s->seal = (nb_seal){.size = size, .hole_begin = hole_begin, .hole_end = hole_end};
    seal_count_pieces(s);
    return NB_OK;
}

nb_status nb_sealing_write(nb_sealing *s, const char *path, const unsigned char *digests, nb_digest *digest,
                           nb_error *err)
{
    nb_status status = NB_OK;
    seal_combine(s, digests, s->head + DIGEST_AT);
    sodium_bin2hex(digest->hex, sizeof digest->hex, s->head + DIGEST_AT, DIGEST_BYTES);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || pwrite(fd, s->head, sizeof s->head, 0) != (ssize_t)sizeof s->head) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot seal '%s'", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

nb_status nb_seal_write(const char *path, const char *kind, uint64_t hole_begin, uint64_t hole_end, nb_digest *digest,
                        nb_error *err)
{
    nb_sealing s;
    unsigned char *digests = NULL;
    nb_status status;
    NB_TRY(nb_sealing_begin(&s, path, kind, hole_begin, hole_end, err));
    NB_TRY(seal_hash_all(&s, &digests, err));
    NB_TRY(nb_sealing_write(&s, path, digests, digest, err));
done:
    free(digests);
    nb_sealing_close(&s);
    return status;
}

/* ---- checking ---- */

static nb_status seal_parse(nb_seal *out, const nb_map *map, const char *path, const char *kind, nb_error *err)
{
    const unsigned char *head = map->data;
    if (map->len == 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is empty", path);
    }
    if (map->len < sizeof magic || memcmp(head, magic, sizeof magic) != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is not a negbank file", path);
    }
    if (map->len < NB_SEAL_BYTES) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is cut short: %zu bytes", path, map->len);
    }
    uint64_t version = seal_get(head + 8, 4);
    if (version != SEAL_WHOLE && version != SEAL_PIECES) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has seal version %llu, this program reads %d and %d", path,
                (unsigned long long)version, SEAL_WHOLE, SEAL_PIECES);
        return nb_hint(err, "a newer negbank wrote it, or the file is damaged");
    }
    memcpy(out->kind, head + 12, NB_SEAL_KIND_MAX);
    out->kind[NB_SEAL_KIND_MAX] = '\0';
    for (char *c = out->kind; *c; c++) { /* it stands in messages */
        *c = (char)(*c >= ' ' && *c <= '~' ? *c : '?');
    }
    out->size = seal_get(head + 32, 8);
    out->hole_begin = seal_get(head + 40, 8);
    out->hole_end = seal_get(head + 48, 8);
    sodium_bin2hex(out->digest.hex, sizeof out->digest.hex, head + DIGEST_AT, DIGEST_BYTES);
    if (map->len != out->size) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is %s: it has %zu bytes, %llu were written", path,
                       map->len < out->size ? "cut short" : "longer than it was", map->len,
                       (unsigned long long)out->size);
    }
    if (!seal_hole_fits(out->hole_begin, out->hole_end, out->size)) {
        return nb_fail(err, NB_ERR_VERIFY, "'%s' has a damaged seal", path);
    }
    if (kind && strcmp(kind, out->kind) != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is a negbank %s, a negbank %s is needed", path, out->kind, kind);
    }
    return NB_OK;
}

nb_status nb_sealing_check(nb_sealing *s, const char *path, const char *kind, nb_error *err)
{
    *s = (nb_sealing){0};
    nb_status status = nb_map_open(&s->map, path, err);
    if (status != NB_OK) {
        return status;
    }
    status = seal_parse(&s->seal, &s->map, path, kind, err);
    if (status == NB_OK) {
        memcpy(s->head, s->map.data, sizeof s->head);
        seal_count_pieces(s);
    } else {
        nb_map_close(&s->map);
    }
    return status;
}

nb_status nb_sealing_verify(const nb_sealing *s, const char *path, const unsigned char *digests, nb_error *err)
{
    unsigned char digest[DIGEST_BYTES];
    static const unsigned char zeros[NB_SEAL_BYTES];
    size_t tail = DIGEST_AT + DIGEST_BYTES;
    seal_combine(s, digests, digest);
    if (memcmp(digest, s->head + DIGEST_AT, DIGEST_BYTES) != 0 ||
        memcmp(s->head + tail, zeros, NB_SEAL_BYTES - tail) != 0) {
        nb_fail(err, NB_ERR_VERIFY, "'%s' is damaged: its bytes do not match its digest %.16s...", path,
                s->seal.digest.hex);
        return nb_hint(err, "make or download it again");
    }
    return NB_OK;
}

nb_status nb_seal_read(nb_seal *out, const char *path, const char *kind, nb_error *err)
{
    nb_sealing s;
    nb_status status = nb_sealing_check(&s, path, kind, err);
    *out = s.seal;
    nb_sealing_close(&s);
    return status;
}

nb_status nb_seal_verify(nb_seal *out, const char *path, const char *kind, nb_error *err)
{
    nb_sealing s;
    unsigned char *digests = NULL;
    nb_status status;
    NB_TRY(nb_sealing_check(&s, path, kind, err));
    NB_TRY(seal_hash_all(&s, &digests, err));
    NB_TRY(nb_sealing_verify(&s, path, digests, err));
done:
    *out = s.seal;
    free(digests);
    nb_sealing_close(&s);
    return status;
}
