#include "common/store/hdf5/structure_heap.h"

#include "common/store/hdf5/structure.h"

#include <stdlib.h>
#include <string.h>

enum { REFERENCE_BYTES = 16, HEAP_HEAD_BYTES = 16, OBJECT_HEAD_BYTES = 16, HEAP_BYTES_MIN = 4096 };

/* The heap that was looked at last: strings lie one behind the other, so the next is mostly in the same. */
typedef struct heap {
    uint64_t address;
    uint64_t len[NB_STRUCTURE_HEAP_OBJECTS + 1]; /* of object i, from 1; UINT64_MAX: there is none */
} heap;

/* The objects of a heap: number, references, length, bytes; number 0 is the free rest. */
static nb_status structure_objects(const nb_structure *s, heap *h, nb_cursor c, nb_error *err)
{
    while (c.left >= OBJECT_HEAD_BYTES) {
        size_t rest = c.left;
        uint64_t number = nb_cursor_take(&c, 2);
        nb_cursor_take(&c, 2 + 4); /* a count of references, which HDF5 leaves at 0 or 1; nothing */
        uint64_t len = nb_cursor_take(&c, 8), padded = len + (8 - len % 8) % 8;
        if (number == 0) {
            return len == rest ? NB_OK : nb_structure_refuse(s, h->address, "a heap with a wrong end", err);
        }
        if (number > NB_STRUCTURE_HEAP_OBJECTS) {
            return nb_structure_over(s, "h5-heap", NB_STRUCTURE_HEAP_OBJECTS, "strings in one heap", err);
        }
        if (len > c.left || padded > c.left || h->len[number] != UINT64_MAX) {
            return nb_structure_refuse(s, h->address, "a heap whose strings do not fit into it", err);
        }
        h->len[number] = len;
        nb_cursor_bytes(&c, (size_t)padded);
    }
    return NB_OK;
}

static nb_status structure_open_heap(nb_structure *s, heap *h, uint64_t address, nb_error *err)
{
    h->address = address;
    memset(h->len, 0xff, sizeof h->len);
    if (!nb_structure_holds(s, address, HEAP_HEAD_BYTES)) {
        return nb_structure_refuse(s, address, "a heap beyond the end of the file", err);
    }
    nb_cursor c = {.at = s->data + address, .left = HEAP_HEAD_BYTES};
    const unsigned char *magic = nb_cursor_bytes(&c, 4);
    uint64_t version = nb_cursor_take(&c, 4), size = nb_cursor_take(&c, 8);
    if (memcmp(magic, "GCOL", 4) != 0 || version != 1 || size < HEAP_BYTES_MIN || size % 8 ||
        !nb_structure_holds(s, address, size)) {
        return nb_structure_refuse(s, address, "a damaged heap", err);
    }
    nb_status status = nb_structure_claim(s, address, size, true, err);
    c = (nb_cursor){.at = s->data + address + HEAP_HEAD_BYTES, .left = (size_t)(size - HEAP_HEAD_BYTES)};
    return status == NB_OK ? structure_objects(s, h, c, err) : status;
}

nb_status nb_structure_strings(nb_structure *s, uint64_t at, uint64_t count, nb_error *err)
{
    heap *h = NULL;
    nb_status status;
    NB_TRY_NEW(h, 1);
    h->address = NB_STRUCTURE_UNDEFINED;
    for (uint64_t i = 0; i < count; i++) {
        nb_cursor c = {.at = s->data + at + i * REFERENCE_BYTES, .left = REFERENCE_BYTES};
        uint64_t len = nb_cursor_take(&c, 4), address = nb_cursor_take(&c, 8), number = nb_cursor_take(&c, 4);
        if (!len && !address && !number) {
            continue; /* an empty string */
        }
        if (address != h->address || address == NB_STRUCTURE_UNDEFINED) {
            NB_TRY(structure_open_heap(s, h, address, err));
        }
        s->referenced += len;
        if (!number || number > NB_STRUCTURE_HEAP_OBJECTS || h->len[number] != len || s->referenced > s->size) {
            status = nb_structure_refuse(s, at + i * REFERENCE_BYTES, "a string that is not whole in its heap", err);
            goto done;
        }
    }
done:
    free(h);
    return status;
}
