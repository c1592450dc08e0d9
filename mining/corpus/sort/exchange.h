/* The exchange of a distributed sample sort: every rank gets the entries between two splitters, from all ranks.
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

#include "common/parallel/team.h"
#include "mining/corpus/sort/sorter.h"

enum { NB_EXCHANGE_BLOCK = 1 << 20, NB_EXCHANGE_BLOCK_MIN = 1 << 16, NB_BLOCK_HEAD = 8, NB_EXCHANGE_SAMPLES = 256 };

/* Only uint64_t inside, so that those of several ranks can be summed. */
typedef struct nb_traffic {
    uint64_t entries, text_bytes, blocks;
    uint64_t sent;    /* bytes of those given to MPI for other ranks, counted where they are sent */
    uint64_t samples; /* bytes of samples and splitters that left a rank */
} nb_traffic;

/* Collective. The splitters, size - 1 texts in order. */
nb_status nb_exchange_splitters(nb_strings *out, const nb_team *team, const nb_sorter *sorter, nb_traffic *traffic,
                                nb_error *err);

/* Collective. Sends the parts of a finished sorter where they belong. runs [run_count + size] becomes the sorted runs
 * this rank has then: its own share of each of the sorter's runs, and what came from each rank, in spools [size] that
 * the caller made and frees. block: bytes, NB_EXCHANGE_BLOCK_MIN to NB_EXCHANGE_BLOCK, the same on all ranks. */
nb_status nb_exchange(nb_run *runs, nb_spool *spools, const nb_team *team, const nb_sorter *sorter,
                      const nb_strings *splitters, size_t block, nb_traffic *traffic, nb_error *err);

#endif
