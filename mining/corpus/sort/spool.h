/* Bytes that are written once and read later: in memory while a budget lasts, then in a scratch file.
 *
 * A scratch file has no name from the moment it is made, so nothing is left behind however the process ends. */
#ifndef NB_MINING_CORPUS_SORT_SPOOL_H
#define NB_MINING_CORPUS_SORT_SPOOL_H

#include "common/base/memory.h"

/* A scratch file, made when it is first written to. Start from nb_scratch_in(folder); the folder is borrowed. */
typedef struct nb_scratch {
    const char *folder;
    int fd; /* -1: not made yet */
    uint64_t end;
} nb_scratch;

static inline nb_scratch nb_scratch_in(const char *folder)
{
    return (nb_scratch){.folder = folder, .fd = -1};
}
void nb_scratch_close(nb_scratch *s);
/* NB_ERR_IO unless files can be made in the folder. */
nb_status nb_scratch_check(const char *folder, nb_error *err);

/* A sequence of bytes. One spool of a scratch file is written at a time. */
typedef struct nb_spool {
    nb_scratch *scratch; /* borrowed */
    size_t *budget;      /* bytes of memory all spools that share it may still take; borrowed */
    char *bytes;
    size_t len, cap, taken; /* of `bytes`; taken from the budget */
    bool on_disk;
    uint64_t begin, size; /* place in the scratch file; bytes in all */
} nb_spool;

nb_spool nb_spool_in(nb_scratch *scratch, size_t *budget);
/* NB_ERR_IO when the scratch file cannot be made or written. */
nb_status nb_spool_append(nb_spool *s, const void *bytes, size_t count, nb_error *err);
/* Nothing is appended any more. */
nb_status nb_spool_finish(nb_spool *s, nb_error *err);
/* Gives the memory back to the budget; takes {0}. */
void nb_spool_free(nb_spool *s);

/* Reads bytes [begin, end) of a finished spool. */
typedef struct nb_spool_reader {
    const nb_spool *spool;
    uint64_t at, end; /* next byte to give */
    char *buffer;     /* [cap], spools on disk only */
    size_t cap, buffer_at, buffer_len;
} nb_spool_reader;

/* `cap` bytes at most can be asked for at once. Close takes {0}. */
nb_status nb_spool_reader_open(nb_spool_reader *r, const nb_spool *spool, uint64_t begin, uint64_t end, size_t cap,
                               nb_error *err);
void nb_spool_reader_close(nb_spool_reader *r);
/* *bytes becomes the next bytes, at least `count` unless the end is nearer, *len says how many lie there. Valid until
 * the next call. */
nb_status nb_spool_peek(nb_spool_reader *r, size_t count, const char **bytes, size_t *len, nb_error *err);
static inline void nb_spool_skip(nb_spool_reader *r, size_t count)
{
    r->at += count;
    r->buffer_at += count;
}

#endif
