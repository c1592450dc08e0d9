/** @file
 * Bytes that are written once and read later: in memory while a budget lasts, then in a scratch file.
 *
 * A scratch file has no name from the moment it is made, so nothing is left behind however the process ends. Nothing
 * here is collective. */
#ifndef NB_MINING_CORPUS_SORT_SPOOL_H
#define NB_MINING_CORPUS_SORT_SPOOL_H

#include "common/base/memory.h"

/** A scratch file, made when it is first written to. Start from nb_scratch_file_in(folder); the folder is borrowed. */
typedef struct nb_scratch_file {
    const char *folder;
    int fd;       /**< -1: not made yet */
    uint64_t end; /**< bytes written */
} nb_scratch_file;

/** A scratch file to be.
 * @param folder where it is made; borrowed
 * @return one that is not made yet */
static inline nb_scratch_file nb_scratch_file_in(const char *folder)
{
    return (nb_scratch_file){.folder = folder, .fd = -1};
}

/** Gives the disk back.
 * @param s from nb_scratch_file_in */
void nb_scratch_file_close(nb_scratch_file *s);

/** Whether files can be made in a folder.
 * @param folder the folder
 * @return NB_OK, NB_ERR_IO when not, or NB_ERR_LIMIT without memory. */
nb_status nb_scratch_file_check(const char *folder, nb_error *err);

/** A sequence of bytes. One spool of a scratch file is written at a time. */
typedef struct nb_spool {
    nb_scratch_file *scratch; /**< borrowed */
    size_t *budget;           /**< bytes of memory all spools that share it may still take; borrowed */
    char *bytes;
    size_t len, cap, taken; /**< of `bytes`; taken from the budget */
    bool on_disk;
    uint64_t begin, size; /**< place in the scratch file; bytes in all */
} nb_spool;

/** An empty spool.
 * @param scratch where it goes when the budget ends; borrowed
 * @param budget bytes of memory left; borrowed
 * @return the spool, to be freed with nb_spool_free */
nb_spool nb_spool_in(nb_scratch_file *scratch, size_t *budget);

/** Appends bytes.
 * @param s not finished
 * @param bytes [count] copied
 * @param count how many
 * @return NB_OK; NB_ERR_IO when the scratch file cannot be made or written; NB_ERR_LIMIT without memory. */
nb_status nb_spool_append(nb_spool *s, const void *bytes, size_t count, nb_error *err);

/** Nothing is appended any more.
 * @param s a spool
 * @return as nb_spool_append. */
nb_status nb_spool_finish(nb_spool *s, nb_error *err);

/** Frees a spool and gives its memory back to the budget.
 * @param s a spool or {0} */
void nb_spool_free(nb_spool *s);

/** Reads bytes [begin, end) of a finished spool. */
typedef struct nb_spool_reader {
    const nb_spool *spool;
    uint64_t at, end; /**< next byte to give */
    char *buffer;     /**< [cap], spools on disk only */
    size_t cap, buffer_at, buffer_len;
} nb_spool_reader;

/** Begins to read.
 * @param r close with nb_spool_reader_close, also after a failure
 * @param spool finished; borrowed
 * @param begin, end the bytes to read
 * @param cap how many can be asked for at once
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_spool_reader_open(nb_spool_reader *r, const nb_spool *spool, uint64_t begin, uint64_t end, size_t cap,
                               nb_error *err);

/** Ends the reading.
 * @param r a reader or {0} */
void nb_spool_reader_close(nb_spool_reader *r);

/** Shows the next bytes and does not go on; nb_spool_skip does.
 * @param r the reader
 * @param count bytes that are needed, at most the reader's cap
 * @param bytes becomes where they lie, valid until the next call
 * @param len becomes how many lie there: at least `count` unless the end is nearer
 * @return NB_OK, or NB_ERR_IO when scratch cannot be read. */
nb_status nb_spool_peek(nb_spool_reader *r, size_t count, const char **bytes, size_t *len, nb_error *err);

/** Goes on.
 * @param r the reader
 * @param count bytes, at most those last shown */
static inline void nb_spool_skip(nb_spool_reader *r, size_t count)
{
    r->at += count;
    r->buffer_at += count;
}

#endif
