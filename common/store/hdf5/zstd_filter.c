#include "common/store/hdf5/zstd_filter.h"

#include <hdf5.h>

nb_status nb_zstd_filter_register(nb_error *err)
{
    const H5Z_class2_t class = {H5Z_CLASS_T_VERS, NB_ZSTD_FILTER, 1, 1, "zstd", NULL, NULL, nb_zstd_codec};
    if (H5Zregister(&class) < 0) {
        return nb_fail(err, NB_ERR_INTERNAL, "HDF5 does not take the zstd filter");
    }
    return NB_OK;
}
