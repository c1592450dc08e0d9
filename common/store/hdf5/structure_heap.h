/* Strings of variable length, which lie in HDF5's global heaps (structure.h). Nothing here is collective. */
#ifndef NB_COMMON_STORE_HDF5_STRUCTURE_HEAP_H
#define NB_COMMON_STORE_HDF5_STRUCTURE_HEAP_H

#include "common/store/hdf5/structure_file.h"

/** Checks the references of a dataset, and the heaps that they lead to: every string is whole in its heap, and all
 * together are no longer than the file.
 *
 * @param s     the file
 * @param at    the references, which are in the file
 * @param count their number
 * @return NB_OK, NB_ERR_INPUT for a reference or a heap that is damaged, or NB_ERR_LIMIT over a limit or when memory is
 * out. */
NB_CHECKED nb_status nb_structure_strings(nb_structure *s, uint64_t at, uint64_t count, nb_error *err);

#endif
