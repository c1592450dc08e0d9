/* The candidates of a mining run, a tile at a time: the unit of work, of resuming and of every sum.
 *
 * A tile is a fixed run of rows of the text store, whatever the number of ranks. Memory does not grow with the store
 * but for a pointer a tile and one byte a candidate of the tiles this rank has worked on. */
#ifndef NB_MINING_CANDIDATES_H
#define NB_MINING_CANDIDATES_H

#include "common/parallel/team.h"
#include "common/store/embeddings.h"
#include "mining/affinity/reasons.h"
#include "mining/corpus/text/labels.h"

enum { NB_AFFINITY_TEXTS = 1024, NB_AFFINITY_IMAGES = 512 }; /* rows of a text tile and of an image tile */

/* Rows [begin, begin + count) of a store, each divided by its norm, into out [count, width]. count is at most
 * NB_AFFINITY_TEXTS. NB_ERR_NUMERIC for a row that cannot be normalised, NB_ERR_VERIFY for a damaged one. */
nb_status nb_unit_rows(nb_store *store, size_t begin, size_t count, float *out, nb_error *err);

typedef struct nb_text_tile {
    size_t number, begin, count;
    const float *rows;      /* [count, d] of unit length */
    const uint8_t *reasons; /* [count] nb_reason: accepted, label or stop list */
    const uint8_t *tags;    /* [count] nb_tag */
} nb_text_tile;

typedef struct nb_candidates {
    const nb_team *team;
    nb_store *store;
    size_t count, tiles, d;
    nb_matcher labels, stops;
    float *rows;
    uint8_t *reasons, *tags; /* of the tile loaded last */
    uint8_t **known;         /* [tiles] of tiles this rank has loaded: [NB_AFFINITY_TEXTS] tag << 4 | reason; or NULL */
} nb_candidates;

/* `stops` may be NULL; the store and the lists are borrowed, the lists only for this call. Not collective. */
nb_status nb_candidates_open(nb_candidates *out, const nb_team *team, nb_store *store, const nb_strings *labels,
                             const nb_strings *stops, nb_error *err);
void nb_candidates_close(nb_candidates *c);

/* Loads a tile; its arrays are valid until the next call. Not collective; any rank may load any tile. */
nb_status nb_candidates_load(nb_candidates *c, size_t tile, nb_text_tile *out, nb_error *err);
/* reasons [count] of rows [begin, begin + count), by their names alone. Not collective. */
nb_status nb_candidates_reasons(nb_candidates *c, size_t begin, size_t count, uint8_t *reasons, uint8_t *tags,
                                nb_error *err);

#endif
