/* Where HDF5 writes the files we make: into memory, which is copied to the disk when all is in it.
 *
 * HDF5 (1.10) cannot get over a write that fails: the file does not close any more, and the process crashes as it ends.
 * So it is never told. The driver remembers the failure, and nb_h5_save reports it. Memory that was reserved and not
 * written is not taken. */
#ifndef NB_COMMON_STORE_HDF5_H5_MEMORY_H
#define NB_COMMON_STORE_HDF5_H5_MEMORY_H

#include "common/base/status.h"

#include <hdf5.h>
#include <stdbool.h>

typedef struct nb_h5_memory {
    int fd;    /* of the memory */
    int cause; /* errno of the first write that failed; 0: none did */
    bool kept; /* lives on when HDF5 closes its file; the one who set it calls nb_h5_memory_free */
} nb_h5_memory;

/* Has files created with the access list lie in memory. */
nb_status nb_h5_memory_use(hid_t access, nb_error *err);
/* The memory of a file created so. */
nb_h5_memory *nb_h5_memory_of(hid_t file);
/* NB_ERR_IO naming `path` when a write has failed. */
nb_status nb_h5_memory_check(const nb_h5_memory *memory, const char *path, nb_error *err);
void nb_h5_memory_free(nb_h5_memory *memory);

#endif
