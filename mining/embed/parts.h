/* A store made by several jobs, each of its own part of the tiles: the tasks of a job array.
 *
 * All of them write into one partial, which is laid out once. A part takes the tiles [T (k-1)/n, T k/n) of T; which job
 * makes a tile decides nothing about its bytes. The job that finds all tiles done, whichever that is, verifies what
 * the others made, seals the store and gives it its name. A job that is killed leaves its tiles to be done; nothing
 * waits for it but the store. */
#ifndef NB_MINING_EMBED_PARTS_H
#define NB_MINING_EMBED_PARTS_H

#include "common/base/log.h"
#include "common/store/embeddings.h"

enum { NB_PARTS_MAX = 1000000 };

/* Part `number` (from 1) of `count`; number 0 only lays the store out; count 0: not in parts. */
typedef struct nb_part {
    size_t number, count;
} nb_part;

/* "3/8"; NB_ERR_USAGE for anything else. NULL is no part. */
nb_status nb_part_parse(nb_part *out, const char *text, nb_error *err);

/* The part's tiles [*first, *first + *tiles) and the rows in them; all of them when not in parts. */
void nb_part_tiles(const nb_part *part, const nb_store_plan *plan, size_t *first, size_t *tiles, uint64_t *rows);

/* By one process of a job. Lays out the partial, unless a job has done so; other jobs may try at the same time. *plan
 * is that of `spec`, without tiles when others have completed the store meanwhile. NB_ERR_INPUT when what is there is
 * of other content. */
nb_status nb_part_lay_out(const nb_output *out, const nb_part *part, nb_store_plan *plan, const nb_store_spec *spec,
                          const nb_log *log, nb_error *err);

/* By one process of a job, its part's tiles being done. Seals and commits when all parts' are; else, or when another
 * job did that first, *digest is empty. *left counts the tiles still to be done. */
nb_status nb_part_finish(nb_output *out, const nb_part *part, const nb_store_plan *plan, nb_digest *digest,
                         size_t *left, nb_error *err);

#endif
