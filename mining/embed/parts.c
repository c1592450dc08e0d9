#include "mining/embed/parts.h"

#include "common/base/text.h"
#include "common/parallel/sealing.h"
#include "common/store/provenance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

nb_status nb_part_parse(nb_part *out, const char *text, nb_error *err)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    char number[16] = "";
    int64_t k = 0, n = 0;
    *out = (nb_part){0};
    if (!text) {
        return NB_OK;
    }
    if (slash && (size_t)(slash - text) < sizeof number) {
        memcpy(number, text, (size_t)(slash - text));
    }
    if (!slash || !nb_parse_int(number, &k) || !nb_parse_int(slash + 1, &n) || n < 1 || n > NB_PARTS_MAX || k < 0 ||
        k > n) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is no part", text);
        return nb_hint(err, "K/N, as in 3/8: part K of N up to %d; 0/N only lays the output out", NB_PARTS_MAX);
    }
    *out = (nb_part){(size_t)k, (size_t)n};
    return NB_OK;
}

/* The first tile of part k; tile counts times part counts stay far below 64 bits. */
static size_t parts_first_of(const nb_part *part, const nb_store_plan *plan, size_t k)
{
    return (size_t)(plan->tile_count * (k - 1) / part->count);
}

void nb_part_tiles(const nb_part *part, const nb_store_plan *plan, size_t *first, size_t *tiles, uint64_t *rows)
{
    *first = 0;
    *tiles = (size_t)plan->tile_count;
    *rows = plan->count;
    if (!part->count) {
        return;
    }
    size_t end = part->number ? parts_first_of(part, plan, part->number + 1) : 0;
    *first = part->number ? parts_first_of(part, plan, part->number) : 0;
    *tiles = end - *first;
    uint64_t begin_row = *first * plan->tile_rows, end_row = end * plan->tile_rows;
    *rows = (end_row < plan->count ? end_row : plan->count) - (begin_row < plan->count ? begin_row : plan->count);
}

/* ---- the layout ---- */

enum { PATH_SIZE = 4096 };

/* Where a part lays the store out, and the name it gets then; rank 0's on all ranks. */
typedef struct parts_names {
    char fresh[PATH_SIZE], partial[PATH_SIZE];
} parts_names;

/* The partial once all tiles are done, open. */
typedef struct parts_file {
    const char *partial;
    int fd;
} parts_file;

static nb_status parts_refuse_other(const char *partial, const nb_store_spec *spec, nb_error *err)
{
    char *old = NULL;
    nb_error unreadable = {0};
    nb_status status = NB_OK;
    if (nb_store_provenance(partial, &old, &unreadable) == NB_OK) {
        NB_TRY(nb_provenance_same_fact(partial, old, spec->provenance, NB_PROVENANCE_ENGINE, err));
        NB_TRY(nb_provenance_same_fact(partial, old, spec->provenance, NB_PROVENANCE_KERNELS, err));
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' was preallocated for other inputs or options", partial);
done:
    free(old);
    return nb_hint(err, "all parts need the same of them, on CPUs of one kind; to begin anew remove that file, once no "
                        "job writes to it");
}

/* Collective. A layout that stands is compared, each part a share of it, so that all parts together look at all. */
static nb_status parts_join(const nb_part_job *job, const char *partial, nb_store_layout *layout, nb_store_plan *plan,
                            nb_error *err)
{
    const nb_store_layout_share whole = {1, 1}, mine = {job->part.number, job->part.count};
    bool same = false;
    nb_status status;
    NB_TRY(nb_store_layout_same(layout, partial, job->part.number ? mine : whole, plan, &same, err));
    if (!same) {
        status = job->comm->rank == 0 ? parts_refuse_other(partial, &layout->spec, err) : NB_OK;
        status = nb_comm_agree(job->comm, status, err);
    }
done:
    return status;
}

/* Rank 0: the layout under the name of the partial, unless that is there. *first: it was not. */
static nb_status parts_link(const nb_part_job *job, const char *fresh, const char *partial, bool *first, nb_error *err)
{
    *first = link(fresh, partial) == 0; /* unlike a rename, never over another job's */
    if (*first && access(job->path, F_OK) == 0) {
        /* it was not there because the last part had just given it its name */
        unlink(partial);
        return nb_fail(err, NB_ERR_IO, "'%s' is there", job->path);
    }
    return *first || errno == EEXIST ? NB_OK
                                     : nb_fail_errno(err, NB_ERR_IO, "cannot link '%s' to '%s'", fresh, partial);
}

/* Collective. Opens the layout that stands, or makes one in `fresh` first; *first: it was made here. */
static nb_status parts_lay_out(const nb_part_job *job, const parts_names *names, nb_store_layout *layout,
                               nb_store_plan *plan, bool *first, nb_error *err)
{
    const nb_comm *comm = job->comm;
    bool there = comm->rank == 0 && access(names->partial, F_OK) == 0;
    nb_status status = NB_OK;
    NB_TRY(nb_comm_broadcast(comm, &there, sizeof there, err));
    if (!there) {
        NB_TRY(nb_store_layout_create(layout, names->fresh, plan, err));
        status = comm->rank == 0 ? parts_link(job, names->fresh, names->partial, first, err) : NB_OK;
        NB_TRY(nb_comm_agree(comm, status, err));
        NB_TRY(nb_comm_broadcast(comm, first, sizeof *first, err));
    }
    if (!*first) {
        NB_TRY(parts_join(job, names->partial, layout, plan, err));
    }
done:
    return status;
}

nb_status nb_part_lay_out(const nb_part_job *job, nb_store_layout *layout, nb_store_plan *plan, nb_error *err)
{
    const nb_comm *comm = job->comm;
    parts_names names = {"", ""};
    bool first = false, there = false;
    nb_status status = NB_OK;
    int a = snprintf(names.partial, PATH_SIZE, "%s.partial", job->path);
    int b = snprintf(names.fresh, PATH_SIZE, "%s.%s.%ld", names.partial, comm->host, (long)getpid());
    if (a >= PATH_SIZE || b >= PATH_SIZE) {
        status = nb_fail(err, NB_ERR_USAGE, "the name '%.80s...' is too long", job->path);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, names.fresh, sizeof names.fresh, err));
    status = parts_lay_out(job, &names, layout, plan, &first, err);
    if (status == NB_OK && first) {
        nb_log_info(job->log, "preallocated '%s' for %zu parts", names.partial, job->part.count);
    }
    if (status != NB_OK) {
        nb_error ignored = {0};
        there = comm->rank == 0 && access(job->path, F_OK) == 0;
        nb_status told = nb_comm_broadcast(comm, &there, sizeof there, &ignored);
        if (told == NB_OK && there) {
            nb_error_clear(
                err); /* it was not there before: others have completed it, and cleared away what they found */
            *plan = (nb_store_plan){0};
            status = NB_OK;
        }
    }
    plan->resumed = plan->tile_count > 0; /* other jobs may have done any tile */
    if (comm->rank == 0) {
        unlink(names.fresh);
    }
done:
    return status;
}

/* ---- the end ---- */

nb_status nb_part_seal(const nb_comm *comm, const char *path, const nb_store_plan *plan, nb_digest *digest,
                       nb_error *err)
{
    uint64_t end = plan->embeddings_at + plan->count * nb_store_row_bytes(plan);
    const nb_seal_order order = {path, NB_STORE_KIND, plan->embeddings_at, end};
    return nb_comm_seal_write(comm, &order, digest, err);
}

/* This rank's share of the other parts' tiles is read whole; this part's were verified or made just now. Adds those
 * that are not done. */
static nb_status parts_look(const nb_part_job *job, const nb_store_plan *plan, int fd, uint64_t *left, nb_error *err)
{
    size_t first, tiles;
    uint64_t rows;
    nb_status status = NB_OK;
    nb_part_tiles(&job->part, plan, &first, &tiles, &rows);
    for (size_t i = (size_t)job->comm->rank; i < plan->tile_count; i += (size_t)job->comm->size) {
        bool done = i >= first && i < first + tiles;
        if (!done) {
            NB_TRY(nb_store_tile_done(fd, plan, i, &done, err));
        }
        *left += !done;
    }
done:
    return status;
}

/* Collective. Tiles not done; where there are marks for all, every tile is looked at. */
static nb_status parts_count_left(const nb_part_job *job, const nb_store_plan *plan, int fd, size_t *left,
                                  nb_error *err)
{
    uint64_t damaged = 0;
    nb_status status = job->comm->rank == 0 ? nb_store_tiles_left(fd, plan, left, err) : NB_OK;
    NB_TRY(nb_comm_agree(job->comm, status, err));
    NB_TRY(nb_comm_broadcast(job->comm, left, sizeof *left, err));
    if (!*left) {
        NB_TRY(nb_comm_agree(job->comm, parts_look(job, plan, fd, &damaged, err), err));
        NB_TRY(nb_comm_sum(job->comm, &damaged, 1, err));
        *left = (size_t)damaged;
    }
done:
    return status;
}

/* Held while one job seals, gone with its descriptor (a lock of the process would go when sealing closes the file). A
 * file system without locks does without: two jobs that seal at once write the same bytes, and one is first to rename.
 */
static nb_status parts_hold(int fd, const char *partial, nb_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int got;
    do {
        got = fcntl(fd, F_OFD_SETLKW, &whole);
    } while (got != 0 && errno == EINTR);
    if (got != 0 && errno != ENOLCK && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot lock '%s'", partial);
    }
    return NB_OK;
}

/* True while the open file still has that name. */
static bool parts_still(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Layouts that killed jobs left. A job that is at its own now finds the store complete. */
static void parts_clear_layouts(const char *partial)
{
    const char *base = nb_path_base(partial);
    size_t len = strlen(base);
    char *folder = strndup(partial, (size_t)(base - partial));
    DIR *entries = folder ? opendir(*folder ? folder : ".") : NULL;
    for (struct dirent *e = entries ? readdir(entries) : NULL; e; e = readdir(entries)) {
        char *path = NULL;
        nb_error ignored = {0};
        if (strncmp(e->d_name, base, len) == 0 && e->d_name[len] == '.' &&
            nb_path_join(&path, folder, e->d_name, &ignored) == NB_OK) {
            unlink(path);
        }
        free(path);
    }
    if (entries) {
        closedir(entries);
    }
    free(folder);
}

/* Collective. Seals what is complete; the lock is held. */
static nb_status parts_seal(const nb_part_job *job, nb_output *out, const nb_store_plan *plan, const parts_file *file,
                            nb_digest *digest, nb_error *err)
{
    const nb_comm *comm = job->comm;
    nb_error ignored = {0};
    bool faster = false;
    nb_status status = nb_part_seal(comm, file->partial, plan, digest, err);
    if (status == NB_OK) {
        status = nb_comm_agree(comm, comm->rank == 0 ? nb_output_commit(out, err) : NB_OK, err);
    }
    if (status != NB_OK) {
        faster =
            comm->rank == 0 && out->path && !parts_still(file->fd, file->partial) && parts_still(file->fd, out->path);
        nb_status told = nb_comm_broadcast(comm, &faster, sizeof faster, &ignored);
        if (told == NB_OK && faster) {
            nb_error_clear(err); /* another job did, meanwhile */
            *digest = (nb_digest){""};
            status = NB_OK;
        }
    }
    if (status == NB_OK && comm->rank == 0) {
        parts_clear_layouts(file->partial);
    }
    return status;
}

/* The partial, opened anew: NFS shows what others have written, and closed, to those who open afterwards. *gone:
 * another job was faster. */
static nb_status parts_open(const nb_part_job *job, const char *partial, int *fd, bool *gone, nb_error *err)
{
    *fd = open(partial, O_RDWR | O_CLOEXEC);
    *gone = *fd < 0 && errno == ENOENT && access(job->path, F_OK) == 0;
    return *fd >= 0 || *gone ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", partial);
}

nb_status nb_part_finish(const nb_part_job *job, nb_output *out, const nb_store_plan *plan, nb_digest *digest,
                         size_t *left, nb_error *err)
{
    const nb_comm *comm = job->comm;
    nb_buffer partial = {0};
    bool gone = false, still = false;
    uint64_t faster = 0;
    int fd = -1;
    nb_status status;
    *digest = (nb_digest){""};
    *left = 0;
    NB_TRY(nb_buffer_printf(&partial, err, "%s.partial", job->path));
    NB_TRY(parts_open(job, partial.data, &fd, &gone, err));
done:
    status = nb_comm_agree(comm, status, err);
    faster = gone;
    if (status == NB_OK) {
        status = nb_comm_sum(comm, &faster, 1, err);
    }
    if (status == NB_OK && !faster) {
        status = parts_count_left(job, plan, fd, left, err);
    }
    if (status == NB_OK && !faster && !*left) {
        status = comm->rank == 0 ? parts_hold(fd, partial.data, err) : NB_OK;
        still = comm->rank == 0 && parts_still(fd, partial.data);
        status = nb_comm_agree(comm, status, err);
        if (status == NB_OK) {
            status = nb_comm_broadcast(comm, &still, sizeof still, err);
        }
        if (status == NB_OK && still) {
            const parts_file file = {partial.data, fd};
            status = parts_seal(job, out, plan, &file, digest, err);
        }
    }
    nb_buffer_free(&partial);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}
