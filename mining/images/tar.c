#include "mining/images/tar.h"

#include "common/base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, READ_BYTES = 32768 };

struct nb_tar {
    char *path;
    int fd;
    struct archive *archive;
    locale_t locale; /* libarchive converts names to the thread's locale */
    uint64_t length; /* of the file */
    uint64_t number; /* of the next member */
    uint64_t end;    /* plain: where the last member's blocks end */
};

static nb_status tar_refuse(const nb_tar *t, nb_error *err)
{
    const char *cause = archive_error_string(t->archive);
    if (cause && strstr(cause, "requires too much memory")) { /* zstd's words; libarchive takes its usual limit */
        nb_fail(err, NB_ERR_INPUT, "'%s' was packed with a zstd window of more than 128 MiB (zstd --long)", t->path);
        return nb_hint(err, "pack it again: zstd -dc --long=31 FILE | zstd -o NEW.tar.zst");
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' is no tar file, damaged or cut short behind %llu members: %s", t->path,
            (unsigned long long)t->number, cause ? cause : "no cause is known");
    return nb_hint(err, "fetch or make it again, or leave it out");
}

static nb_status tar_cut_short(const nb_tar *t, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is cut short behind %llu members: it ends at byte %llu", t->path,
            (unsigned long long)t->number, (unsigned long long)t->length);
    return nb_hint(err, "fetch or make it again, or leave it out");
}

static nb_status tar_open_file(nb_tar *t, nb_error *err)
{
    struct stat st;
    t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0 || fstat(t->fd, &st) != 0) {
        return nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", t->path);
    }
    if (!S_ISREG(st.st_mode)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is not a regular file", t->path);
    }
    t->length = (uint64_t)st.st_size;
    return t->length ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s' is empty", t->path);
}

nb_status nb_tar_open(nb_tar **out, const char *path, nb_error *err)
{
    nb_status status = NB_OK;
    *out = NULL;
    nb_tar *t = nb_alloc(1, sizeof *t, err);
    if (!t) {
        return NB_ERR_LIMIT;
    }
    t->fd = -1;
    t->path = strdup(path);
    t->archive = archive_read_new();
    t->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); /* without it, names come as they are stored */
    if (!t->path || !t->archive) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for a tar reader");
        goto done;
    }
    NB_TRY(tar_open_file(t, err));
    /* ARCHIVE_WARN would mean a program run in a pipe */
    if (archive_read_support_format_tar(t->archive) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(t->archive) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(t->archive) != ARCHIVE_OK) {
        status = nb_fail(err, NB_ERR_INTERNAL, "libarchive lacks tar, gzip or zstd");
        goto done;
    }
    if (archive_read_open_fd(t->archive, t->fd, READ_BYTES) != ARCHIVE_OK) {
        status = tar_refuse(t, err);
    }
done:
    if (status != NB_OK) {
        nb_tar_close(t);
        return status;
    }
    *out = t;
    return NB_OK;
}

void nb_tar_close(nb_tar *t)
{
    if (t) {
        archive_read_free(t->archive);
        if (t->locale) {
            freelocale(t->locale);
        }
        if (t->fd >= 0) {
            close(t->fd);
        }
        free(t->path);
        free(t);
    }
}

bool nb_tar_compressed(const nb_tar *t)
{
    return archive_filter_count(t->archive) > 1;
}

static int tar_next_header(nb_tar *t, struct archive_entry **entry)
{
    locale_t before = t->locale ? uselocale(t->locale) : (locale_t)0;
    int code = archive_read_next_header(t->archive, entry);
    if (before) {
        uselocale(before);
    }
    return code;
}

static const char *tar_name_of(const nb_tar *t, struct archive_entry *entry)
{
    locale_t before = t->locale ? uselocale(t->locale) : (locale_t)0;
    const char *name = archive_entry_pathname(entry);
    if (!name) {
        name = archive_entry_pathname_utf8(entry);
    }
    if (before) {
        uselocale(before);
    }
    return name ? name : "";
}

static nb_tar_kind tar_kind_of(struct archive_entry *entry)
{
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || archive_entry_symlink(entry)) {
        return NB_TAR_OTHER;
    }
    return archive_entry_sparse_count(entry) > 0 ? NB_TAR_SPARSE : NB_TAR_FILE;
}

/* A plain tar is whole when zeros follow its last member. */
static nb_status tar_check_end(const nb_tar *t, nb_error *err)
{
    char block[BLOCK];
    if (nb_tar_compressed(t)) {
        return NB_OK; /* the compressed stream has an end of its own */
    }
    if (pread(t->fd, block, sizeof block, (off_t)t->end) != (ssize_t)sizeof block) {
        return tar_cut_short(t, err);
    }
    return NB_OK;
}

nb_status nb_tar_next(nb_tar *t, nb_tar_member *m, bool *more, nb_error *err)
{
    struct archive_entry *entry;
    *more = false;
    int code = tar_next_header(t, &entry);
    if (code == ARCHIVE_EOF) {
        return tar_check_end(t, err);
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
        return tar_refuse(t, err);
    }
    int64_t size = archive_entry_size(entry), at = archive_filter_bytes(t->archive, -1);
    *m = (nb_tar_member){.name = tar_name_of(t, entry), .kind = tar_kind_of(entry), .number = t->number};
    if (size < 0 || at < 0 || (uint64_t)size > NB_TAR_MEMBER_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': member %llu claims %lld bytes, at most %llu are accepted", t->path,
                       (unsigned long long)t->number, (long long)size, (unsigned long long)NB_TAR_MEMBER_MAX);
    }
    m->size = (uint64_t)size;
    m->at = (uint64_t)at;
    if (!nb_tar_compressed(t) && m->kind == NB_TAR_FILE) {
        t->end = m->at + (m->size + BLOCK - 1) / BLOCK * BLOCK;
        if (m->at > t->length || m->size > t->length - m->at) {
            return tar_cut_short(t, err);
        }
    } else if (!nb_tar_compressed(t)) {
        t->end = m->at;
    }
    t->number++;
    *more = true;
    return NB_OK;
}

nb_status nb_tar_read(nb_tar *t, void *bytes, uint64_t size, nb_error *err)
{
    char *to = bytes;
    for (uint64_t got = 0; got < size;) {
        la_ssize_t n = archive_read_data(t->archive, to + got, (size_t)(size - got));
        if (n < 0) {
            return tar_refuse(t, err);
        }
        if (n == 0) {
            return tar_cut_short(t, err);
        }
        got += (uint64_t)n;
    }
    return NB_OK;
}
