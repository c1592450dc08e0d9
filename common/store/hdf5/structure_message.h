/* The messages of HDF5's object headers, as far as our writer writes them (structure.h). Each function reads the body
 * of one message and says whether it is such a one; nothing is looked up elsewhere in the file. Nothing here is
 * collective. */
#ifndef NB_COMMON_STORE_HDF5_STRUCTURE_MESSAGE_H
#define NB_COMMON_STORE_HDF5_STRUCTURE_MESSAGE_H

#include "common/store/hdf5/structure_file.h"

/** Most dimensions of a dataset. */
enum { NB_STRUCTURE_RANK_MAX = 8 };

/** What the messages of a dataset say. */
typedef struct nb_element_shape {
    size_t rank; /**< dimensions, 0: one scalar */
    uint64_t dims[NB_STRUCTURE_RANK_MAX];
    uint64_t element;  /**< bytes of an element in the file */
    bool variable;     /**< the elements are strings of variable length */
    size_t filters;    /**< 0, 1: zstd, 2: shuffle and zstd */
    uint64_t shuffled; /**< bytes of an element for the shuffle filter */
} nb_element_shape;

/** Dataspace `c`, version 2: scalar, or simple with fixed dimensions. Sets rank and dims of `out`. */
bool nb_message_dataspace(nb_cursor *c, nb_element_shape *out);

/** Datatype `c`: whole numbers of 1, 2, 4 or 8 bytes, IEEE floating-point numbers of 2, 4 or 8, all little-endian, and
 * strings of fixed or variable length. Sets element and variable of `out`. */
bool nb_message_datatype(nb_cursor *c, nb_element_shape *out);

/** Fill value `c`, version 3, without a value. */
bool nb_message_fill(nb_cursor *c);

/** Filter pipeline `c`, version 2: zstd, or shuffle and zstd. Sets filters and shuffled of `out`. */
bool nb_message_filters(nb_cursor *c, nb_element_shape *out);

/** Attribute `c`, version 3: one number or string of fixed length. */
bool nb_message_attribute(nb_cursor *c);

/** Link info or attribute info `c`: nothing is stored outside of the header. */
bool nb_message_info(nb_cursor *c);

/** Group info `c`, version 0. */
bool nb_message_group(nb_cursor *c);

/** Link, version 1: a hard link under a plain name.
 *
 * @param c       the message
 * @param address becomes where the object lies
 * @return true when it is one */
bool nb_message_link(nb_cursor *c, uint64_t *address);

#endif
