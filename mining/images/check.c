#include "mining/images/check.h"

#include "common/parallel/pool.h"
#include "mining/images/done_marks.h"
#include "mining/images/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 16, KEY = 16, MARK = 1 };

/* What a rank found. */
typedef struct findings {
    const nb_image_inputs *in;
    const uint8_t *known; /* [count] done_marks.h: of an earlier run */
    uint64_t *found;      /* [count] marks of this rank's images, 0 elsewhere */
    nb_image_reader *reader;
    nb_buffer causes; /* lines "NUMBER CAUSE" of the first few, the number in KEY hexadecimal digits */
    size_t named;
    bool strict;
} findings;

/* Decodes one image. */
static nb_status check_look_at(findings *f, size_t i, nb_error *err)
{
    nb_reader_times times = {0};
    nb_image image = {0};
    nb_error cause = {0};
    nb_image_fault fault = NB_IMAGE_FINE;
    nb_status status = nb_image_reader_decode(f->reader, i, &image, &fault, &times, &cause);
    nb_image_free(&image);
    if (status == NB_ERR_LIMIT || (status != NB_OK && f->strict)) {
        *err = cause;
        return status == NB_ERR_LIMIT ? status : nb_hint(err, "without --strict it is counted and the run goes on");
    }
    f->found[i] = MARK + (uint64_t)(status == NB_OK ? NB_IMAGE_FINE : fault);
    if (f->found[i] != MARK && f->named < NB_IMAGES_NAMED) {
        f->named++;
        return nb_buffer_printf(&f->causes, err, "%0*" PRIx64 " %s\n", KEY, (uint64_t)i, cause.message);
    }
    return NB_OK;
}

static nb_status check_visit(void *state, nb_pool *pool, size_t tile, nb_error *err)
{
    findings *f = state;
    size_t begin = tile * TILE, end = f->in->count - begin < TILE ? f->in->count : begin + TILE;
    nb_status status = NB_OK;
    for (size_t i = begin; i < end && status == NB_OK; i++) {
        if (f->known[i]) {
            pool->counters.kept++;
        } else {
            status = check_look_at(f, i, err);
            pool->counters.items++;
        }
    }
    return status;
}

static nb_status check_keep_good(nb_image_inputs *in, const uint8_t *done_marks, nb_error *err)
{
    nb_image_inputs good = {0};
    nb_status status;
    NB_TRY_NEW(good.labels, in->count);
    NB_TRY_NEW(good.places, in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (done_marks[i] != MARK) {
            continue;
        }
        NB_TRY(nb_strings_push(&good.paths, nb_strings_get(&in->paths, i), nb_strings_len(&in->paths, i), err));
        NB_TRY(nb_strings_push(&good.names, nb_strings_get(&in->names, i), nb_strings_len(&in->names, i), err));
        good.places[good.count] = in->places ? in->places[i] : (nb_image_place){.shard = NB_IMAGE_NO_SHARD};
        good.labels[good.count++] = in->labels[i];
    }
    memcpy(good.skipped, in->skipped, sizeof good.skipped);
    memcpy(good.others, in->others, sizeof good.others);
    good.limits = in->limits;
    good.classes = in->classes;
    good.shards = in->shards;
    good.compressed = in->compressed;
    in->classes = in->shards = (nb_strings){0};
    in->compressed = NULL;
    nb_image_inputs_free(in);
    *in = good;
    good = (nb_image_inputs){0};
done:
    nb_image_inputs_free(&good);
    return status;
}

/* Lines begin with the image's number. */
static int check_by_number(const void *a, const void *b)
{
    return memcmp(*(const char *const *)a, *(const char *const *)b, KEY);
}

/* Rank 0 names the first of all: every rank's own first are among them, for tiles are taken in order. */
static nb_status check_name_first(const nb_log *log, char *all, size_t len, nb_error *err)
{
    char **lines = NULL;
    size_t count = 0;
    nb_status status;
    NB_TRY_NEW(lines, len / KEY + 1);
    for (char *line = all, *stop; line < all + len; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(all + len - line));
        *stop = '\0';
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, check_by_number);
    for (size_t i = 0; i < count && i < NB_IMAGES_NAMED; i++) {
        nb_log_warn(log, "skipped: %s", lines[i] + KEY + 1);
    }
done:
    free(lines);
    return status;
}

static void check_count_faults(const nb_log *log, const uint8_t *done_marks, size_t count, size_t *dropped)
{
    size_t faults[NB_IMAGE_FAULTS] = {0};
    nb_buffer text = {0};
    nb_error ignored = {0};
    for (size_t i = 0; i < count; i++) {
        size_t fault = (size_t)done_marks[i] - MARK;
        faults[fault < NB_IMAGE_FAULTS ? fault : NB_IMAGE_DAMAGED]++;
    }
    *dropped = count - faults[NB_IMAGE_FINE];
    for (int f = NB_IMAGE_FINE + 1; f < NB_IMAGE_FAULTS; f++) {
        if (faults[f] && nb_buffer_printf(&text, &ignored, "%s%zu %s", text.len ? ", " : "", faults[f],
                                          nb_image_fault_name((nb_image_fault)f)) != NB_OK) {
            break; /* the line in the log is shorter then */
        }
    }
    if (*dropped) {
        nb_log_warn(log, "%zu of %zu images are left out: %s%s", *dropped, count, text.data ? text.data : "",
                    *dropped > NB_IMAGES_NAMED ? "; the first are named above" : "");
    }
    nb_buffer_free(&text);
}

/* ---- what is known from an earlier run, and left for a later one ---- */

/* Collective. Rank 0's file to all. */
static nb_status check_read_done_marks(uint8_t *done_marks, const nb_comm *comm, const nb_image_inputs *in,
                                       const nb_images_check_options *options, nb_error *err)
{
    if (!options || !options->resume) {
        return NB_OK;
    }
    if (comm->rank == 0) {
        nb_done_marks_read(done_marks, in, options->path);
    }
    return nb_comm_broadcast(comm, done_marks, in->count, err);
}

/* Collective, also after a request to stop, which all ranks know of then. The marks of all ranks, on all of them. */
static nb_status check_combine_done_marks(uint8_t *done_marks, const nb_comm *comm, const findings *f, nb_error *err)
{
    nb_status status = nb_comm_or(comm, f->found, f->in->count, err);
    for (size_t i = 0; i < f->in->count; i++) {
        done_marks[i] = done_marks[i] ? done_marks[i] : (uint8_t)f->found[i];
    }
    return status;
}

/* Rank 0. That they cannot be kept is no reason to fail. */
static void check_write_done_marks(const uint8_t *done_marks, const nb_log *log, const nb_image_inputs *in,
                                   const nb_images_check_options *options)
{
    nb_error err = {0};
    if (options && nb_done_marks_write(done_marks, in, options->path, &err) != NB_OK) {
        nb_log_warn(log, "what is known of the images is not kept: %s", err.message);
    }
}

/* Collective. Every image is looked at, once. */
static nb_status check_look(uint8_t *done_marks, findings *f, const nb_comm *comm, const nb_log *log,
                            const nb_images_check_options *options, nb_error *err)
{
    const nb_image_inputs *in = f->in;
    const nb_pool_work work = {.what = "images looked at",
                               .hint = options ? "what is done is kept: run again with --resume to continue"
                                               : "nothing is made yet",
                               .total = in->count,
                               .tiles = (in->count + TILE - 1) / TILE,
                               .run = nb_image_inputs_run(in, TILE, (size_t)comm->size),
                               .sharing = NB_SHARING_AUTO,
                               .visit = check_visit,
                               .state = f};
    nb_error failure = {0};
    nb_pool_result result = {0};
    nb_status status;
    NB_TRY(nb_comm_agree(comm, nb_image_reader_create(&f->reader, in, err), err));
    nb_status ended = nb_pool_run(comm, log, &work, &result, &failure);
    if (ended == NB_OK || ended == NB_STOPPED) {
        NB_TRY(check_combine_done_marks(done_marks, comm, f, err));
        if (comm->rank == 0 && result.kept < in->count) {
            check_write_done_marks(done_marks, log, in, options);
        }
    }
    if (ended != NB_OK) {
        *err = failure;
    }
    status = ended;
done:
    nb_image_reader_destroy(f->reader);
    return status;
}

nb_status nb_images_check(const nb_comm *comm, const nb_log *log, nb_image_inputs *in,
                          const nb_images_check_options *options, size_t *dropped, nb_error *err)
{
    findings f = {.in = in,
                  .causes = {.max = (size_t)NB_IMAGES_NAMED * 2 * NB_MESSAGE_MAX},
                  .strict = options && options->strict};
    uint8_t *done_marks = NULL;
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    done_marks = nb_alloc(in->count, sizeof *done_marks, err);
    f.known = done_marks;
    f.found = nb_alloc(in->count, sizeof *f.found, err);
    NB_TRY(nb_comm_agree(comm, done_marks && f.found ? NB_OK : NB_ERR_LIMIT, err));
    NB_TRY(check_read_done_marks(done_marks, comm, in, options, err));
    NB_TRY(check_look(done_marks, &f, comm, log, options, err));
    NB_TRY(nb_comm_gather(comm, f.causes.data ? f.causes.data : "", f.causes.len, &all, &offset, err));
    if (all) {
        status = check_name_first(log, all, (size_t)offset[comm->size], err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    check_count_faults(log, done_marks, in->count, dropped);
    if (*dropped == in->count) {
        status = nb_fail(err, NB_ERR_INPUT, "none of %zu images can be decoded, '%s' among them", in->count,
                         nb_strings_get(&in->paths, 0));
        goto done;
    }
    if (*dropped) {
        status = nb_comm_agree(comm, check_keep_good(in, done_marks, err), err);
    }
done:
    nb_buffer_free(&f.causes);
    free(f.found);
    free(done_marks);
    free(all);
    free(offset);
    return status;
}
