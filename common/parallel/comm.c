#define NB_COMM_DEFINITIONS
#include "common/parallel/comm.h"

#include "common/parallel/mpi_check.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 28 }; /* elements a call: far below MPI's int */

const char *nb_comm_launched_as(void)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    const char *rank = NULL;
    for (size_t i = 0; i < sizeof variables / sizeof *variables && !rank; i++) {
        rank = getenv(variables[i]);
    }
    return rank;
}

/* A process that nobody launched needs no daemon beside it and no network, and starts four times faster without. What
 * a user has set stays. */
static nb_status comm_prepare_alone(nb_error *err)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (tasks && strtol(tasks, NULL, 10) > 1) {
        nb_fail(err, NB_ERR_USAGE, "srun started %s tasks in this step without MPI: each would believe it is alone",
                tasks);
        return nb_hint(err, "start them with srun --mpi=pmix, or with mpirun; alone it runs in a step of one task");
    }
    unsetenv("SLURM_STEP_ID"); /* by which Open MPI takes a shell of Slurm's for a launcher that it lacks, and ends */
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_btl", "self", 0);
    setenv("OMPI_MCA_pml", "ob1", 0);
    return NB_OK;
}

nb_status nb_comm_start(nb_comm *comm, nb_error *err)
{
    int provided;
    nb_status status;
    *comm = (nb_comm){.handle = MPI_COMM_NULL, .size = 1};
    NB_TRY_NEW(comm->traffic, 1);
    if (!nb_comm_launched_as()) {
        NB_TRY(comm_prepare_alone(err));
    }
    setenv("OMPI_MCA_osc", "^ucx", 0); /* Open MPI's UCX windows select themselves, then fail across nodes */
    /* PMIx's store in shared memory has locks: a rank killed while it held one kept the launcher from ending the job */
    setenv("PMIX_MCA_gds", "hash", 0);
    NB_TRY_MPI(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    NB_TRY_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &comm->handle), "MPI_Comm_dup");
    NB_TRY_MPI(MPI_Comm_set_errhandler(comm->handle, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    NB_TRY_MPI(MPI_Comm_rank(comm->handle, &comm->rank), "MPI_Comm_rank");
    NB_TRY_MPI(MPI_Comm_size(comm->handle, &comm->size), "MPI_Comm_size");
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int len = 0;
    MPI_Get_processor_name(host, &len);
    size_t kept = strnlen(host, sizeof comm->host - 1);
    memcpy(comm->host, host, kept);
done:
    return status;
}

void nb_comm_stop(nb_comm *comm)
{
    if (comm->handle != MPI_COMM_NULL) {
        MPI_Comm_free(&comm->handle);
        MPI_Finalize();
    }
    free(comm->traffic);
    comm->traffic = NULL;
}

void nb_comm_abort(const nb_comm *comm, nb_status status)
{
    MPI_Abort(comm->handle, (int)status);
}

nb_status nb_comm_agree(const nb_comm *comm, nb_status status, nb_error *err)
{
    if (comm->handle == MPI_COMM_NULL || (status != NB_OK && err->agreed)) {
        return status;
    }
    int mine = status == NB_OK ? comm->size : comm->rank, first = comm->size;
    nb_error report = {0};
    if (MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm->handle) != MPI_SUCCESS) {
        nb_comm_abort(comm, NB_ERR_INTERNAL);
    }
    if (first == comm->size) {
        return status; /* NB_OK, as on all ranks */
    }
    if (comm->rank == first) {
        report = *err;
        report.status = status;
        report.rank = comm->rank;
        report.agreed = 1;
        memcpy(report.host, comm->host, sizeof report.host);
    }
    if (MPI_Bcast(&report, (int)sizeof report, MPI_BYTE, first, comm->handle) != MPI_SUCCESS) {
        nb_comm_abort(comm, NB_ERR_INTERNAL);
    }
    *err = report;
    return report.status;
}

static void comm_count_traffic(const nb_comm *comm, size_t bytes)
{
    if (comm->traffic) {
        *comm->traffic += bytes;
    }
}

nb_status nb_comm_broadcast(const nb_comm *comm, void *bytes, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    comm_count_traffic(comm, len);
    for (size_t at = 0; at < len && comm->size > 1; at += CHUNK) {
        size_t part = len - at < CHUNK ? len - at : CHUNK;
        NB_TRY_MPI(MPI_Bcast((char *)bytes + at, (int)part, MPI_BYTE, 0, comm->handle), "MPI_Bcast");
    }
done:
    return status;
}

static nb_status comm_receive_blocks(const nb_comm *comm, const void *block, size_t len, char *all,
                                     const uint64_t *offset, nb_error *err)
{
    nb_status status = NB_OK;
    memcpy(all, block, len);
    for (int r = 1; r < comm->size; r++) {
        for (uint64_t at = offset[r]; at < offset[r + 1]; at += CHUNK) {
            uint64_t part = offset[r + 1] - at < CHUNK ? offset[r + 1] - at : CHUNK;
            NB_TRY_MPI(MPI_Recv(all + at, (int)part, MPI_BYTE, r, 0, comm->handle, MPI_STATUS_IGNORE), "MPI_Recv");
        }
    }
done:
    return status;
}

nb_status nb_comm_gather(const nb_comm *comm, const void *block, size_t len, char **all, uint64_t **offset,
                         nb_error *err)
{
    uint64_t mine = len;
    uint64_t *lengths = NULL;
    nb_status status = NB_OK;
    comm_count_traffic(comm, len + sizeof mine);
    *all = NULL;
    *offset = NULL;
    if (comm->rank == 0) {
        lengths = nb_alloc((size_t)comm->size + 1, sizeof *lengths, err);
        status = lengths ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    if (comm->size > 1) {
        NB_TRY_MPI(MPI_Gather(&mine, 1, MPI_UINT64_T, lengths, 1, MPI_UINT64_T, 0, comm->handle), "MPI_Gather");
    } else if (lengths) {
        lengths[0] = mine;
    }
    if (lengths) { /* rank 0 */
        uint64_t total = 0;
        for (int r = 0; r <= comm->size; r++) { /* lengths become offsets */
            uint64_t own = r < comm->size ? lengths[r] : 0;
            lengths[r] = total;
            total += own;
        }
        *all = nb_alloc((size_t)total, 1, err);
        status = *all ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    if (*all) { /* rank 0 */
        NB_TRY(comm_receive_blocks(comm, block, len, *all, lengths, err));
    } else {
        for (size_t at = 0; at < len; at += CHUNK) {
            size_t part = len - at < CHUNK ? len - at : CHUNK;
            NB_TRY_MPI(MPI_Send((const char *)block + at, (int)part, MPI_BYTE, 0, 0, comm->handle), "MPI_Send");
        }
    }
done:
    if (status != NB_OK) {
        free(*all);
        free(lengths);
        *all = NULL;
        return status;
    }
    *offset = lengths;
    return NB_OK;
}

static nb_status comm_reduce_words(const nb_comm *comm, void *words, size_t count, MPI_Datatype type, MPI_Op op,
                                   nb_error *err)
{
    nb_status status = NB_OK;
    comm_count_traffic(comm, count * sizeof(uint64_t));
    for (size_t at = 0; at < count && comm->size > 1; at += CHUNK) {
        size_t part = count - at < CHUNK ? count - at : CHUNK;
        NB_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, (uint64_t *)words + at, (int)part, type, op, comm->handle),
                   "MPI_Allreduce");
    }
done:
    return status;
}

nb_status nb_comm_or(const nb_comm *comm, void *words, size_t count, nb_error *err)
{
    return comm_reduce_words(comm, words, count, MPI_UINT64_T, MPI_BOR, err);
}

nb_status nb_comm_sum(const nb_comm *comm, uint64_t *values, size_t count, nb_error *err)
{
    return comm_reduce_words(comm, values, count, MPI_UINT64_T, MPI_SUM, err);
}

nb_status nb_comm_max(const nb_comm *comm, int64_t *values, size_t count, nb_error *err)
{
    return comm_reduce_words(comm, values, count, MPI_INT64_T, MPI_MAX, err);
}

nb_status nb_comm_same(const nb_comm *comm, const char *what, const char *text, nb_error *err)
{
    char first[256] = "";
    nb_status status = NB_OK;
    memcpy(first, text, strnlen(text, sizeof first - 1));
    NB_TRY(nb_comm_agree(comm, NB_OK, err));
    NB_TRY(nb_comm_broadcast(comm, first, sizeof first, err));
    if (strncmp(first, text, sizeof first - 1) != 0) {
        status = nb_fail(err, NB_ERR_LIMIT, "%s differs: '%s' here, '%s' on rank 0", what, text, first);
    }
done:
    return nb_comm_agree(comm, status, err);
}
