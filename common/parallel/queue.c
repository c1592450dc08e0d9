#include "common/parallel/queue.h"

#include "common/parallel/mpi_check.h"

#include <stdatomic.h>
#include <string.h>

/* The words shared: the counter of runs, the halts, then the counters of every rank. */
enum { NEXT_RUN, HALTS, COUNTERS, COUNTERS_WORDS = 3 };
/* A run that shrinks has this part of what a rank would have of the rest: it may hold two. */
enum { SHARES = 4 };
_Static_assert(sizeof(nb_counters) == COUNTERS_WORDS * sizeof(uint64_t), "counters travel as words");

typedef _Atomic uint64_t word;

static const char *const sharing_names[] = {"auto", "node", "window", "round-robin"};

const char *nb_sharing_name(nb_sharing sharing)
{
    return sharing_names[sharing];
}

nb_sharing nb_sharing_parse(const char *name)
{
    for (int i = NB_SHARING_NODE; i <= NB_SHARING_ROUND_ROBIN; i++) {
        if (strcmp(name, sharing_names[i]) == 0) {
            return (nb_sharing)i;
        }
    }
    return strcmp(name, NB_SHARING_OLD_WORD) == 0 ? NB_SHARING_ROUND_ROBIN : NB_SHARING_AUTO;
}

static size_t queue_word_count(const nb_queue *q)
{
    return COUNTERS + COUNTERS_WORDS * (size_t)q->comm->size;
}

static word *queue_node_words(const nb_queue *q)
{
    return q->shared.base;
}

/* ---- create ---- */

static nb_status queue_on_one_node(const nb_comm *comm, bool *one, nb_error *err)
{
    MPI_Comm node = MPI_COMM_NULL;
    int ranks = 0;
    nb_status status;
    NB_TRY_MPI(MPI_Comm_split_type(comm->handle, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
    MPI_Comm_size(node, &ranks);
    MPI_Comm_free(&node);
done:
    *one = status == NB_OK && ranks == comm->size; /* the same everywhere: some rank sees fewer unless all see all */
    return nb_comm_agree(comm, status, err);
}

static nb_status queue_create_node(nb_queue *q, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_shared_create(&q->shared, q->comm, queue_word_count(q) * sizeof(word), err));
    NB_TRY(nb_shared_publish(&q->shared, q->comm, err));
done:
    return status;
}

static nb_status queue_create_window(nb_queue *q, nb_error *err)
{
    MPI_Aint bytes = q->comm->rank == 0 ? (MPI_Aint)(queue_word_count(q) * sizeof(uint64_t)) : 0;
    void *base = NULL;
    nb_status status;
    NB_TRY_MPI(MPI_Win_allocate(bytes, sizeof(uint64_t), MPI_INFO_NULL, q->comm->handle, &base, &q->window),
               "MPI_Win_allocate");
    NB_TRY_MPI(MPI_Win_set_errhandler(q->window, MPI_ERRORS_RETURN), "MPI_Win_set_errhandler");
    NB_TRY_MPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, q->window), "MPI_Win_lock_all");
    if (bytes) {
        q->words = base;
        memset(q->words, 0, (size_t)bytes);
        NB_TRY_MPI(MPI_Win_sync(q->window), "MPI_Win_sync");
    }
done:
    return nb_comm_agree(q->comm, status, err);
}

/* Tries one way; a way that cannot be had is not tried again by AUTO. */
static nb_status queue_create(nb_queue *q, nb_sharing how, bool one, nb_error *err)
{
    nb_status status = NB_OK;
    q->how = how;
    if (how == NB_SHARING_NODE && !one) {
        nb_fail(err, NB_ERR_LIMIT, "the ranks are on several nodes");
        status = nb_comm_agree(q->comm, err->status, err);
    } else if (how == NB_SHARING_NODE) {
        status = queue_create_node(q, err);
    } else if (how == NB_SHARING_WINDOW) {
        status = queue_create_window(q, err);
    }
    if (status != NB_OK) {
        nb_context(err, "tiles cannot be shared by way of '%s'", nb_sharing_name(how));
        nb_hint(err, "leave --sharing at auto, or say round-robin");
        err->status = NB_ERR_LIMIT;
        return NB_ERR_LIMIT;
    }
    return NB_OK;
}

/* How many tiles the run that begins at tile `at` has. */
static size_t queue_run_length(const nb_queue *q, size_t at)
{
    size_t left = q->tiles - at, share = left / (SHARES * (size_t)q->comm->size);
    size_t length = q->run.shrinks && share < q->run.most ? share : q->run.most;
    length = length ? length : 1;
    return length < left ? length : left;
}

static void queue_count_runs(nb_queue *q)
{
    for (size_t at = 0; at < q->tiles; at += queue_run_length(q, at)) {
        q->runs++;
    }
}

/* The tiles of a run, which is not before one that was looked for. */
static void queue_take_run(nb_queue *q, size_t run)
{
    while (q->known_run < run) {
        q->known_at += queue_run_length(q, q->known_at);
        q->known_run++;
    }
    q->at = q->known_at;
    q->end = q->at + queue_run_length(q, q->at);
}

nb_status nb_queue_create(nb_queue *q, const nb_comm *comm, nb_sharing how, size_t tiles, nb_tile_run run,
                          nb_error *err)
{
    bool one;
    nb_queue fresh = {.comm = comm, .tiles = tiles, .run = run, .window = MPI_WIN_NULL, .next_run = (size_t)comm->rank};
    queue_count_runs(&fresh);
    *q = (nb_queue){0};
    if (comm->handle == MPI_COMM_NULL) { /* a process without MPI shares with nobody */
        *q = fresh;
        q->how = NB_SHARING_ROUND_ROBIN;
        return NB_OK;
    }
    nb_status status = queue_on_one_node(comm, &one, err);
    if (status != NB_OK) {
        return status;
    }
    nb_sharing first = how == NB_SHARING_AUTO ? (one ? NB_SHARING_NODE : NB_SHARING_WINDOW) : how;
    nb_sharing last = how == NB_SHARING_AUTO ? NB_SHARING_ROUND_ROBIN : how;
    for (int way = (int)first; way <= (int)last; way++) {
        nb_error cause = {0};
        *q = fresh;
        status = queue_create(q, (nb_sharing)way, one, &cause);
        if (status == NB_OK) {
            return NB_OK;
        }
        *err = cause;
    }
    *q = (nb_queue){0};
    return status;
}

void nb_queue_destroy(nb_queue *q)
{
    if (q && q->comm) {
        if (q->how == NB_SHARING_NODE) {
            nb_shared_destroy(&q->shared);
        } else if (q->how == NB_SHARING_WINDOW) {
            MPI_Win_unlock_all(q->window);
            MPI_Win_free(&q->window);
        }
        *q = (nb_queue){0};
    }
}

/* ---- window: one operation under way ---- */

static nb_status queue_send_counters(nb_queue *q, nb_error *err)
{
    nb_status status;
    q->sent = q->mine;
    q->posted = false;
    MPI_Aint at = COUNTERS + COUNTERS_WORDS * q->comm->rank;
    NB_TRY_MPI(MPI_Accumulate(&q->sent, COUNTERS_WORDS, MPI_UINT64_T, 0, at, COUNTERS_WORDS, MPI_UINT64_T, MPI_REPLACE,
                              q->window),
               "MPI_Accumulate");
done:
    return status;
}

static nb_status queue_ask(nb_queue *q, nb_error *err)
{
    nb_status status;
    q->given = 1;
    NB_TRY_MPI(MPI_Fetch_and_op(&q->given, &q->fetched, MPI_UINT64_T, 0, NEXT_RUN, MPI_SUM, q->window),
               "MPI_Fetch_and_op");
    NB_TRY_MPI(MPI_Fetch_and_op(&q->nothing, &q->flags, MPI_UINT64_T, 0, HALTS, MPI_NO_OP, q->window),
               "MPI_Fetch_and_op");
    if (q->posted) {
        NB_TRY(queue_send_counters(q, err));
    }
    q->under_way = true;
done:
    return status;
}

static nb_status queue_fetch_window(nb_queue *q, size_t *run, nb_error *err)
{
    nb_status status = NB_OK;
    if (!q->under_way) {
        NB_TRY(queue_ask(q, err));
    }
    NB_TRY_MPI(MPI_Win_flush(0, q->window), "MPI_Win_flush");
    q->under_way = false;
    q->halted |= q->flags;
    *run = (size_t)q->fetched;
    if (*run < q->runs && !q->halted) {
        status = queue_ask(q, err);
    }
done:
    return status;
}

/* ---- taking ---- */

static nb_status queue_fetch(nb_queue *q, size_t *run, nb_error *err)
{
    if (q->how == NB_SHARING_WINDOW) {
        return queue_fetch_window(q, run, err);
    }
    if (q->how == NB_SHARING_NODE) {
        *run = (size_t)atomic_fetch_add(&queue_node_words(q)[NEXT_RUN], 1);
    } else {
        *run = q->next_run;
        q->next_run += (size_t)q->comm->size;
    }
    return NB_OK;
}

nb_status nb_queue_next(nb_queue *q, size_t *tile, bool *more, nb_error *err)
{
    *more = false;
    if (!nb_queue_halted(q) && q->at == q->end && q->end < q->tiles) {
        size_t run = 0;
        nb_status status = queue_fetch(q, &run, err);
        if (status != NB_OK) {
            return status;
        }
        if (run < q->runs) {
            queue_take_run(q, run);
        } else {
            q->at = q->end = q->tiles;
        }
    }
    if (!nb_queue_halted(q) && q->at < q->end) {
        *tile = q->at++;
        *more = true;
    }
    return NB_OK;
}

uint64_t nb_queue_halted(const nb_queue *q)
{
    if (q->how == NB_SHARING_NODE) {
        return atomic_load(&queue_node_words(q)[HALTS]);
    }
    if (q->words) { /* rank 0's own memory */
        MPI_Win_sync(q->window);
        return q->halted | q->words[HALTS];
    }
    return q->halted;
}

void nb_queue_halt(nb_queue *q, uint64_t why)
{
    q->halted |= why;
    if (q->how == NB_SHARING_NODE) {
        atomic_fetch_or(&queue_node_words(q)[HALTS], why);
    } else if (q->how == NB_SHARING_WINDOW) {
        uint64_t flag = why;
        /* a failure leaves the others to finish their work: they still meet at the agreement */
        if (MPI_Accumulate(&flag, 1, MPI_UINT64_T, 0, HALTS, 1, MPI_UINT64_T, MPI_BOR, q->window) == MPI_SUCCESS) {
            MPI_Win_flush(0, q->window);
        }
    }
}

/* ---- counters ---- */

nb_status nb_queue_post(nb_queue *q, const nb_counters *counters, nb_error *err)
{
    nb_status status = NB_OK;
    q->mine = *counters;
    if (q->how == NB_SHARING_NODE) {
        word *at = queue_node_words(q) + COUNTERS + COUNTERS_WORDS * (size_t)q->comm->rank;
        atomic_store_explicit(&at[0], counters->items, memory_order_relaxed);
        atomic_store_explicit(&at[1], counters->kept, memory_order_relaxed);
        atomic_store_explicit(&at[2], counters->finished, memory_order_release);
    } else if (q->how == NB_SHARING_WINDOW) {
        q->posted = true;
        if (counters->finished) {
            NB_TRY_MPI(MPI_Win_flush(0, q->window), "MPI_Win_flush");
            NB_TRY(queue_send_counters(q, err));
            NB_TRY_MPI(MPI_Win_flush(0, q->window), "MPI_Win_flush");
        }
    }
done:
    return status;
}

void nb_queue_counters(nb_queue *q, nb_counters *all)
{
    size_t ranks = (size_t)q->comm->size;
    memset(all, 0, ranks * sizeof *all);
    if (q->how == NB_SHARING_NODE) {
        for (size_t r = 0; r < ranks; r++) {
            const word *at = queue_node_words(q) + COUNTERS + COUNTERS_WORDS * r;
            all[r].finished = atomic_load_explicit(&at[2], memory_order_acquire);
            all[r].items = atomic_load_explicit(&at[0], memory_order_relaxed);
            all[r].kept = atomic_load_explicit(&at[1], memory_order_relaxed);
        }
    } else if (q->how == NB_SHARING_WINDOW) {
        int arrived;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, q->comm->handle, &arrived, MPI_STATUS_IGNORE); /* lets MPI work */
        MPI_Win_sync(q->window);
        memcpy(all, q->words + COUNTERS, ranks * sizeof *all);
    }
    all[q->comm->rank] = q->mine;
}

bool nb_queue_finished(nb_queue *q)
{
    size_t ranks = (size_t)q->comm->size;
    if (q->how == NB_SHARING_ROUND_ROBIN) {
        return true;
    }
    if (q->how == NB_SHARING_WINDOW) {
        nb_counters own = q->mine;
        nb_counters *all = (nb_counters *)(void *)(q->words + COUNTERS);
        int arrived;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, q->comm->handle, &arrived, MPI_STATUS_IGNORE);
        MPI_Win_sync(q->window);
        for (size_t r = 1; r < ranks; r++) {
            if (!all[r].finished) {
                return false;
            }
        }
        return own.finished != 0;
    }
    for (size_t r = 0; r < ranks; r++) {
        if (!atomic_load_explicit(&queue_node_words(q)[COUNTERS + COUNTERS_WORDS * r + 2], memory_order_acquire)) {
            return false;
        }
    }
    return true;
}
