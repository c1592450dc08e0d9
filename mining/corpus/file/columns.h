/* The columns of a corpus file, cut into chunks by all ranks: each packs the chunks that begin in its slice.
 *
 * Chunks are fixed by the whole corpus, slices are not, so what a rank holds in front of its first chunk goes to the
 * rank in whose slice that chunk begins. */
#ifndef NB_MINING_CORPUS_FILE_COLUMNS_H
#define NB_MINING_CORPUS_FILE_COLUMNS_H

#include "common/parallel/team.h"
#include "common/store/hdf5/h5_chunks.h"
#include "mining/corpus/sort/spool.h"

enum { NB_COLUMN_BYTES, NB_COLUMN_OFFSETS, NB_COLUMN_TAGS, NB_COLUMN_SOURCE, NB_COLUMN_LINE, NB_COLUMN_COUNT };
enum { NB_COLUMN_ZSTD_LEVEL = 3 }; /* packs about as fast as a disk writes */

/* One column: texts/bytes u8, texts/offsets u64, tags u8, source u32, line u64. */
typedef struct nb_column {
    size_t width;          /* bytes an element */
    uint64_t total, chunk; /* elements: in all, in a chunk */
    uint64_t begin, end;   /* those of this rank */
    uint64_t next, filled; /* the next to be put; elements in the buffer */
    uint64_t *starts;      /* [size + 1] begin of each rank */
    char *buffer, *head;   /* [chunk * width] the chunk being filled; what goes to another rank */
    uint64_t head_count;
} nb_column;

/* A packed chunk of this rank. */
typedef struct nb_packed {
    uint64_t number; /* of all chunks: column by column */
    uint64_t at, len;
} nb_packed;

typedef struct nb_columns {
    const nb_team *team;
    nb_column column[NB_COLUMN_COUNT];
    nb_h5_packer packer;
    nb_spool spool;    /* packed chunks */
    nb_packed *packed; /* [packed_count] */
    size_t packed_count, packed_cap;
} nb_columns;

/* The name of a column in the file, and its type there; the type is not to be closed. */
const char *nb_column_name(size_t column);
hid_t nb_column_type(size_t column);

/* Chunks of the columns before `column`; of all for NB_COLUMN_COUNT. */
uint64_t nb_columns_chunks(const nb_columns *c, size_t column);

/* Collective. This rank has rows [first, first + count) of total > 0, whose texts (each with its NUL) are bytes from
 * first_byte on of total_bytes. The spool lies in scratch and takes from budget. Close takes {0}. */
nb_status nb_columns_open(nb_columns *c, const nb_team *team, uint64_t first, uint64_t count, uint64_t total,
                          uint64_t first_byte, uint64_t total_bytes, nb_scratch *scratch, size_t *budget,
                          nb_error *err);
void nb_columns_close(nb_columns *c);

/* Puts the next row. Not collective. */
nb_status nb_columns_put(nb_columns *c, const char *text, size_t len, uint8_t tag, uint32_t source, uint64_t line,
                         nb_error *err);

/* Collective; all rows are put. Completes the chunks of all ranks. */
nb_status nb_columns_finish(nb_columns *c, nb_error *err);

#endif
