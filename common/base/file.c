#include "common/base/file.h"

#include "common/base/foreign.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 17, HEAD_BYTES = 1 << 12 };

/* Opens a regular file for reading; *len is its size. O_NONBLOCK, or a pipe without a writer would be waited for. */
static nb_status file_open_regular(const char *path, int *fd, size_t *len, nb_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        return nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", path);
    }
    struct stat st;
    nb_status status = NB_OK;
    if (fstat(*fd, &st) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot stat '%s'", path);
    } else if (S_ISDIR(st.st_mode)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is a directory, a file is needed", path);
    } else if (!S_ISREG(st.st_mode)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a regular file", path);
    } else {
        *len = (size_t)st.st_size;
    }
    if (status != NB_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

nb_status nb_file_check(const char *path, nb_error *err)
{
    int fd;
    size_t len;
    nb_status status = file_open_regular(path, &fd, &len, err);
    if (status == NB_OK) {
        close(fd);
    }
    return status;
}

bool nb_file_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

nb_status nb_file_read(const char *path, size_t max, char **data, size_t *len, nb_error *err)
{
    int fd;
    size_t size = 0;
    *data = NULL;
    *len = 0;
    nb_status status = file_open_regular(path, &fd, &size, err);
    if (status != NB_OK) {
        return status;
    }
    if (size > max) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has %zu bytes, at most %zu are accepted", path, size, max);
        goto done;
    }
    char *buffer = nb_alloc(size + 1, 1, err);
    if (!buffer) {
        status = NB_ERR_LIMIT;
        goto done;
    }
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, buffer + got, size - got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            status = n < 0 ? nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", path)
                           : nb_fail(err, NB_ERR_IO, "'%s' became shorter while it was read", path);
            free(buffer);
            goto done;
        }
        got += (size_t)n;
    }
    *data = buffer;
    *len = size;
done:
    close(fd);
    return status;
}

nb_status nb_copy_bytes(int from, const char *name, int to, const char *target, nb_error *err)
{
    char *block = NULL;
    nb_status status;
    NB_TRY_NEW(block, COPY_BYTES);
    for (;;) {
        ssize_t got = read(from, block, COPY_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", name);
            goto done;
        }
        if (got == 0) {
            break;
        }
        for (ssize_t put = 0; put < got;) {
            ssize_t n = write(to, block + put, (size_t)(got - put));
            if (n < 0 && errno != EINTR) {
                status = nb_fail_errno(err, NB_ERR_IO, "cannot write to %s", target);
                goto done;
            }
            put += n < 0 ? 0 : n;
        }
    }
done:
    free(block);
    return status;
}

nb_status nb_file_lines(const char *path, size_t max_line, nb_strings *lines, nb_error *err)
{
    nb_map map;
    nb_status status = nb_map_open(&map, path, err);
    if (status != NB_OK) {
        return status;
    }
    const char *p = map.len ? (const char *)map.data : "";
    size_t left = map.len;
    size_t number = 0;
    NB_TRY(nb_foreign_refuse(path, p, left < HEAD_BYTES ? left : HEAD_BYTES, err));
    size_t mark = nb_text_mark_len(p, left);
    p += mark;
    left -= mark;
    while (left) {
        const char *end = memchr(p, '\n', left);
        size_t line = end ? (size_t)(end - p) : left;
        size_t len = line && p[line - 1] == '\r' ? line - 1 : line;
        number++;
        if (len > max_line) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' line %zu has %zu bytes, at most %zu are accepted", path, number,
                             len, max_line);
            goto done;
        }
        if (memchr(p, '\0', len) || !nb_utf8_valid(p, len)) {
            nb_fail(err, NB_ERR_INPUT, "'%s' line %zu is not UTF-8 text", path, number);
            status = nb_hint(err, "iconv -f LATIN1 -t UTF-8, or whatever it is written in, makes it so");
            goto done;
        }
        if (memchr(p, '\r', len)) {
            nb_fail(err, NB_ERR_INPUT, "'%s' line %zu holds a carriage return, which ends no line here", path, number);
            status = nb_hint(err, "write lines that end with a line feed");
            goto done;
        }
        NB_TRY(nb_strings_push(lines, p, len, err));
        size_t step = end ? line + 1 : line;
        p += step;
        left -= step;
    }
done:
    nb_map_close(&map);
    return status;
}

nb_status nb_map_open(nb_map *map, const char *path, nb_error *err)
{
    int fd;
    size_t len = 0;
    *map = (nb_map){0};
    nb_status status = file_open_regular(path, &fd, &len, err);
    if (status != NB_OK) {
        return status;
    }
    if (len) {
        void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot map '%s'", path);
        } else {
            *map = (nb_map){p, len};
        }
    }
    close(fd);
    return status;
}

void nb_map_drop(const nb_map *map, const void *file_begin, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), at = (size_t)((const unsigned char *)file_begin - map->data);
    size_t first = (at + page - 1) / page * page, last = (at + len) / page * page;
    if (first < last) {
        madvise((void *)(uintptr_t)(map->data + first), last - first, MADV_DONTNEED);
    }
}

void nb_map_close(nb_map *map)
{
    if (map && map->data) {
        munmap((void *)(uintptr_t)map->data, map->len);
    }
    if (map) {
        *map = (nb_map){0};
    }
}

nb_status nb_path_join(char **out, const char *directory, const char *name, nb_error *err)
{
    nb_buffer b = {0};
    size_t len = strlen(directory);
    nb_status status =
        nb_buffer_printf(&b, err, "%s%s%s", directory, len && directory[len - 1] != '/' ? "/" : "", name);
    *out = b.data;
    return status;
}

const char *nb_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

nb_status nb_make_directories(const char *path, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status = nb_buffer_append(&b, path, strlen(path), err);
    for (size_t i = 1; status == NB_OK && i <= b.len; i++) {
        if (b.data[i] != '/' && b.data[i] != '\0') {
            continue;
        }
        char keep = b.data[i];
        b.data[i] = '\0';
        if (mkdir(b.data, 0777) != 0 && errno != EEXIST) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot create directory '%s'", b.data);
        } else if (!nb_file_is_directory(b.data)) {
            status = nb_fail(err, NB_ERR_IO, "'%s' exists and is not a directory", b.data);
        }
        b.data[i] = keep;
    }
    nb_buffer_free(&b);
    return status;
}

/* In a folder that others write into too, a name may be their link to a file of ours, or their file. */
static nb_status file_check_own(const char *path, const struct stat *st, nb_error *err)
{
    const char *what = S_ISLNK(st->st_mode)      ? "is a link"
                       : !S_ISREG(st->st_mode)   ? "is not a regular file"
                       : st->st_uid != geteuid() ? "belongs to another user"
                       : st->st_nlink > 1        ? "has another name, too"
                                                 : NULL;
    if (!what) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_IO, "'%s' %s: it is not written into", path, what);
    return nb_hint(err, "remove it, or use a folder of your own");
}

nb_status nb_file_open_own(int *fd, const char *path, nb_error *err)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    struct stat st;
    *fd = open(path, flags | O_CREAT | O_EXCL, 0666);
    if (*fd >= 0) { /* ours, whomever the file system says it belongs to */
        return NB_OK;
    }
    *fd = open(path, flags);
    if (*fd < 0) {
        bool seen = lstat(path, &st) == 0;
        nb_status status = seen ? file_check_own(path, &st, err) : NB_OK;
        return status != NB_OK ? status : nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", path);
    }
    nb_status status =
        fstat(*fd, &st) == 0 ? file_check_own(path, &st, err) : nb_fail_errno(err, NB_ERR_IO, "cannot stat '%s'", path);
    if (status != NB_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

nb_owner nb_file_owner(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return NB_OWNER_NONE;
    }
    return S_ISREG(st.st_mode) && (st.st_uid == geteuid() || st.st_uid == 0) ? NB_OWNER_OURS : NB_OWNER_OTHER;
}

/* The folder of a path, "." when it names none; the caller frees. */
static char *file_folder_of(const char *path, nb_error *err)
{
    const char *base = nb_path_base(path);
    size_t len = (size_t)(base - path);
    char *folder = nb_alloc(len + 2, 1, err);
    if (folder) {
        memcpy(folder, len ? path : ".", len ? len : 1);
    }
    return folder;
}

static nb_status file_begin(nb_output *out, const char *path, bool force, bool keep, nb_error *err)
{
    nb_status status = NB_OK;
    struct stat st;
    char *folder = file_folder_of(path, err);
    nb_buffer partial = {0};
    *out = (nb_output){0};
    if (!folder) {
        return NB_ERR_LIMIT;
    }
    if (!*nb_path_base(path)) {
        status = nb_fail(err, NB_ERR_USAGE, "output '%s' names no file", path);
        goto done;
    }
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            status = nb_fail(err, NB_ERR_USAGE, "output '%s' is a directory", path);
            goto done;
        }
        if (!S_ISREG(st.st_mode)) {
            status = nb_fail(err, NB_ERR_USAGE, "output '%s' is a device or a pipe, a file is needed", path);
            goto done;
        }
        if (!force) {
            nb_fail(err, NB_ERR_USAGE, "output '%s' exists", path);
            status = nb_hint(err, "choose another name, or overwrite it with --force");
            goto done;
        }
    }
    if (!nb_file_is_directory(folder)) {
        status = nb_fail(err, NB_ERR_IO, "folder '%s' of output '%s' does not exist", folder, path);
        goto done;
    }
    if (access(folder, W_OK) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write into folder '%s'", folder);
        goto done;
    }
    NB_TRY(nb_buffer_printf(&partial, err, "%s.partial", path));
    if (!keep && unlink(partial.data) != 0 && errno != ENOENT) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot remove stale '%s'", partial.data);
        goto done;
    }
    if (keep && lstat(partial.data, &st) == 0) {
        NB_TRY(file_check_own(partial.data, &st, err));
    }
    NB_TRY_NEW(out->path, strlen(path) + 1);
    memcpy(out->path, path, strlen(path) + 1);
    out->partial = partial.data;
    partial = (nb_buffer){0};
done:
    nb_buffer_free(&partial);
    free(folder);
    return status;
}

nb_status nb_output_begin(nb_output *out, const char *path, bool force, nb_error *err)
{
    return file_begin(out, path, force, false, err);
}

nb_status nb_output_resume(nb_output *out, const char *path, bool force, bool *left, nb_error *err)
{
    nb_status status = file_begin(out, path, force, true, err);
    *left = status == NB_OK && access(out->partial, F_OK) == 0;
    return status;
}

nb_status nb_output_file(FILE **file, const nb_output *out, nb_error *err)
{
    int fd = open(out->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (*file) {
        return NB_OK;
    }
    nb_status status = nb_fail_errno(err, NB_ERR_IO, "cannot create '%s'", out->partial);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static nb_status file_sync_path(const char *path, int flags, nb_error *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot open '%s' to sync it", path);
    }
    nb_status status = NB_OK;
    if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", path);
    }
    close(fd);
    return status;
}

nb_status nb_sync_folder_of(const char *path, nb_error *err)
{
    char *folder = file_folder_of(path, err);
    nb_status status = folder ? file_sync_path(folder, O_RDONLY, err) : NB_ERR_LIMIT;
    free(folder);
    return status;
}

nb_status nb_output_close(FILE *file, bool wrote, const nb_output *out, nb_error *err)
{
    return fclose(file) == 0 && wrote ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", out->partial);
}

nb_status nb_output_commit(nb_output *out, nb_error *err)
{
    nb_status status = file_sync_path(out->partial, O_RDWR, err);
    if (status != NB_OK) {
        return status;
    }
    if (rename(out->partial, out->path) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s' to '%s'", out->partial, out->path);
    }
    status = nb_sync_folder_of(out->path, err);
    nb_output_release(out);
    return status;
}

void nb_output_release(nb_output *out)
{
    if (out) {
        free(out->path);
        free(out->partial);
        *out = (nb_output){0};
    }
}

void nb_output_end(nb_output *out)
{
    if (out && out->partial) {
        unlink(out->partial);
    }
    nb_output_release(out);
}

nb_status nb_file_write(const char *path, bool force, const void *bytes, size_t len, nb_error *err)
{
    nb_output out;
    nb_status status = nb_output_begin(&out, path, force, err);
    if (status != NB_OK) {
        return status;
    }
    FILE *f;
    NB_TRY(nb_output_file(&f, &out, err));
    bool wrote = len == 0 || fwrite(bytes, 1, len, f) == len;
    NB_TRY(nb_output_close(f, wrote, &out, err));
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    return status;
}

nb_status nb_file_write_lines(const char *path, bool force, const nb_strings *lines, size_t file_begin, size_t end,
                              nb_error *err)
{
    nb_buffer b = {.max = SIZE_MAX / 2};
    nb_status status = NB_OK;
    for (size_t i = file_begin; i < end; i++) {
        NB_TRY(nb_buffer_append(&b, nb_strings_get(lines, i), nb_strings_len(lines, i), err));
        NB_TRY(nb_buffer_append(&b, "\n", 1, err));
    }
    NB_TRY(nb_file_write(path, force, b.data, b.len, err));
done:
    nb_buffer_free(&b);
    return status;
}
