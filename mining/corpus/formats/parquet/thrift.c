#include "mining/corpus/formats/parquet/thrift.h"

static void thrift_fail(nb_thrift *t, const char *why)
{
    t->wrong = t->wrong ? t->wrong : why;
    t->at = t->end;
}

static bool thrift_has(nb_thrift *t, uint64_t bytes)
{
    if (t->wrong || bytes > (size_t)(t->end - t->at)) {
        t->cut = t->cut || !t->wrong;
        thrift_fail(t, "its metadata end too early");
        return false;
    }
    return true;
}

static unsigned thrift_byte(nb_thrift *t)
{
    return thrift_has(t, 1) ? *t->at++ : 0;
}

uint64_t nb_thrift_varint(nb_thrift *t)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = thrift_byte(t);
        value |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) {
            return t->wrong ? 0 : value;
        }
    }
    thrift_fail(t, "a number of its metadata has over 64 bits");
    return 0;
}

static int64_t thrift_signed(nb_thrift *t)
{
    uint64_t value = nb_thrift_varint(t);
    return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

bool nb_thrift_next(nb_thrift *t, nb_thrift_field *field)
{
    unsigned head = thrift_byte(t);
    if (t->wrong || !head) {
        return false;
    }
    int64_t id = head >> 4 ? field->id + (int64_t)(head >> 4) : thrift_signed(t);
    field->type = (nb_thrift_type)(head & 15);
    if (id < 0 || id > INT16_MAX || field->type < NB_THRIFT_TRUE || field->type > NB_THRIFT_UUID) {
        thrift_fail(t, "its metadata hold a field that is none");
    }
    field->id = t->wrong ? 0 : (int)id;
    return !t->wrong;
}

int64_t nb_thrift_int(nb_thrift *t, const nb_thrift_field *field)
{
    switch (field->type) {
    case NB_THRIFT_BYTE: return (int8_t)thrift_byte(t);
    case NB_THRIFT_I16:
    case NB_THRIFT_I32:
    case NB_THRIFT_I64: return thrift_signed(t);
    default: thrift_fail(t, "its metadata hold something else where a number belongs"); return 0;
    }
}

bool nb_thrift_bool(nb_thrift *t, const nb_thrift_field *field)
{
    if (field->type != NB_THRIFT_TRUE && field->type != NB_THRIFT_FALSE) {
        thrift_fail(t, "its metadata hold something else where true or false belongs");
    }
    return !t->wrong && field->type == NB_THRIFT_TRUE;
}

const char *nb_thrift_binary(nb_thrift *t, nb_thrift_type type, size_t *len)
{
    *len = 0;
    if (type != NB_THRIFT_BINARY) {
        thrift_fail(t, "its metadata hold something else where a text belongs");
        return "";
    }
    uint64_t bytes = nb_thrift_varint(t);
    if (!thrift_has(t, bytes)) {
        return "";
    }
    const char *at = (const char *)t->at;
    *len = (size_t)bytes;
    t->at += bytes;
    return at;
}

static size_t thrift_list_head(nb_thrift *t, nb_thrift_type *type)
{
    unsigned head = thrift_byte(t);
    uint64_t count = head >> 4 == 15 ? nb_thrift_varint(t) : head >> 4;
    *type = (nb_thrift_type)(head & 15);
    return thrift_has(t, count) ? (size_t)count : 0; /* an element takes a byte at least */
}

size_t nb_thrift_list(nb_thrift *t, const nb_thrift_field *field, nb_thrift_type *type)
{
    if (field->type != NB_THRIFT_LIST) {
        thrift_fail(t, "its metadata hold something else where a list belongs");
    }
    return thrift_list_head(t, type);
}

static void thrift_skip_bytes(nb_thrift *t, uint64_t bytes)
{
    if (thrift_has(t, bytes)) {
        t->at += bytes;
    }
}

static void thrift_skip_at(nb_thrift *t, nb_thrift_type type, bool element, int depth);

static void thrift_skip_elements(nb_thrift *t, int depth)
{
    nb_thrift_type type;
    size_t count = thrift_list_head(t, &type);
    for (size_t i = 0; i < count && !t->wrong; i++) {
        thrift_skip_at(t, type, true, depth);
    }
}

static void thrift_skip_map(nb_thrift *t, int depth)
{
    uint64_t count = nb_thrift_varint(t);
    unsigned types = count ? thrift_byte(t) : 0;
    for (uint64_t i = 0; i < count && !t->wrong; i++) {
        thrift_skip_at(t, (nb_thrift_type)(types >> 4), true, depth);
        thrift_skip_at(t, (nb_thrift_type)(types & 15), true, depth);
    }
}

/* The depth is bounded, so the recursion is. */
static void thrift_skip_at(nb_thrift *t, nb_thrift_type type, bool element, int depth)
{
    nb_thrift_field field = {0};
    size_t len;
    if (depth > NB_THRIFT_DEPTH_MAX) {
        thrift_fail(t, "its metadata are nested too deep");
        return;
    }
    switch (type) {
    case NB_THRIFT_TRUE:
    case NB_THRIFT_FALSE: thrift_skip_bytes(t, element ? 1 : 0); break; /* of a field, the type is the value */
    case NB_THRIFT_BYTE: thrift_skip_bytes(t, 1); break;
    case NB_THRIFT_I16:
    case NB_THRIFT_I32:
    case NB_THRIFT_I64: nb_thrift_varint(t); break;
    case NB_THRIFT_DOUBLE: thrift_skip_bytes(t, 8); break;
    case NB_THRIFT_UUID: thrift_skip_bytes(t, 16); break;
    case NB_THRIFT_BINARY: nb_thrift_binary(t, type, &len); break;
    case NB_THRIFT_LIST:
    case NB_THRIFT_SET: thrift_skip_elements(t, depth + 1); break;
    case NB_THRIFT_MAP: thrift_skip_map(t, depth + 1); break;
    case NB_THRIFT_STRUCT:
        while (nb_thrift_next(t, &field)) {
            thrift_skip_at(t, field.type, false, depth + 1);
        }
        break;
    default: thrift_fail(t, "its metadata hold a type that is none");
    }
}

void nb_thrift_skip(nb_thrift *t, nb_thrift_type type)
{
    thrift_skip_at(t, type, false, 0);
}
