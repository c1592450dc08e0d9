#include "common/store/seal.h"

#include "common/base/file.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[8] = {'N', 'E', 'G', 'B', 'A', 'N', 'K', '\n'};
enum { SEAL_VERSION = 1, DIGEST_AT = 56, DIGEST_BYTES = 32, PAGES = 1 << 24 };

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

static void seal_hash(unsigned char out[DIGEST_BYTES], const unsigned char *head, const nb_map *file,
                      uint64_t hole_begin, uint64_t hole_end)
{
    nb_digest_stream stream;
    nb_digest_begin(&stream);
    nb_digest_add(&stream, head, DIGEST_AT);
    size_t before = hole_end ? (size_t)hole_begin : file->len;
    seal_hash_pages(&stream, file, NB_SEAL_BYTES, before);
    if (hole_end) {
        seal_hash_pages(&stream, file, hole_end, file->len);
    }
    nb_digest_end(&stream, out);
}

static bool seal_hole_fits(uint64_t begin, uint64_t end, uint64_t size)
{
    return (begin == 0 && end == 0) || (begin >= NB_SEAL_BYTES && begin <= end && end <= size);
}

nb_status nb_seal_write(const char *path, const char *kind, uint64_t hole_begin, uint64_t hole_end, nb_digest *digest,
                        nb_error *err)
{
    nb_map map;
    unsigned char head[NB_SEAL_BYTES] = {0};
    nb_status status = nb_map_open(&map, path, err);
    if (status != NB_OK) {
        return status;
    }
    if (map.len < NB_SEAL_BYTES || !seal_hole_fits(hole_begin, hole_end, map.len)) {
        nb_map_close(&map);
        return nb_fail(err, NB_ERR_INTERNAL, "'%s' cannot be sealed: %zu bytes", path, map.len);
    }
    memcpy(head, magic, sizeof magic);
    seal_put(head + 8, SEAL_VERSION, 4);
    memcpy(head + 12, kind, strnlen(kind, NB_SEAL_KIND_MAX));
    seal_put(head + 32, map.len, 8);
    seal_put(head + 40, hole_begin, 8);
    seal_put(head + 48, hole_end, 8);
    seal_hash(head + DIGEST_AT, head, &map, hole_begin, hole_end);
    sodium_bin2hex(digest->hex, sizeof digest->hex, head + DIGEST_AT, DIGEST_BYTES);
    nb_map_close(&map);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || pwrite(fd, head, sizeof head, 0) != (ssize_t)sizeof head) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot seal '%s'", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

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
    if (version != SEAL_VERSION) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has seal version %llu, this program reads %d", path,
                (unsigned long long)version, SEAL_VERSION);
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

static nb_status seal_check(nb_seal *out, const char *path, const char *kind, bool whole, nb_error *err)
{
    nb_map map;
    *out = (nb_seal){0};
    nb_status status = nb_map_open(&map, path, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY(seal_parse(out, &map, path, kind, err));
    if (whole) {
        unsigned char digest[DIGEST_BYTES];
        static const unsigned char zeros[NB_SEAL_BYTES];
        size_t tail = DIGEST_AT + DIGEST_BYTES;
        seal_hash(digest, map.data, &map, out->hole_begin, out->hole_end);
        if (memcmp(digest, map.data + DIGEST_AT, DIGEST_BYTES) != 0 ||
            memcmp(map.data + tail, zeros, NB_SEAL_BYTES - tail) != 0) {
            nb_fail(err, NB_ERR_VERIFY, "'%s' is damaged: its bytes do not match its digest %.16s...", path,
                    out->digest.hex);
            status = nb_hint(err, "make or download it again");
        }
    }
done:
    nb_map_close(&map);
    return status;
}

nb_status nb_seal_read(nb_seal *out, const char *path, const char *kind, nb_error *err)
{
    return seal_check(out, path, kind, false, err);
}

nb_status nb_seal_verify(nb_seal *out, const char *path, const char *kind, nb_error *err)
{
    return seal_check(out, path, kind, true, err);
}
