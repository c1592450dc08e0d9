#include "mining/corpus/file/columns.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[NB_COLUMN_COUNT] = {"texts/bytes", "texts/offsets", "tags", "source", "line"};
static const size_t widths[NB_COLUMN_COUNT] = {1, 8, 1, 4, 8};

const char *nb_column_name(size_t column)
{
    return names[column];
}

hid_t nb_column_type(size_t column)
{
    return widths[column] == 1 ? H5T_STD_U8LE : widths[column] == 4 ? H5T_STD_U32LE : H5T_STD_U64LE;
}

uint64_t nb_columns_chunks(const nb_columns *c, size_t column)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < column; i++) {
        sum += (c->column[i].total + c->column[i].chunk - 1) / c->column[i].chunk;
    }
    return sum;
}

/* Column `number` of this rank's rows. Of the bytes the end is where the next rank begins, set by nb_columns_open. */
static nb_column columns_column_of(const nb_comm *comm, size_t number, const nb_corpus_range *rows)
{
    bool last = comm->rank == comm->size - 1; /* which also puts the end of the last text */
    bool bytes = number == NB_COLUMN_BYTES, offsets = number == NB_COLUMN_OFFSETS;
    uint64_t begin = bytes ? rows->first_byte : rows->first;
    uint64_t total = bytes ? rows->total_bytes : rows->total + (offsets ? 1 : 0);
    return (nb_column){.width = widths[number],
                       .total = total,
                       .chunk = nb_h5_chunk_elements(total, widths[number]),
                       .begin = begin,
                       .end = bytes ? 0 : begin + rows->count + (offsets && last ? 1 : 0),
                       .next = begin};
}

static nb_status columns_allocate_column(nb_column *col, const nb_comm *comm, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(col->buffer, (size_t)col->chunk * col->width);
    NB_TRY_NEW(col->head, (size_t)col->chunk * col->width);
    NB_TRY_NEW(col->starts, (size_t)comm->size + 1);
    col->starts[comm->rank] = col->begin;
    col->starts[comm->size] = comm->rank == 0 ? col->total : 0;
done:
    return status;
}

nb_status nb_columns_open(nb_columns *c, const nb_comm *comm, const nb_corpus_range *rows, nb_scratch_file *scratch,
                          size_t *budget, nb_error *err)
{
    nb_status status = NB_OK;
    *c = (nb_columns){.comm = comm, .packer = {.level = NB_COLUMN_ZSTD_LEVEL}, .spool = nb_spool_in(scratch, budget)};
    for (size_t i = 0; i < NB_COLUMN_COUNT && status == NB_OK; i++) {
        c->column[i] = columns_column_of(comm, i, rows);
        status = columns_allocate_column(&c->column[i], comm, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    for (size_t i = 0; i < NB_COLUMN_COUNT; i++) {
        NB_TRY(nb_comm_sum(comm, c->column[i].starts, (size_t)comm->size + 1, err));
    }
    c->column[NB_COLUMN_BYTES].end = c->column[NB_COLUMN_BYTES].starts[comm->rank + 1];
done:
    return status;
}

void nb_columns_close(nb_columns *c)
{
    for (size_t i = 0; i < NB_COLUMN_COUNT; i++) {
        free(c->column[i].buffer);
        free(c->column[i].head);
        free(c->column[i].starts);
    }
    nb_h5_packer_close(&c->packer);
    nb_spool_free(&c->spool);
    free(c->packed);
    *c = (nb_columns){0};
}

/* Packs the chunk in the buffer of a column: the one that `next` stands behind or in. */
static nb_status columns_pack(nb_columns *c, size_t number, nb_error *err)
{
    nb_column *col = &c->column[number];
    nb_status status;
    size_t len;
    memset(col->buffer + col->filled * col->width, 0, (size_t)(col->chunk - col->filled) * col->width);
    NB_TRY(nb_h5_pack(&c->packer, col->buffer, (size_t)col->chunk, col->width, &len, err));
    NB_TRY_ROOM(c->packed, c->packed_count, c->packed_cap, 64);
    uint64_t chunk = (col->next - 1) / col->chunk;
    c->packed[c->packed_count++] = (nb_packed_chunk){nb_columns_chunks(c, number) + chunk, c->spool.size, len};
    NB_TRY(nb_spool_append(&c->spool, c->packer.packed, len, err));
    col->filled = 0;
done:
    return status;
}

/* The first element of this rank that begins a chunk, or `end`. */
static uint64_t columns_own_begin(const nb_column *col, uint64_t begin, uint64_t end)
{
    uint64_t boundary = (begin + col->chunk - 1) / col->chunk * col->chunk;
    return boundary < end ? boundary : end;
}

static nb_status columns_put(nb_columns *c, size_t number, const void *elements, size_t count, nb_error *err)
{
    nb_column *col = &c->column[number];
    const char *from = elements;
    nb_status status = NB_OK;
    uint64_t mine = columns_own_begin(col, col->begin, col->end);
    while (count) {
        bool to_head = col->next < mine;
        uint64_t capacity = to_head ? mine - col->next : col->chunk - col->filled;
        size_t part = count < capacity ? count : (size_t)capacity;
        char *to = to_head ? col->head + col->head_count * col->width : col->buffer + col->filled * col->width;
        memcpy(to, from, part * col->width);
        from += part * col->width;
        count -= part;
        col->next += part;
        if (to_head) {
            col->head_count += part;
            continue;
        }
        col->filled += part;
        if (col->filled == col->chunk) {
            NB_TRY(columns_pack(c, number, err));
        }
    }
done:
    return status;
}

nb_status nb_columns_put(nb_columns *c, const nb_corpus_row *row, nb_error *err)
{
    nb_status status;
    uint64_t offset = c->column[NB_COLUMN_BYTES].next;
    NB_TRY(columns_put(c, NB_COLUMN_OFFSETS, &offset, 1, err));
    NB_TRY(columns_put(c, NB_COLUMN_BYTES, row->text, row->len, err));
    NB_TRY(columns_put(c, NB_COLUMN_BYTES, "", 1, err));
    NB_TRY(columns_put(c, NB_COLUMN_TAGS, &row->tag, 1, err));
    NB_TRY(columns_put(c, NB_COLUMN_SOURCE, &row->source, 1, err));
    NB_TRY(columns_put(c, NB_COLUMN_LINE, &row->line, 1, err));
done:
    return status;
}

/* ---- chunks that reach over the end of a slice ---- */

/* Elements of a rank that belong to a chunk that begins before its slice. */
static uint64_t columns_head_of(const nb_column *col, int rank)
{
    return columns_own_begin(col, col->starts[rank], col->starts[rank + 1]) - col->starts[rank];
}

/* The rank in whose slice the chunk begins that a rank's first element lies in. */
static int columns_owner_of(const nb_column *col, int rank)
{
    uint64_t begin = col->starts[rank] / col->chunk * col->chunk;
    while (col->starts[rank] > begin) {
        rank--;
    }
    return rank;
}

/* MPI fails here only when a rank or the network is gone, and then no agreement is possible. */
static void columns_check(const nb_columns *c, int code)
{
    if (code != MPI_SUCCESS) {
        nb_comm_abort(c->comm, NB_ERR_INTERNAL);
    }
}

/* Sends what belongs to a rank before this one, takes what later ones have. Sends go to lower ranks alone, so they end.
 * A head is less than a chunk, 1 MiB. */
static void columns_exchange_heads(nb_columns *c, size_t number)
{
    nb_column *col = &c->column[number];
    int rank = c->comm->rank, size = c->comm->size;
    if (col->head_count) {
        columns_check(c, MPI_Send(col->head, (int)(col->head_count * col->width), MPI_BYTE, columns_owner_of(col, rank),
                                  (int)number, c->comm->handle));
    }
    for (int r = rank + 1; r < size && col->filled && col->filled < col->chunk; r++) {
        uint64_t count = columns_head_of(col, r);
        if (count && columns_owner_of(col, r) == rank) {
            columns_check(c, MPI_Recv(col->buffer + col->filled * col->width, (int)(count * col->width), MPI_BYTE, r,
                                      (int)number, c->comm->handle, MPI_STATUS_IGNORE));
            col->filled += count;
            col->next += count;
        }
    }
}

nb_status nb_columns_finish(nb_columns *c, nb_error *err)
{
    nb_status status = NB_OK;
    if (c->comm->rank == c->comm->size - 1) {
        uint64_t end = c->column[NB_COLUMN_BYTES].total;
        status = columns_put(c, NB_COLUMN_OFFSETS, &end, 1, err);
    }
    NB_TRY(nb_comm_agree(c->comm, status, err));
    for (size_t i = 0; i < NB_COLUMN_COUNT; i++) {
        columns_exchange_heads(c, i);
    }
    for (size_t i = 0; i < NB_COLUMN_COUNT && status == NB_OK; i++) {
        if (c->column[i].filled) {
            status = columns_pack(c, i, err);
        }
    }
    if (status == NB_OK) {
        status = nb_spool_finish(&c->spool, err);
    }
    NB_TRY(nb_comm_agree(c->comm, status, err));
done:
    return status;
}
