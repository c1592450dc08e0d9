#include "mining/select/ledger.h"

#include "common/base/file.h"
#include "common/base/tag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static nb_status ledger_write_all(const nb_ledger *l, const void *bytes, size_t len, size_t at, nb_error *err)
{
    const char *p = bytes;
    while (len) {
        ssize_t n = pwrite(l->fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            nb_fail_errno(err, NB_ERR_IO, "cannot write %zu bytes to '%s'", len, l->path);
            return nb_hint(err, "is the disk full? what is done is kept: run again with --resume to continue");
        }
        p += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    return NB_OK;
}

/* *whole is false when the file ends before. */
static nb_status ledger_read_all(const nb_ledger *l, void *bytes, size_t len, size_t at, bool *whole, nb_error *err)
{
    char *p = bytes;
    while (len) {
        ssize_t n = pread(l->fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", l->path);
        }
        if (n == 0) {
            break;
        }
        p += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    *whole = len == 0;
    return NB_OK;
}

/* Rank 0: an empty ledger with its header, or the one that is there. */
static nb_status ledger_begin(nb_ledger *l, const nb_log *log, const nb_ledger_plan *plan, nb_error *err)
{
    char want[NB_LEDGER_HEADER] = "", have[NB_LEDGER_HEADER] = "";
    bool whole = false;
    nb_status status = NB_OK;
    size_t len = strlen(plan->identity);
    if (len >= sizeof want) {
        return nb_fail(err, NB_ERR_LIMIT, "the description of the run has %zu bytes, at most %zu fit", len,
                       sizeof want - 1);
    }
    memcpy(want, plan->identity, len);
    NB_TRY(nb_file_open_own(&l->fd, l->path, err));
    if (plan->resume) {
        NB_TRY(ledger_read_all(l, have, sizeof have, 0, &whole, err));
    }
    if (whole && memcmp(have, want, sizeof want) == 0) {
        nb_log_info(log, "continuing '%s'", l->path);
        return NB_OK;
    }
    if (whole) {
        nb_log_warn(log, "'%s' is of other inputs or options: starting anew", l->path);
    }
    if (ftruncate(l->fd, 0) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot empty '%s'", l->path);
    }
    NB_TRY(ledger_write_all(l, want, sizeof want, 0, err));
done:
    return status;
}

static nb_status ledger_open_first(nb_ledger *l, const nb_log *log, const nb_ledger_plan *plan, bool first,
                                   nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(l->path, strlen(plan->path) + 1);
    memcpy(l->path, plan->path, strlen(plan->path) + 1);
    if (first) {
        NB_TRY(ledger_begin(l, log, plan, err));
    }
done:
    return status;
}

nb_status nb_ledger_open(nb_ledger *l, const nb_comm *comm, const nb_log *log, const nb_ledger_plan *plan,
                         nb_error *err)
{
    nb_status status;
    *l = (nb_ledger){.fd = -1, .count = plan->count, .column_count = plan->column_count};
    l->tiles = (l->count + NB_AFFINITY_TEXTS - 1) / NB_AFFINITY_TEXTS;
    l->record = offsetof(nb_ledger_tile, columns) + l->column_count * NB_AFFINITY_TEXTS * sizeof(double);
    NB_TRY(nb_comm_agree(comm, ledger_open_first(l, log, plan, comm->rank == 0, err), err));
    if (comm->rank != 0) {
        l->fd = open(l->path, O_RDWR | O_CLOEXEC);
        status = l->fd < 0 ? nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", l->path) : NB_OK;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
done:
    if (status != NB_OK) {
        nb_ledger_close(l);
    }
    return status;
}

void nb_ledger_close(nb_ledger *l)
{
    if (l->path && l->fd >= 0) {
        close(l->fd);
    }
    free(l->path);
    *l = (nb_ledger){.fd = -1};
}

nb_status nb_ledger_lost(const nb_ledger *l, size_t tile, nb_error *err)
{
    nb_fail(err, NB_ERR_IO, "'%s' lost what was written to it (tile %zu)", l->path, tile);
    return nb_hint(err, "run again with --resume");
}

size_t nb_ledger_rows(const nb_ledger *l, size_t tile)
{
    size_t left = l->count - tile * NB_AFFINITY_TEXTS;
    return left < NB_AFFINITY_TEXTS ? left : NB_AFFINITY_TEXTS;
}

static uint64_t ledger_checksum(const nb_ledger *l, const nb_ledger_tile *t)
{
    uint64_t sum = XXH3_64bits(t->reasons, l->record - offsetof(nb_ledger_tile, reasons));
    return sum ? sum : 1;
}

nb_status nb_ledger_write(const nb_ledger *l, size_t tile, nb_ledger_tile *t, nb_error *err)
{
    t->checksum = ledger_checksum(l, t);
    return ledger_write_all(l, t, l->record, NB_LEDGER_HEADER + tile * l->record, err);
}

/* Whoever reads it counts by reason and tag. */
static bool ledger_sound(const nb_ledger_tile *t, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        if (t->reasons[i] >= NB_REASON_COUNT || t->tags[i] >= NB_TAG_COUNT) {
            return false;
        }
    }
    return true;
}

nb_status nb_ledger_read(const nb_ledger *l, size_t tile, nb_ledger_tile *t, bool *done, nb_error *err)
{
    bool whole = false;
    nb_status status = ledger_read_all(l, t, l->record, NB_LEDGER_HEADER + tile * l->record, &whole, err);
    *done = status == NB_OK && whole && t->checksum && t->checksum == ledger_checksum(l, t) &&
            ledger_sound(t, nb_ledger_rows(l, tile));
    return status;
}
