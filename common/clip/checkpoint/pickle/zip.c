#include "common/clip/checkpoint/pickle/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Bytes of the headers without what has no fixed length, and their first four bytes. */
enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    COMMENT_MAX = 65535,
    ZIP64_EXTRA = 1,
    CHECK_BYTES = 8 << 20
};

#define END_MARK     0x06054b50U
#define END64_MARK   0x06064b50U
#define LOCATOR_MARK 0x07064b50U
#define ENTRY_MARK   0x02014b50U
#define LOCAL_MARK   0x04034b50U

/* The directory: where it begins in the file, its bytes and entries. */
typedef struct directory {
    uint64_t at, bytes, entries;
} directory;

static uint64_t zip_number(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) {
        value = value << 8 | at[i];
    }
    return value;
}

static nb_status zip_refuse(const char *path, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': %s", path, what);
}

static nb_status zip_refuse_member(const char *path, const nb_zip_member *m, const char *what, nb_error *err)
{
    char name[128];
    size_t len = m->name_len < sizeof name - 1 ? m->name_len : sizeof name - 1;
    memcpy(name, m->name, len);
    name[len] = '\0';
    return nb_fail(err, NB_ERR_INPUT, "'%s': its member '%s' %s", path, name, what);
}

/* The end record, which a comment of up to 65535 bytes may follow; NULL: none. */
static const unsigned char *zip_find_end(const unsigned char *bytes, size_t len)
{
    for (size_t comment = 0; comment <= COMMENT_MAX && END_BYTES + comment <= len; comment++) {
        const unsigned char *at = bytes + len - END_BYTES - comment;
        if (zip_number(at, 4) == END_MARK && zip_number(at + 20, 2) == comment) {
            return at;
        }
    }
    return NULL;
}

/* The numbers of the 64-bit end record, where there is one; false when what leads to it is wrong. */
static bool zip_read_end64(directory *d, const unsigned char *bytes, const unsigned char *end)
{
    size_t before = (size_t)(end - bytes);
    const unsigned char *locator = end - LOCATOR_BYTES;
    if (before < LOCATOR_BYTES || zip_number(locator, 4) != LOCATOR_MARK) {
        return true;
    }
    uint64_t at = zip_number(locator + 8, 8);
    if (before - LOCATOR_BYTES < END64_BYTES || at > before - LOCATOR_BYTES - END64_BYTES ||
        zip_number(bytes + at, 4) != END64_MARK || zip_number(bytes + at + 16, 8) != 0) {
        return false;
    }
    *d = (directory){.entries = zip_number(bytes + at + 32, 8),
                     .bytes = zip_number(bytes + at + 40, 8),
                     .at = zip_number(bytes + at + 48, 8)};
    return d->at <= at && d->bytes <= at - d->at;
}

static nb_status zip_find_directory(directory *d, const unsigned char *bytes, size_t len, const char *path,
                                    nb_error *err)
{
    const unsigned char *end = zip_find_end(bytes, len);
    if (!end) {
        zip_refuse(path, "a zip archive without the directory at its end: it is cut short", err);
        nb_hint(err, "copy or download the file again");
        return NB_ERR_INPUT;
    }
    size_t before = (size_t)(end - bytes);
    *d = (directory){
        .entries = zip_number(end + 10, 2), .bytes = zip_number(end + 12, 4), .at = zip_number(end + 16, 4)};
    if (zip_number(end + 4, 4) != 0 || !zip_read_end64(d, bytes, end) || d->at > before || d->bytes > before - d->at) {
        return zip_refuse(path, "the zip archive's directory is not where its end says", err);
    }
    if (d->entries > NB_ZIP_MEMBERS_MAX || d->entries > d->bytes / ENTRY_BYTES) {
        return nb_fail(err, NB_ERR_INPUT,
                       "'%s': a zip archive of %" PRIu64 " members in a directory of %" PRIu64 " bytes", path,
                       d->entries, d->bytes);
    }
    return NB_OK;
}

/* The 64-bit numbers of an entry whose own fields are full, in the order they are stored in; false: they are missing.
 */
static bool zip_widen(const unsigned char *extra, size_t extra_len, uint64_t *const numbers[3])
{
    bool wanted = *numbers[0] == UINT32_MAX || *numbers[1] == UINT32_MAX || *numbers[2] == UINT32_MAX;
    while (wanted && extra_len >= 4) {
        size_t bytes = (size_t)zip_number(extra + 2, 2);
        if (bytes > extra_len - 4) {
            return false;
        }
        if (zip_number(extra, 2) == ZIP64_EXTRA) {
            size_t at = 4;
            for (size_t i = 0; i < 3; i++) {
                if (*numbers[i] == UINT32_MAX) {
                    if (at + 8 > bytes + 4) {
                        return false;
                    }
                    *numbers[i] = zip_number(extra + at, 8);
                    at += 8;
                }
            }
            return true;
        }
        extra += 4 + bytes;
        extra_len -= 4 + bytes;
    }
    return !wanted;
}

/* The data behind the member's own header, which must bear its name; all must lie in front of the directory. */
static bool zip_find_data(nb_zip_member *m, const unsigned char *bytes, uint64_t limit, uint64_t offset)
{
    if (offset > limit || limit - offset < LOCAL_BYTES) {
        return false;
    }
    const unsigned char *local = bytes + offset;
    uint64_t left = limit - offset - LOCAL_BYTES, name = zip_number(local + 26, 2), extra = zip_number(local + 28, 2);
    if (zip_number(local, 4) != LOCAL_MARK || name != m->name_len || name + extra > left ||
        m->stored > left - name - extra || memcmp(local + LOCAL_BYTES, m->name, m->name_len) != 0) {
        return false;
    }
    m->header = local;
    m->data = local + LOCAL_BYTES + name + extra;
    return true;
}

/* The entry at *at of the directory, which moves behind it. */
static nb_status zip_read_entry(nb_zip_member *m, const unsigned char *bytes, const directory *d, uint64_t *at,
                                const char *path, nb_error *err)
{
    const unsigned char *entry = bytes + d->at + *at;
    uint64_t left = d->bytes - *at, offset;
    if (left < ENTRY_BYTES || zip_number(entry, 4) != ENTRY_MARK) {
        return zip_refuse(path, "the zip archive's directory is damaged", err);
    }
    size_t extra_len = (size_t)zip_number(entry + 30, 2), comment_len = (size_t)zip_number(entry + 32, 2);
    unsigned flags = (unsigned)zip_number(entry + 8, 2);
    *m = (nb_zip_member){.name = (const char *)entry + ENTRY_BYTES,
                         .name_len = (size_t)zip_number(entry + 28, 2),
                         .method = (unsigned)zip_number(entry + 10, 2),
                         .crc = (uint32_t)zip_number(entry + 16, 4),
                         .stored = zip_number(entry + 20, 4),
                         .size = zip_number(entry + 24, 4),
                         .encrypted = (flags & 0x2041U) != 0};
    uint64_t used = ENTRY_BYTES + m->name_len + extra_len + comment_len;
    if (used > left || m->name_len == 0 || memchr(m->name, 0, m->name_len)) {
        return zip_refuse(path, "the zip archive's directory is damaged", err);
    }
    offset = zip_number(entry + 42, 4);
    const unsigned char *extra = entry + ENTRY_BYTES + m->name_len;
    if (!zip_widen(extra, extra_len, (uint64_t *[]){&m->size, &m->stored, &offset}) ||
        !zip_find_data(m, bytes, d->at, offset)) {
        return zip_refuse_member(path, m, "is not where the directory says", err);
    }
    *at += used;
    return NB_OK;
}

static int zip_by_place(const void *a, const void *b)
{
    const nb_zip_member *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

static int zip_by_name(const void *a, const void *b)
{
    const nb_zip_member *x = a, *y = b;
    return nb_bytes_compare(x->name, x->name_len, y->name, y->name_len);
}

/* Members apart from one another, and in the order of their names, each of which is there once. */
static nb_status zip_order(nb_zip *zip, nb_error *err)
{
    qsort(zip->members, zip->count, sizeof *zip->members, zip_by_place);
    for (size_t i = 1; i < zip->count; i++) {
        const nb_zip_member *before = &zip->members[i - 1];
        if (before->data + before->stored > zip->members[i].header) {
            return zip_refuse_member(zip->path, &zip->members[i], "overlaps another one", err);
        }
    }
    qsort(zip->members, zip->count, sizeof *zip->members, zip_by_name);
    for (size_t i = 1; i < zip->count; i++) {
        if (zip_by_name(&zip->members[i - 1], &zip->members[i]) == 0) {
            return zip_refuse_member(zip->path, &zip->members[i], "is there twice", err);
        }
    }
    return NB_OK;
}

nb_status nb_zip_open(nb_zip *out, const unsigned char *bytes, size_t len, const char *path, nb_error *err)
{
    directory d;
    uint64_t at = 0;
    nb_status status;
    *out = (nb_zip){.path = path};
    NB_TRY(zip_find_directory(&d, bytes, len, path, err));
    NB_TRY_NEW(out->members, (size_t)d.entries);
    for (; out->count < d.entries; out->count++) {
        NB_TRY(zip_read_entry(&out->members[out->count], bytes, &d, &at, path, err));
    }
    NB_TRY(zip_order(out, err));
done:
    if (status != NB_OK) {
        nb_zip_close(out);
    }
    return status;
}

const nb_zip_member *nb_zip_find(const nb_zip *zip, const char *name, size_t len)
{
    const nb_zip_member key = {.name = name, .name_len = len};
    return zip->count ? bsearch(&key, zip->members, zip->count, sizeof *zip->members, zip_by_name) : NULL;
}

nb_status nb_zip_check(const nb_zip *zip, const nb_zip_member *m, const nb_map *map, nb_error *err)
{
    if (m->encrypted) {
        return zip_refuse_member(zip->path, m, "is encrypted", err);
    }
    if (m->method != 0 || m->stored != m->size) {
        zip_refuse_member(zip->path, m, "is compressed, which torch.save never does", err);
        nb_hint(err, "write the checkpoint again with torch.save, or convert it to safetensors");
        return NB_ERR_INPUT;
    }
    uLong sum = crc32(0, NULL, 0);
    for (uint64_t at = 0; at < m->size;) {
        size_t bytes = m->size - at < CHECK_BYTES ? (size_t)(m->size - at) : CHECK_BYTES;
        sum = crc32(sum, m->data + at, (uInt)bytes);
        if (map->data) {
            nb_map_drop(map, m->data + at, bytes);
        }
        at += bytes;
    }
    if (sum != m->crc) {
        zip_refuse_member(zip->path, m, "is damaged: its checksum is another", err);
        nb_hint(err, "copy or download the file again");
        return NB_ERR_INPUT;
    }
    return NB_OK;
}

void nb_zip_close(nb_zip *zip)
{
    free(zip->members);
    *zip = (nb_zip){0};
}
