#include "common/store/hdf5/structure_message.h"

#include "common/store/hdf5/zstd_codec.h"

#include <string.h>

enum {
    CLASS_WHOLE = 0,
    CLASS_FLOAT = 1,
    CLASS_STRING = 3,
    CLASS_VARIABLE = 9,
    STRING_BYTES_MAX = 1 << 28,
    VARIABLE_BYTES = 16, /* length, address of a heap, number in it */
    SHUFFLE = 2
};

bool nb_message_dataspace(nb_cursor *c, nb_element_shape *out)
{
    uint64_t version = nb_cursor_take(c, 1);
    out->rank = (size_t)nb_cursor_take(c, 1);
    uint64_t flags = nb_cursor_take(c, 1), type = nb_cursor_take(c, 1);
    if (version != 2 || out->rank > NB_STRUCTURE_RANK_MAX || flags > 1 || type != (out->rank ? 1 : 0)) {
        return false;
    }
    for (size_t i = 0; i < out->rank; i++) {
        out->dims[i] = nb_cursor_take(c, 8);
    }
    for (size_t i = 0; flags && i < out->rank; i++) { /* what it may grow to */
        if (nb_cursor_take(c, 8) != out->dims[i]) {
            return false;
        }
    }
    return nb_cursor_done(c);
}

static bool structure_is_whole(nb_cursor *c, uint64_t bits, uint64_t size)
{
    uint64_t first = nb_cursor_take(c, 2), precision = nb_cursor_take(c, 2);
    bool wide = size == 1 || size == 2 || size == 4 || size == 8;
    return wide && (bits == 0 || bits == 8) && first == 0 && precision == 8 * size; /* 8: signed */
}

static bool structure_is_float(nb_cursor *c, uint64_t bits, uint64_t size)
{
    /* bytes, bit of the sign, exponent's first bit and bits, mantissa's bits (from 0), bias */
    static const struct {
        uint64_t size, sign, at, exponent, mantissa, bias;
    } known[] = {{2, 15, 10, 5, 10, 15}, {4, 31, 23, 8, 23, 127}, {8, 63, 52, 11, 52, 1023}};
    uint64_t first = nb_cursor_take(c, 2), precision = nb_cursor_take(c, 2);
    uint64_t at = nb_cursor_take(c, 1), exponent = nb_cursor_take(c, 1);
    uint64_t mantissa_at = nb_cursor_take(c, 1), mantissa = nb_cursor_take(c, 1), bias = nb_cursor_take(c, 4);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (size == known[i].size) {
            return bits == (0x20 | known[i].sign << 8) && first == 0 && precision == 8 * size && at == known[i].at &&
                   exponent == known[i].exponent && mantissa_at == 0 && mantissa == known[i].mantissa &&
                   bias == known[i].bias;
        }
    }
    return false;
}

/* Of characters: what HDF5 calls the base type. */
static bool structure_is_variable(nb_cursor *c, uint64_t bits, uint64_t size)
{
    uint64_t head = nb_cursor_take(c, 1), base_bits = nb_cursor_take(c, 3), base_size = nb_cursor_take(c, 4);
    bool bytes = head == (1 << 4 | CLASS_WHOLE) && base_size == 1 && structure_is_whole(c, base_bits, base_size);
    return bytes && size == VARIABLE_BYTES && (bits == 0x001 || bits == 0x101); /* a string, ASCII or UTF-8 */
}

bool nb_message_datatype(nb_cursor *c, nb_element_shape *out)
{
    uint64_t head = nb_cursor_take(c, 1), bits = nb_cursor_take(c, 3), size = nb_cursor_take(c, 4);
    bool good = head >> 4 == 1 || head >> 4 == 3; /* the version */
    out->element = size;
    out->variable = (head & 15) == CLASS_VARIABLE;
    switch (head & 15) {
    case CLASS_WHOLE: good = structure_is_whole(c, bits, size) && good; break;
    case CLASS_FLOAT: good = structure_is_float(c, bits, size) && good; break;
    case CLASS_STRING: good = good && (bits == 0 || bits == 0x10) && size && size <= STRING_BYTES_MAX; break;
    case CLASS_VARIABLE: good = structure_is_variable(c, bits, size) && good; break;
    default: return false;
    }
    return good && nb_cursor_done(c);
}

bool nb_message_fill(nb_cursor *c)
{
    uint64_t version = nb_cursor_take(c, 1), flags = nb_cursor_take(c, 1);
    uint64_t allocated = flags & 3, written = flags >> 2;
    return version == 3 && allocated && written <= 2 && nb_cursor_done(c);
}

bool nb_message_filters(nb_cursor *c, nb_element_shape *out)
{
    uint64_t version = nb_cursor_take(c, 1);
    out->filters = (size_t)nb_cursor_take(c, 1);
    if (version != 2 || out->filters < 1 || out->filters > 2) {
        return false;
    }
    if (out->filters == 2) {
        uint64_t id = nb_cursor_take(c, 2), flags = nb_cursor_take(c, 2), values = nb_cursor_take(c, 2);
        out->shuffled = nb_cursor_take(c, 4);
        if (id != SHUFFLE || flags > 1 || values != 1) {
            return false;
        }
    }
    uint64_t id = nb_cursor_take(c, 2), name_bytes = nb_cursor_take(c, 2), flags = nb_cursor_take(c, 2);
    uint64_t values = nb_cursor_take(c, 2);
    const unsigned char *name = nb_cursor_bytes(c, (size_t)name_bytes);
    nb_cursor_take(c, 4); /* the level it was packed at */
    return id == NB_ZSTD_FILTER && flags == 0 && values == 1 && name_bytes == 5 && name && !memcmp(name, "zstd", 5) &&
           nb_cursor_done(c);
}

static bool structure_is_name(const unsigned char *name, size_t len)
{
    static const char other[] = "_-.";
    for (size_t i = 0; i < len; i++) {
        bool letter = (name[i] | 32) >= 'a' && (name[i] | 32) <= 'z', digit = name[i] >= '0' && name[i] <= '9';
        if (!letter && !digit && !memchr(other, name[i], sizeof other - 1)) {
            return false;
        }
    }
    return len && name[0] != '.';
}

bool nb_message_attribute(nb_cursor *c)
{
    nb_element_shape value = {0};
    uint64_t version = nb_cursor_take(c, 1), flags = nb_cursor_take(c, 1), name_bytes = nb_cursor_take(c, 2);
    uint64_t type_bytes = nb_cursor_take(c, 2), space_bytes = nb_cursor_take(c, 2), charset = nb_cursor_take(c, 1);
    const unsigned char *name = nb_cursor_bytes(c, (size_t)name_bytes);
    const unsigned char *type = nb_cursor_bytes(c, (size_t)type_bytes);
    const unsigned char *space = nb_cursor_bytes(c, (size_t)space_bytes);
    if (c->beyond || version != 3 || flags || charset || name_bytes < 2 || name[name_bytes - 1] != '\0' ||
        !structure_is_name(name, (size_t)name_bytes - 1)) {
        return false;
    }
    nb_cursor part = {.at = type, .left = (size_t)type_bytes};
    if (!nb_message_datatype(&part, &value) || value.variable) {
        return false;
    }
    part = (nb_cursor){.at = space, .left = (size_t)space_bytes};
    return nb_message_dataspace(&part, &value) && value.rank == 0 && c->left == value.element;
}

bool nb_message_info(nb_cursor *c)
{
    uint64_t version = nb_cursor_take(c, 1), flags = nb_cursor_take(c, 1);
    uint64_t heap = nb_cursor_take(c, 8), tree = nb_cursor_take(c, 8);
    return version == 0 && flags == 0 && heap == NB_STRUCTURE_UNDEFINED && tree == NB_STRUCTURE_UNDEFINED &&
           nb_cursor_done(c);
}

bool nb_message_group(nb_cursor *c)
{
    uint64_t version = nb_cursor_take(c, 1), flags = nb_cursor_take(c, 1);
    if (flags == 1) { /* links that are kept in the header, at most; and those below which they are again */
        nb_cursor_take(c, 4);
    }
    return version == 0 && flags <= 1 && nb_cursor_done(c);
}

bool nb_message_link(nb_cursor *c, uint64_t *address)
{
    uint64_t version = nb_cursor_take(c, 1), flags = nb_cursor_take(c, 1), len = nb_cursor_take(c, 1);
    const unsigned char *name = nb_cursor_bytes(c, (size_t)len);
    *address = nb_cursor_take(c, 8);
    return version == 1 && flags == 0 && name && structure_is_name(name, (size_t)len) && nb_cursor_done(c);
}
