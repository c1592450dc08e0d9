/** @file
 * The candidates of a mining run, a tile at a time: the unit of work, of resuming and of every sum.
 *
 * A tile is a fixed run of rows of the text store, whatever the number of ranks. Memory does not grow with the store
 * but for a pointer a tile and one byte a candidate of the tiles this rank has worked on. */
#ifndef NB_MINING_CANDIDATES_H
#define NB_MINING_CANDIDATES_H

#include "common/parallel/comm.h"
#include "common/store/embeddings.h"
#include "mining/affinity/reasons.h"
#include "mining/corpus/text/labels.h"

enum {
    NB_AFFINITY_TEXTS = 1024, /**< rows of a text tile */
    NB_AFFINITY_IMAGES = 512  /**< rows of an image tile */
};

/** Reads rows of a store, each divided by its norm. Not collective.
 * @param store of embeddings
 * @param begin, count rows [begin, begin + count), count at most NB_AFFINITY_TEXTS
 * @param out          [count, width]
 * @return NB_OK, NB_ERR_NUMERIC for a row that cannot be normalised, NB_ERR_VERIFY for a damaged one, NB_ERR_IO when
 *         the file cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_unit_rows(nb_store *store, size_t begin, size_t count, float *out, nb_error *err);

/** A tile. */
typedef struct nb_text_tile {
    size_t number, begin, count; /**< of the tile, its first row, its rows */
    const float *rows;           /**< [count, d] of unit length */
    const uint8_t *reasons;      /**< [count] nb_reason: accepted, label or stop list */
    const uint8_t *tags;         /**< [count] nb_tag */
} nb_text_tile;

/** The candidates. */
typedef struct nb_candidates {
    const nb_comm *comm;      /**< borrowed */
    nb_store *store;          /**< borrowed */
    size_t count, tiles, d;   /**< texts, tiles, width */
    nb_matcher labels, stops; /**< what rejects by name; stops empty without a stop list */
    float *rows;              /**< of the tile loaded last */
    uint8_t *reasons, *tags;  /**< of the tile loaded last */
    uint8_t **known;          /**< [tiles] of tiles this rank has loaded: [NB_AFFINITY_TEXTS] tag << 4 | reason; or
                                 NULL */
} nb_candidates;

/** Opens the candidates of a store. Not collective.
 * @param out closed with nb_candidates_close
 * @param comm borrowed
 * @param store  borrowed
 * @param labels the ID labels, borrowed for this call only
 * @param stops  the stop list, likewise; may be NULL
 * @return NB_OK, or NB_ERR_LIMIT without memory; nothing is left to close then */
nb_status nb_candidates_open(nb_candidates *out, const nb_comm *comm, nb_store *store, const nb_strings *labels,
                             const nb_strings *stops, nb_error *err);

/** Takes {0}. Not collective.
 * @param c emptied */
void nb_candidates_close(nb_candidates *c);

/** Loads a tile. Not collective; any rank may load any tile.
 * @param c open
 * @param tile number of the tile
 * @param out its arrays are valid until the next call
 * @return NB_OK, or an error of nb_unit_rows or of reading names */
nb_status nb_candidates_load(nb_candidates *c, size_t tile, nb_text_tile *out, nb_error *err);

/** What the names alone say of rows [begin, begin + count). Not collective.
 * @param c open
 * @param begin, count the rows
 * @param reasons [count] nb_reason
 * @param tags    [count] nb_tag, or NULL
 * @return NB_OK, or the error of reading names */
nb_status nb_candidates_reasons(nb_candidates *c, size_t begin, size_t count, uint8_t *reasons, uint8_t *tags,
                                nb_error *err);

#endif
