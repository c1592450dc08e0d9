/* Vectors in zstd chunks whose bytes are put into the file by others than HDF5, so that many processes can pack and
 * write chunks of one dataset, each holding few of them.
 *
 * The chunks are packed as HDF5's filters would do it (shuffled when elements are wide, then one zstd frame with a
 * checksum), the process that owns the file tells HDF5 how long each is, in one fixed order, and learns where it
 * belongs; once the file is saved (nb_h5_save), anyone may write the bytes there. Nothing here is collective. */
#ifndef NB_COMMON_STORE_HDF5_H5_CHUNKS_H
#define NB_COMMON_STORE_HDF5_H5_CHUNKS_H

#include "common/store/hdf5/h5.h"

/** Elements that a chunk of a vector has: about 1 MiB of them, the last chunk padded with zeros.
 *
 * @param count elements of the vector
 * @param width bytes of one
 * @return at most `count` */
static inline uint64_t nb_h5_chunk_elements(uint64_t count, size_t width)
{
    uint64_t elements = ((uint64_t)1 << 20) / width;
    return count < elements ? count : elements;
}

/** Packs chunks; its working memory is a few MiB. Start from {.level = L}. */
typedef struct nb_h5_packer {
    int level;              /**< of zstd */
    void *context;          /**< zstd's */
    char *shuffled;         /**< [room] */
    char *packed;           /**< [packed_capacity] the chunk packed last */
    size_t capacity;        /**< bytes of `shuffled` */
    size_t packed_capacity; /**< bytes of `packed` */
} nb_h5_packer;

/** Frees what `p` holds. Harmless on a packer that packed nothing. */
void nb_h5_packer_close(nb_h5_packer *p);

/** Packs a chunk into p->packed.
 *
 * @param p        the packer
 * @param elements [count]
 * @param count    elements of the chunk
 * @param width    bytes of one
 * @param len      bytes of p->packed
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_h5_pack(nb_h5_packer *p, const void *elements, size_t count, size_t width, size_t *len,
                                nb_error *err);

/** A vector in chunks. */
typedef struct nb_h5_chunking {
    hid_t type;     /**< of the elements in the file */
    uint64_t count; /**< elements, over 0 */
    int level;      /**< of zstd, which the file states */
} nb_h5_chunking;

/** Makes a vector without its chunks, which are entered with nb_h5_place.
 *
 * @param dataset  closed by the caller with H5Dclose
 * @param file     made by nb_h5_create
 * @param name     of the dataset
 * @param chunking its elements
 * @return NB_OK, or NB_ERR_IO when HDF5 fails. */
NB_CHECKED nb_status nb_h5_chunked(hid_t *dataset, hid_t file, const char *name, const nb_h5_chunking *chunking,
                                   nb_error *err);

/** A packed chunk of a vector. */
typedef struct nb_h5_chunk {
    hid_t dataset;   /**< made by nb_h5_chunked */
    uint64_t number; /**< from 0 */
    size_t len;      /**< packed bytes */
} nb_h5_chunk;

/** Enters a chunk into the file. Its bytes take no room in the memory that holds the file until it is saved.
 *
 * @param file   made by nb_h5_create
 * @param path   for what it was made, for messages
 * @param chunk  the chunk; all of a file are entered in one fixed order
 * @param offset where its bytes belong, from the file's begin
 * @return NB_OK, NB_ERR_IO when memory for the file could not be written, NB_ERR_LIMIT when HDF5 does not take it or
 *         memory is out, or NB_ERR_INTERNAL when HDF5 does not say where it lies. */
NB_CHECKED nb_status nb_h5_place(hid_t file, const char *path, const nb_h5_chunk *chunk, uint64_t *offset,
                                 nb_error *err);

#endif
