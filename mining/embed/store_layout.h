/* The layout of a store: the file with everything but its rows, made by all ranks, or compared with one that stands.
 *
 * The columns beside the rows (names, tags or labels) are cut into chunks of about 1 MiB, whatever the number of ranks.
 * Every rank packs and writes its share of them, or compares it; only the frame is rank 0's. Small stores are laid out
 * by rank 0 alone. */
#ifndef NB_MINING_EMBED_STORE_LAYOUT_H
#define NB_MINING_EMBED_STORE_LAYOUT_H

#include "common/parallel/comm.h"
#include "common/store/embeddings.h"
#include "common/store/hdf5/h5_chunks.h"
#include "mining/corpus/file/corpus_reader.h"

/** Rows from which on all ranks lay a store out together: each column has over NB_H5_SMALL bytes then. */
enum { NB_STORE_LAYOUT_TOGETHER = 8192 };

/** What is laid out. {0}: nothing. */
typedef struct nb_store_layout {
    const nb_comm *comm;                    /**< borrowed */
    nb_store_spec spec;                     /**< borrowed, but for what is owned here */
    nb_strings names;                       /**< rank 0: of a small corpus */
    uint8_t *tags;                          /**< rank 0: of a small corpus */
    const void *data[NB_STORE_COLUMNS];     /**< a column's elements, or */
    nb_h5_vector *vector[NB_STORE_COLUMNS]; /**< where they are read; both borrowed */
    nb_store_chunks chunks;                 /**< their counts; `at` is owned, and has `chunk_count` words */
    uint64_t chunk_count;                   /**< of all columns */
    bool together;                          /**< laid out by all ranks */
    unsigned char *room, *other;            /**< a chunk's elements; those of the one it is compared with */
    nb_h5_packer packer;
    nb_buffer held; /**< this rank's first packed chunks; the others are packed again when they are written */
} nb_store_layout;

/** Begins a layout. Collective: all arguments agree on all ranks.
 *
 * @param out    closed by the caller with nb_store_layout_close; {0} on failure
 * @param comm   the ranks, borrowed
 * @param spec   what the store will hold, borrowed; without names and tags where they are those of `corpus`
 * @param corpus the texts, borrowed; NULL: they are in `spec`
 * @return the same on all ranks: NB_OK, NB_ERR_LIMIT without memory, or as nb_corpus_reader_rows. */
NB_CHECKED nb_status nb_store_layout_open(nb_store_layout *out, const nb_comm *comm, const nb_store_spec *spec,
                                          nb_corpus_reader *corpus, nb_error *err);

/** Frees what a layout holds. Not collective.
 *
 * @param layout becomes {0}; harmless on {0} */
void nb_store_layout_close(nb_store_layout *layout);

/** Makes the file. Collective.
 *
 * @param layout what is laid out
 * @param path   created, or replaced; the same on all ranks
 * @param plan   where the rows go, on all ranks
 * @return the same on all ranks: as nb_store_create, and NB_ERR_IO where a rank cannot write it. */
NB_CHECKED nb_status nb_store_layout_create(nb_store_layout *layout, const char *path, nb_store_plan *plan,
                                            nb_error *err);

/** A share of the chunks: `number` (from 1) of `count`. */
typedef struct nb_store_layout_share {
    size_t number, count;
} nb_store_layout_share;

/** Whether a file that stands was laid out for the same store: the same rows, provenance and classes, and the same
 * chunks as far as they are looked at. Collective.
 *
 * @param layout what would be laid out
 * @param path   the file, which may be missing or damaged: then it is not the same
 * @param share  of the chunks that are compared
 * @param plan   where its rows go, on all ranks; {0} where it is not the same
 * @param same   whether it is, on all ranks
 * @return the same on all ranks: NB_OK, NB_ERR_LIMIT without memory, or what reading the corpus returns. */
NB_CHECKED nb_status nb_store_layout_same(nb_store_layout *layout, const char *path, nb_store_layout_share share,
                                          nb_store_plan *plan, bool *same, nb_error *err);

#endif
