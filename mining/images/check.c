#include "mining/images/check.h"

#include "common/parallel/queue.h"
#include "common/parallel/stop.h"
#include "mining/images/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 16, KEY = 16 };

/* What a rank found. */
typedef struct findings {
    uint64_t *bad;    /* [count] the nb_image_fault, 0 for good ones */
    nb_buffer causes; /* lines "NUMBER CAUSE" of the first few, the number in KEY hexadecimal digits */
    size_t named;
} findings;

/* Decodes images [begin, end). */
static nb_status look_at(findings *f, nb_image_reader *reader, size_t begin, size_t end, nb_error *err)
{
    double read = 0, decode = 0;
    for (size_t i = begin; i < end; i++) {
        nb_image image = {0};
        nb_error cause = {0};
        nb_image_fault fault = NB_IMAGE_FINE;
        nb_status status = nb_image_reader_decode(reader, i, &image, &fault, &read, &decode, &cause);
        nb_image_free(&image);
        if (status == NB_ERR_LIMIT) {
            *err = cause;
            return status;
        }
        f->bad[i] = status == NB_OK ? NB_IMAGE_FINE : fault;
        if (f->bad[i] && f->named < NB_IMAGES_NAMED) {
            f->named++;
            status = nb_buffer_printf(&f->causes, err, "%0*" PRIx64 " %s\n", KEY, (uint64_t)i, cause.message);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

/* Takes tiles from the queue; not collective. */
static nb_status look(findings *f, nb_queue *q, const nb_image_inputs *in, nb_error *err)
{
    nb_image_reader *reader = NULL;
    nb_status status;
    NB_TRY(nb_image_reader_create(&reader, in, err));
    for (;;) {
        size_t tile;
        bool more;
        NB_TRY(nb_queue_next(q, &tile, &more, err));
        if (!more) {
            break;
        }
        if (nb_stop_requested()) {
            status = nb_fail(err, NB_STOPPED, "stopped on request while looking at images: nothing is made yet");
            goto done;
        }
        size_t begin = tile * TILE, end = in->count - begin < TILE ? in->count : begin + TILE;
        NB_TRY(look_at(f, reader, begin, end, err));
    }
done:
    nb_image_reader_destroy(reader);
    if (status != NB_OK) {
        nb_queue_halt(q, NB_HALT_FAILED);
    }
    return status;
}

static nb_status keep_good(nb_image_inputs *in, const uint64_t *bad, nb_error *err)
{
    nb_image_inputs good = {0};
    nb_status status;
    NB_TRY_NEW(good.labels, in->count);
    NB_TRY_NEW(good.places, in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (bad[i]) {
            continue;
        }
        NB_TRY(nb_strings_push(&good.paths, nb_strings_get(&in->paths, i), nb_strings_len(&in->paths, i), err));
        NB_TRY(nb_strings_push(&good.names, nb_strings_get(&in->names, i), nb_strings_len(&in->names, i), err));
        good.places[good.count] = in->places ? in->places[i] : (nb_image_place){.shard = NB_IMAGE_NO_SHARD};
        good.labels[good.count++] = in->labels[i];
    }
    memcpy(good.skipped, in->skipped, sizeof good.skipped);
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
static int by_number(const void *a, const void *b)
{
    return memcmp(*(const char *const *)a, *(const char *const *)b, KEY);
}

/* Rank 0 names the first of all: every rank's own first are among them, for tiles are taken in order. */
static nb_status name_first(const nb_log *log, char *all, size_t len, nb_error *err)
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
    qsort(lines, count, sizeof *lines, by_number);
    for (size_t i = 0; i < count && i < NB_IMAGES_NAMED; i++) {
        nb_log_warn(log, "skipped: %s", lines[i] + KEY + 1);
    }
done:
    free(lines);
    return status;
}

static void count_faults(const nb_log *log, const uint64_t *bad, size_t count, size_t *dropped)
{
    size_t faults[NB_IMAGE_FAULTS] = {0};
    nb_buffer text = {0};
    nb_error ignored = {0};
    for (size_t i = 0; i < count; i++) {
        faults[bad[i] < NB_IMAGE_FAULTS ? bad[i] : NB_IMAGE_DAMAGED]++;
    }
    *dropped = count - faults[NB_IMAGE_FINE];
    for (int f = NB_IMAGE_FINE + 1; f < NB_IMAGE_FAULTS; f++) {
        if (faults[f]) {
            (void)nb_buffer_printf(&text, &ignored, "%s%zu %s", text.len ? ", " : "", faults[f],
                                   nb_image_fault_name((nb_image_fault)f));
        }
    }
    if (*dropped) {
        nb_log_warn(log, "%zu of %zu images are left out: %s%s", *dropped, count, text.data ? text.data : "",
                    *dropped > NB_IMAGES_NAMED ? "; the first are named above" : "");
    }
    nb_buffer_free(&text);
}

nb_status nb_images_check(const nb_team *team, const nb_log *log, nb_image_inputs *in, size_t *dropped, nb_error *err)
{
    findings f = {.causes = {.max = (size_t)NB_IMAGES_NAMED * 2 * NB_MESSAGE_MAX}};
    nb_queue queue = {0};
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    NB_TRY(nb_queue_create(&queue, team, NB_SHARING_AUTO, (in->count + TILE - 1) / TILE,
                           nb_image_inputs_run(in, TILE, (size_t)team->size), err));
    f.bad = nb_alloc(in->count, sizeof *f.bad, err);
    status = nb_team_agree(team, f.bad ? look(&f, &queue, in, err) : NB_ERR_LIMIT, err);
    nb_queue_destroy(&queue);
    if (status != NB_OK) {
        goto done;
    }
    NB_TRY(nb_team_unite(team, f.bad, in->count, err));
    NB_TRY(nb_team_gather(team, f.causes.data ? f.causes.data : "", f.causes.len, &all, &offset, err));
    if (all) {
        status = name_first(log, all, (size_t)offset[team->size], err);
    }
    NB_TRY(nb_team_agree(team, status, err));
    count_faults(log, f.bad, in->count, dropped);
    if (*dropped == in->count) {
        status = nb_fail(err, NB_ERR_INPUT, "none of %zu images can be decoded, '%s' among them", in->count,
                         nb_strings_get(&in->paths, 0));
        goto done;
    }
    if (*dropped) {
        status = nb_team_agree(team, keep_good(in, f.bad, err), err);
    }
done:
    nb_buffer_free(&f.causes);
    free(f.bad);
    free(all);
    free(offset);
    return status;
}
