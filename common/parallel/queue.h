/* The queue of tiles: ranks take tiles from a counter they share, so that a slow one takes fewer.
 *
 * Tiles are handed out in increasing order, in runs of neighbours, which one rank reads together and for which the
 * counter is asked once. Runs of a fixed length are for inputs that are read from a beginning on; others shrink towards
 * the end, to a quarter of every rank's share of what is left, so that all ranks end at once (guided self-scheduling).
 * How long a run is follows from its number alone. Who gets a tile depends on time and chance; what a tile's result is
 * must not.
 *
 * Three ways to share, chosen by NB_SHARING_AUTO from the top:
 *
 *   node    all ranks are on one node: the counter is a word of shared memory. No rank ever waits for another.
 *   window  MPI one-sided operations on a window of rank 0. The next run is asked for while the one in hand is worked
 *           on, since rank 0 may answer only when it calls MPI itself. (Open MPI's UCX windows fail across nodes;
 *           nb_comm_start leaves them out.)
 *   round-robin  where no window can be made: nothing is shared.
 *
 * A rank that fails or was asked to stop calls nb_queue_halt: the others get nothing more, leave their loops, and all
 * meet at the caller's nb_comm_agree. `node` shows a halt at once, `window` with the next run but one,
 * `round-robin` not at all: there the others finish their share first. In between nothing is collective, so no rank can
 * hang another. */
#ifndef NB_PARALLEL_QUEUE_H
#define NB_PARALLEL_QUEUE_H

#include "common/parallel/shared.h"

/** Ways to share, best first. */
typedef enum nb_sharing { NB_SHARING_AUTO, NB_SHARING_NODE, NB_SHARING_WINDOW, NB_SHARING_ROUND_ROBIN } nb_sharing;

/** "auto", "node", "window", "round-robin" for a `sharing`. Not to be freed. Not collective. */
const char *nb_sharing_name(nb_sharing sharing);

/** What version 0.1 called round-robin; still understood. */
#define NB_SHARING_OLD_WORD "dealt"

/** The way of that `name`, or of its old word; NB_SHARING_AUTO for an unknown one. Not collective. */
nb_sharing nb_sharing_parse(const char *name);

/** Tiles handed out together. */
typedef struct nb_tile_run {
    size_t most;  /**< at least 1 */
    bool shrinks; /**< towards the end */
} nb_tile_run;

/** Tiles of a run that shrinks, where nothing speaks for another number. */
enum { NB_TILE_RUN = 48 };

/** Why no more tiles come; halts add up. */
enum { NB_HALT_FAILED = 1, NB_HALT_STOPPED = 2 };

/** What a rank has done so far. */
typedef struct nb_counters {
    uint64_t items;    /**< made here */
    uint64_t kept;     /**< found done already */
    uint64_t finished; /**< 1: this rank takes no more */
} nb_counters;

/** This rank's end of a queue. {0}: none. */
typedef struct nb_queue {
    const nb_comm *comm; /**< borrowed */
    nb_sharing how;      /**< never NB_SHARING_AUTO */
    size_t tiles, runs;
    nb_tile_run run;
    size_t known_run, known_at; /**< a run and its first tile: those behind it are counted from there */
    size_t at, end;             /**< of the run in hand: tiles not taken yet */
    uint64_t halted;            /**< as far as known here */
    nb_shared shared;           /**< node */
    MPI_Win window;             /**< window: on the communicator's communicator, made and freed here */
    uint64_t *words;            /**< window: the memory of rank 0's, NULL elsewhere */
    uint64_t fetched, flags;    /**< window: where the operation under way delivers */
    uint64_t given, nothing;    /**< window: what it sends */
    nb_counters sent, mine;     /**< window: on its way, and what comes next */
    bool under_way, posted;     /**< window */
    size_t next_run;            /**< round-robin: the next run */
} nb_queue;

/** Makes a queue. Collective; all arguments agree on all ranks.
 *
 * @param out   destroyed by the caller with nb_queue_destroy; {0} on failure. Not to be moved while it is in use
 * @param comm  the ranks, borrowed; its communicator stays the caller's
 * @param how   the way to share; AUTO always gets one
 * @param tiles in all; may be 0
 * @param run   neighbours handed out together
 * @return the same on all ranks: NB_OK, or NB_ERR_LIMIT where `how` is asked for and is not to be had. */
NB_CHECKED nb_status nb_queue_create(nb_queue *out, const nb_comm *comm, nb_sharing how, size_t tiles, nb_tile_run run,
                                     nb_error *err);

/** The next tile for this rank. Not collective.
 *
 * @param q    the queue
 * @param tile set when there is one
 * @param more set to whether there is one: there are no more, or the queue was halted
 * @return NB_OK, or NB_ERR_INTERNAL when MPI fails. */
NB_CHECKED nb_status nb_queue_next(nb_queue *q, size_t *tile, bool *more, nb_error *err);

/** Nobody gets more tiles of `q`; `why` is one of NB_HALT_*. Not collective. */
void nb_queue_halt(nb_queue *q, uint64_t why);

/** What is known here of halts of `q`: a sum of NB_HALT_*. Not collective. */
uint64_t nb_queue_halted(const nb_queue *q);

/** Shows rank 0 this rank's counters, sooner or later; at once with `finished`. Not collective.
 *
 * @param q     the queue
 * @param counters of this rank, copied
 * @return NB_OK, or NB_ERR_INTERNAL when MPI fails. */
NB_CHECKED nb_status nb_queue_post(nb_queue *q, const nb_counters *counters, nb_error *err);

/** The counters of all ranks as last seen. Rank 0 alone, not collective.
 *
 * @param q   the queue
 * @param all [size]; with `round-robin` those of others are 0 */
void nb_queue_counters(nb_queue *q, nb_counters *all);

/** True once every rank has posted `finished` to `q`; with `round-robin`, at once. Rank 0 alone, not collective. */
bool nb_queue_finished(nb_queue *q);

/** Frees what is shared. Collective, directly behind an agreement; harmless on {0}, which all ranks must then hold.
 *
 * @param q becomes {0} */
void nb_queue_destroy(nb_queue *q);

#endif
