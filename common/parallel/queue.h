/* The queue of tiles: ranks take tiles from a counter they share, so that a slow one takes fewer.
 *
 * Tiles are handed out in increasing order, in runs of `run` neighbours (1 unless reading wants neighbours together).
 * Who gets a tile depends on time and chance; what a tile's result is must not.
 *
 * Three ways to share, chosen by NB_SHARING_AUTO from the top:
 *
 *   node    all ranks are on one node: the counter is a word of shared memory. No rank ever waits for another.
 *   window  MPI one-sided operations on a window of rank 0. The next run is asked for while the one in hand is worked
 *           on, since rank 0 may answer only when it calls MPI itself. (Open MPI's UCX windows fail across nodes;
 *           nb_team_start leaves them out.)
 *   dealt   where no window can be made: runs dealt round robin, nothing shared.
 *
 * A rank that fails or was asked to stop calls nb_queue_halt: the others get nothing more, leave their loops, and all
 * meet at the caller's nb_team_agree. `node` shows a halt at once, `window` with the next run but one, `dealt` not at
 * all: there the others finish their share first. In between nothing is collective, so no rank can hang another. */
#ifndef NB_PARALLEL_QUEUE_H
#define NB_PARALLEL_QUEUE_H

#include "common/parallel/shared.h"

typedef enum nb_sharing { NB_SHARING_AUTO, NB_SHARING_NODE, NB_SHARING_WINDOW, NB_SHARING_DEALT } nb_sharing;

/* "node", "window", "dealt", "auto". */
const char *nb_sharing_name(nb_sharing sharing);
/* The other way round; NB_SHARING_AUTO for an unknown name. */
nb_sharing nb_sharing_parse(const char *name);

/* Why no more tiles come; halts add up. */
enum { NB_HALT_FAILED = 1, NB_HALT_STOPPED = 2 };

/* What a rank has done so far. */
typedef struct nb_tally {
    uint64_t items;    /* made here */
    uint64_t kept;     /* found done already */
    uint64_t finished; /* 1: this rank takes no more */
} nb_tally;

typedef struct nb_queue {
    const nb_team *team;
    nb_sharing how;
    size_t tiles, run, runs;
    size_t at, end;          /* of the run in hand: tiles not taken yet */
    uint64_t halted;         /* as far as known here */
    nb_shared shared;        /* node */
    MPI_Win window;          /* window */
    uint64_t *words;         /* window: the memory of rank 0's, NULL elsewhere */
    uint64_t drawn, flags;   /* window: where the operation under way delivers */
    uint64_t given, nothing; /* window: what it sends */
    nb_tally sent, mine;     /* window: on its way, and what comes next */
    bool under_way, posted;  /* window */
    size_t dealt;            /* dealt: the next run */
} nb_queue;

/* Collective; all arguments agree on all ranks. tiles may be 0, run is at least 1. NB_ERR_LIMIT where `how` is asked
 * for and is not to be had; AUTO always gets one. */
nb_status nb_queue_create(nb_queue *out, const nb_team *team, nb_sharing how, size_t tiles, size_t run, nb_error *err);

/* Not collective. The next tile for this rank; *more is false when there is none or the queue was halted. */
nb_status nb_queue_next(nb_queue *q, size_t *tile, bool *more, nb_error *err);

/* Not collective. Nobody gets more; `why` is one of NB_HALT_*. */
void nb_queue_halt(nb_queue *q, uint64_t why);
/* Not collective. What is known here of halts: a sum of NB_HALT_*. */
uint64_t nb_queue_halted(const nb_queue *q);

/* Not collective. Shows rank 0 this rank's tally, sooner or later; at once with `finished`. */
nb_status nb_queue_post(nb_queue *q, const nb_tally *tally, nb_error *err);
/* Rank 0, not collective. The tallies of all ranks [size] as last seen; with `dealt`, its own alone. */
void nb_queue_look(nb_queue *q, nb_tally *all);
/* Rank 0, not collective. True once every rank has posted `finished`; with `dealt`, at once. */
bool nb_queue_finished(nb_queue *q);

/* Collective, directly behind an agree; harmless on {0}, which all ranks must then hold. */
void nb_queue_destroy(nb_queue *q);

#endif
