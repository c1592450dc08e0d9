/** @file
 * The ledger of a mining run: what is known of every candidate, tile by tile, in a file beside the bank to be. It is
 * what a run continues from after an interruption, what the selection reads, and what the explain table is printed
 * from; memory does not grow with the corpus.
 *
 * The file has a header block of NB_LEDGER_HEADER bytes (a text that identifies the run: two runs with the same text
 * give the same tiles), then one record a tile of fixed length:
 *   u64 checksum (XXH3-64 of the rest, never 0; 0: not done)
 *   u8 reasons [NB_AFFINITY_TEXTS], u8 tags [NB_AFFINITY_TEXTS], f64 columns [column_count][NB_AFFINITY_TEXTS]
 * It is private to one run on machines of one kind: native byte order. */
#ifndef NB_MINING_SELECT_LEDGER_H
#define NB_MINING_SELECT_LEDGER_H

#include "common/base/log.h"
#include "mining/affinity/candidates.h"

enum {
    NB_LEDGER_HEADER = 4096, /**< bytes */
    NB_LEDGER_COLUMNS = 8    /**< at most */
};

/** One tile's record in memory. */
typedef struct nb_ledger_tile {
    uint64_t checksum;                                    /**< as stored */
    uint8_t reasons[NB_AFFINITY_TEXTS];                   /**< nb_reason */
    uint8_t tags[NB_AFFINITY_TEXTS];                      /**< nb_tag */
    double columns[NB_LEDGER_COLUMNS][NB_AFFINITY_TEXTS]; /**< only column_count of them are stored */
} nb_ledger_tile;

/** An open ledger. */
typedef struct nb_ledger {
    char *path;          /**< owned */
    int fd;              /**< -1: not open */
    size_t count, tiles; /**< candidates and their tiles */
    size_t column_count; /**< columns stored */
    size_t record;       /**< bytes a record */
} nb_ledger;

/** What ledger to open. */
typedef struct nb_ledger_plan {
    const char *path;
    const char *identity; /**< up to NB_LEDGER_HEADER - 1 bytes, the same on all ranks */
    size_t count;         /**< candidates */
    size_t column_count;  /**< at most NB_LEDGER_COLUMNS */
    bool resume;          /**< continue the one that is there, where it is of the same identity; else start anew */
} nb_ledger_plan;

/** Opens a ledger. Collective.
 * @param out closed with nb_ledger_close
 * @param comm all of whose ranks call
 * @param log where a word on resuming goes
 * @param plan borrowed for this call
 * @return NB_OK, NB_ERR_LIMIT for too long an identity or without memory, NB_ERR_IO when the file cannot be made; the
 *         same on all ranks, and nothing is left to close then */
nb_status nb_ledger_open(nb_ledger *out, const nb_comm *comm, const nb_log *log, const nb_ledger_plan *plan,
                         nb_error *err);

/** Closes it; the file stays. Takes {.fd = -1}. Not collective.
 * @param ledger emptied */
void nb_ledger_close(nb_ledger *ledger);

/** Writes a tile's record; sets its checksum. Not collective; any rank, any order.
 * @param ledger open
 * @param tile number of the tile
 * @param content what is written
 * @return NB_OK, or NB_ERR_IO */
nb_status nb_ledger_write(const nb_ledger *ledger, size_t tile, nb_ledger_tile *content, nb_error *err);

/** Reads a tile's record. Not collective.
 * @param ledger open
 * @param tile number of the tile
 * @param content out
 * @param done false when it was not written or is damaged, or holds a reason or a tag that is none
 * @return NB_OK, or NB_ERR_IO */
nb_status nb_ledger_read(const nb_ledger *ledger, size_t tile, nb_ledger_tile *content, bool *done, nb_error *err);

/** The error of a tile that was written and is not there any more. Not collective.
 * @param ledger open
 * @param tile number of the tile
 * @return NB_ERR_IO */
nb_status nb_ledger_lost(const nb_ledger *ledger, size_t tile, nb_error *err);

/** Candidates of a tile. Not collective.
 * @param ledger open
 * @param tile number of the tile
 * @return NB_AFFINITY_TEXTS, or fewer for the last one */
size_t nb_ledger_rows(const nb_ledger *ledger, size_t tile);

#endif
