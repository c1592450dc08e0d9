#include "common/store/h5.h"

#include "common/base/text.h"
#include "common/base/version.h"
#include "common/store/seal.h"
#include "common/store/zstd_filter.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 20, DATASET_BYTES_MAX_LOG2 = 40 };

/* The innermost description of HDF5's error stack. */
static herr_t innermost(unsigned n, const H5E_error2_t *entry, void *out)
{
    if (n == 0 && entry->desc) {
        snprintf(out, NB_HINT_MAX, "%s", entry->desc);
    }
    return 0;
}

static nb_status fail_h5(nb_error *err, nb_status status, const char *what, const char *name)
{
    char reason[NB_HINT_MAX] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, reason);
    return nb_fail(err, status, "HDF5 cannot %s '%s': %s", what, name, reason);
}

static nb_status start(nb_error *err)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return nb_zstd_filter_register(err);
}

static nb_status put_attribute(hid_t file, const char *name, hid_t type, const void *value, nb_error *err)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    nb_status status = NB_OK;
    if (attribute < 0 || H5Awrite(attribute, type, value) < 0) {
        status = fail_h5(err, NB_ERR_IO, "write attribute", name);
    }
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    H5Sclose(space);
    return status;
}

static nb_status put_text_attribute(hid_t file, const char *name, const char *text, nb_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    nb_status status = put_attribute(file, name, type, text, err);
    H5Tclose(type);
    return status;
}

nb_status nb_h5_create(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err)
{
    *file = -1;
    nb_status status = start(err);
    if (status != NB_OK) {
        return status;
    }
    hid_t create = H5Pcreate(H5P_FILE_CREATE);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_userblock(create, NB_SEAL_BYTES);
    H5Pset_obj_track_times(create, false);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    *file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    if (*file < 0) {
        status = fail_h5(err, NB_ERR_IO, "create", path);
        goto done;
    }
    char producer[64];
    snprintf(producer, sizeof producer, "negbank %s %s", nb_version(), nb_commit());
    NB_TRY(put_text_attribute(*file, "kind", kind, err));
    NB_TRY(put_attribute(*file, "format", H5T_NATIVE_UINT, &format, err));
    NB_TRY(put_text_attribute(*file, "producer", producer, err));
done:
    H5Pclose(create);
    H5Pclose(access);
    return status;
}

static void get_text_attribute(hid_t file, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    if (attribute < 0) {
        return;
    }
    hid_t type = H5Aget_type(attribute);
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && !H5Tis_variable_str(type) && H5Tget_size(type) < size &&
        H5Aread(attribute, type, out) >= 0) {
        out[H5Tget_size(type)] = '\0';
    }
    H5Tclose(type);
    H5Aclose(attribute);
}

nb_status nb_h5_open(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err)
{
    *file = -1;
    nb_status status = start(err);
    if (status != NB_OK) {
        return status;
    }
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    *file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (*file < 0) {
        return fail_h5(err, NB_ERR_INPUT, "open", path);
    }
    char have[64], producer[64];
    unsigned version = 0;
    get_text_attribute(*file, "kind", have, sizeof have);
    get_text_attribute(*file, "producer", producer, sizeof producer);
    hid_t attribute = H5Aopen(*file, "format", H5P_DEFAULT);
    if (attribute >= 0) {
        H5Aread(attribute, H5T_NATIVE_UINT, &version);
        H5Aclose(attribute);
    }
    if (strcmp(have, kind) != 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is a negbank '%s', a '%s' is needed", path, have, kind);
    } else if (version == 0 || version > format) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has format %u, this program reads up to %u", path, version, format);
        status = nb_hint(err, "it was written by %s: install that version or a newer one", producer);
    }
    if (status != NB_OK) {
        H5Fclose(*file);
        *file = -1;
    }
    return status;
}

nb_status nb_h5_close(hid_t *file, nb_error *err)
{
    nb_status status = NB_OK;
    if (*file > 0 && H5Fclose(*file) < 0) {
        status = fail_h5(err, NB_ERR_IO, "close", "file");
    }
    *file = -1;
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

/* Bytes of a whole dataset, checked. */
static nb_status total_bytes(const char *name, size_t rank, const hsize_t *dims, size_t element, size_t *bytes,
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
static hid_t properties(hid_t file_type, size_t rank, const hsize_t *dims, nb_h5_layout layout)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    size_t element = H5Tget_size(file_type), row = element;
    bool empty = false;
    for (size_t i = 0; i < rank; i++) {
        row *= i ? (size_t)dims[i] : 1;
        empty = empty || dims[i] == 0;
    }
    if (layout == NB_H5_CONTIGUOUS || rank == 0 || empty) {
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

/* Makes the groups in front of a dataset's name, without the times HDF5 gives those it makes by itself. */
static nb_status create_groups(hid_t file, const char *name, nb_error *err)
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
            status = fail_h5(err, NB_ERR_IO, "create group", group);
        }
    }
    H5Pclose(plist);
    return status;
}

static nb_status create_dataset(hid_t file, const char *name, hid_t file_type, size_t rank, const hsize_t *dims,
                                nb_h5_layout layout, hid_t *dataset, nb_error *err)
{
    size_t bytes;
    nb_status status = total_bytes(name, rank, dims, H5Tget_size(file_type), &bytes, err);
    if (status == NB_OK) {
        status = create_groups(file, name, err);
    }
    if (status != NB_OK) {
        return status;
    }
    hid_t plist = properties(file_type, rank, dims, layout);
    hid_t space = rank ? H5Screate_simple((int)rank, dims, NULL) : H5Screate(H5S_SCALAR);
    *dataset = H5Dcreate2(file, name, file_type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (*dataset < 0) {
        status = fail_h5(err, NB_ERR_IO, "create dataset", name);
    }
    H5Sclose(space);
    H5Pclose(plist);
    return status;
}

nb_status nb_h5_put(hid_t file, const char *name, hid_t file_type, hid_t mem_type, size_t rank, const hsize_t *dims,
                    const void *data, nb_h5_layout layout, nb_error *err)
{
    hid_t dataset;
    nb_status status = create_dataset(file, name, file_type, rank, dims, layout, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    if (data && H5Dwrite(dataset, mem_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        status = fail_h5(err, NB_ERR_IO, "write dataset", name);
    }
    if (H5Dclose(dataset) < 0 && status == NB_OK) {
        status = fail_h5(err, NB_ERR_IO, "write dataset", name);
    }
    return status;
}

nb_status nb_h5_put_vector(hid_t file, const char *name, hid_t file_type, hid_t mem_type, size_t count,
                           const void *data, nb_h5_layout layout, nb_error *err)
{
    hsize_t dims = count;
    return nb_h5_put(file, name, file_type, mem_type, 1, &dims, data, layout, err);
}

static nb_status dataset_offset(hid_t dataset, const char *name, uint64_t *offset, nb_error *err)
{
    haddr_t at = H5Dget_offset(dataset);
    if (at == HADDR_UNDEF) {
        return fail_h5(err, NB_ERR_INPUT, "locate dataset", name);
    }
    *offset = at;
    return NB_OK;
}

nb_status nb_h5_reserve(hid_t file, const char *name, hid_t file_type, size_t rank, const hsize_t *dims,
                        uint64_t *offset, nb_error *err)
{
    hid_t dataset;
    nb_status status = create_dataset(file, name, file_type, rank, dims, NB_H5_CONTIGUOUS, &dataset, err);
    if (status == NB_OK) {
        status = dataset_offset(dataset, name, offset, err);
        H5Dclose(dataset);
    }
    return status;
}

bool nb_h5_has(hid_t file, const char *name)
{
    return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

static nb_status open_dataset(hid_t file, const char *name, hid_t *dataset, nb_error *err)
{
    *dataset = H5Dopen2(file, name, H5P_DEFAULT);
    return *dataset < 0 ? fail_h5(err, NB_ERR_INPUT, "open dataset", name) : NB_OK;
}

nb_status nb_h5_dims(hid_t file, const char *name, size_t rank, hsize_t *dims, bool *is_half, nb_error *err)
{
    hid_t dataset;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) != (int)rank) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' does not have %zu dimensions", name, rank);
    } else {
        H5Sget_simple_extent_dims(space, dims, NULL);
    }
    if (is_half) {
        hid_t type = H5Dget_type(dataset);
        *is_half = H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == 2;
        H5Tclose(type);
    }
    H5Sclose(space);
    H5Dclose(dataset);
    return status;
}

nb_status nb_h5_offset(hid_t file, const char *name, uint64_t *offset, nb_error *err)
{
    hid_t dataset;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status == NB_OK) {
        status = dataset_offset(dataset, name, offset, err);
        H5Dclose(dataset);
    }
    return status;
}

nb_status nb_h5_get(hid_t file, const char *name, hid_t mem_type, size_t mem_size, size_t rank, const hsize_t *dims,
                    void **data, nb_error *err)
{
    hsize_t have[8];
    hid_t dataset = -1;
    size_t bytes;
    *data = NULL;
    nb_status status;
    NB_TRY(nb_h5_dims(file, name, rank, have, NULL, err));
    for (size_t i = 0; i < rank; i++) {
        if (have[i] != dims[i]) {
            return nb_fail(err, NB_ERR_INPUT, "dataset '%s' has %llu in dimension %zu, %llu belong there", name,
                           (unsigned long long)have[i], i, (unsigned long long)dims[i]);
        }
    }
    NB_TRY(total_bytes(name, rank, dims, mem_size, &bytes, err));
    *data = nb_alloc_aligned(bytes + 1, 1, err);
    if (!*data) {
        return NB_ERR_LIMIT;
    }
    NB_TRY(open_dataset(file, name, &dataset, err));
    if (H5Dread(dataset, mem_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *data) < 0) {
        status = fail_h5(err, NB_ERR_INPUT, "read dataset", name);
    }
done:
    if (dataset >= 0) {
        H5Dclose(dataset);
    }
    if (status != NB_OK) {
        free(*data);
        *data = NULL;
    }
    return status;
}

nb_status nb_h5_get_vector(hid_t file, const char *name, hid_t mem_type, size_t mem_size, size_t *count, void **data,
                           nb_error *err)
{
    hsize_t dims;
    nb_status status = nb_h5_dims(file, name, 1, &dims, NULL, err);
    if (status == NB_OK) {
        *count = (size_t)dims;
        status = nb_h5_get(file, name, mem_type, mem_size, 1, &dims, data, err);
    }
    return status;
}

nb_status nb_h5_put_text(hid_t file, const char *name, const char *text, nb_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    nb_status status = nb_h5_put(file, name, type, type, 0, NULL, text, NB_H5_CONTIGUOUS, err);
    H5Tclose(type);
    return status;
}

nb_status nb_h5_get_text(hid_t file, const char *name, char **text, nb_error *err)
{
    hid_t dataset;
    *text = NULL;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    hid_t type = H5Dget_type(dataset);
    size_t size = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) || size > (size_t)1 << 28) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' is not a text", name);
    } else if (!(*text = nb_alloc(size + 1, 1, err))) {
        status = NB_ERR_LIMIT;
    } else if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) < 0) {
        status = fail_h5(err, NB_ERR_INPUT, "read dataset", name);
        free(*text);
        *text = NULL;
    }
    H5Tclose(type);
    H5Dclose(dataset);
    return status;
}

nb_status nb_h5_put_strings(hid_t file, const char *name, const nb_strings *strings, nb_error *err)
{
    char part[128];
    static const uint64_t none = 0;
    const uint64_t *offset = strings->count ? strings->offset : &none;
    snprintf(part, sizeof part, "%s/bytes", name);
    nb_status status = nb_h5_put_vector(file, part, H5T_STD_U8LE, H5T_NATIVE_UCHAR, (size_t)offset[strings->count],
                                        strings->bytes, NB_H5_ZSTD, err);
    if (status == NB_OK) {
        snprintf(part, sizeof part, "%s/offsets", name);
        status = nb_h5_put_vector(file, part, H5T_STD_U64LE, H5T_NATIVE_UINT64, strings->count + 1, offset, NB_H5_ZSTD,
                                  err);
    }
    return status;
}

/* Every string must end in its NUL inside the block, hold no other, and be UTF-8. */
static bool strings_sound(const nb_strings *s, size_t bytes)
{
    if (s->offset[0] != 0 || s->offset[s->count] != bytes) {
        return false;
    }
    for (size_t i = 0; i < s->count; i++) {
        uint64_t begin = s->offset[i], end = s->offset[i + 1];
        if (end <= begin || end > bytes) {
            return false;
        }
        size_t len = (size_t)(end - begin - 1);
        if (strnlen(s->bytes + begin, len + 1) != len || !nb_utf8_valid(s->bytes + begin, len)) {
            return false;
        }
    }
    return true;
}

nb_status nb_h5_get_strings(hid_t file, const char *name, nb_strings *strings, nb_error *err)
{
    char part[128];
    size_t bytes = 0, offsets = 0;
    *strings = (nb_strings){0};
    nb_status status;
    snprintf(part, sizeof part, "%s/bytes", name);
    NB_TRY(nb_h5_get_vector(file, part, H5T_NATIVE_UCHAR, 1, &bytes, (void **)&strings->bytes, err));
    snprintf(part, sizeof part, "%s/offsets", name);
    NB_TRY(nb_h5_get_vector(file, part, H5T_NATIVE_UINT64, 8, &offsets, (void **)&strings->offset, err));
    strings->count = offsets ? offsets - 1 : 0;
    strings->cap_count = offsets;
    strings->cap_bytes = bytes;
    if (!offsets || !strings_sound(strings, bytes)) {
        status = nb_fail(err, NB_ERR_INPUT, "strings '%s' are damaged", name);
    }
done:
    if (status != NB_OK) {
        nb_strings_free(strings);
    }
    return status;
}
