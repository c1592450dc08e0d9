/** @file
 * The exchange of a distributed sample sort: every rank gets the entries between two splitters, from all ranks.
 *
 * Splitters are texts, compared whole, so the entries of one text meet in one rank. They come from samples of what the
 * ranks hold, each standing for an equal share of its rank's bytes, so they part the bytes evenly whatever the texts.
 * What a rank gets depends on them; the corpus that the ranks make of it together does not.
 *
 * The entries a rank holds are free of duplicates before they travel, so however often a text occurs in the inputs it
 * travels at most once a rank. In step k of 1 .. P - 1 rank r sends to rank r + k and receives from rank r - k (modulo
 * P), in blocks of whole entries of at most NB_EXCHANGE_BLOCK bytes, the last one marked. Bytes that leave a rank:
 *
 *     sent = NB_ENTRY_HEAD * entries + text bytes + NB_BLOCK_HEAD * blocks
 *     P - 1 <= blocks <= P - 1 + (NB_ENTRY_HEAD * entries + text bytes) / (block - NB_ENTRY_MAX)
 *
 * where `entries` and `text bytes` are those it holds that belong to others: a share of about (P - 1) / P. */
#ifndef NB_MINING_CORPUS_SORT_EXCHANGE_H
#define NB_MINING_CORPUS_SORT_EXCHANGE_H

#include "common/parallel/comm.h"
#include "mining/corpus/sort/sorter.h"

/** Bytes of a block at most, at least, and of its head; samples a rank gives at least. */
enum { NB_EXCHANGE_BLOCK = 1 << 20, NB_EXCHANGE_BLOCK_MIN = 1 << 16, NB_BLOCK_HEAD = 8, NB_EXCHANGE_SAMPLES = 256 };

/** What was sent. Only uint64_t inside, so that those of several ranks can be summed. */
typedef struct nb_traffic {
    uint64_t entries, text_bytes, blocks;
    uint64_t sent;    /**< bytes of those given to MPI for other ranks, counted where they are sent */
    uint64_t samples; /**< bytes of samples and splitters that left a rank */
} nb_traffic;

/** Finds the splitters. Collective: all ranks get the same splitters and the same status.
 * @param out appended to: size - 1 texts in order, none for one rank; freed by the caller
 * @param comm the ranks
 * @param sorter this rank's entries, finished
 * @param traffic added to
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_exchange_splitters(nb_strings *out, const nb_comm *comm, const nb_sorter *sorter, nb_traffic *traffic,
                                nb_error *err);

/** What is exchanged. All borrowed. */
typedef struct nb_exchange_plan {
    const nb_comm *comm;
    const nb_sorter *sorter;     /**< this rank's entries, finished */
    const nb_strings *splitters; /**< [size - 1], as nb_exchange_splitters gave them */
    size_t block;                /**< bytes, NB_EXCHANGE_BLOCK_MIN to NB_EXCHANGE_BLOCK, the same on all ranks */
} nb_exchange_plan;

/** Sends the entries of a sorter where they belong. Collective: all ranks get the same status.
 * @param runs [run_count + size] becomes the sorted runs this rank has then: its own share of each of the sorter's
 * runs, and what came from each rank
 * @param spools [size] what comes from each rank; made and freed by the caller, and needed as long as the runs
 * @param plan what is exchanged
 * @param traffic added to
 * @return NB_OK; NB_ERR_IO when scratch cannot be read or written; NB_ERR_LIMIT without memory; NB_STOPPED after a
 * request to stop. */
nb_status nb_exchange(nb_run *runs, nb_spool *spools, const nb_exchange_plan *plan, nb_traffic *traffic, nb_error *err);

#endif
