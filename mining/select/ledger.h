/* The ledger of a mining run: what is known of every candidate, tile by tile, in a file beside the bank to be. It is
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

enum { NB_LEDGER_HEADER = 4096, NB_LEDGER_COLUMNS = 8 };

/* One tile's record in memory. */
typedef struct nb_ledger_tile {
    uint64_t checksum;
    uint8_t reasons[NB_AFFINITY_TEXTS], tags[NB_AFFINITY_TEXTS];
    double columns[NB_LEDGER_COLUMNS][NB_AFFINITY_TEXTS]; /* only column_count of them are stored */
} nb_ledger_tile;

typedef struct nb_ledger {
    char *path;
    int fd;
    size_t count, tiles, column_count, record; /* candidates, tiles, columns, bytes a record */
} nb_ledger;

/* Collective. Opens `path`: continues it when `resume` and it is of the same run (`identity`, up to NB_LEDGER_HEADER -
 * 1 bytes, the same on all ranks), else starts it anew. */
nb_status nb_ledger_open(nb_ledger *out, const nb_team *team, const nb_log *log, const char *path, const char *identity,
                         size_t count, size_t column_count, bool resume, nb_error *err);
/* Not collective. Removes nothing. */
void nb_ledger_close(nb_ledger *ledger);

/* Not collective; any rank, any order. */
nb_status nb_ledger_write(const nb_ledger *ledger, size_t tile, nb_ledger_tile *content, nb_error *err);
/* Reads a tile; *done is false when it was not written or is damaged, or holds a reason or a tag that is none. */
nb_status nb_ledger_read(const nb_ledger *ledger, size_t tile, nb_ledger_tile *content, bool *done, nb_error *err);
size_t nb_ledger_rows(const nb_ledger *ledger, size_t tile);

#endif
