#include "common/parallel/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACES = 2, PATH_SIZE = 4096 };

/* Where the file that the ranks of a node map may lie, in the order of preference. */
static const char *shared_place(int i)
{
    const char *own = getenv("TMPDIR");
    const char *const places[PLACES] = {"/dev/shm", own && *own ? own : "/tmp"};
    return places[i];
}

/* A file of `bytes` zeros, all of which are there: memory that a full /dev/shm lacks would end a rank with SIGBUS only
 * when it is written. Returns -1 with errno. */
static int shared_file(char path[PATH_SIZE], const char *place, size_t bytes)
{
    int len = snprintf(path, PATH_SIZE, "%s/negbank-XXXXXX", place);
    if (len < 0 || len >= PATH_SIZE) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int failed = posix_fallocate(fd, 0, (off_t)bytes);
    if (failed) {
        close(fd);
        unlink(path);
        errno = failed;
        return -1;
    }
    return fd;
}

/* Tries one place: the first rank of the node makes the file there, the others open it, and its name goes as soon as
 * all have it. Collective over the node; *why is errno of the rank that failed. */
static void *shared_map(const nb_shared *s, const char *place, size_t bytes, int *why)
{
    char path[PATH_SIZE] = "";
    void *base = MAP_FAILED;
    int fd = s->first ? shared_file(path, place, bytes) : -1;
    int failed = s->first && fd < 0 ? errno : 0;
    bool made = fd >= 0;
    MPI_Bcast(&failed, 1, MPI_INT, 0, s->node);
    if (!failed) {
        MPI_Bcast(path, sizeof path, MPI_CHAR, 0, s->node);
        fd = s->first ? fd : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        base = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        failed = base == MAP_FAILED ? errno : 0;
        MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, s->node);
    }
    if (made) {
        unlink(path);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (failed && base != MAP_FAILED) {
        munmap(base, bytes);
    }
    *why = failed;
    return failed ? NULL : base;
}

static nb_status shared_map_somewhere(nb_shared *s, size_t bytes, nb_error *err)
{
    int why[PLACES] = {0};
    for (int i = 0; i < PLACES && !s->base; i++) {
        s->base = shared_map(s, shared_place(i), bytes, &why[i]);
    }
    if (s->base) {
        s->mapped = bytes;
        return NB_OK;
    }
    nb_fail(err, NB_ERR_LIMIT,
            "%zu bytes of memory shared by the ranks of a node are not to be had: /dev/shm: %s; %s: %s", bytes,
            strerror(why[0]), shared_place(1), strerror(why[1]));
    return nb_hint(err, "give /dev/shm the room (docker run --shm-size=2g), or set TMPDIR to a folder that has it");
}

/* Collective over the node. */
static void shared_release(nb_shared *s)
{
    if (s->mapped) {
        munmap(s->base, s->mapped);
    } else {
        free(s->base);
    }
    if (s->node != MPI_COMM_NULL) {
        MPI_Comm_free(&s->node);
    }
    *s = (nb_shared){0};
}

nb_status nb_shared_create(nb_shared *s, const nb_comm *comm, size_t bytes, nb_error *err)
{
    int rank = 0, ranks = 1;
    nb_status status = NB_OK;
    *s = (nb_shared){.node = MPI_COMM_NULL};
    if (MPI_Comm_split_type(comm->handle, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &s->node) != MPI_SUCCESS) {
        status = nb_fail(err, NB_ERR_INTERNAL, "MPI cannot tell which ranks share a node");
    }
    status = nb_comm_agree(comm, status, err);
    if (status != NB_OK) {
        return status;
    }
    MPI_Comm_set_errhandler(s->node, MPI_ERRORS_RETURN);
    MPI_Comm_rank(s->node, &rank);
    MPI_Comm_size(s->node, &ranks);
    s->first = rank == 0;
    if (ranks == 1) { /* nobody to share with */
        s->base = nb_alloc_aligned(bytes, 1, err);
        status = s->base ? NB_OK : NB_ERR_LIMIT;
    } else {
        status = shared_map_somewhere(s, bytes ? bytes : 1, err);
    }
    status = nb_comm_agree(comm, status, err);
    if (status != NB_OK) {
        shared_release(s);
    }
    return status;
}

nb_status nb_shared_publish(nb_shared *s, const nb_comm *comm, nb_error *err)
{
    nb_status status = NB_OK;
    atomic_thread_fence(memory_order_seq_cst);
    if (s->mapped && MPI_Barrier(s->node) != MPI_SUCCESS) {
        status = nb_fail(err, NB_ERR_INTERNAL, "MPI_Barrier failed among the ranks of a node");
    }
    return nb_comm_agree(comm, status, err);
}

void nb_shared_destroy(nb_shared *s)
{
    if (s && s->base) {
        shared_release(s);
    }
}
