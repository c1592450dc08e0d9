/* A store made by several jobs, each of its own part of the tiles: the tasks of a job array.
 *
 * All of them write into one partial, which is preallocated once. A part takes the tiles [T (k-1)/n, T k/n) of T; which
 * job makes a tile decides nothing about its bytes. The job that finds all tiles done, whichever that is, verifies what
 * the others made, seals the store and gives it its name. A job that is killed leaves its tiles to be done; nothing
 * waits for it but the store. Nothing here is collective. */
#ifndef NB_MINING_EMBED_PARTS_H
#define NB_MINING_EMBED_PARTS_H

#include "common/base/log.h"
#include "common/store/embeddings.h"

/** Most parts of a store. */
enum { NB_PARTS_MAX = 1000000 };

/** Part `number` (from 1) of `count`; number 0 only lays the store out; count 0: not in parts. */
typedef struct nb_part {
    size_t number, count;
} nb_part;

/** Reads "3/8".
 *
 * @param out  the part
 * @param text NULL is no part
 * @return NB_OK, or NB_ERR_USAGE for anything else. */
NB_CHECKED nb_status nb_part_parse(nb_part *out, const char *text, nb_error *err);

/** The tiles of a part; all of them when not in parts.
 *
 * @param part  the part
 * @param plan  of the store
 * @param first its first tile
 * @param tiles how many
 * @param rows  in them */
void nb_part_tiles(const nb_part *part, const nb_store_plan *plan, size_t *first, size_t *tiles, uint64_t *rows);

/** Lays out the partial, unless a job has done so; other jobs may try at the same time. By one process of a job.
 *
 * @param out  the output, begun or resumed
 * @param part the part, for the log
 * @param plan that of `spec`; without tiles when others have completed the store meanwhile
 * @param spec what the store will hold
 * @param log  hears when it was laid out here
 * @return NB_OK, NB_ERR_INPUT when what is there is of other content or another engine, NB_ERR_IO, or NB_ERR_LIMIT when
 *         memory is out. */
NB_CHECKED nb_status nb_part_lay_out(const nb_output *out, const nb_part *part, nb_store_plan *plan,
                                     const nb_store_spec *spec, const nb_log *log, nb_error *err);

/** Seals and commits the store when all parts' tiles are done. By one process of a job, its part's tiles being done.
 *
 * @param out    the output; committed, or as it was
 * @param part   the part
 * @param plan   of the store
 * @param digest of the sealed store; empty when it is not complete, or another job sealed it first
 * @param left   tiles still to be done
 * @return NB_OK, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_part_finish(nb_output *out, const nb_part *part, const nb_store_plan *plan, nb_digest *digest,
                                    size_t *left, nb_error *err);

#endif
