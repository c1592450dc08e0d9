#include "common/store/hdf5/structure_layout.h"

#include "common/store/hdf5/structure.h"
#include "common/store/hdf5/structure_heap.h"

enum {
    LAYOUT_VERSION = 4,
    CONTIGUOUS = 1,
    CHUNKED = 2,
    SINGLE_CHUNK = 1,
    FIXED_ARRAY = 3,
    FILTERED = 2, /* flag: the size of the single chunk stands in the message */
    HEADER_BYTES = 28,
    PAGE_BITS = 10
};

/* The chunks of a dataset. */
typedef struct chunking {
    uint64_t count;     /* chunks */
    uint64_t bytes;     /* of one, unpacked */
    uint64_t size_wide; /* bytes of the number that says how long a chunk is */
    uint64_t entry;     /* bytes of a chunk in the index */
} chunking;

/* Bytes of the whole dataset; false over the limit. */
static bool structure_total(const nb_element_shape *shape, uint64_t *total)
{
    *total = shape->element;
    for (size_t i = 0; i < shape->rank; i++) {
        size_t product;
        if (!nb_mul_size((size_t)*total, (size_t)shape->dims[i], &product) || product > NB_STRUCTURE_DATASET_MAX) {
            return false;
        }
        *total = product;
    }
    return true;
}

static nb_status structure_contiguous(nb_structure *s, const nb_element_shape *shape, nb_cursor *c, uint64_t at,
                                      nb_error *err)
{
    uint64_t address = nb_cursor_take(c, 8), size = nb_cursor_take(c, 8), total = 0;
    if (!structure_total(shape, &total)) {
        return nb_structure_over(s, "h5-dataset", NB_STRUCTURE_DATASET_MAX, "bytes in one dataset", err);
    }
    bool placed = address != NB_STRUCTURE_UNDEFINED;
    if (!nb_cursor_done(c) || shape->filters || size != total || (total && !placed)) {
        return nb_structure_refuse(s, at, "a dataset whose size does not fit its elements", err);
    }
    nb_status status = placed ? nb_structure_claim(s, address, total, false, err) : NB_OK;
    if (status == NB_OK && shape->variable && total) {
        status = nb_structure_strings(s, address, total / shape->element, err);
    }
    return status;
}

/* A chunk as the index has it. */
static nb_status structure_chunk(nb_structure *s, const chunking *k, nb_cursor *c, uint64_t at, nb_error *err)
{
    uint64_t address = nb_cursor_take(c, 8), size = nb_cursor_take(c, (size_t)k->size_wide);
    uint64_t skipped = nb_cursor_take(c, 4);
    if (c->beyond || address == NB_STRUCTURE_UNDEFINED || !size || skipped) {
        return nb_structure_refuse(s, at, "a chunk that is missing or not compressed", err);
    }
    return nb_structure_claim(s, address, size, false, err);
}

/* Entries in a row, up to their checksum. */
static nb_status structure_entries(nb_structure *s, const chunking *k, nb_cursor *c, uint64_t at, nb_error *err)
{
    nb_status status = NB_OK;
    while (c->left && status == NB_OK) {
        status = structure_chunk(s, k, c, at, err);
    }
    return status;
}

/* The pages of a long index follow its head, which marks those that are in use: all of them. */
static nb_status structure_pages(nb_structure *s, const chunking *k, uint64_t at, uint64_t page_chunks, nb_error *err)
{
    const unsigned char *bytes;
    nb_status status = NB_OK;
    for (uint64_t begin = 0; begin < k->count && status == NB_OK; begin += page_chunks) {
        uint64_t chunks = k->count - begin < page_chunks ? k->count - begin : page_chunks;
        uint64_t len = chunks * k->entry + 4;
        NB_TRY(nb_structure_block(s, at, len, NULL, &bytes, err));
        nb_cursor c = {.at = bytes, .left = (size_t)(len - 4)};
        NB_TRY(structure_entries(s, k, &c, at, err));
        at += len;
    }
done:
    return status;
}

static bool structure_all_set(nb_cursor *c, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i += 8) {
        uint64_t in_byte = pages - i < 8 ? pages - i : 8;
        /* the first page is the highest bit */
        if (nb_cursor_take(c, 1) != (0xffU & (0xff00U >> in_byte))) {
            return false;
        }
    }
    return true;
}

/* The index of chunks whose number is fixed: a head (FAHD), and a block (FADB) that holds an entry a chunk, or pages of
 * them. */
static nb_status structure_fixed_array(nb_structure *s, const chunking *k, uint64_t address, nb_error *err)
{
    const unsigned char *bytes;
    const uint64_t page_chunks = (uint64_t)1 << PAGE_BITS;
    uint64_t pages = k->count > page_chunks ? (k->count - 1) / page_chunks + 1 : 0;
    nb_status status;
    NB_TRY(nb_structure_block(s, address, HEADER_BYTES, "FAHD", &bytes, err));
    nb_cursor head = {.at = bytes + 4, .left = HEADER_BYTES - 8};
    uint64_t version = nb_cursor_take(&head, 1), filtered = nb_cursor_take(&head, 1);
    uint64_t entry = nb_cursor_take(&head, 1), bits = nb_cursor_take(&head, 1);
    uint64_t count = nb_cursor_take(&head, 8), block = nb_cursor_take(&head, 8);
    if (version || filtered != 1 || entry != k->entry || bits != PAGE_BITS || count != k->count) {
        return nb_structure_refuse(s, address, "an index of chunks that does not fit them", err);
    }
    uint64_t fixed = 14 + (pages ? (pages + 7) / 8 : k->count * k->entry) + 4;
    NB_TRY(nb_structure_block(s, block, fixed, "FADB", &bytes, err));
    nb_cursor c = {.at = bytes + 4, .left = (size_t)(fixed - 8)};
    version = nb_cursor_take(&c, 1);
    filtered = nb_cursor_take(&c, 1);
    if (version || filtered != 1 || nb_cursor_take(&c, 8) != address || !structure_all_set(&c, pages)) {
        return nb_structure_refuse(s, block, "an index of chunks that does not fit them", err);
    }
    status = pages ? structure_pages(s, k, block + fixed, page_chunks, err) : structure_entries(s, k, &c, block, err);
done:
    return status;
}

/* The shape of a chunk: whole rows. What does not fit is refused by the caller. */
static bool structure_chunk_shape(const nb_element_shape *shape, nb_cursor *c, chunking *out)
{
    uint64_t ranks = nb_cursor_take(c, 1), wide = nb_cursor_take(c, 1), rows = 0;
    if (ranks != shape->rank + 1 || wide < 1 || wide > 8) {
        return false;
    }
    out->bytes = shape->element;
    for (size_t i = 0; i < shape->rank; i++) {
        uint64_t dim = nb_cursor_take(c, (size_t)wide);
        rows = i ? rows : dim;
        if (!dim || (i ? dim != shape->dims[i] : dim > shape->dims[0]) || dim > NB_STRUCTURE_CHUNK_MAX / out->bytes) {
            return false;
        }
        out->bytes *= dim;
    }
    out->count = rows ? (shape->dims[0] - 1) / rows + 1 : 0;
    unsigned log2 = 0;
    while (out->bytes >> (log2 + 1)) {
        log2++;
    }
    out->size_wide = 1 + (log2 + 8) / 8; /* as HDF5 has it */
    out->entry = 8 + out->size_wide + 4;
    return out->count && nb_cursor_take(c, (size_t)wide) == shape->element;
}

static bool structure_packed(const nb_element_shape *shape)
{
    return shape->rank && !shape->variable && shape->filters == (shape->element > 1 ? 2U : 1U) &&
           (shape->filters == 1 || shape->shuffled == shape->element);
}

static nb_status structure_chunked(nb_structure *s, const nb_element_shape *shape, nb_cursor *c, uint64_t at,
                                   nb_error *err)
{
    chunking k = {0};
    uint64_t flags = nb_cursor_take(c, 1), total = 0;
    if (!structure_packed(shape) || !structure_total(shape, &total) || !structure_chunk_shape(shape, c, &k)) {
        return nb_structure_refuse(s, at, "chunks of another shape or compression", err);
    }
    uint64_t index = nb_cursor_take(c, 1);
    if (!nb_mul_size((size_t)k.count, (size_t)k.bytes, &(size_t){0}) ||
        k.count * k.bytes > NB_STRUCTURE_DATASET_MAX + NB_STRUCTURE_CHUNK_MAX) {
        return nb_structure_over(s, "h5-dataset", NB_STRUCTURE_DATASET_MAX, "bytes in one dataset", err);
    }
    s->unpacked += k.count * k.bytes;
    if (index == SINGLE_CHUNK && flags == FILTERED && k.count == 1) {
        uint64_t size = nb_cursor_take(c, 8), skipped = nb_cursor_take(c, 4), address = nb_cursor_take(c, 8);
        if (!nb_cursor_done(c) || address == NB_STRUCTURE_UNDEFINED || !size || skipped) {
            return nb_structure_refuse(s, at, "a chunk that is missing or not compressed", err);
        }
        return nb_structure_claim(s, address, size, false, err);
    }
    uint64_t bits = nb_cursor_take(c, 1), address = nb_cursor_take(c, 8);
    if (index != FIXED_ARRAY || flags || bits != PAGE_BITS || !nb_cursor_done(c)) {
        return nb_structure_refuse(s, at, "another index of chunks than our writer's", err);
    }
    return structure_fixed_array(s, &k, address, err);
}

nb_status nb_structure_layout(nb_structure *s, const nb_element_shape *shape, nb_cursor *c, uint64_t at, nb_error *err)
{
    uint64_t version = nb_cursor_take(c, 1), kind = nb_cursor_take(c, 1);
    if (version == LAYOUT_VERSION && kind == CONTIGUOUS) {
        return structure_contiguous(s, shape, c, at, err);
    }
    if (version == LAYOUT_VERSION && kind == CHUNKED) {
        return structure_chunked(s, shape, c, at, err);
    }
    return nb_structure_refuse(s, at, "a dataset that is neither in one piece nor in chunks", err);
}
