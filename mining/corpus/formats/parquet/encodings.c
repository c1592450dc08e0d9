#include "mining/corpus/formats/parquet/encodings.h"

#include "mining/corpus/formats/parquet/thrift.h"

/* Lengths have 32 bits; their differences one more, and 57 bits can be read at once. */
enum { RUN_WIDTH_MAX = 32, DELTA_WIDTH_MAX = 57, BLOCK_MAX = 1 << 20 };

bool nb_parquet_runs_open(nb_parquet_runs *r, const unsigned char *at, const unsigned char *end, unsigned width)
{
    *r = (nb_parquet_runs){.at = at, .end = end, .width = width};
    return width <= RUN_WIDTH_MAX;
}

/* A varint of the encodings is written as Thrift writes one. */
static bool encodings_varint(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    nb_thrift t = {.at = *at, .end = end};
    *value = nb_thrift_varint(&t);
    *at = t.at;
    return !t.wrong;
}

static bool encodings_signed(const unsigned char **at, const unsigned char *end, int64_t *value)
{
    uint64_t raw;
    bool good = encodings_varint(at, end, &raw);
    *value = (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
    return good;
}

bool nb_parquet_runs_advance(nb_parquet_runs *r)
{
    while (!r->left) {
        uint64_t head;
        if (!encodings_varint(&r->at, r->end, &head)) {
            return false;
        }
        uint64_t count = head >> 1, room = (uint64_t)(r->end - r->at);
        r->packed = head & 1;
        if (r->packed) {
            if (count > UINT32_MAX) {
                return false;
            }
            /* groups of 8; some writers leave out the end of the last one */
            uint64_t bytes = count * r->width, values = count * 8;
            if (bytes > room) {
                bytes = room;
                values = room * 8 / r->width;
            }
            if (!values && count) {
                return false;
            }
            r->run = r->at;
            r->bit = 0;
            r->left = values;
            r->at += bytes;
        } else {
            unsigned bytes = (r->width + 7) / 8;
            if (bytes > room) {
                return false;
            }
            r->value = 0;
            memcpy(&r->value, r->at, bytes);
            r->at += bytes;
            r->left = count;
        }
    }
    return true;
}

/* The head of a block: the least delta, and the widths of its miniblocks. */
static bool encodings_begin_block(nb_parquet_deltas *d)
{
    if (!encodings_signed(&d->at, d->end, &d->minimum) || (uint64_t)(d->end - d->at) < d->mini_count) {
        return false;
    }
    d->widths = d->at;
    d->at += d->mini_count;
    d->mini = d->in_mini = 0;
    return true;
}

/* Bytes of the values of a miniblock; false when they are not there. */
static bool encodings_mini_bytes(const nb_parquet_deltas *d, uint64_t *bytes)
{
    unsigned width = d->widths[d->mini];
    *bytes = width * d->per_mini / 8;
    return width <= DELTA_WIDTH_MAX && *bytes <= (uint64_t)(d->end - d->at);
}

bool nb_parquet_deltas_open(nb_parquet_deltas *d, const unsigned char *at, const unsigned char *end)
{
    uint64_t minis, total;
    *d = (nb_parquet_deltas){.at = at, .end = end, .first = true};
    if (!encodings_varint(&d->at, end, &d->block) || !encodings_varint(&d->at, end, &minis) ||
        !encodings_varint(&d->at, end, &total) || !encodings_signed(&d->at, end, &d->value)) {
        return false;
    }
    if (!d->block || d->block > BLOCK_MAX || !minis || minis > d->block || d->block % minis || d->block / minis % 8) {
        return false;
    }
    d->mini_count = minis;
    d->per_mini = d->block / minis;
    d->mini = d->mini_count; /* no block is begun */
    d->left = total;
    return true;
}

bool nb_parquet_deltas_next(nb_parquet_deltas *d, int64_t *value)
{
    uint64_t bytes, word;
    if (!d->left) {
        return false;
    }
    d->left--;
    if (d->first) {
        d->first = false;
        *value = d->value;
        return true;
    }
    if (d->mini == d->mini_count && !encodings_begin_block(d)) {
        return false;
    }
    if (!d->in_mini && !encodings_mini_bytes(d, &bytes)) {
        return false;
    }
    unsigned width = d->widths[d->mini];
    uint64_t bit = d->in_mini * width;
    memcpy(&word, d->at + (bit >> 3), sizeof word);
    word = word >> (bit & 7) & (((uint64_t)1 << width) - 1);
    /* the format says that sums wrap */
    d->value = (int64_t)((uint64_t)d->value + (uint64_t)d->minimum + word);
    if (++d->in_mini == d->per_mini) {
        d->at += width * d->per_mini / 8;
        d->in_mini = 0;
        d->mini++;
    }
    *value = d->value;
    return true;
}

const unsigned char *nb_parquet_deltas_end(const nb_parquet_deltas *given)
{
    nb_parquet_deltas d = *given;
    uint64_t left = d.left ? d.left - 1 : 0, bytes;
    while (left) {
        if (!encodings_begin_block(&d)) {
            return NULL;
        }
        /* a miniblock without values has a width and no bytes */
        for (; d.mini < d.mini_count && left; d.mini++) {
            if (!encodings_mini_bytes(&d, &bytes)) {
                return NULL;
            }
            d.at += bytes;
            left -= left < d.per_mini ? left : d.per_mini;
        }
    }
    return d.at;
}
