/* A crew: all ranks at work on one queue of tiles, and the progress of all of them, told by rank 0.
 *
 * nb_crew_run is the whole loop; a loop of its own, one that looks a tile ahead say, is made of the parts below it. */
#ifndef NB_PARALLEL_CREW_H
#define NB_PARALLEL_CREW_H

#include "common/base/log.h"
#include "common/parallel/queue.h"

typedef struct nb_crew {
    const nb_team *team;
    nb_queue queue;
    nb_tally tally, *all; /* this rank's; rank 0: everybody's [size] */
    nb_progress progress;
} nb_crew;

/* What is to be done. Items are what progress counts (rows, bytes), `total` of them in all tiles. */
typedef struct nb_crew_work {
    const char *what; /* items in the plural, "texts" */
    const char *hint; /* what to do after a request to stop */
    uint64_t total;
    size_t tiles, run; /* as nb_queue_create takes them */
    nb_sharing sharing;
    /* Works on one tile and adds its items to crew->tally: `items` when they were made, `kept` when there was nothing
     * to do. A long tile shows with nb_crew_pulse how far it is. Which rank it is must not decide the result. */
    nb_status (*visit)(void *state, nb_crew *crew, size_t tile, nb_error *err);
    void *state;
} nb_crew_work;

/* Collective. Every tile once, by whichever rank takes it. A failure on one rank ends the work on all; after a request
 * to stop on any rank every rank gets NB_STOPPED, unless all tiles were done by then. *kept, of all ranks, may be NULL.
 */
nb_status nb_crew_run(const nb_team *team, const nb_log *log, const nb_crew_work *work, uint64_t *kept, nb_error *err);

/* Not collective. Inside a tile: `items` of it are made so far, so that progress shows them before they are counted.
 * NB_STOPPED, without a message, when the tile is to be left: a stop was requested here, or the others have ended. */
nb_status nb_crew_pulse(nb_crew *crew, uint64_t items);

/* ---- parts of a loop ---- */

/* Collective. Close it directly behind an agreement, on every way out; harmless on {0}. */
nb_status nb_crew_open(nb_crew *crew, const nb_team *team, const nb_log *log, const nb_crew_work *work, nb_error *err);
void nb_crew_close(nb_crew *crew);

/* Not collective. The next tile; a request to stop ends the queue for all first. */
nb_status nb_crew_next(nb_crew *crew, size_t *tile, bool *more, nb_error *err);
/* Not collective. Posts the tally and, on rank 0, shows progress when it is due. */
nb_status nb_crew_post(nb_crew *crew, nb_error *err);
/* Not collective. This rank takes no more; `status` is its own so far, and a failure ends the work of all. Returns it,
 * or what fails now. */
nb_status nb_crew_finish(nb_crew *crew, nb_status status, nb_error *err);
/* Rank 0 waits for all to finish, so that the progress of the last ones is seen and a request to stop is heard; returns
 * at once elsewhere. */
void nb_crew_watch(nb_crew *crew);
/* Rank 0. Sums over the ranks as far as they are known; *slowest is the rank that made least. */
void nb_crew_look(nb_crew *crew, uint64_t *made, uint64_t *kept, int *slowest);

#endif
