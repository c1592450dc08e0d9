/* Vectors in zstd chunks whose bytes are put into the file by others than HDF5, so that many processes can pack and
 * write chunks of one dataset, each holding few of them.
 *
 * The chunks are packed as HDF5's filters would do it (shuffled when elements are wide, then one zstd frame with a
 * checksum), the process that owns the file tells HDF5 how long each is, in one fixed order, and learns where it
 * belongs; once the file is saved (nb_h5_save), anyone may write the bytes there. */
#ifndef NB_COMMON_STORE_HDF5_H5_CHUNKS_H
#define NB_COMMON_STORE_HDF5_H5_CHUNKS_H

#include "common/store/hdf5/h5.h"

/* Elements a chunk of a vector of `count` elements of `width` bytes has: about 1 MiB of them, the last chunk padded
 * with zeros; `count` when it is less. */
static inline uint64_t nb_h5_chunk_elements(uint64_t count, size_t width)
{
    uint64_t elements = ((uint64_t)1 << 20) / width;
    return count < elements ? count : elements;
}

/* Packs chunks; its working memory is a few MiB. Start from {0}. */
typedef struct nb_h5_packer {
    void *context;
    char *shuffled, *packed;
    size_t room, packed_room;
} nb_h5_packer;
void nb_h5_packer_close(nb_h5_packer *p);
/* p->packed [*len] becomes the chunk of `count` elements of `width` bytes, packed at a zstd level. */
nb_status nb_h5_pack(nb_h5_packer *p, const void *elements, size_t count, size_t width, int level, size_t *len,
                     nb_error *err);

/* Makes a vector of `count` > 0 elements. Its chunks are entered with nb_h5_place, then it is closed with H5Dclose. */
nb_status nb_h5_chunked(hid_t *dataset, hid_t file, const char *name, hid_t file_type, uint64_t count, int level,
                        nb_error *err);
/* Enters chunk `chunk`, of `len` packed bytes, of the file made for `path`; *offset is where they belong in the file.
 * The room they take in the memory that holds the file until it is saved is given back. */
nb_status nb_h5_place(hid_t file, const char *path, hid_t dataset, uint64_t chunk, size_t len, uint64_t *offset,
                      nb_error *err);

#endif
