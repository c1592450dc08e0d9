/* A store made by several jobs, each of its own part of the tiles: the tasks of a job array.
 *
 * All of them write into one partial, which is preallocated once. A part takes the tiles [T (k-1)/n, T k/n) of T; which
 * job makes a tile decides nothing about its bytes. The job that finds all tiles done, whichever that is, verifies what
 * the others made, seals the store and gives it its name. A job that is killed leaves its tiles to be done; nothing
 * waits for it but the store. */
#ifndef NB_MINING_EMBED_PARTS_H
#define NB_MINING_EMBED_PARTS_H

#include "common/base/log.h"
#include "common/store/embeddings.h"
#include "mining/embed/store_layout.h"

/** Most parts of a store. */
enum { NB_PARTS_MAX = 1000000 };

/** Part `number` (from 1) of `count`; number 0 only lays the store out; count 0: not in parts. */
typedef struct nb_part {
    size_t number, count;
} nb_part;

/** A job that makes a part; borrowed. */
typedef struct nb_part_job {
    const nb_comm *comm;
    const nb_log *log;
    const char *path; /**< of the store; the partial is PATH.partial */
    nb_part part;
} nb_part_job;

/** Reads "3/8". Not collective.
 *
 * @param out  the part
 * @param text NULL is no part
 * @return NB_OK, or NB_ERR_USAGE for anything else. */
NB_CHECKED nb_status nb_part_parse(nb_part *out, const char *text, nb_error *err);

/** The tiles of a part; all of them when not in parts. Not collective.
 *
 * @param part  the part
 * @param plan  of the store
 * @param first its first tile
 * @param tiles how many
 * @param rows  in them */
void nb_part_tiles(const nb_part *part, const nb_store_plan *plan, size_t *first, size_t *tiles, uint64_t *rows);

/** Lays out the partial, unless a job has done so: then a part compares its share of that layout with its own inputs.
 * Other jobs may try at the same time. Collective.
 *
 * @param job    the part
 * @param layout what is laid out
 * @param plan   where rows go, on all ranks; without tiles when others have completed the store meanwhile
 * @return the same on all ranks: NB_OK, NB_ERR_INPUT when what is there is of other content or another engine,
 *         NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_part_lay_out(const nb_part_job *job, nb_store_layout *layout, nb_store_plan *plan,
                                     nb_error *err);

/** Seals a store whose tiles are written and synced, by all ranks together. Collective.
 *
 * @param comm   the ranks
 * @param path   the file, the same on all ranks
 * @param plan   of the store
 * @param digest rank 0: of the sealed store
 * @return as nb_comm_seal_write. */
NB_CHECKED nb_status nb_part_seal(const nb_comm *comm, const char *path, const nb_store_plan *plan, nb_digest *digest,
                                  nb_error *err);

/** Seals and commits the store when all parts' tiles are done, which all ranks look at, each a share. Collective, this
 * job's tiles being done.
 *
 * @param job    the part
 * @param out    rank 0's output; committed, or as it was
 * @param plan   of the store
 * @param digest rank 0: of the sealed store; empty when it is not complete, or another job sealed it first
 * @param left   tiles still to be done, on all ranks
 * @return the same on all ranks: NB_OK, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_part_finish(const nb_part_job *job, nb_output *out, const nb_store_plan *plan,
                                    nb_digest *digest, size_t *left, nb_error *err);

#endif
