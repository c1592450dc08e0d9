/* The bytes of an input, unpacked on the way: plain files, gzip (RFC 1952, any number of members) and zstd (any number
 * of frames), told apart by their first bytes. The memory does not depend on the size of the file: a zstd frame may
 * ask for a window of at most 128 MiB. */
#ifndef NB_MINING_CORPUS_FORMATS_BYTE_STREAM_H
#define NB_MINING_CORPUS_FORMATS_BYTE_STREAM_H

#include "common/base/memory.h"

typedef enum nb_packing { NB_PACKING_NONE, NB_PACKING_GZIP, NB_PACKING_ZSTD } nb_packing;

typedef struct nb_stream nb_stream;

/* Opens a regular file; plain ones are read from byte `begin` on, packed ones always from their start. NB_ERR_INPUT
 * when the file is missing or no regular file. Close with nb_stream_close, which takes NULL. */
nb_status nb_stream_open(nb_stream **out, const char *path, uint64_t begin, nb_error *err);
/* The same for bytes in memory, which are borrowed; name stands in messages. */
nb_status nb_stream_open_bytes(nb_stream **out, const char *name, const char *bytes, size_t len, uint64_t begin,
                               nb_error *err);
void nb_stream_close(nb_stream *s);

/* Puts up to cap bytes into bytes; *got is 0 at the end only. NB_ERR_INPUT, with the file and the place in it, when
 * packed data are damaged or cut short. */
nb_status nb_stream_read(nb_stream *s, char *bytes, size_t cap, size_t *got, nb_error *err);

nb_packing nb_stream_packing(const nb_stream *s);
/* Size of the file when it was opened. */
uint64_t nb_stream_size(const nb_stream *s);
/* The place in the file up to which it was read, packed as it lies there. */
uint64_t nb_stream_place(const nb_stream *s);

#endif
