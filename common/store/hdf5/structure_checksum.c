#include "common/store/hdf5/structure_checksum.h"

static uint32_t structure_rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* Up to four bytes, little-endian. */
static uint32_t structure_word(const unsigned char *at, size_t left)
{
    uint32_t word = 0;
    for (size_t i = 0; i < 4 && i < left; i++) {
        word |= (uint32_t)at[i] << (8 * i);
    }
    return word;
}

static void structure_mix(uint32_t v[3])
{
    static const unsigned turns[6] = {4, 6, 8, 16, 19, 4};
    for (unsigned i = 0; i < 6; i++) { /* a -= c, a ^= rot(c), c += b; then b, a, c; then c, b, a; ... */
        uint32_t *a = &v[i % 3], *b = &v[(i + 1) % 3], *c = &v[(i + 2) % 3];
        *a -= *c;
        *a ^= structure_rotate(*c, turns[i]);
        *c += *b;
    }
}

static void structure_finish(uint32_t v[3])
{
    static const unsigned turns[7] = {14, 11, 25, 16, 4, 14, 24};
    for (unsigned i = 0; i < 7; i++) { /* c ^= b, c -= rot(b); then a of c, b of a, ... */
        uint32_t *to = &v[(i + 2) % 3], from = v[(i + 1) % 3];
        *to ^= from;
        *to -= structure_rotate(from, turns[i]);
    }
}

uint32_t nb_structure_checksum(const unsigned char *data, size_t len)
{
    uint32_t v[3];
    v[0] = v[1] = v[2] = 0xdeadbeefU + (uint32_t)len;
    while (len) {
        for (size_t i = 0; i < 3; i++) {
            v[i] += structure_word(data + 4 * i, len > 4 * i ? len - 4 * i : 0);
        }
        if (len <= 12) {
            structure_finish(v);
            break;
        }
        structure_mix(v);
        data += 12;
        len -= 12;
    }
    return v[2];
}
