/* Looking at every dataset of a file, whatever it is. */
#include "common/store/hdf5/h5_internal.h"

#include <stdlib.h>
#include <string.h>

enum { RANK_MAX = 8 };

bool nb_h5_has_type(hid_t file, const char *name, hid_t type)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0) {
        return false;
    }
    hid_t have = H5Dget_type(dataset);
    bool equal = H5Tequal(have, type) > 0;
    H5Tclose(have);
    H5Dclose(dataset);
    return equal;
}

uint64_t nb_h5_stored_bytes(hid_t file, const char *name)
{
    hid_t dataset = nb_h5_has(file, name) ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    if (dataset < 0) {
        return 0;
    }
    uint64_t bytes = H5Dget_storage_size(dataset);
    H5Dclose(dataset);
    return bytes;
}

/* The names found so far. */
typedef struct finding {
    nb_strings *names;
    nb_status status;
    nb_error *err;
} finding;

static herr_t h5_walk_find(hid_t group, const char *name, const H5L_info_t *link, void *state)
{
    finding *f = state;
    H5O_info_t object;
    if (link->type != H5L_TYPE_HARD || H5Oget_info_by_name(group, name, &object, H5P_DEFAULT) < 0) {
        f->status = nb_fail(f->err, NB_ERR_INPUT, "'%s' is no dataset and no group", name);
    } else if (object.type == H5O_TYPE_DATASET && f->names->count == NB_H5_DATASETS_MAX) {
        f->status = nb_fail(f->err, NB_ERR_INPUT, "it has over %d datasets", NB_H5_DATASETS_MAX);
    } else if (object.type == H5O_TYPE_DATASET) {
        f->status = nb_strings_push(f->names, name, strlen(name), f->err);
    }
    return f->status == NB_OK ? 0 : -1;
}

nb_status nb_h5_names(hid_t file, nb_strings *names, nb_error *err)
{
    finding f = {.names = names, .err = err};
    *names = (nb_strings){0};
    if (H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, h5_walk_find, &f) < 0 && f.status == NB_OK) {
        f.status = nb_h5_fail(err, NB_ERR_INPUT, "list", "/");
    }
    if (f.status != NB_OK) {
        nb_strings_free(names);
    }
    return f.status;
}

static bool h5_walk_is_plain(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    return class == H5T_INTEGER || class == H5T_FLOAT || (class == H5T_STRING && H5Tis_variable_str(type) == 0);
}

nb_status nb_h5_get_raw(hid_t file, const char *name, void **data, size_t *bytes, nb_error *err)
{
    hsize_t dims[RANK_MAX];
    nb_status status;
    *data = NULL;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0) {
        return nb_h5_fail(err, NB_ERR_INPUT, "open dataset", name);
    }
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    if (!h5_walk_is_plain(type) || rank < 0 || rank > RANK_MAX || H5Sget_simple_extent_dims(space, dims, NULL) < 0) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds no plain elements", name);
        goto done;
    }
    NB_TRY(nb_h5_total_bytes(name, (size_t)rank, dims, H5Tget_size(type), bytes, err));
    NB_TRY(nb_h5_read_checked(file, dataset, name, &(nb_h5_array){.memory = type, .rank = (size_t)rank, .dims = dims},
                              data, err));
done:
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return status;
}
