/* A mapped file whose structure is being checked (structure.h): its bytes within bounds, and what was found where.
 * Nothing here is collective. */
#ifndef NB_COMMON_STORE_HDF5_STRUCTURE_FILE_H
#define NB_COMMON_STORE_HDF5_STRUCTURE_FILE_H

#include "common/base/memory.h"

/** What stands for "no address". */
#define NB_STRUCTURE_UNDEFINED UINT64_MAX

/** Bytes of the file that one thing takes, from the begin of HDF5's part. */
typedef struct nb_extent {
    uint64_t begin, end;
    bool shared; /**< may be named several times, always whole: a global heap */
} nb_extent;

/** A file being checked. Start from {.data, .size, .base, .path}. */
typedef struct nb_structure {
    const unsigned char *data; /**< [size] of HDF5's part, borrowed */
    uint64_t size;             /**< its bytes */
    uint64_t base;             /**< bytes in front of it, for messages */
    const char *path;          /**< for messages */
    nb_extent *extents;        /**< [extent_count], freed with nb_structure_end */
    size_t extent_count, extent_capacity;
    uint64_t unpacked;   /**< bytes that all compressed chunks unpack to */
    uint64_t referenced; /**< bytes of all strings of variable length */
} nb_structure;

/** Refuses the file.
 *
 * @param s    the file
 * @param at   where, from the begin of HDF5's part
 * @param what is wrong there
 * @return NB_ERR_INPUT */
nb_status nb_structure_refuse(const nb_structure *s, uint64_t at, const char *what, nb_error *err);

/** Refuses the file for a limit.
 *
 * @param s     the file
 * @param limit its name, "h5-objects"
 * @param most  what it is
 * @param what  there is too much of
 * @return NB_ERR_LIMIT */
nb_status nb_structure_over(const nb_structure *s, const char *limit, uint64_t most, const char *what, nb_error *err);

/** Notes that bytes [begin, begin + len) belong to one thing.
 *
 * @param s      the file
 * @param begin  from the begin of HDF5's part
 * @param len    bytes
 * @param shared as in nb_extent
 * @return NB_OK, NB_ERR_INPUT when they are not all in the file, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_structure_claim(nb_structure *s, uint64_t begin, uint64_t len, bool shared, nb_error *err);

/** The bytes of a block of metadata that ends in its checksum, claimed and verified.
 *
 * @param s     the file
 * @param begin from the begin of HDF5's part
 * @param len   bytes with the checksum, at least 8
 * @param magic four letters it begins with; NULL: none
 * @param out   the bytes
 * @return as nb_structure_claim; NB_ERR_INPUT also when magic or checksum are others. */
NB_CHECKED nb_status nb_structure_block(nb_structure *s, uint64_t begin, uint64_t len, const char *magic,
                                        const unsigned char **out, nb_error *err);

/** True when bytes [`begin`, `begin` + `len`) are in the file `s`. */
bool nb_structure_holds(const nb_structure *s, uint64_t begin, uint64_t len);

/** Checks that no two things share a byte, once all were found.
 *
 * @param s the file; its extents are put in order
 * @return NB_OK, or NB_ERR_INPUT when they do. */
NB_CHECKED nb_status nb_structure_disjoint(nb_structure *s, nb_error *err);

/** Frees what `s` holds. */
void nb_structure_end(nb_structure *s);

/** Bytes being read one number after another; reading beyond their end gives zeros and sets `beyond`. */
typedef struct nb_cursor {
    const unsigned char *at;
    size_t left;
    bool beyond;
} nb_cursor;

/** The next `bytes` bytes (1 to 8) of `c` as a little-endian number. */
uint64_t nb_cursor_take(nb_cursor *c, size_t bytes);

/** The next `bytes` bytes of `c` themselves; NULL when there are fewer. */
const unsigned char *nb_cursor_bytes(nb_cursor *c, size_t bytes);

/** True when all of `c` was read and nothing beyond. */
bool nb_cursor_done(const nb_cursor *c);

#endif
