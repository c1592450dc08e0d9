#include "common/store/hdf5/h5.h"

#include "common/base/version.h"
#include "common/store/hdf5/h5_internal.h"
#include "common/store/hdf5/h5_memory.h"
#include "common/store/hdf5/structure.h"
#include "common/store/hdf5/zstd_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20, COPY_BYTES = 1 << 20, DATASET_BYTES_MAX_LOG2 = 40, ROOT_LINKS_MAX = 64 };

static nb_status h5_put_attribute(hid_t file, const char *name, hid_t type, const void *value, nb_error *err)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    nb_status status = NB_OK;
    if (attribute < 0 || H5Awrite(attribute, type, value) < 0) {
        status = nb_h5_fail(err, NB_ERR_IO, "write attribute", name);
    }
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    H5Sclose(space);
    return status;
}

static nb_status h5_put_text_attribute(hid_t file, const char *name, const char *text, nb_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    nb_status status = h5_put_attribute(file, name, type, text, err);
    H5Tclose(type);
    return status;
}

/* A sparse file on its way to another. */
typedef struct h5_copy {
    int from, to;
    const char *path; /* of `to` */
    char *buffer;     /* [COPY_BYTES] */
} h5_copy;

static nb_status h5_copy_range(const h5_copy *c, off_t at, off_t end, nb_error *err)
{
    while (at < end) {
        size_t part = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
        errno = EIO; /* what a read that gives nothing means here */
        ssize_t got = pread(c->from, c->buffer, part, at);
        if (got <= 0 && errno != EINTR) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot read back what is to be written to '%s'", c->path);
        }
        ssize_t put = got > 0 ? pwrite(c->to, c->buffer, (size_t)got, at) : 0;
        if (put < 0 && errno != EINTR) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", c->path);
        }
        at += put > 0 ? put : 0;
    }
    return NB_OK;
}

/* Copies what was written of `size` bytes; what was not stays a hole. Only ENXIO says that no data follow: whatever
 * else goes wrong with looking for them would leave zeros in their place. */
static nb_status h5_copy_sparse(const h5_copy *c, off_t size, nb_error *err)
{
    for (off_t at = 0, end; at < size; at = end) {
        errno = EIO; /* should a look find no end behind its begin */
        off_t begin = lseek(c->from, at, SEEK_DATA);
        if (begin < 0 && errno == ENXIO) {
            break;
        }
        end = begin < 0 ? -1 : lseek(c->from, begin, SEEK_HOLE);
        if (end <= begin) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot find what is to be written to '%s'", c->path);
        }
        nb_status status = h5_copy_range(c, begin, end, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return ftruncate(c->to, size) == 0 ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", c->path);
}

/* The file is there from the beginning: where it cannot be, no work is done for it. */
static nb_status h5_make_file(const char *path, nb_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || close(fd) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot create '%s'", path);
    }
    return NB_OK;
}

nb_status nb_h5_create(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err)
{
    *file = -1;
    nb_status status;
    nb_h5_quiet();
    hid_t create = H5Pcreate(H5P_FILE_CREATE);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    NB_TRY(nb_zstd_filter_register(err));
    H5Pset_userblock(create, NB_H5_USER_BLOCK);
    H5Pset_obj_track_times(create, false);
    if (format > 1) { /* more than 8 links would leave the header for a heap and a tree, which structure.c refuses */
        H5Pset_link_phase_change(create, ROOT_LINKS_MAX, ROOT_LINKS_MAX);
    }
    /* 1.10's index of a single chunk takes 30 bytes, 1.8's over 2000: as much as a small file holds */
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    NB_TRY(nb_h5_memory_use(access, err));
    NB_TRY(h5_make_file(path, err));
    *file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    if (*file < 0) {
        status = nb_h5_fail(err, NB_ERR_LIMIT, "hold in memory", path);
        goto done;
    }
    char producer[64];
    snprintf(producer, sizeof producer, "negbank %s %s", nb_version(), nb_commit());
    NB_TRY(h5_put_text_attribute(*file, "kind", kind, err));
    NB_TRY(h5_put_attribute(*file, "format", H5T_NATIVE_UINT, &format, err));
    NB_TRY(h5_put_text_attribute(*file, "producer", producer, err));
done:
    H5Pclose(create);
    H5Pclose(access);
    if (*file < 0) {
        nb_h5_loud();
    }
    return status;
}

void nb_h5_close(hid_t *file)
{
    if (*file > 0) {
        H5Fclose(*file);
        nb_h5_loud();
    }
    *file = -1;
}

/* What no reader of ours would open is not written. */
static nb_status h5_check_structure(int fd, const char *path, nb_error *err)
{
    struct stat st;
    nb_error why = {0};
    if (fstat(fd, &st) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot read back what is to be written to '%s'", path);
    }
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return nb_fail_errno(err, NB_ERR_LIMIT, "cannot map what is to be written to '%s'", path);
    }
    nb_map map = {bytes, (size_t)st.st_size};
    nb_status status = nb_structure_check(&map, path, NB_STRUCTURE_TEXTS_TIMES, &why);
    nb_map_close(&map);
    if (status == NB_ERR_INPUT) {
        return nb_fail(err, NB_ERR_INTERNAL, "this HDF5 library writes what negbank does not read: %s", why.message);
    }
    return status == NB_OK ? NB_OK : nb_fail(err, status, "%s", why.message);
}

nb_status nb_h5_save(hid_t *file, const char *path, nb_error *err)
{
    nb_status status;
    struct stat st;
    nb_h5_memory *memory = nb_h5_memory_of(*file);
    h5_copy copy = {.from = memory->fd, .to = -1, .path = path};
    memory->kept = true;
    if (H5Fclose(*file) < 0) {
        memory->kept = false; /* it is HDF5's until the process ends */
        *file = -1;
        status = nb_h5_fail(err, NB_ERR_LIMIT, "finish", path);
        nb_h5_loud();
        return status;
    }
    *file = -1;
    nb_h5_loud();
    NB_TRY(nb_h5_memory_check(memory, path, err));
    NB_TRY(h5_check_structure(memory->fd, path, err));
    NB_TRY_NEW(copy.buffer, COPY_BYTES);
    copy.to = open(path, O_WRONLY | O_CLOEXEC);
    if (copy.to < 0 || fstat(memory->fd, &st) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", path);
        goto done;
    }
    NB_TRY(h5_copy_sparse(&copy, st.st_size, err));
done:
    if (copy.to >= 0 && close(copy.to) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
    }
    free(copy.buffer);
    nb_h5_memory_free(memory);
    return status;
}

hid_t nb_h5_half_type(void)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

nb_status nb_h5_total_bytes(const char *name, size_t rank, const hsize_t *dims, size_t element, size_t *bytes,
                            nb_error *err)
{
    *bytes = element;
    for (size_t i = 0; i < rank; i++) {
        if (!nb_mul_size(*bytes, (size_t)dims[i], bytes) || *bytes >> DATASET_BYTES_MAX_LOG2) {
            return nb_fail(err, NB_ERR_LIMIT, "dataset '%s' is larger than %d TiB", name,
                           1 << (DATASET_BYTES_MAX_LOG2 - 40));
        }
    }
    return NB_OK;
}

/* Creation properties: contiguous and unfilled, or zstd chunks of whole rows. */
static hid_t h5_properties(hid_t file_type, size_t rank, const hsize_t *dims, nb_h5_layout layout)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    size_t element = H5Tget_size(file_type), row = element;
    for (size_t i = 1; i < rank; i++) {
        row *= (size_t)dims[i];
    }
    if (layout == NB_H5_CONTIGUOUS || rank == 0 || row * dims[0] <= NB_H5_SMALL) {
        H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
        return plist;
    }
    hsize_t chunk[8];
    memcpy(chunk, dims, rank * sizeof *chunk);
    hsize_t rows = row < CHUNK_BYTES ? CHUNK_BYTES / row : 1;
    chunk[0] = rows < dims[0] ? rows : dims[0];
    H5Pset_chunk(plist, (int)rank, chunk);
    if (element > 1) {
        H5Pset_shuffle(plist);
    }
    unsigned level = NB_ZSTD_LEVEL;
    H5Pset_filter(plist, NB_ZSTD_FILTER, H5Z_FLAG_MANDATORY, 1, &level);
    return plist;
}

nb_status nb_h5_create_groups(hid_t file, const char *name, nb_error *err)
{
    nb_status status = NB_OK;
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, false);
    for (const char *slash = strchr(name, '/'); slash && status == NB_OK; slash = strchr(slash + 1, '/')) {
        char group[128];
        snprintf(group, sizeof group, "%.*s", (int)(slash - name), name);
        if (H5Lexists(file, group, H5P_DEFAULT) > 0) {
            continue;
        }
        hid_t made = H5Gcreate2(file, group, H5P_DEFAULT, plist, H5P_DEFAULT);
        if (made < 0 || H5Gclose(made) < 0) {
            status = nb_h5_fail(err, NB_ERR_IO, "create group", group);
        }
    }
    H5Pclose(plist);
    return status;
}

static nb_status h5_create_dataset(hid_t file, const char *name, const nb_h5_array *a, nb_h5_layout layout,
                                   hid_t *dataset, nb_error *err)
{
    size_t bytes;
    nb_status status = nb_h5_total_bytes(name, a->rank, a->dims, H5Tget_size(a->stored), &bytes, err);
    if (status == NB_OK) {
        status = nb_h5_create_groups(file, name, err);
    }
    if (status != NB_OK) {
        return status;
    }
    hid_t plist = h5_properties(a->stored, a->rank, a->dims, layout);
    hid_t space = a->rank ? H5Screate_simple((int)a->rank, a->dims, NULL) : H5Screate(H5S_SCALAR);
    *dataset = H5Dcreate2(file, name, a->stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (*dataset < 0) {
        status = nb_h5_fail(err, NB_ERR_IO, "create dataset", name);
    }
    H5Sclose(space);
    H5Pclose(plist);
    return status;
}

/* The filter has no other way to say that it had no memory to pack into; errno was 0 before. */
static nb_status h5_write_failed(const char *name, nb_error *err)
{
    return errno == ENOMEM ? nb_fail(err, NB_ERR_LIMIT, "out of memory to pack dataset '%s'", name)
                           : nb_h5_fail(err, NB_ERR_IO, "write dataset", name);
}

nb_status nb_h5_put(hid_t file, const char *name, const nb_h5_array *array, nb_h5_layout layout, nb_error *err)
{
    hid_t dataset;
    nb_status status = h5_create_dataset(file, name, array, layout, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    errno = 0;
    if (array->data && H5Dwrite(dataset, array->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data) < 0) {
        status = h5_write_failed(name, err);
    }
    if (H5Dclose(dataset) < 0 && status == NB_OK) {
        status = h5_write_failed(name, err);
    }
    return status;
}

nb_status nb_h5_put_vector(hid_t file, const char *name, nb_h5_values values, nb_h5_layout layout, nb_error *err)
{
    hsize_t count = values.count;
    const nb_h5_array array = {values.stored, values.memory, 1, &count, values.data};
    return nb_h5_put(file, name, &array, layout, err);
}

nb_status nb_h5_dataset_offset(hid_t dataset, const char *name, uint64_t *offset, nb_error *err)
{
    haddr_t at = H5Dget_offset(dataset);
    if (at == HADDR_UNDEF) {
        return nb_h5_fail(err, NB_ERR_INPUT, "locate dataset", name);
    }
    *offset = at;
    return NB_OK;
}

nb_status nb_h5_reserve(hid_t file, const char *name, const nb_h5_array *array, uint64_t *offset, nb_error *err)
{
    hid_t dataset;
    nb_status status = h5_create_dataset(file, name, array, NB_H5_CONTIGUOUS, &dataset, err);
    if (status == NB_OK) {
        status = nb_h5_dataset_offset(dataset, name, offset, err);
        H5Dclose(dataset);
    }
    return status;
}

nb_status nb_h5_text_too_long(const char *name, size_t bytes, size_t most, nb_error *err)
{
    return nb_fail(err, NB_ERR_LIMIT, "text '%s' has %zu bytes, over %zu (limit h5-text)", name, bytes, most);
}

static nb_status h5_put_text(hid_t file, const char *name, size_t most, const char *text, nb_error *err)
{
    if (strlen(text) >= most) {
        return nb_h5_text_too_long(name, strlen(text) + 1, most, err);
    }
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const nb_h5_array scalar = {.stored = type, .memory = type, .data = text};
    nb_status status = nb_h5_put(file, name, &scalar, NB_H5_CONTIGUOUS, err);
    H5Tclose(type);
    return status;
}

nb_status nb_h5_put_text(hid_t file, const char *name, const char *text, nb_error *err)
{
    return h5_put_text(file, name, NB_H5_TEXT_MAX, text, err);
}

nb_status nb_h5_put_long_text(hid_t file, const char *name, const char *text, nb_error *err)
{
    return h5_put_text(file, name, NB_H5_LONG_TEXT_MAX, text, err);
}

nb_status nb_h5_put_strings(hid_t file, const char *name, const nb_strings *strings, nb_error *err)
{
    char part[128];
    static const uint64_t none = 0;
    const uint64_t *offset = strings->count ? strings->offset : &none;
    const nb_h5_values bytes = {H5T_STD_U8LE, H5T_NATIVE_UCHAR, (size_t)offset[strings->count], strings->bytes};
    const nb_h5_values offsets = {H5T_STD_U64LE, H5T_NATIVE_UINT64, strings->count + 1, offset};
    snprintf(part, sizeof part, "%s/bytes", name);
    nb_status status = nb_h5_put_vector(file, part, bytes, NB_H5_ZSTD, err);
    if (status == NB_OK) {
        snprintf(part, sizeof part, "%s/offsets", name);
        status = nb_h5_put_vector(file, part, offsets, NB_H5_ZSTD, err);
    }
    return status;
}
