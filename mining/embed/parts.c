#include "mining/embed/parts.h"

#include "common/base/text.h"
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

/* In `fresh`, then under the name of the partial, unless that is there. *first: it was not. */
static nb_status parts_lay_out(const nb_output *out, const char *fresh, nb_store_plan *plan, const nb_store_spec *spec,
                               bool *first, nb_error *err)
{
    bool same = false;
    nb_status status;
    NB_TRY(nb_store_create(plan, fresh, spec, err));
    *first = link(fresh, out->partial) == 0; /* unlike a rename, never over another job's */
    if (*first) {
        if (access(out->path, F_OK) == 0) { /* it was not there because the last part had just given it its name */
            unlink(out->partial);
            status = nb_fail(err, NB_ERR_IO, "'%s' is there", out->path);
        }
        goto done;
    }
    if (errno != EEXIST) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot link '%s' to '%s'", fresh, out->partial);
        goto done;
    }
    NB_TRY(nb_store_same_plan(plan, fresh, out->partial, &same, err));
    if (!same) {
        status = parts_refuse_other(out->partial, spec, err);
    }
done:
    return status;
}

nb_status nb_part_lay_out(const nb_output *out, const nb_part *part, nb_store_plan *plan, const nb_store_spec *spec,
                          const nb_log *log, nb_error *err)
{
    nb_buffer fresh = {0};
    char host[256] = "";
    bool first = false;
    nb_status status;
    gethostname(host, sizeof host - 1);
    NB_TRY(nb_buffer_printf(&fresh, err, "%s.%s.%ld", out->partial, host, (long)getpid()));
    status = parts_lay_out(out, fresh.data, plan, spec, &first, err);
    if (status == NB_OK && first) {
        nb_log_info(log, "preallocated '%s' for %zu parts", out->partial, part->count);
    }
    plan->resumed = 1; /* other jobs may have done any tile */
    if (status != NB_OK && access(out->path, F_OK) == 0) {
        nb_error_clear(err); /* it was not there before: others have completed it, and cleared away what they found */
        *plan = (nb_store_plan){0};
        status = NB_OK;
    }
    unlink(fresh.data);
done:
    nb_buffer_free(&fresh);
    return status;
}

/* ---- the end ---- */

/* Tiles not done; those of other parts are read whole, this one's were verified or made just now. */
static nb_status parts_count_left(size_t *left, int fd, const nb_part *part, const nb_store_plan *plan, nb_error *err)
{
    size_t first, tiles;
    uint64_t rows;
    nb_status status;
    nb_part_tiles(part, plan, &first, &tiles, &rows);
    NB_TRY(nb_store_tiles_left(fd, plan, left, err));
    for (size_t i = 0; i < plan->tile_count && !*left; i++) {
        bool done = i >= first && i < first + tiles;
        if (!done) {
            NB_TRY(nb_store_tile_done(fd, plan, i, &done, err));
        }
        *left += !done;
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

nb_status nb_part_finish(nb_output *out, const nb_part *part, const nb_store_plan *plan, nb_digest *digest,
                         size_t *left, nb_error *err)
{
    nb_buffer partial = {0};
    nb_status status;
    *digest = (nb_digest){""};
    *left = 0;
    /* opened anew: NFS shows what others have written, and closed, to those who open afterwards */
    int fd = open(out->partial, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT && access(out->path, F_OK) == 0
                   ? NB_OK /* another job was faster */
                   : nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", out->partial);
    }
    NB_TRY(parts_count_left(left, fd, part, plan, err));
    if (*left) {
        goto done;
    }
    NB_TRY(parts_hold(fd, out->partial, err));
    if (!parts_still(fd, out->partial)) {
        goto done;
    }
    NB_TRY(nb_buffer_printf(&partial, err, "%s", out->partial));
    status = nb_store_seal(partial.data, plan, digest, err);
    if (status == NB_OK) {
        status = nb_output_commit(out, err);
    }
    if (status != NB_OK && out->path && !parts_still(fd, partial.data) && parts_still(fd, out->path)) {
        nb_error_clear(err); /* another job did, meanwhile */
        *digest = (nb_digest){""};
        status = NB_OK;
    }
    if (status == NB_OK) {
        parts_clear_layouts(partial.data);
    }
done:
    nb_buffer_free(&partial);
    close(fd);
    return status;
}
