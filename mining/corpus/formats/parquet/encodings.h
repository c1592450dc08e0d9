/** @file
 * Parquet's encodings, each an iterator over bytes in memory that never leaves them: runs (RLE and bit-packed, for
 * definition levels and indexes into a dictionary) and deltas (DELTA_BINARY_PACKED, for lengths).
 *
 * The bytes must be followed by NB_PARQUET_PADDING more that may be read, of whatever value. Nothing here is
 * collective. */
#ifndef NB_MINING_CORPUS_FORMATS_PARQUET_ENCODINGS_H
#define NB_MINING_CORPUS_FORMATS_PARQUET_ENCODINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NB_PARQUET_PADDING = 16 }; /**< bytes behind every page in memory */

/** Runs of values of one width: RLE / bit-packing hybrid. */
typedef struct nb_parquet_runs {
    const unsigned char *at, *end;
    unsigned width;     /**< bits of a value, 0 to 32 */
    bool packed;        /**< the run: bit-packed, or one value repeated */
    uint32_t value;     /**< the one repeated */
    uint64_t left, bit; /**< values left of the run; the next bit of `run` */
    const unsigned char *run;
} nb_parquet_runs;

/** Begins to read runs.
 * @param r becomes the iterator
 * @param at, end the bytes; borrowed
 * @param width bits of a value, at most 32
 * @return false for a width that is none */
bool nb_parquet_runs_open(nb_parquet_runs *r, const unsigned char *at, const unsigned char *end, unsigned width);

/** Goes to the next run that holds a value; called when `left` is 0.
 * @param r the iterator
 * @return false when there is none, or it is damaged */
bool nb_parquet_runs_advance(nb_parquet_runs *r);

/** The next value.
 * @param r the iterator
 * @param value becomes the value
 * @return false when there is none, or the bytes are damaged */
static inline bool nb_parquet_runs_next(nb_parquet_runs *r, uint32_t *value)
{
    if (!r->left && !nb_parquet_runs_advance(r)) {
        return false;
    }
    r->left--;
    if (!r->packed) {
        *value = r->value;
        return true;
    }
    uint64_t word; /* of little-endian machines, as the file formats of this program are */
    memcpy(&word, r->run + (r->bit >> 3), sizeof word);
    *value = (uint32_t)(word >> (r->bit & 7) & (((uint64_t)1 << r->width) - 1));
    r->bit += r->width;
    return true;
}

/** Whole numbers as differences: DELTA_BINARY_PACKED. */
typedef struct nb_parquet_deltas {
    const unsigned char *at, *end; /**< behind the header of the block; of what may be read */
    uint64_t left;                 /**< values not given yet */
    uint64_t block, per_mini, mini_count;
    const unsigned char *widths; /**< [mini_count] of the block */
    uint64_t mini, in_mini;      /**< the next delta */
    int64_t value, minimum;
    bool first; /**< the first value stands in the header */
} nb_parquet_deltas;

/** Begins to read deltas.
 * @param d becomes the iterator; d->left the number of values
 * @param at, end the bytes; borrowed
 * @return false when they are damaged */
bool nb_parquet_deltas_open(nb_parquet_deltas *d, const unsigned char *at, const unsigned char *end);

/** The next value.
 * @param d the iterator
 * @param value becomes the value
 * @return false when there is none, or the bytes are damaged */
bool nb_parquet_deltas_next(nb_parquet_deltas *d, int64_t *value);

/** Where the deltas end, without reading the values.
 * @param d as nb_parquet_deltas_open left it; not changed
 * @return the byte behind them, NULL when they are damaged */
const unsigned char *nb_parquet_deltas_end(const nb_parquet_deltas *d);

#endif
