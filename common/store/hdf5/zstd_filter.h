/* The zstd filter with the HDF5 library of this process: for writing. Reading does without
 * (common/store/hdf5/h5_stored.h), so that a program that loads our library keeps the filters it has. */
#ifndef NB_COMMON_STORE_HDF5_ZSTD_FILTER_H
#define NB_COMMON_STORE_HDF5_ZSTD_FILTER_H

#include "common/base/status.h"
#include "common/store/hdf5/zstd_codec.h"

/** Registers the filter (common/store/hdf5/zstd_codec.h) with HDF5. Harmless when done twice. Not collective.
 *
 * @return NB_OK, or NB_ERR_INTERNAL when HDF5 does not take it. */
NB_CHECKED nb_status nb_zstd_filter_register(nb_error *err);

#endif
