#include "mining/embed/store_layout.h"

#include "common/store/hdf5/zstd_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of a chunk's elements at most, and of packed chunks that a rank keeps until their places are known. */
enum { ROOM = 1 << 20, HELD_MAX = 32 << 20 };

/* One chunk: of which column, its elements there, and their bytes with the padding of the last one. */
typedef struct store_layout_chunk {
    size_t column;
    uint64_t begin, elements, full;
} store_layout_chunk;

/* The chunks that one rank works on. */
typedef struct store_layout_slice {
    uint64_t begin, end;
} store_layout_slice;

static uint64_t store_layout_chunks_of(const nb_store_layout *l, size_t column)
{
    uint64_t count = l->chunks.count[column];
    return count ? (count - 1) / nb_h5_chunk_elements(count, nb_store_column_width(column)) + 1 : 0;
}

static store_layout_chunk store_layout_find(const nb_store_layout *l, uint64_t number)
{
    store_layout_chunk c = {0};
    while (number >= store_layout_chunks_of(l, c.column)) {
        number -= store_layout_chunks_of(l, c.column++);
    }
    uint64_t count = l->chunks.count[c.column];
    c.full = nb_h5_chunk_elements(count, nb_store_column_width(c.column));
    c.begin = number * c.full;
    c.elements = count - c.begin < c.full ? count - c.begin : c.full;
    return c;
}

/* Part `part` of `parts` of the chunks [begin, end). */
static store_layout_slice store_layout_cut(store_layout_slice all, size_t part, size_t parts)
{
    uint64_t count = all.end - all.begin;
    return (store_layout_slice){all.begin + count * part / parts, all.begin + count * (part + 1) / parts};
}

static store_layout_slice store_layout_mine(const nb_store_layout *l, nb_store_layout_share share)
{
    const nb_comm *comm = l->comm;
    store_layout_slice all = store_layout_cut((store_layout_slice){0, l->chunk_count}, share.number - 1, share.count);
    if (l->together) {
        return store_layout_cut(all, (size_t)comm->rank, (size_t)comm->size);
    }
    return comm->rank == 0 ? all : (store_layout_slice){0, 0};
}

/* The elements of a chunk, in `room`, zeros behind them. */
static nb_status store_layout_load(nb_store_layout *l, const store_layout_chunk *c, nb_error *err)
{
    size_t width = nb_store_column_width(c->column);
    nb_status status = NB_OK;
    if (l->data[c->column]) {
        memcpy(l->room, (const char *)l->data[c->column] + c->begin * width, (size_t)c->elements * width);
    } else {
        NB_TRY(nb_h5_vector_read(l->vector[c->column], (size_t)c->begin, (size_t)c->elements, l->room, err));
    }
    memset(l->room + c->elements * width, 0, (size_t)(c->full - c->elements) * width);
done:
    return status;
}

/* ---- open ---- */

static void store_layout_use_corpus(nb_store_layout *l, nb_corpus_reader *corpus)
{
    l->vector[NB_STORE_NAME_BYTES] = &corpus->bytes;
    l->vector[NB_STORE_NAME_OFFSETS] = &corpus->offsets;
    l->vector[NB_STORE_TAGS] = &corpus->tags;
    l->chunks.count[NB_STORE_NAME_BYTES] = corpus->bytes.count;
    l->chunks.count[NB_STORE_NAME_OFFSETS] = corpus->offsets.count;
    l->chunks.count[NB_STORE_TAGS] = corpus->tags.count;
}

static void store_layout_use_memory(nb_store_layout *l)
{
    const nb_store_spec *s = &l->spec;
    l->data[NB_STORE_NAME_BYTES] = s->names->bytes;
    l->data[NB_STORE_NAME_OFFSETS] = s->names->offset;
    l->data[NB_STORE_TAGS] = s->tags;
    l->data[NB_STORE_LABELS] = s->labels;
    l->chunks.count[NB_STORE_NAME_BYTES] = s->count ? s->names->offset[s->count] : 0;
    l->chunks.count[NB_STORE_NAME_OFFSETS] = s->count ? s->count + 1 : 0;
    l->chunks.count[NB_STORE_TAGS] = s->tags ? s->count : 0;
    l->chunks.count[NB_STORE_LABELS] = s->labels ? s->count : 0;
}

static nb_status store_layout_read_small(nb_store_layout *l, nb_corpus_reader *corpus, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(l->tags, corpus->count);
    NB_TRY(nb_corpus_reader_rows(corpus, 0, corpus->count, &l->names, l->tags, err));
    l->spec.names = &l->names;
    l->spec.tags = l->tags;
    store_layout_use_memory(l);
done:
    return status;
}

static nb_status store_layout_open(nb_store_layout *l, nb_corpus_reader *corpus, nb_error *err)
{
    nb_status status = NB_OK;
    if (corpus && !l->together && l->comm->rank == 0) {
        NB_TRY(store_layout_read_small(l, corpus, err));
    } else if (corpus) {
        store_layout_use_corpus(l, corpus);
    } else {
        store_layout_use_memory(l);
    }
    for (size_t c = 0; c < NB_STORE_COLUMNS; c++) {
        l->chunk_count += store_layout_chunks_of(l, c);
    }
    NB_TRY_NEW(l->chunks.at, (size_t)l->chunk_count);
    NB_TRY_NEW(l->room, ROOM);
    NB_TRY_NEW(l->other, ROOM);
done:
    return status;
}

nb_status nb_store_layout_open(nb_store_layout *l, const nb_comm *comm, const nb_store_spec *spec,
                               nb_corpus_reader *corpus, nb_error *err)
{
    *l = (nb_store_layout){.comm = comm,
                           .spec = *spec,
                           .packer = {.level = NB_ZSTD_LEVEL},
                           .held = {.max = HELD_MAX},
                           .together = spec->count >= NB_STORE_LAYOUT_TOGETHER};
    nb_status status = nb_comm_agree(comm, store_layout_open(l, corpus, err), err);
    if (status != NB_OK) {
        nb_store_layout_close(l);
    }
    return status;
}

void nb_store_layout_close(nb_store_layout *l)
{
    nb_strings_free(&l->names);
    free(l->tags);
    free(l->chunks.at);
    free(l->room);
    free(l->other);
    nb_h5_packer_close(&l->packer);
    nb_buffer_free(&l->held);
    *l = (nb_store_layout){0};
}

/* ---- making ---- */

static nb_status store_layout_pack(nb_store_layout *l, uint64_t number, size_t *len, nb_error *err)
{
    const store_layout_chunk c = store_layout_find(l, number);
    nb_status status;
    NB_TRY(store_layout_load(l, &c, err));
    NB_TRY(nb_h5_pack(&l->packer, l->room, (size_t)c.full, nb_store_column_width(c.column), len, err));
done:
    return status;
}

/* The lengths of this rank's chunks, and the first of their bytes. *holds: how many are held. */
static nb_status store_layout_pack_mine(nb_store_layout *l, store_layout_slice mine, uint64_t *holds, nb_error *err)
{
    nb_status status = NB_OK;
    memset(l->chunks.at, 0, (size_t)l->chunk_count * sizeof *l->chunks.at);
    nb_buffer_clear(&l->held);
    *holds = 0;
    for (uint64_t i = mine.begin; i < mine.end; i++) {
        size_t len;
        NB_TRY(store_layout_pack(l, i, &len, err));
        l->chunks.at[i] = len;
        if (*holds == i - mine.begin && l->held.len + len < HELD_MAX) {
            NB_TRY(nb_buffer_append(&l->held, l->packer.packed, len, err));
            ++*holds;
        }
    }
done:
    return status;
}

static nb_status store_layout_put_at(int fd, const char *bytes, size_t len, uint64_t at, const char *path,
                                     nb_error *err)
{
    while (len) {
        ssize_t done = pwrite(fd, bytes, len, (off_t)at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
        }
        bytes += done;
        len -= (size_t)done;
        at += (uint64_t)done;
    }
    return NB_OK;
}

/* This rank's chunks to their places; `lens` are those of store_layout_pack_mine. */
static nb_status store_layout_write_mine(nb_store_layout *l, const char *path, store_layout_slice mine,
                                         const uint64_t *lens, uint64_t holds, nb_error *err)
{
    nb_status status = NB_OK;
    const char *held = l->held.data;
    int fd = mine.begin < mine.end ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (fd < 0 && mine.begin < mine.end) {
        nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", path);
        return nb_hint(err, "the folder of the output must be the same for all ranks");
    }
    for (uint64_t i = mine.begin; i < mine.end; i++) {
        size_t len = (size_t)lens[i - mine.begin];
        const char *bytes = held;
        if (i - mine.begin < holds) {
            held += len;
        } else {
            NB_TRY(store_layout_pack(l, i, &len, err));
            bytes = l->packer.packed;
        }
        NB_TRY(store_layout_put_at(fd, bytes, len, l->chunks.at[i], path, err));
    }
    if (fd >= 0 && l->comm->size > 1 && fsync(fd) != 0 && errno != EINVAL) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", path);
    }
done:
    if (fd >= 0 && close(fd) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
    }
    nb_buffer_clear(&l->held);
    return status;
}

/* Collective. */
static nb_status store_layout_create_together(nb_store_layout *l, const char *path, nb_store_plan *plan, nb_error *err)
{
    const nb_comm *comm = l->comm;
    const store_layout_slice mine = store_layout_mine(l, (nb_store_layout_share){1, 1});
    nb_store_spec spec = l->spec;
    uint64_t *lens = NULL, holds = 0;
    nb_status status;
    spec.chunks = &l->chunks;
    NB_TRY_NEW(lens, (size_t)(mine.end - mine.begin));
    NB_TRY(store_layout_pack_mine(l, mine, &holds, err));
    memcpy(lens, l->chunks.at + mine.begin, (size_t)(mine.end - mine.begin) * sizeof *lens);
done:
    status = nb_comm_agree(comm, status, err);
    if (status == NB_OK) {
        status = nb_comm_sum(comm, l->chunks.at, (size_t)l->chunk_count, err);
    }
    if (status == NB_OK && comm->rank == 0) {
        status = nb_store_create(plan, path, &spec, err);
    }
    status = nb_comm_agree(comm, status, err);
    if (status == NB_OK) {
        status = nb_comm_broadcast(comm, l->chunks.at, (size_t)l->chunk_count * sizeof *l->chunks.at, err);
    }
    if (status == NB_OK) {
        status = store_layout_write_mine(l, path, mine, lens, holds, err);
    }
    free(lens);
    return nb_comm_agree(comm, status, err);
}

nb_status nb_store_layout_create(nb_store_layout *l, const char *path, nb_store_plan *plan, nb_error *err)
{
    nb_status status = NB_OK;
    if (l->together) {
        NB_TRY(store_layout_create_together(l, path, plan, err));
    } else if (l->comm->rank == 0) {
        status = nb_store_create(plan, path, &l->spec, err);
    }
    NB_TRY(nb_comm_agree(l->comm, status, err));
    NB_TRY(nb_comm_broadcast(l->comm, plan, sizeof *plan, err));
done:
    return status;
}

/* ---- comparing ---- */

static bool store_layout_same_strings(const nb_strings *a, const nb_strings *b)
{
    size_t bytes = a->count ? (size_t)a->offset[a->count] : 0;
    if (a->count != b->count || (a->count && b->offset[b->count] != bytes)) {
        return false;
    }
    return !a->count ||
           (memcmp(a->offset, b->offset, a->count * sizeof *a->offset) == 0 && memcmp(a->bytes, b->bytes, bytes) == 0);
}

static bool store_layout_same_frame(const nb_store_layout *l, const nb_store_standing *s)
{
    const nb_store_spec *want = &l->spec;
    static const nb_strings none = {0};
    bool same = s->plan.count == want->count && s->plan.width == want->width && s->plan.tile_rows == want->tile_rows &&
                s->plan.half == want->half && (l->comm->rank != 0 || strcmp(s->provenance, want->provenance) == 0) &&
                store_layout_same_strings(want->classes ? want->classes : &none, &s->classes);
    for (size_t c = 0; c < NB_STORE_COLUMNS; c++) {
        same = same && s->column[c].count == l->chunks.count[c];
    }
    return same;
}

/* A chunk of the file that cannot be read is not the same. */
static nb_status store_layout_same_chunks(nb_store_layout *l, nb_store_standing *s, store_layout_slice mine, bool *same,
                                          nb_error *err)
{
    nb_status status = NB_OK;
    for (uint64_t i = mine.begin; i < mine.end && *same; i++) {
        const store_layout_chunk c = store_layout_find(l, i);
        nb_error unreadable = {0};
        NB_TRY(store_layout_load(l, &c, err));
        *same = nb_h5_vector_read(&s->column[c.column], (size_t)c.begin, (size_t)c.elements, l->other, &unreadable) ==
                    NB_OK &&
                memcmp(l->room, l->other, (size_t)c.elements * nb_store_column_width(c.column)) == 0;
    }
done:
    return status;
}

nb_status nb_store_layout_same(nb_store_layout *l, const char *path, nb_store_layout_share share, nb_store_plan *plan,
                               bool *same, nb_error *err)
{
    const nb_comm *comm = l->comm;
    nb_store_standing standing = {0};
    nb_error unreadable = {0};
    uint64_t other = 0;
    nb_status status = NB_OK;
    *plan = (nb_store_plan){0};
    *same = true;
    if (l->together || comm->rank == 0) {
        *same = nb_store_standing_open(&standing, path, &unreadable) == NB_OK && store_layout_same_frame(l, &standing);
        status = *same ? store_layout_same_chunks(l, &standing, store_layout_mine(l, share), same, err) : NB_OK;
    }
    other = !*same;
    *plan = standing.plan;
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_sum(comm, &other, 1, err));
    NB_TRY(nb_comm_broadcast(comm, plan, sizeof *plan, err));
    *same = !other;
    *plan = other ? (nb_store_plan){0} : *plan;
done:
    nb_store_standing_close(&standing);
    return status;
}
