/* Reading. A seal is no signature: whoever makes a file can seal it, so its content is as untrusted as any input. HDF5
 * would convert types, run other filters, follow links into other files and make up bytes that were never stored; what
 * is not laid out as h5.c does it is therefore refused before HDF5 reads it. */
#include "common/base/text.h"
#include "common/store/h5_internal.h"
#include "common/store/zstd_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RANK_MAX = 8, TEXT_BYTES_MAX = 1 << 28, CHUNK_BYTES_MAX = 1 << 30 };

static bool holds_one(hid_t space)
{
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space);
    return one;
}

/* A fixed-length string shorter than `size`. */
static bool is_text(hid_t type, size_t size)
{
    return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < size;
}

/* A text attribute in printable ASCII; "" when there is none. */
static void get_text_attribute(hid_t file, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    if (attribute < 0) {
        return;
    }
    hid_t type = H5Aget_type(attribute);
    if (is_text(type, size) && holds_one(H5Aget_space(attribute)) && H5Aread(attribute, type, out) >= 0) {
        out[H5Tget_size(type)] = '\0';
    }
    for (char *c = out; *c; c++) {
        *c = (char)(*c >= ' ' && *c <= '~' ? *c : '?');
    }
    H5Tclose(type);
    H5Aclose(attribute);
}

/* A whole number as an attribute; 0 when there is none. */
static unsigned get_number_attribute(hid_t file, const char *name)
{
    unsigned number = 0;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    if (attribute < 0) {
        return 0;
    }
    hid_t type = H5Aget_type(attribute);
    if (H5Tequal(type, H5T_NATIVE_UINT) <= 0 || !holds_one(H5Aget_space(attribute)) ||
        H5Aread(attribute, H5T_NATIVE_UINT, &number) < 0) {
        number = 0;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return number;
}

nb_status nb_h5_open(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err)
{
    *file = -1;
    nb_status status = nb_h5_start(err);
    if (status != NB_OK) {
        return status;
    }
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (*file < 0) {
        return nb_h5_fail(err, NB_ERR_INPUT, "open", path);
    }
    char have[64], producer[64];
    get_text_attribute(*file, "kind", have, sizeof have);
    get_text_attribute(*file, "producer", producer, sizeof producer);
    unsigned version = get_number_attribute(*file, "format");
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

bool nb_h5_has(hid_t file, const char *name)
{
    return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

static nb_status open_dataset(hid_t file, const char *name, hid_t *dataset, nb_error *err)
{
    *dataset = H5Dopen2(file, name, H5P_DEFAULT);
    return *dataset < 0 ? nb_h5_fail(err, NB_ERR_INPUT, "open dataset", name) : NB_OK;
}

static nb_status get_dims(hid_t dataset, const char *name, size_t rank, hsize_t *dims, nb_error *err)
{
    nb_status status = NB_OK;
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) != (int)rank || H5Sget_simple_extent_dims(space, dims, NULL) < 0) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' does not have %zu dimensions", name, rank);
    }
    H5Sclose(space);
    return status;
}

static bool has_type(hid_t dataset, hid_t want)
{
    hid_t type = H5Dget_type(dataset);
    bool equal = H5Tequal(type, want) > 0;
    H5Tclose(type);
    return equal;
}

/* Half or single precision, nothing else. */
static nb_status get_precision(hid_t dataset, const char *name, bool *is_half, nb_error *err)
{
    hid_t half = nb_h5_half_type();
    *is_half = has_type(dataset, half);
    H5Tclose(half);
    return *is_half || has_type(dataset, H5T_IEEE_F32LE)
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds neither half nor single precision numbers", name);
}

nb_status nb_h5_dims(hid_t file, const char *name, size_t rank, hsize_t *dims, bool *is_half, nb_error *err)
{
    hid_t dataset;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    status = get_dims(dataset, name, rank, dims, err);
    if (status == NB_OK && is_half) {
        status = get_precision(dataset, name, is_half, err);
    }
    H5Dclose(dataset);
    return status;
}

nb_status nb_h5_offset(hid_t file, const char *name, uint64_t *offset, nb_error *err)
{
    hid_t dataset;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status == NB_OK) {
        status = nb_h5_dataset_offset(dataset, name, offset, err);
        H5Dclose(dataset);
    }
    return status;
}

/* A dataset that is about to be read. */
typedef struct source {
    hid_t dataset, properties;
    const char *name;
    size_t rank, element, bytes; /* bytes: of the whole dataset */
    const hsize_t *dims;
    hsize_t file_bytes;
} source;

static nb_status refuse(const source *s, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "dataset '%s' is damaged: %s", s->name, what);
}

/* Shuffling or nothing, then zstd. */
static bool filters_are_ours(hid_t properties)
{
    int count = H5Pget_nfilters(properties);
    for (int i = 0; i < count; i++) {
        unsigned flags;
        size_t values = 0;
        H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
        if (filter != (i + 1 == count ? NB_ZSTD_FILTER : H5Z_FILTER_SHUFFLE)) {
            return false;
        }
    }
    return count == 1 || count == 2;
}

/* Chunks of whole rows; *rows a chunk, *bytes of one unpacked. */
static bool get_chunk_shape(const source *s, hsize_t *rows, size_t *bytes)
{
    hsize_t chunk[RANK_MAX];
    if (H5Pget_chunk(s->properties, RANK_MAX, chunk) != (int)s->rank) {
        return false;
    }
    *rows = chunk[0];
    *bytes = s->element;
    for (size_t i = 0; i < s->rank; i++) {
        if ((i && chunk[i] != s->dims[i]) || !nb_mul_size(*bytes, (size_t)chunk[i], bytes)) {
            return false;
        }
    }
    return *bytes && *bytes <= CHUNK_BYTES_MAX;
}

/* One chunk is stored, packed by all filters, and unpacks to exactly `bytes`: HDF5 does not compare the two. */
static nb_status check_chunk(const source *s, hsize_t row, size_t bytes, nb_error *err)
{
    hsize_t offset[RANK_MAX] = {row}, packed = 0;
    haddr_t at = HADDR_UNDEF;
    unsigned skipped = 0;
    uint32_t skipped_too = 0;
    bool whole = false;
    if (H5Dget_chunk_info_by_coord(s->dataset, offset, &skipped, &at, &packed) >= 0 && at != HADDR_UNDEF && !skipped &&
        packed && packed <= s->file_bytes) {
        void *raw = nb_alloc((size_t)packed, 1, err);
        if (!raw) {
            return NB_ERR_LIMIT;
        }
        whole = H5Dread_chunk(s->dataset, H5P_DEFAULT, offset, &skipped_too, raw) >= 0 &&
                nb_zstd_unpacked_bytes(raw, (size_t)packed) == bytes;
        free(raw);
    }
    return whole ? NB_OK : refuse(s, "a chunk is missing or incomplete", err);
}

/* The filter has no other way to say that it had no memory to unpack into; errno was 0 before. */
static nb_status read_failed(const char *name, nb_error *err)
{
    return errno == ENOMEM ? nb_fail(err, NB_ERR_LIMIT, "out of memory to unpack dataset '%s'", name)
                           : nb_h5_fail(err, NB_ERR_INPUT, "read dataset", name);
}

static nb_status check_chunks(const source *s, nb_error *err)
{
    hsize_t rows;
    size_t bytes;
    if (!filters_are_ours(s->properties)) {
        return refuse(s, "its chunks are not compressed as they should be", err);
    }
    if (!get_chunk_shape(s, &rows, &bytes)) {
        return refuse(s, "its chunks have no proper shape", err);
    }
    nb_status status = NB_OK;
    for (hsize_t row = 0; row < s->dims[0] && status == NB_OK; row += rows) {
        status = check_chunk(s, row, bytes, err);
    }
    return status;
}

/* All bytes of the dataset are stored, in this file. */
static nb_status check_stored(const source *s, nb_error *err)
{
    if (!s->bytes) {
        return NB_OK;
    }
    H5D_layout_t layout = H5Pget_layout(s->properties);
    if (layout == H5D_CHUNKED) {
        return check_chunks(s, err);
    }
    bool whole = layout == H5D_CONTIGUOUS && H5Pget_external_count(s->properties) == 0 &&
                 H5Dget_storage_size(s->dataset) == s->bytes && s->bytes <= s->file_bytes;
    return whole ? NB_OK : refuse(s, "its bytes are not all in the file", err);
}

nb_status nb_h5_read_checked(hid_t file, hid_t dataset, const char *name, hid_t type, size_t element, size_t rank,
                             const hsize_t *dims, void **data, nb_error *err)
{
    source s = {.dataset = dataset, .properties = -1, .name = name, .rank = rank, .element = element, .dims = dims};
    nb_status status;
    NB_TRY(nb_h5_total_bytes(name, rank, dims, element, &s.bytes, err));
    s.properties = H5Dget_create_plist(dataset);
    if (s.properties < 0 || H5Fget_filesize(file, &s.file_bytes) < 0) {
        status = nb_h5_fail(err, NB_ERR_INPUT, "look into dataset", name);
        goto done;
    }
    NB_TRY(check_stored(&s, err));
    *data = nb_alloc_aligned(s.bytes + 1, 1, err);
    status = *data ? NB_OK : NB_ERR_LIMIT;
    errno = 0;
    if (*data && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *data) < 0) {
        status = read_failed(name, err);
        free(*data);
        *data = NULL;
    }
done:
    if (s.properties >= 0) {
        H5Pclose(s.properties);
    }
    return status;
}

nb_status nb_h5_get(hid_t file, const char *name, hid_t mem_type, size_t mem_size, size_t rank, const hsize_t *dims,
                    void **data, nb_error *err)
{
    hsize_t have[RANK_MAX];
    hid_t dataset;
    *data = NULL;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY(get_dims(dataset, name, rank, have, err));
    for (size_t i = 0; i < rank; i++) {
        if (have[i] != dims[i]) {
            status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' has %llu in dimension %zu, %llu belong there", name,
                             (unsigned long long)have[i], i, (unsigned long long)dims[i]);
            goto done;
        }
    }
    if (!has_type(dataset, mem_type)) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds elements of another type than belongs there", name);
        goto done;
    }
    NB_TRY(nb_h5_read_checked(file, dataset, name, mem_type, mem_size, rank, dims, data, err));
done:
    H5Dclose(dataset);
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

nb_status nb_h5_get_text(hid_t file, const char *name, char **text, nb_error *err)
{
    hid_t dataset;
    void *data = NULL;
    nb_status status = open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        *text = NULL;
        return status;
    }
    hid_t type = H5Dget_type(dataset);
    if (is_text(type, TEXT_BYTES_MAX) && holds_one(H5Dget_space(dataset))) {
        status = nb_h5_read_checked(file, dataset, name, type, H5Tget_size(type), 0, NULL, &data, err);
    } else {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' is not a text", name);
    }
    *text = data;
    H5Tclose(type);
    H5Dclose(dataset);
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

/* The layout of an open vector; its chunks are looked at when they are read. */
static nb_status check_layout(nb_h5_vector *v, hid_t file, nb_error *err)
{
    hsize_t count = v->count, file_bytes = 0, rows = 0;
    size_t bytes;
    source s = {.dataset = v->dataset, .properties = -1, .name = v->name, .rank = 1, .element = v->element};
    nb_status status;
    s.dims = &count;
    NB_TRY(nb_h5_total_bytes(v->name, 1, &count, v->element, &s.bytes, err));
    s.properties = H5Dget_create_plist(v->dataset);
    if (s.properties < 0 || H5Fget_filesize(file, &file_bytes) < 0) {
        status = nb_h5_fail(err, NB_ERR_INPUT, "look into dataset", v->name);
        goto done;
    }
    s.file_bytes = file_bytes;
    v->file_bytes = file_bytes;
    if (!s.bytes || H5Pget_layout(s.properties) != H5D_CHUNKED) {
        NB_TRY(check_stored(&s, err));
    } else if (!filters_are_ours(s.properties) || !get_chunk_shape(&s, &rows, &bytes)) {
        status = refuse(&s, "its chunks are not as they should be", err);
    }
    v->chunk_rows = (size_t)rows;
done:
    if (s.properties >= 0) {
        H5Pclose(s.properties);
    }
    return status;
}

nb_status nb_h5_vector_open(nb_h5_vector *v, hid_t file, const char *name, hid_t mem_type, size_t mem_size,
                            nb_error *err)
{
    hsize_t count;
    nb_status status;
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    *v = (nb_h5_vector){.type = mem_type, .name = name, .element = mem_size};
    /* room for a chunk and the next: without it HDF5 unpacks a chunk at every read */
    if (access < 0 || H5Pset_chunk_cache(access, 101, 4 << 20, 1) < 0) {
        status = nb_h5_fail(err, NB_ERR_LIMIT, "prepare dataset", name);
        goto done;
    }
    v->dataset = H5Dopen2(file, name, access);
    if (v->dataset < 0) {
        v->dataset = 0;
        status = nb_h5_fail(err, NB_ERR_INPUT, "open dataset", name);
        goto done;
    }
    NB_TRY(get_dims(v->dataset, name, 1, &count, err));
    v->count = (size_t)count;
    if (!has_type(v->dataset, mem_type)) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds elements of another type than belongs there", name);
        goto done;
    }
    NB_TRY(check_layout(v, file, err));
done:
    if (access >= 0) {
        H5Pclose(access);
    }
    if (status != NB_OK) {
        nb_h5_vector_close(v);
    }
    return status;
}

void nb_h5_vector_close(nb_h5_vector *v)
{
    if (v->dataset > 0) {
        H5Dclose(v->dataset);
    }
    *v = (nb_h5_vector){0};
}

static nb_status check_chunks_of(nb_h5_vector *v, size_t begin, size_t count, nb_error *err)
{
    source s = {.dataset = v->dataset, .name = v->name, .file_bytes = v->file_bytes};
    for (size_t chunk = begin / v->chunk_rows; chunk <= (begin + count - 1) / v->chunk_rows; chunk++) {
        nb_status status = NB_OK;
        if (chunk + 1 != v->checked) {
            status = check_chunk(&s, chunk * v->chunk_rows, v->chunk_rows * v->element, err);
        }
        if (status != NB_OK) {
            return status;
        }
        v->checked = chunk + 1;
    }
    return NB_OK;
}

nb_status nb_h5_vector_read(nb_h5_vector *v, size_t begin, size_t count, void *out, nb_error *err)
{
    hsize_t at = begin, length = count;
    nb_status status;
    if (begin > v->count || count > v->count - begin) {
        return nb_fail(err, NB_ERR_INPUT, "dataset '%s' is damaged: elements %zu + %zu are beyond its %zu", v->name,
                       begin, count, v->count);
    }
    if (!count) {
        return NB_OK;
    }
    status = v->chunk_rows ? check_chunks_of(v, begin, count, err) : NB_OK;
    if (status != NB_OK) {
        return status;
    }
    hid_t space = H5Dget_space(v->dataset), memory = H5Screate_simple(1, &length, NULL);
    errno = 0;
    bool read = space >= 0 && memory >= 0 &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, &at, NULL, &length, NULL) >= 0 &&
                H5Dread(v->dataset, v->type, memory, space, H5P_DEFAULT, out) >= 0;
    if (space >= 0) {
        H5Sclose(space);
    }
    if (memory >= 0) {
        H5Sclose(memory);
    }
    return read ? NB_OK : read_failed(v->name, err);
}

nb_status nb_h5_strings_read(nb_h5_vector *bytes, nb_h5_vector *offsets, size_t begin, size_t count,
                             nb_strings *strings, nb_error *err)
{
    nb_strings s = {.count = count, .cap_count = count + 1};
    nb_status status;
    NB_TRY_NEW(s.offset, count + 1);
    NB_TRY(nb_h5_vector_read(offsets, begin, count + 1, s.offset, err));
    uint64_t first = s.offset[0], last = s.offset[count];
    if (last < first || last > bytes->count) {
        status = nb_fail(err, NB_ERR_INPUT, "strings '%s' are damaged", offsets->name);
        goto done;
    }
    for (size_t i = 0; i <= count; i++) {
        s.offset[i] -= first;
    }
    s.cap_bytes = (size_t)(last - first);
    NB_TRY_NEW(s.bytes, s.cap_bytes + 1);
    NB_TRY(nb_h5_vector_read(bytes, (size_t)first, s.cap_bytes, s.bytes, err));
    if (!strings_sound(&s, s.cap_bytes)) {
        status = nb_fail(err, NB_ERR_INPUT, "strings '%s' are damaged", offsets->name);
    }
done:
    if (status != NB_OK) {
        nb_strings_free(&s);
    }
    *strings = s;
    return status;
}
