#include "common/store/hdf5/structure.h"

#include "common/store/hdf5/h5.h"
#include "common/store/hdf5/structure_layout.h"

#include <stdlib.h>
#include <string.h>

enum { SUPERBLOCK_BYTES = 48, HEADER_BYTES_MIN = 7, MESSAGE_HEAD_BYTES = 4, PART_BYTES_MIN = 8 };

static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/* Types of messages in an object header. */
enum message {
    NIL = 0x00,
    DATASPACE = 0x01,
    LINK_INFO = 0x02,
    DATATYPE = 0x03,
    FILL = 0x05,
    LINK = 0x06,
    LAYOUT = 0x08,
    GROUP_INFO = 0x0a,
    FILTERS = 0x0b,
    ATTRIBUTE = 0x0c,
    CONTINUATION = 0x10,
    ATTRIBUTE_INFO = 0x15
};
#define BIT(message) (1U << (message))

enum {
    /* what a dataset and a group must have, and what they may have once */
    DATASET_NEEDS = BIT(DATASPACE) | BIT(DATATYPE) | BIT(FILL) | BIT(LAYOUT),
    DATASET_MAY = DATASET_NEEDS | BIT(FILTERS),
    GROUP_NEEDS = BIT(LINK_INFO) | BIT(GROUP_INFO),
    GROUP_MAY = GROUP_NEEDS | BIT(LINK),
    ROOT_MAY = GROUP_MAY | BIT(ATTRIBUTE) | BIT(ATTRIBUTE_INFO),
    MANY = BIT(LINK) | BIT(ATTRIBUTE), /* may come more than once */
    MESSAGE_FLAGS = 0x01 | 0x04        /* never changes; is not to be shared */
};

/* Bytes that messages stand in. */
typedef struct part {
    uint64_t address, len;
} part;

/* An object that a link leads to. */
typedef struct object {
    uint64_t address;
    unsigned depth;
} object;

/* The objects of a file: those looked at come first. */
typedef struct walk {
    nb_structure *s;
    object objects[NB_STRUCTURE_OBJECTS_MAX];
    size_t count, next;
} walk;

/* An object header being read. */
typedef struct header {
    const object *object;
    bool root;
    unsigned seen; /* bits of the messages */
    nb_element_shape shape;
    nb_cursor layout; /* looked at last: it means nothing without the others */
    part parts[NB_STRUCTURE_PARTS_MAX];
    size_t part_count;
} header;

static nb_status structure_push(walk *w, uint64_t address, unsigned depth, nb_error *err)
{
    if (depth > NB_STRUCTURE_DEPTH_MAX) {
        return nb_structure_over(w->s, "h5-depth", NB_STRUCTURE_DEPTH_MAX, "groups in one another", err);
    }
    if (w->count == NB_STRUCTURE_OBJECTS_MAX) {
        return nb_structure_over(w->s, "h5-objects", NB_STRUCTURE_OBJECTS_MAX, "groups and datasets", err);
    }
    w->objects[w->count++] = (object){address, depth};
    return NB_OK;
}

static nb_status structure_continue(walk *w, header *h, nb_cursor *c, nb_error *err)
{
    part next = {.address = nb_cursor_take(c, 8), .len = nb_cursor_take(c, 8)};
    if (!nb_cursor_done(c) || next.len < PART_BYTES_MIN) {
        return nb_structure_refuse(w->s, h->object->address, "a damaged continuation of a header", err);
    }
    if (h->part_count == NB_STRUCTURE_PARTS_MAX) {
        return nb_structure_over(w->s, "h5-headers", NB_STRUCTURE_PARTS_MAX, "parts of one header", err);
    }
    h->parts[h->part_count++] = next;
    return NB_OK;
}

static bool structure_message_is_ours(walk *w, header *h, unsigned type, nb_cursor *c, uint64_t *link)
{
    (void)w;
    switch (type) {
    case DATASPACE: return nb_message_dataspace(c, &h->shape);
    case DATATYPE: return nb_message_datatype(c, &h->shape);
    case FILL: return nb_message_fill(c);
    case FILTERS: return nb_message_filters(c, &h->shape);
    case LAYOUT: h->layout = *c; return true;
    case LINK_INFO:
    case ATTRIBUTE_INFO: return nb_message_info(c);
    case GROUP_INFO: return nb_message_group(c);
    case ATTRIBUTE: return nb_message_attribute(c);
    case LINK: return nb_message_link(c, link);
    default: return false;
    }
}

static nb_status structure_message(walk *w, header *h, nb_cursor *c, nb_error *err)
{
    uint64_t at = (uint64_t)(c->at - w->s->data), link = 0;
    unsigned type = (unsigned)nb_cursor_take(c, 1);
    size_t size = (size_t)nb_cursor_take(c, 2);
    uint64_t flags = nb_cursor_take(c, 1);
    nb_cursor body = {.at = nb_cursor_bytes(c, size), .left = size};
    if (c->beyond || flags & ~(uint64_t)MESSAGE_FLAGS) {
        return nb_structure_refuse(w->s, at, "a damaged message in a header", err);
    }
    if (type == NIL) {
        return NB_OK;
    }
    if (type == CONTINUATION) {
        return structure_continue(w, h, &body, err);
    }
    bool again = type < 32 && (h->seen & BIT(type) & ~(unsigned)MANY);
    if (again || !structure_message_is_ours(w, h, type, &body, &link)) {
        return nb_structure_refuse(w->s, at, "a message in a header that our writer does not write", err);
    }
    h->seen |= BIT(type);
    return type == LINK ? structure_push(w, link, h->object->depth + 1, err) : NB_OK;
}

static nb_status structure_messages(walk *w, header *h, nb_cursor *c, nb_error *err)
{
    nb_status status = NB_OK;
    while (c->left >= MESSAGE_HEAD_BYTES && status == NB_OK) {
        status = structure_message(w, h, c, err);
    }
    while (c->left && status == NB_OK) { /* no message fits into the rest */
        uint64_t at = (uint64_t)(c->at - w->s->data);
        status = nb_cursor_take(c, 1) ? nb_structure_refuse(w->s, at, "an incomplete message", err) : NB_OK;
    }
    return status;
}

/* The first part of a header: "OHDR" version flags length messages checksum. */
static nb_status structure_header_begin(walk *w, header *h, nb_error *err)
{
    nb_structure *s = w->s;
    uint64_t address = h->object->address;
    const unsigned char *bytes;
    if (!nb_structure_holds(s, address, HEADER_BYTES_MIN)) {
        return nb_structure_refuse(s, address, "an object beyond the end of the file", err);
    }
    unsigned version = s->data[address + 4], flags = s->data[address + 5];
    if (version != 2 || flags > 1) {
        return nb_structure_refuse(s, address, "an object header of another version", err);
    }
    size_t wide = (size_t)1 << flags, head = 6 + wide;
    if (!nb_structure_holds(s, address, head)) {
        return nb_structure_refuse(s, address, "an object beyond the end of the file", err);
    }
    nb_cursor c = {.at = s->data + address + 6, .left = wide};
    uint64_t len = nb_cursor_take(&c, wide);
    nb_status status = nb_structure_block(s, address, head + len + 4, "OHDR", &bytes, err);
    c = (nb_cursor){.at = bytes + head, .left = (size_t)len};
    return status == NB_OK ? structure_messages(w, h, &c, err) : status;
}

static nb_status structure_header(walk *w, header *h, nb_error *err)
{
    const unsigned char *bytes;
    nb_status status;
    NB_TRY(structure_header_begin(w, h, err));
    for (size_t i = 0; i < h->part_count; i++) {
        NB_TRY(nb_structure_block(w->s, h->parts[i].address, h->parts[i].len, "OCHK", &bytes, err));
        nb_cursor c = {.at = bytes + 4, .left = (size_t)(h->parts[i].len - PART_BYTES_MIN)};
        NB_TRY(structure_messages(w, h, &c, err));
    }
    bool dataset = (h->seen & BIT(LAYOUT)) != 0;
    unsigned needs = dataset ? DATASET_NEEDS : GROUP_NEEDS;
    unsigned may = dataset ? DATASET_MAY : h->root ? ROOT_MAY : GROUP_MAY;
    if ((h->seen & needs) != needs || h->seen & ~may || (h->root && dataset)) {
        status = nb_structure_refuse(w->s, h->object->address, "neither a group nor a dataset of ours", err);
        goto done;
    }
    if (dataset) {
        status = nb_structure_layout(w->s, &h->shape, &h->layout, (uint64_t)(h->layout.at - w->s->data), err);
    }
done:
    return status;
}

static nb_status structure_superblock(nb_structure *s, uint64_t *root, nb_error *err)
{
    const unsigned char *bytes;
    nb_status status = nb_structure_block(s, 0, SUPERBLOCK_BYTES, NULL, &bytes, err);
    if (status != NB_OK) {
        return status;
    }
    nb_cursor c = {.at = bytes + sizeof signature, .left = SUPERBLOCK_BYTES - sizeof signature - 4};
    uint64_t version = nb_cursor_take(&c, 1), wide = nb_cursor_take(&c, 2), in_use = nb_cursor_take(&c, 1);
    uint64_t base = nb_cursor_take(&c, 8), more = nb_cursor_take(&c, 8), end = nb_cursor_take(&c, 8);
    *root = nb_cursor_take(&c, 8);
    if (memcmp(bytes, signature, sizeof signature) != 0 || version != 3 || wide != 0x0808 || in_use ||
        base != s->base || more != NB_STRUCTURE_UNDEFINED || end != s->base + s->size) {
        return nb_structure_refuse(s, 0, "a superblock that our writer does not write", err);
    }
    return NB_OK;
}

static nb_status structure_walk(nb_structure *s, unsigned times, nb_error *err)
{
    walk *w = NULL;
    uint64_t root;
    nb_status status;
    NB_TRY_NEW(w, 1);
    w->s = s;
    w->count = w->next = 0;
    NB_TRY(structure_superblock(s, &root, err));
    NB_TRY(structure_push(w, root, 0, err));
    for (; w->next < w->count; w->next++) {
        header h = {.object = &w->objects[w->next], .root = w->next == 0};
        NB_TRY(structure_header(w, &h, err));
    }
    NB_TRY(nb_structure_disjoint(s, err));
    if (s->unpacked > NB_STRUCTURE_UNPACKED_MIN && s->unpacked / times > s->size) {
        nb_fail(err, NB_ERR_LIMIT, "'%s' unpacks to %llu bytes, over %u times its %llu (limit h5-unpacked)", s->path,
                (unsigned long long)s->unpacked, times, (unsigned long long)(s->base + s->size));
        status = nb_hint(err, "it may have been made to fill memory");
    }
done:
    free(w);
    return status;
}

nb_status nb_structure_check(const nb_map *map, const char *path, unsigned times, nb_error *err)
{
    if (map->len < NB_H5_USER_BLOCK + SUPERBLOCK_BYTES) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is no file of ours: %zu bytes", path, map->len);
    }
    if (memcmp(map->data, signature, sizeof signature) == 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is an HDF5 file without room for a seal: it is none of ours", path);
    }
    nb_structure s = {.data = map->data + NB_H5_USER_BLOCK,
                      .size = map->len - NB_H5_USER_BLOCK,
                      .base = NB_H5_USER_BLOCK,
                      .path = path};
    nb_status status = structure_walk(&s, times, err);
    nb_structure_end(&s);
    return status;
}
