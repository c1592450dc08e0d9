/* Where the elements of a dataset lie (structure.h): in one piece, or in compressed chunks with their index; and
 * strings of variable length in global heaps. Nothing here is collective. */
#ifndef NB_COMMON_STORE_HDF5_STRUCTURE_LAYOUT_H
#define NB_COMMON_STORE_HDF5_STRUCTURE_LAYOUT_H

#include "common/store/hdf5/structure_message.h"

/** Checks the layout message of a dataset, version 4, and all that it leads to.
 *
 * @param s     the file
 * @param shape the other messages of the dataset
 * @param c     the message
 * @param at    where it is, for messages
 * @return NB_OK, NB_ERR_INPUT when it is none that our writer writes, or NB_ERR_LIMIT over a limit or when memory is
 * out. */
NB_CHECKED nb_status nb_structure_layout(nb_structure *s, const nb_element_shape *shape, nb_cursor *c, uint64_t at,
                                         nb_error *err);

#endif
