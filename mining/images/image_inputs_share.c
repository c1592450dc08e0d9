/* The list of images, read alone or once for all ranks. */
#include "common/base/pack.h"
#include "common/parallel/queue.h"
#include "common/parallel/stop.h"
#include "mining/images/image_labels.h"

#include <stdlib.h>
#include <string.h>

enum { SKIPS_TOLD = 20 };

static nb_shard_ask image_inputs_share_ask_of(const nb_image_choice *choice)
{
    return (nb_shard_ask){.label_suffix = nb_image_labels_suffix(choice->labels_from),
                          .label_key = choice->label_key ? choice->label_key : "label",
                          .bytes = choice->limits.bytes};
}

static nb_status image_inputs_share_list_shards(nb_strings *out, const nb_image_sources *sources, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; status == NB_OK && i < sources->given.count; i++) {
        const char *path = nb_image_sources_get(sources, i).path;
        if (nb_image_kind_of(path) == NB_IMAGE_SHARD) {
            status = nb_strings_push(out, path, strlen(path), err);
        }
    }
    return status;
}

static void image_inputs_share_free_shards(nb_shard *shards, size_t count)
{
    for (size_t i = 0; shards && i < count; i++) {
        nb_shard_free(&shards[i]);
    }
    free(shards);
}

nb_status nb_image_inputs_read(nb_image_inputs *out, const nb_strings *inputs, const char *labels_from, nb_error *err)
{
    nb_image_choice choice = {.labels_from = labels_from, .limits = nb_image_limits_default()};
    nb_shard_ask ask = image_inputs_share_ask_of(&choice);
    nb_image_sources sources = {0};
    nb_strings paths = {0};
    nb_shard *shards = NULL;
    nb_status status;
    *out = (nb_image_inputs){0};
    NB_TRY(nb_image_sources_open_files(&sources, inputs, err));
    NB_TRY(image_inputs_share_list_shards(&paths, &sources, err));
    NB_TRY_NEW(shards, paths.count);
    for (size_t i = 0; i < paths.count; i++) {
        NB_TRY(nb_shard_read(&shards[i], nb_strings_get(&paths, i), &ask, err));
    }
    NB_TRY(nb_image_inputs_build(out, &sources, shards, &choice, err));
    status = nb_image_sources_refuse_addresses(&out->paths, err);
    if (status != NB_OK) {
        nb_image_inputs_free(out);
    }
done:
    image_inputs_share_free_shards(shards, paths.count);
    nb_image_sources_close(&sources, false);
    nb_strings_free(&paths);
    return status;
}

/* ---- once for all ranks ---- */

/* Collective: the bytes of rank 0 become everybody's. */
static nb_status image_inputs_share_bytes(const nb_comm *comm, nb_buffer *bytes, nb_error *err)
{
    uint64_t len = bytes->len;
    char *room = NULL;
    nb_status status;
    NB_TRY(nb_comm_broadcast(comm, &len, sizeof len, err));
    if (comm->rank != 0) {
        room = nb_alloc((size_t)len, 1, err);
        status = room ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, comm->rank == 0 ? bytes->data : room, (size_t)len, err));
    if (comm->rank != 0) {
        nb_buffer_free(bytes);
        *bytes = (nb_buffer){.data = room, .len = (size_t)len, .cap = (size_t)len};
        room = NULL;
    }
done:
    free(room);
    return status;
}

/* Collective: rank 0's strings become everybody's. */
static nb_status image_inputs_share_strings(const nb_comm *comm, nb_strings *strings, nb_status status, nb_error *err)
{
    nb_buffer bytes = {.max = SIZE_MAX / 4};
    if (status == NB_OK && comm->rank == 0) {
        status = nb_pack_strings(&bytes, strings, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(image_inputs_share_bytes(comm, &bytes, err));
    if (comm->rank != 0) {
        nb_unpack in = {bytes.data, bytes.len, 0};
        status = nb_unpack_strings(&in, strings, err);
    }
    status = nb_comm_agree(comm, status, err);
done:
    nb_buffer_free(&bytes);
    return status;
}

/* This rank's shards: number and index, one behind the other. */
static nb_status image_inputs_share_index_some(nb_queue *q, nb_buffer *out, const nb_strings *paths,
                                               const nb_shard_ask *ask, nb_error *err)
{
    nb_shard shard = {0};
    nb_status status;
    for (;;) {
        size_t i = 0;
        bool more;
        NB_TRY(nb_queue_next(q, &i, &more, err));
        if (!more) {
            break;
        }
        if (nb_stop_requested()) {
            status = nb_fail(err, NB_STOPPED, "stopped on request while indexing shards: nothing is made yet");
            goto done;
        }
        uint64_t number = i;
        NB_TRY(nb_shard_read(&shard, nb_strings_get(paths, i), ask, err));
        NB_TRY(nb_pack_words(out, &number, 1, err));
        NB_TRY(nb_shard_pack(out, &shard, err));
        nb_shard_free(&shard);
    }
done:
    nb_shard_free(&shard);
    if (status != NB_OK) {
        nb_queue_halt(q, NB_HALT_FAILED);
    }
    return status;
}

/* Collective: all shards' indexes on rank 0. */
static nb_status image_inputs_share_index_all(nb_shard *shards, const nb_comm *comm, const nb_strings *paths,
                                              const nb_shard_ask *ask, nb_error *err)
{
    nb_queue queue = {0};
    nb_buffer mine = {.max = SIZE_MAX / 4};
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    NB_TRY(nb_queue_create(&queue, comm, NB_SHARING_AUTO, paths->count, (nb_tile_run){1, false}, err));
    status = nb_comm_agree(comm, image_inputs_share_index_some(&queue, &mine, paths, ask, err), err);
    nb_queue_destroy(&queue);
    if (status != NB_OK) {
        goto done;
    }
    NB_TRY(nb_comm_gather(comm, mine.data ? mine.data : "", mine.len, &all, &offset, err));
    if (all) {
        nb_unpack in = {all, (size_t)offset[comm->size], 0};
        while (status == NB_OK && in.at < in.len) {
            uint64_t number = 0;
            status = nb_unpack_words(&in, &number, 1, err);
            status = status == NB_OK ? nb_shard_unpack(&shards[number], &in, err) : status;
        }
    }
    status = nb_comm_agree(comm, status, err);
done:
    free(all);
    free(offset);
    nb_buffer_free(&mine);
    return status;
}

static nb_status image_inputs_share_pack(nb_buffer *out, const nb_image_inputs *in, nb_error *err)
{
    uint64_t head[2] = {in->count, in->shards.count};
    nb_status status;
    NB_TRY(nb_pack_words(out, head, 2, err));
    NB_TRY(nb_pack_words(out, in->skipped, NB_SKIPS, err));
    NB_TRY(nb_pack_words(out, in->others, NB_IMAGE_OTHER_SUFFIXES, err));
    NB_TRY(nb_pack_strings(out, &in->paths, err));
    NB_TRY(nb_pack_strings(out, &in->names, err));
    NB_TRY(nb_pack_strings(out, &in->classes, err));
    NB_TRY(nb_pack_strings(out, &in->shards, err));
    NB_TRY(nb_pack_bytes(out, in->labels, in->count * sizeof *in->labels, err));
    NB_TRY(nb_pack_bytes(out, in->places, in->count * sizeof *in->places, err));
    NB_TRY(nb_pack_bytes(out, in->compressed, in->shards.count, err));
done:
    return status;
}

static nb_status image_inputs_share_unpack(nb_image_inputs *out, nb_unpack *in, nb_error *err)
{
    uint64_t head[2] = {0};
    nb_status status;
    NB_TRY(nb_unpack_words(in, head, 2, err));
    out->count = (size_t)head[0];
    NB_TRY(nb_unpack_words(in, out->skipped, NB_SKIPS, err));
    NB_TRY(nb_unpack_words(in, out->others, NB_IMAGE_OTHER_SUFFIXES, err));
    NB_TRY(nb_unpack_strings(in, &out->paths, err));
    NB_TRY(nb_unpack_strings(in, &out->names, err));
    NB_TRY(nb_unpack_strings(in, &out->classes, err));
    NB_TRY(nb_unpack_strings(in, &out->shards, err));
    NB_TRY_NEW(out->labels, out->count);
    NB_TRY_NEW(out->places, out->count);
    NB_TRY_NEW(out->compressed, head[1]);
    NB_TRY(nb_unpack_bytes(in, out->labels, out->count * sizeof *out->labels, err));
    NB_TRY(nb_unpack_bytes(in, out->places, out->count * sizeof *out->places, err));
    NB_TRY(nb_unpack_bytes(in, out->compressed, (size_t)head[1], err));
done:
    return status;
}

void nb_image_inputs_tell(const nb_log *log, const nb_image_inputs *in)
{
    for (size_t i = 0; i < in->examples.count && i < SKIPS_TOLD; i++) {
        nb_log_warn(log, "left out of %s", nb_strings_get(&in->examples, i));
    }
    for (int why = 0; why < NB_SKIPS; why++) {
        if (in->skipped[why]) {
            nb_log_warn(log, "left out, %s: %llu%s", nb_shard_skip_name((nb_shard_skip)why),
                        (unsigned long long)in->skipped[why], why == NB_SKIP_FOLDER ? "" : " images");
        }
    }
    for (int i = 0; i < NB_IMAGE_OTHER_SUFFIXES; i++) {
        if (in->others[i]) {
            nb_log_warn(log, "left out, %s files are not read (JPEG, PNG, WebP, GIF, BMP and TIFF are): %llu",
                        nb_image_other_suffix(i), (unsigned long long)in->others[i]);
        }
    }
}

/* Hidden files are nothing odd. */
static nb_status image_inputs_share_check_odd(const nb_image_inputs *in, nb_error *err)
{
    uint64_t odd = 0;
    for (int why = 0; why < NB_SKIPS; why++) {
        odd += why == NB_SKIP_HIDDEN ? 0 : in->skipped[why];
    }
    for (int i = 0; i < NB_IMAGE_OTHER_SUFFIXES; i++) {
        odd += in->others[i];
    }
    if (!odd) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "%llu would be left out, the first of %s", (unsigned long long)odd,
            in->examples.count ? nb_strings_get(&in->examples, 0) : "them has no name");
    return nb_hint(err, "without --strict they are counted and the run goes on");
}

/* Rank 0's part: the list, and the addresses in it fetched by all. Collective. */
static nb_status image_inputs_share_build(nb_image_inputs *out, const nb_comm *comm, nb_image_sources *sources,
                                          const nb_shard *shards, const nb_image_choice *choice, nb_error *err)
{
    nb_status status = NB_OK;
    if (comm->rank == 0) {
        status = nb_image_inputs_build(out, sources, shards, choice, err);
        status = status == NB_OK && choice->strict ? image_inputs_share_check_odd(out, err) : status;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_image_sources_fetch_listed(sources, comm, &out->paths, err));
done:
    return status;
}

nb_status nb_image_inputs_share(nb_image_inputs *out, const nb_comm *comm, const nb_log *log, const nb_strings *inputs,
                                const nb_image_choice *choice, nb_error *err)
{
    nb_shard_ask ask = image_inputs_share_ask_of(choice);
    nb_image_sources files = {0}, *sources = choice->sources ? choice->sources : &files;
    nb_strings paths = {0};
    nb_buffer bytes = {.max = SIZE_MAX / 4};
    nb_shard *shards = NULL;
    nb_status status = NB_OK;
    *out = (nb_image_inputs){.limits = choice->limits};
    NB_TRY(nb_image_sources_open(sources, comm, inputs, err));
    status = comm->rank == 0 ? image_inputs_share_list_shards(&paths, sources, err) : NB_OK;
    NB_TRY(image_inputs_share_strings(comm, &paths, status, err));
    shards = nb_alloc(paths.count, sizeof *shards, err);
    NB_TRY(nb_comm_agree(comm, shards ? NB_OK : NB_ERR_LIMIT, err));
    if (paths.count) {
        NB_TRY(image_inputs_share_index_all(shards, comm, &paths, &ask, err));
    }
    NB_TRY(image_inputs_share_build(out, comm, sources, shards, choice, err));
    status = comm->rank == 0 ? image_inputs_share_pack(&bytes, out, err) : NB_OK;
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(image_inputs_share_bytes(comm, &bytes, err));
    if (comm->rank == 0) {
        nb_image_inputs_tell(log, out);
    } else {
        nb_unpack in = {bytes.data, bytes.len, 0};
        status = image_inputs_share_unpack(out, &in, err);
    }
    status = nb_comm_agree(comm, status, err);
done:
    image_inputs_share_free_shards(shards, paths.count);
    nb_strings_free(&paths);
    nb_buffer_free(&bytes);
    nb_image_sources_close(&files, false);
    if (status != NB_OK) {
        nb_image_inputs_free(out);
    }
    return status;
}

nb_tile_run nb_image_inputs_run(const nb_image_inputs *in, size_t tile, size_t ranks)
{
    size_t images = 0, shards = 0, tiles = (in->count + tile - 1) / tile, run;
    for (size_t i = 0; i < in->shards.count; i++) {
        shards += in->compressed[i];
    }
    for (size_t i = 0; i < in->count; i++) {
        uint64_t shard = in->places ? in->places[i].shard : NB_IMAGE_NO_SHARD;
        images += shard != NB_IMAGE_NO_SHARD && in->compressed[shard];
    }
    if (!images || !shards) {
        return (nb_tile_run){NB_TILE_RUN, true};
    }
    run = images / shards / tile; /* a shard's tiles, but enough runs for all */
    run = run < tiles / (4 * ranks) ? run : tiles / (4 * ranks);
    return (nb_tile_run){run ? run : 1, false};
}
