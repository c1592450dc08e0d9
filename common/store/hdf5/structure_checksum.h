/* HDF5's checksum of its metadata. */
#ifndef NB_COMMON_STORE_HDF5_STRUCTURE_CHECKSUM_H
#define NB_COMMON_STORE_HDF5_STRUCTURE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** Bob Jenkins' lookup3 (hashlittle, initial value 0), which HDF5 stores behind its metadata. Not collective.
 *
 * @param data [len]
 * @param len  bytes, over 0
 * @return the checksum, stored little-endian */
uint32_t nb_structure_checksum(const unsigned char *data, size_t len);

#endif
