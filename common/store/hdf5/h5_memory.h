/* Where HDF5 writes the files we make: into memory, which is copied to the disk when all is in it.
 *
 * HDF5 (1.10) cannot get over a write that fails: the file does not close any more, and the process crashes as it ends.
 * So it is never reported to HDF5. The driver remembers the failure, and nb_h5_save reports it. Memory that was
 * reserved and not written is not taken. Nothing here is collective. */
#ifndef NB_COMMON_STORE_HDF5_H5_MEMORY_H
#define NB_COMMON_STORE_HDF5_H5_MEMORY_H

#include "common/base/status.h"

#include <hdf5.h>
#include <stdbool.h>

/** The memory of one file. */
typedef struct nb_h5_memory {
    int fd;    /**< of the memory */
    int cause; /**< errno of the first write that failed; 0: none did */
    /** bytes that are to be left out when HDF5 writes them: others put them into the file; NULL: all are written */
    const void *left_out;
    uint64_t left_out_at; /**< where in the file they belong, once HDF5 has written them; 0 before */
    bool kept;            /**< lives on when HDF5 closes its file; the one who set it calls nb_h5_memory_free */
} nb_h5_memory;

/** Has files created with a list of access properties lie in memory.
 *
 * @param access the list
 * @return NB_OK, or NB_ERR_INTERNAL when HDF5 does not take the driver. */
NB_CHECKED nb_status nb_h5_memory_use(hid_t access, nb_error *err);

/** The memory of a `file` created so, owned by it; NULL for another file. */
nb_h5_memory *nb_h5_memory_of(hid_t file);

/** Whether all writes went well.
 *
 * @param memory of a file
 * @param path   what it is for, for the message
 * @return NB_OK; NB_ERR_IO, or NB_ERR_LIMIT for ENOMEM, when one has failed. */
NB_CHECKED nb_status nb_h5_memory_check(const nb_h5_memory *memory, const char *path, nb_error *err);

/** Frees `memory`, once HDF5 has closed its file. Takes NULL. */
void nb_h5_memory_free(nb_h5_memory *memory);

#endif
