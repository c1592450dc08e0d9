/** @file
 * The bytes of an input, unpacked on the way: plain files, gzip (RFC 1952, any number of members), zstd (any number of
 * frames), bzip2 and xz (any number of streams), told apart by their first bytes. Zeros behind a member of gzip or a
 * stream of bzip2 or xz are padding. The memory does not depend on the size of the file but on the window it asks for:
 * at most 2 GiB of zstd (--long=31) and NB_XZ_MEMORY of xz. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_BYTE_STREAM_H
#define NB_MINING_CORPUS_FORMATS_BYTE_STREAM_H

#include "common/base/memory.h"

/** How a file is packed. */
typedef enum nb_packing {
    NB_PACKING_NONE,
    NB_PACKING_GZIP,
    NB_PACKING_ZSTD,
    NB_PACKING_BZIP2,
    NB_PACKING_XZ
} nb_packing;

#define NB_XZ_MEMORY ((uint64_t)5 << 29) /**< bytes for unpacking xz: its dictionary has at most 1.5 GiB */

/** An open input. */
typedef struct nb_byte_stream nb_byte_stream;

/** Opens a regular file; plain ones are read from a byte on, packed ones always from their start.
 * @param out close with nb_byte_stream_close; NULL on failure
 * @param path the file
 * @param begin the byte
 * @return NB_OK; NB_ERR_INPUT when the file is missing, no regular file, or damaged at its start; NB_ERR_IO when it
 * cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_byte_stream_open(nb_byte_stream **out, const char *path, uint64_t begin, nb_error *err);

/** The same for bytes in memory.
 * @param out close with nb_byte_stream_close; NULL on failure
 * @param name stands in messages; borrowed
 * @param bytes [len] borrowed
 * @param len how many
 * @param begin the byte to begin with, where they are not packed
 * @return as nb_byte_stream_open. */
nb_status nb_byte_stream_open_bytes(nb_byte_stream **out, const char *name, const char *bytes, size_t len,
                                    uint64_t begin, nb_error *err);

/** Closes a stream.
 * @param s may be NULL */
void nb_byte_stream_close(nb_byte_stream *s);

/** Reads the next bytes.
 * @param s the stream
 * @param bytes [cap] filled from the front
 * @param cap how many at most
 * @param got becomes how many; 0 at the end only
 * @return NB_OK; NB_ERR_INPUT, with the file and the place in it, when packed data are damaged or cut short; NB_ERR_IO
 * when the file cannot be read. */
nb_status nb_byte_stream_read(nb_byte_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err);

/** Reads bytes of a file that is not packed from a place on; it is then the place of the stream.
 * @param s the stream
 * @param place the first byte
 * @param bytes [len] filled
 * @param len how many
 * @return NB_OK; NB_ERR_INPUT when the file ends before, or is packed; NB_ERR_IO when it cannot be read. */
nb_status nb_byte_stream_read_at(nb_byte_stream *s, uint64_t place, char *bytes, size_t len, nb_error *err);

/** How a stream is packed.
 * @param s the stream
 * @return the packing */
nb_packing nb_byte_stream_packing(const nb_byte_stream *s);

/** The size of the file when it was opened.
 * @param s the stream
 * @return bytes, as they lie there */
uint64_t nb_byte_stream_size(const nb_byte_stream *s);

/** The place in the file up to which it was read, packed as it lies there.
 * @param s the stream
 * @return bytes */
uint64_t nb_byte_stream_place(const nb_byte_stream *s);

#endif
