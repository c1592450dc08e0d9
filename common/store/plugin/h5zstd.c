/* The zstd filter (registered id 32015) as a plugin for any program that uses HDF5 1.8.11 or newer: h5dump, h5py and
 * others find it in HDF5_PLUGIN_PATH and then read our files behind their user block.
 *
 * It calls no function of HDF5 and is not linked to it: a process may hold another build of the library (serial,
 * parallel, static), and a second one beside it would crash. Buffers change hands through malloc and free. */
#include "common/store/hdf5/zstd_codec.h"

#include <hdf5.h>

/* HDF5 looks for these two names. */
#define VISIBLE __attribute__((visibility("default")))
VISIBLE H5PL_type_t H5PLget_plugin_type(void);
VISIBLE const void *H5PLget_plugin_info(void);

static const H5Z_class2_t class = {H5Z_CLASS_T_VERS, NB_ZSTD_FILTER, 1, 1, "zstd", NULL, NULL, nb_zstd_codec};

H5PL_type_t H5PLget_plugin_type(void)
{
    return H5PL_TYPE_FILTER;
}

const void *H5PLget_plugin_info(void)
{
    return &class;
}
