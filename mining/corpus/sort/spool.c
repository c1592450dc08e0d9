#include "mining/corpus/sort/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 17, FIRST = 1 << 16 };

static nb_status spool_refuse(nb_error *err, const char *what, const char *folder)
{
    nb_fail_errno(err, NB_ERR_IO, "cannot %s a scratch file in '%s'", what, folder);
    nb_hint(err, "--scratch DIR names another folder, more --memory needs less of it");
    return NB_ERR_IO;
}

static nb_status spool_make(nb_scratch_file *s, nb_error *err)
{
    nb_buffer name = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&name, err, "%s/negbank-XXXXXX", s->folder));
    s->fd = mkostemp(name.data, 02000000 /* O_CLOEXEC */);
    if (s->fd < 0) {
        status = spool_refuse(err, "make", s->folder);
    } else if (unlink(name.data) != 0) {
        status = spool_refuse(err, "unlink", s->folder);
    }
done:
    nb_buffer_free(&name);
    return status;
}

void nb_scratch_file_close(nb_scratch_file *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
    s->end = 0;
}

nb_status nb_scratch_file_check(const char *folder, nb_error *err)
{
    nb_scratch_file s = nb_scratch_file_in(folder);
    nb_status status = spool_make(&s, err);
    nb_scratch_file_close(&s);
    return status;
}

static nb_status spool_put(nb_scratch_file *s, const char *bytes, size_t count, nb_error *err)
{
    if (s->fd < 0) {
        nb_status status = spool_make(s, err);
        if (status != NB_OK) {
            return status;
        }
    }
    while (count) {
        ssize_t done = pwrite(s->fd, bytes, count, (off_t)s->end);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return spool_refuse(err, "write to", s->folder);
        }
        bytes += done;
        count -= (size_t)done;
        s->end += (uint64_t)done;
    }
    return NB_OK;
}

nb_spool nb_spool_in(nb_scratch_file *scratch, size_t *budget)
{
    return (nb_spool){.scratch = scratch, .budget = budget};
}

/* Room for more bytes in memory; false when the budget does not allow it. */
static bool spool_grow(nb_spool *s, size_t more)
{
    size_t cap = s->cap ? s->cap : FIRST;
    while (cap - s->len < more) {
        cap += cap / 2;
    }
    nb_error ignored = {0};
    if (cap - s->taken > *s->budget) {
        return false;
    }
    char *bytes = nb_grow(s->bytes, cap, 1, &ignored);
    if (!bytes) {
        return false;
    }
    *s->budget -= cap - s->taken;
    s->taken = cap;
    s->bytes = bytes;
    s->cap = cap;
    return true;
}

/* Moves what is in memory to the scratch file; a block stays to collect what follows. */
static nb_status spool_move_to_disk(nb_spool *s, nb_error *err)
{
    nb_status status;
    s->begin = s->scratch->end;
    s->on_disk = true;
    NB_TRY(spool_put(s->scratch, s->bytes, s->len, err));
    s->len = 0;
    char *block = nb_grow(s->bytes, BLOCK, 1, err);
    if (!block) {
        return NB_ERR_LIMIT;
    }
    s->bytes = block;
    s->cap = BLOCK;
    *s->budget += s->taken;
    s->taken = 0;
done:
    return status;
}

nb_status nb_spool_append(nb_spool *s, const void *bytes, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    if (!s->on_disk && count > s->cap - s->len && !spool_grow(s, count)) {
        NB_TRY(spool_move_to_disk(s, err));
    }
    if (s->on_disk && count > s->cap - s->len) {
        NB_TRY(spool_put(s->scratch, s->bytes, s->len, err));
        s->len = 0;
    }
    if (s->on_disk && count > s->cap) {
        NB_TRY(spool_put(s->scratch, bytes, count, err));
    } else if (count) {
        memcpy(s->bytes + s->len, bytes, count);
        s->len += count;
    }
    s->size += count;
done:
    return status;
}

nb_status nb_spool_finish(nb_spool *s, nb_error *err)
{
    nb_status status = NB_OK;
    if (s->on_disk) {
        status = spool_put(s->scratch, s->bytes, s->len, err);
        free(s->bytes);
        s->bytes = NULL;
        s->len = s->cap = 0;
    }
    return status;
}

void nb_spool_free(nb_spool *s)
{
    free(s->bytes);
    if (s->budget) {
        *s->budget += s->taken;
    }
    *s = (nb_spool){0};
}

nb_status nb_spool_reader_open(nb_spool_reader *r, const nb_spool *spool, uint64_t begin, uint64_t end, size_t cap,
                               nb_error *err)
{
    nb_status status = NB_OK;
    *r = (nb_spool_reader){.spool = spool, .at = begin, .end = end, .cap = cap};
    if (spool->on_disk) {
        NB_TRY_NEW(r->buffer, cap);
    }
done:
    return status;
}

void nb_spool_reader_close(nb_spool_reader *r)
{
    free(r->buffer);
    *r = (nb_spool_reader){0};
}

static nb_status spool_fill(nb_spool_reader *r, nb_error *err)
{
    const nb_scratch_file *scratch = r->spool->scratch;
    r->buffer_len -= r->buffer_at;
    memmove(r->buffer, r->buffer + r->buffer_at, r->buffer_len);
    r->buffer_at = 0;
    uint64_t from = r->at + r->buffer_len;
    while (r->buffer_len < r->cap && from < r->end) {
        size_t want = r->cap - r->buffer_len;
        want = r->end - from < want ? (size_t)(r->end - from) : want;
        ssize_t got = pread(scratch->fd, r->buffer + r->buffer_len, want, (off_t)(r->spool->begin + from));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            errno = got == 0 ? EIO : errno;
            return spool_refuse(err, "read back", scratch->folder);
        }
        r->buffer_len += (size_t)got;
        from += (uint64_t)got;
    }
    return NB_OK;
}

nb_status nb_spool_peek(nb_spool_reader *r, size_t count, const char **bytes, size_t *len, nb_error *err)
{
    nb_status status = NB_OK;
    uint64_t left = r->end - r->at;
    if (!r->spool->on_disk) {
        *bytes = left ? r->spool->bytes + r->at : "";
        *len = (size_t)left;
        return NB_OK;
    }
    if (r->buffer_len - r->buffer_at < count && r->buffer_len - r->buffer_at < left) {
        status = spool_fill(r, err);
    }
    *bytes = r->buffer + r->buffer_at;
    *len = r->buffer_len - r->buffer_at;
    return status;
}
