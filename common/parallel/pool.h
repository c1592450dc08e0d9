/* The worker pool: all ranks at work on one queue of tiles (common/parallel/queue.h), and the progress of all of them,
 * logged by rank 0. */
#ifndef NB_COMMON_PARALLEL_POOL_H
#define NB_COMMON_PARALLEL_POOL_H

#include "common/base/log.h"
#include "common/parallel/queue.h"

/** This rank's share of a pool at work; what a visit is given. */
typedef struct nb_pool {
    const nb_comm *comm; /**< borrowed */
    nb_queue queue;
    nb_counters counters; /**< this rank's; a visit adds to it */
    nb_counters *all;     /**< rank 0: as last seen of every rank, [comm->size] */
    nb_progress progress;
} nb_pool;

/** What is to be done. Items are what progress counts (rows, bytes). Which rank visits a tile must not decide the
 * result.
 *
 * The functions are called with `state` by the thread that called nb_pool_run. They are not collective, and must not
 * call what is: ranks visit different numbers of tiles. All but `visit` may be NULL. */
typedef struct nb_pool_work {
    const char *what;   /**< items in the plural, "texts" */
    const char *hint;   /**< what to do after a request to stop */
    uint64_t total;     /**< items in all tiles */
    size_t tiles;       /**< as nb_queue_create takes them */
    nb_tile_run run;    /**< as nb_queue_create takes it */
    nb_sharing sharing; /**< as nb_queue_create takes it */
    void *state;

    /** Works on one tile and adds its items to pool->counters: `items` when they were made, `kept` when there was
     * nothing to do. A long tile shows with nb_pool_report how far it is, and returns NB_STOPPED when asked to: it is
     * left half done then and does not count. */
    nb_status (*visit)(void *state, nb_pool *pool, size_t tile, nb_error *err);

    /** Looks whether a tile was done before; then *kept is its items, counted by the pool, and it is neither prefetched
     * nor visited. 0 otherwise. */
    nb_status (*done)(void *state, size_t tile, uint64_t *kept, nb_error *err);

    /** Hears which tile this rank visits behind the one it visits next, so that it may be read ahead, and returns at
     * once. Tiles are fetched one ahead then; one that was fetched when the work ended is not visited. */
    void (*prefetch)(void *state, size_t tile);

    /** Called once, when this rank visits no more, for whatever reason, and before the others hear of it: what it wrote
     * is put on the disk. */
    nb_status (*flush)(void *state, nb_error *err);
} nb_pool_work;

/** How it went. */
typedef struct nb_pool_result {
    nb_counters mine;   /**< of this rank */
    uint64_t kept;      /**< items of all ranks that were done before */
    nb_sharing sharing; /**< how tiles were shared: never NB_SHARING_AUTO */
    double seconds;     /**< on this rank's clock, from the first tile on */
    double wait;        /**< of these, that rank 0 waited for the others; 0 elsewhere */
} nb_pool_result;

/** Has every tile visited once, by whichever rank takes it. Collective: all of `work` but `state` and the functions'
 * own data agrees on all ranks. A failure on one rank ends the work on all, and so does a request to stop
 * (common/parallel/stop.h) on any of them.
 *
 * @param comm   the ranks; its communicator stays the caller's, the pool makes and frees what it shares on it
 * @param log    progress and what was done before, rank 0's
 * @param work   what is to be done
 * @param result how it went, also after a failure or a request to stop; untouched where no pool could be made. May be
 *               NULL
 * @return NB_OK on all ranks; NB_STOPPED after a request to stop, unless all tiles were done by then; NB_ERR_LIMIT when
 *         memory is out or work->sharing is not to be had; else the status of the lowest rank whose function failed. */
NB_CHECKED nb_status nb_pool_run(const nb_comm *comm, const nb_log *log, const nb_pool_work *work,
                                 nb_pool_result *result, nb_error *err);

/** Inside a visit: `items` of the tile are made so far, so that progress shows them before they are counted. Not
 * collective.
 *
 * @param pool  as the visit was given it
 * @param items since the begin of the tile
 * @return NB_OK, or NB_STOPPED, without a message, when the tile is to be left: a stop was requested here, or the
 * others have ended. */
NB_CHECKED nb_status nb_pool_report(nb_pool *pool, uint64_t items);

#endif
