/* Reading. A seal is no signature: whoever makes a file can seal it, so its content is as untrusted as any input. HDF5
 * would convert types, run other filters, follow links into other files and make up bytes that were never stored; what
 * has not the layout that h5.c gives it is therefore refused before HDF5 reads it. */
#include "common/base/text.h"
#include "common/store/hdf5/h5_stored.h"
#include "common/store/hdf5/structure.h"

#include <stdlib.h>
#include <string.h>

static bool h5_read_holds_one(hid_t space)
{
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space);
    return one;
}

/* A fixed-length string. */
static bool h5_read_is_text(hid_t type)
{
    return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
}

/* A text attribute in printable ASCII; "" when there is none. */
static void h5_read_get_text_attribute(hid_t file, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    if (attribute < 0) {
        return;
    }
    hid_t type = H5Aget_type(attribute);
    if (h5_read_is_text(type) && H5Tget_size(type) < size && h5_read_holds_one(H5Aget_space(attribute)) &&
        H5Aread(attribute, type, out) >= 0) {
        out[H5Tget_size(type)] = '\0';
    }
    for (char *c = out; *c; c++) {
        *c = (char)(*c >= ' ' && *c <= '~' ? *c : '?');
    }
    H5Tclose(type);
    H5Aclose(attribute);
}

/* A whole number as an attribute; 0 when there is none. */
static unsigned h5_read_get_number_attribute(hid_t file, const char *name)
{
    unsigned number = 0;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    if (attribute < 0) {
        return 0;
    }
    hid_t type = H5Aget_type(attribute);
    if (H5Tequal(type, H5T_NATIVE_UINT) <= 0 || !h5_read_holds_one(H5Aget_space(attribute)) ||
        H5Aread(attribute, H5T_NATIVE_UINT, &number) < 0) {
        number = 0;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return number;
}

/* What a file must be. */
typedef struct h5_kind {
    const char *name;
    unsigned format; /* the newest that is read */
    unsigned times;  /* what it may unpack to */
} h5_kind;

/* Nothing reaches HDF5 that our own reader has not walked through. */
static nb_status h5_read_check_structure(const char *path, unsigned times, nb_error *err)
{
    nb_map map;
    nb_status status = nb_map_open(&map, path, err);
    if (status == NB_OK) {
        status = nb_structure_check(&map, path, times, err);
        nb_map_close(&map);
    }
    return status;
}

static nb_status h5_read_open(hid_t *file, const char *path, const h5_kind *kind, nb_error *err)
{
    *file = -1;
    nb_status status;
    nb_h5_quiet();
    NB_TRY(h5_read_check_structure(path, kind->times, err));
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (*file < 0) {
        status = nb_h5_fail(err, NB_ERR_INPUT, "open", path);
        goto done;
    }
    char have[64], producer[64];
    h5_read_get_text_attribute(*file, "kind", have, sizeof have);
    h5_read_get_text_attribute(*file, "producer", producer, sizeof producer);
    unsigned version = h5_read_get_number_attribute(*file, "format");
    if (strcmp(have, kind->name) != 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is a negbank '%s', a '%s' is needed", path, have, kind->name);
    } else if (version == 0 || version > kind->format) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has format %u, this program reads up to %u", path, version, kind->format);
        status = nb_hint(err, "it was written by %s: install that version or a newer one", producer);
    }
done:
    if (status != NB_OK) {
        if (*file >= 0) {
            H5Fclose(*file);
        }
        *file = -1;
        nb_h5_loud();
    }
    return status;
}

nb_status nb_h5_open(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err)
{
    return h5_read_open(file, path, &(h5_kind){kind, format, NB_STRUCTURE_UNPACKED_TIMES}, err);
}

nb_status nb_h5_open_texts(hid_t *file, const char *path, const char *kind, unsigned format, nb_error *err)
{
    return h5_read_open(file, path, &(h5_kind){kind, format, NB_STRUCTURE_TEXTS_TIMES}, err);
}

bool nb_h5_has(hid_t file, const char *name)
{
    return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

static nb_status h5_read_open_dataset(hid_t file, const char *name, hid_t *dataset, nb_error *err)
{
    *dataset = H5Dopen2(file, name, H5P_DEFAULT);
    return *dataset < 0 ? nb_h5_fail(err, NB_ERR_INPUT, "open dataset", name) : NB_OK;
}

nb_status nb_h5_dataset_dims(hid_t dataset, const char *name, size_t rank, hsize_t *dims, nb_error *err)
{
    nb_status status = NB_OK;
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) != (int)rank || H5Sget_simple_extent_dims(space, dims, NULL) < 0) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' does not have %zu dimensions", name, rank);
    }
    H5Sclose(space);
    return status;
}

bool nb_h5_dataset_is(hid_t dataset, hid_t want)
{
    hid_t type = H5Dget_type(dataset);
    bool equal = H5Tequal(type, want) > 0;
    H5Tclose(type);
    return equal;
}

/* Half or single precision, nothing else. */
static nb_status h5_read_get_precision(hid_t dataset, const char *name, bool *is_half, nb_error *err)
{
    hid_t half = nb_h5_half_type();
    *is_half = nb_h5_dataset_is(dataset, half);
    H5Tclose(half);
    return *is_half || nb_h5_dataset_is(dataset, H5T_IEEE_F32LE)
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds neither half nor single precision numbers", name);
}

nb_status nb_h5_dims(hid_t file, const char *name, size_t rank, hsize_t *dims, bool *is_half, nb_error *err)
{
    hid_t dataset;
    nb_status status = h5_read_open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    status = nb_h5_dataset_dims(dataset, name, rank, dims, err);
    if (status == NB_OK && is_half) {
        status = h5_read_get_precision(dataset, name, is_half, err);
    }
    H5Dclose(dataset);
    return status;
}

nb_status nb_h5_offset(hid_t file, const char *name, uint64_t *offset, nb_error *err)
{
    hid_t dataset;
    nb_status status = h5_read_open_dataset(file, name, &dataset, err);
    if (status == NB_OK) {
        status = nb_h5_dataset_offset(dataset, name, offset, err);
        H5Dclose(dataset);
    }
    return status;
}

nb_status nb_h5_read_checked(hid_t file, hid_t dataset, const char *name, const nb_h5_array *want, void **data,
                             nb_error *err)
{
    nb_h5_stored s = {.dataset = dataset,
                      .properties = -1,
                      .name = name,
                      .rank = want->rank,
                      .element = H5Tget_size(want->memory),
                      .dims = want->dims};
    nb_status status;
    NB_TRY(nb_h5_total_bytes(name, s.rank, s.dims, s.element, &s.bytes, err));
    s.properties = H5Dget_create_plist(dataset);
    if (s.properties < 0 || H5Fget_filesize(file, &s.file_bytes) < 0) {
        status = nb_h5_fail(err, NB_ERR_INPUT, "look into dataset", name);
        goto done;
    }
    *data = nb_alloc_aligned(s.bytes + 1, 1, err);
    NB_TRY(*data ? NB_OK : NB_ERR_LIMIT);
    ((char *)*data)[s.bytes] = '\0';
    status = nb_h5_read_stored(&s, want->memory, *data, err);
    if (status != NB_OK) {
        free(*data);
        *data = NULL;
    }
done:
    if (s.properties >= 0) {
        H5Pclose(s.properties);
    }
    return status;
}

nb_status nb_h5_get(hid_t file, const char *name, const nb_h5_array *want, void **data, nb_error *err)
{
    hsize_t have[NB_H5_RANK_MAX];
    hid_t dataset;
    *data = NULL;
    nb_status status = h5_read_open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY(nb_h5_dataset_dims(dataset, name, want->rank, have, err));
    for (size_t i = 0; i < want->rank; i++) {
        if (have[i] != want->dims[i]) {
            status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' has %llu in dimension %zu, %llu belong there", name,
                             (unsigned long long)have[i], i, (unsigned long long)want->dims[i]);
            goto done;
        }
    }
    if (!nb_h5_dataset_is(dataset, want->memory)) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds elements of another type than belongs there", name);
        goto done;
    }
    NB_TRY(nb_h5_read_checked(file, dataset, name, want, data, err));
done:
    H5Dclose(dataset);
    return status;
}

static nb_status h5_read_get_vector(hid_t file, const char *name, hid_t type, size_t *count, void **data, nb_error *err)
{
    hsize_t dims;
    nb_status status = nb_h5_dims(file, name, 1, &dims, NULL, err);
    if (status == NB_OK) {
        *count = (size_t)dims;
        status = nb_h5_get(file, name, &(nb_h5_array){.memory = type, .rank = 1, .dims = &dims}, data, err);
    }
    return status;
}

static nb_status h5_read_get_text(hid_t file, const char *name, size_t most, char **text, nb_error *err)
{
    hid_t dataset;
    void *data = NULL;
    nb_status status = h5_read_open_dataset(file, name, &dataset, err);
    if (status != NB_OK) {
        *text = NULL;
        return status;
    }
    hid_t type = H5Dget_type(dataset);
    if (!h5_read_is_text(type) || !h5_read_holds_one(H5Dget_space(dataset))) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' is not a text", name);
    } else if (H5Tget_size(type) > most) {
        status = nb_h5_text_too_long(name, H5Tget_size(type), most, err);
    } else {
        status = nb_h5_read_checked(file, dataset, name, &(nb_h5_array){.memory = type}, &data, err);
    }
    *text = data;
    H5Tclose(type);
    H5Dclose(dataset);
    return status;
}

nb_status nb_h5_get_text(hid_t file, const char *name, char **text, nb_error *err)
{
    return h5_read_get_text(file, name, NB_H5_TEXT_MAX, text, err);
}

nb_status nb_h5_get_long_text(hid_t file, const char *name, char **text, nb_error *err)
{
    return h5_read_get_text(file, name, NB_H5_LONG_TEXT_MAX, text, err);
}

bool nb_h5_strings_sound(const nb_strings *s, size_t bytes)
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
    NB_TRY(h5_read_get_vector(file, part, H5T_NATIVE_UCHAR, &bytes, (void **)&strings->bytes, err));
    snprintf(part, sizeof part, "%s/offsets", name);
    NB_TRY(h5_read_get_vector(file, part, H5T_NATIVE_UINT64, &offsets, (void **)&strings->offset, err));
    strings->count = offsets ? offsets - 1 : 0;
    strings->cap_count = offsets;
    strings->cap_bytes = bytes;
    if (!offsets || !nb_h5_strings_sound(strings, bytes)) {
        status = nb_fail(err, NB_ERR_INPUT, "strings '%s' are damaged", name);
    }
done:
    if (status != NB_OK) {
        nb_strings_free(strings);
    }
    return status;
}
