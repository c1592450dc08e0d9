#include "mining/images/reader.h"

#include "mining/images/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct nb_image_reader {
    const nb_image_inputs *inputs;
    char *bytes;
    size_t capacity;
    uint64_t shard; /* open as fd or tar, NB_IMAGE_NO_SHARD: none */
    int fd;
    nb_tar *tar;
    uint64_t next; /* number of the member that nb_tar_next will give */
};

nb_status nb_image_reader_create(nb_image_reader **out, const nb_image_inputs *inputs, nb_error *err)
{
    nb_image_reader *r = nb_alloc(1, sizeof *r, err);
    *out = r;
    if (!r) {
        return NB_ERR_LIMIT;
    }
    r->inputs = inputs;
    r->fd = -1;
    r->shard = NB_IMAGE_NO_SHARD;
    return NB_OK;
}

static void reader_close_shard(nb_image_reader *r)
{
    if (r->fd >= 0) {
        close(r->fd);
    }
    nb_tar_close(r->tar);
    r->fd = -1;
    r->tar = NULL;
    r->shard = NB_IMAGE_NO_SHARD;
}

void nb_image_reader_destroy(nb_image_reader *r)
{
    if (r) {
        reader_close_shard(r);
        free(r->bytes);
        free(r);
    }
}

bool nb_image_is_compressed(const nb_image_inputs *in, size_t i)
{
    return in->places && in->places[i].shard != NB_IMAGE_NO_SHARD && in->compressed[in->places[i].shard];
}

static nb_status reader_reserve(nb_image_reader *r, size_t size, nb_error *err)
{
    if (size <= r->capacity) {
        return NB_OK;
    }
    free(r->bytes);
    r->capacity = 0;
    r->bytes = nb_alloc(size, 1, err);
    r->capacity = r->bytes ? size : 0;
    return r->bytes ? NB_OK : NB_ERR_LIMIT;
}

/* `size` bytes at an offset of the open file. */
static nb_status reader_read_at(nb_image_reader *r, uint64_t at, size_t size, nb_error *err)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = pread(r->fd, r->bytes + got, size - got, (off_t)(at + got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot read %zu bytes", size);
        }
        if (n == 0) {
            return nb_fail(err, NB_ERR_INPUT, "the file is shorter than it was");
        }
        got += (size_t)n;
    }
    return NB_OK;
}

static nb_status reader_open_plain(nb_image_reader *r, const char *path, nb_error *err)
{
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    return r->fd < 0 ? nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", path) : NB_OK;
}

static nb_status reader_read_plain(nb_image_reader *r, const nb_image_place *p, nb_error *err)
{
    nb_status status = NB_OK;
    if (r->shard != p->shard) {
        reader_close_shard(r);
        NB_TRY(reader_open_plain(r, nb_strings_get(&r->inputs->shards, p->shard), err));
        r->shard = p->shard;
    }
    NB_TRY(reader_read_at(r, p->at, (size_t)p->size, err));
done:
    return status;
}

static nb_status reader_read_compressed(nb_image_reader *r, const nb_image_place *p, nb_error *err)
{
    nb_tar_member m = {0};
    bool more = true;
    nb_status status = NB_OK;
    if (r->shard != p->shard || r->next > p->at) {
        reader_close_shard(r);
        NB_TRY(nb_tar_open(&r->tar, nb_strings_get(&r->inputs->shards, p->shard), err));
        r->shard = p->shard;
        r->next = 0;
    }
    while (r->next <= p->at) {
        NB_TRY(nb_tar_next(r->tar, &m, &more, err));
        if (!more) {
            break;
        }
        r->next++;
    }
    if (!more || m.size != p->size) {
        status = nb_fail(err, NB_ERR_INPUT, "the shard is not what it was");
        goto done;
    }
    NB_TRY(nb_tar_read(r->tar, r->bytes, p->size, err));
done:
    if (status != NB_OK) {
        reader_close_shard(r);
    }
    return status;
}

static nb_status reader_read_file(nb_image_reader *r, const char *path, size_t *len, nb_image_fault *fault,
                                  nb_error *err)
{
    struct stat st;
    nb_status status;
    reader_close_shard(r);
    NB_TRY(reader_open_plain(r, path, err));
    if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a regular file", path);
        goto done;
    }
    if ((uint64_t)st.st_size > r->inputs->limits.bytes) {
        *fault = NB_IMAGE_BYTES;
        nb_fail(err, NB_ERR_INPUT, "%lld bytes, at most %zu are accepted", (long long)st.st_size,
                r->inputs->limits.bytes);
        status = nb_hint(err, "shrink it, or raise --max-image-bytes");
        goto done;
    }
    *len = (size_t)st.st_size;
    NB_TRY(reader_reserve(r, *len, err));
    NB_TRY(reader_read_at(r, 0, *len, err));
done:
    reader_close_shard(r);
    return status;
}

nb_status nb_image_reader_bytes(nb_image_reader *r, size_t i, const char **bytes, size_t *len, nb_image_fault *fault,
                                nb_error *err)
{
    const char *path = nb_strings_get(&r->inputs->paths, i);
    const nb_image_place *place = r->inputs->places ? &r->inputs->places[i] : NULL;
    nb_status status;
    *fault = NB_IMAGE_UNREADABLE;
    if (!place || place->shard == NB_IMAGE_NO_SHARD) {
        NB_TRY(reader_read_file(r, path, len, fault, err));
    } else {
        *len = (size_t)place->size;
        NB_TRY(reader_reserve(r, *len, err));
        NB_TRY(nb_image_is_compressed(r->inputs, i) ? reader_read_compressed(r, place, err)
                                                    : reader_read_plain(r, place, err));
    }
    *bytes = r->bytes ? r->bytes : "";
    *fault = NB_IMAGE_FINE;
done:
    return status == NB_OK ? NB_OK : nb_context(err, "image '%s'", path);
}

nb_status nb_image_reader_decode(nb_image_reader *r, size_t i, nb_image *out, nb_image_fault *fault,
                                 nb_reader_times *times, nb_error *err)
{
    const char *bytes = NULL;
    size_t len = 0;
    double begin = nb_clock();
    *out = (nb_image){0};
    nb_status status = nb_image_reader_bytes(r, i, &bytes, &len, fault, err);
    double got = nb_clock();
    times->read += got - begin;
    if (status == NB_OK) {
        status = nb_image_decode_within(out, &r->inputs->limits,
                                        &(nb_image_file){bytes, len, nb_strings_get(&r->inputs->paths, i)}, fault, err);
        times->decode += nb_clock() - got;
    }
    return status;
}
