/** @file
 * Inputs that lie on a server: fetched into the cache folder before a corpus is planned, each by one rank, and read
 * from there like any other file.
 *
 * They gather in CACHE/corpus/SET/NUMBER/NAME, where SET is the SHA-256 of all addresses together and NAME the last
 * part of each. What an interrupted run left there is continued (common/transfer/download.h); a corpus that is complete
 * removes them. Runs of the same addresses wait for one another. */
#ifndef NB_CORPUS_FETCH_H
#define NB_CORPUS_FETCH_H

#include "common/parallel/comm.h"
#include "common/transfer/cache.h"
#include "common/transfer/http.h"
#include "mining/corpus/corpus_inputs.h"

/** How to fetch; all borrowed. */
typedef struct nb_fetch_options {
    const nb_transfer_options *http;
    const char *cache; /**< a folder all ranks share; NULL: as nb_cache_open has it */
    const nb_log *log;
    const char *own; /**< the command's own address, where a token goes (common/transfer/http.h); NULL: there is none */
} nb_fetch_options;

/** What was fetched. */
typedef struct nb_fetched {
    char *folder;     /**< CACHE/corpus/SET, NULL when no input is an address */
    nb_strings paths; /**< of the files, in the order of the addresses */
    int lock;         /**< rank 0's, -1: none */
} nb_fetched;

/** Fetches the inputs that are addresses and gives them their paths. Collective: all ranks get the same status.
 * @param out close with nb_corpus_fetched_close; on failure it is closed
 * @param files rank 0's list; ignored elsewhere
 * @param comm the ranks that share the work
 * @param options how to fetch
 * @return NB_OK; NB_ERR_NETWORK when a server has no such file or cannot be reached; NB_ERR_VERIFY when what came has
 * not the SHA-256 that is listed; NB_ERR_USAGE for an address that is none; NB_ERR_IO when the cache cannot be written,
 * or is not shared by all nodes; NB_ERR_LIMIT without memory; NB_STOPPED after a request to stop. What came stays in
 * each case. */
nb_status nb_corpus_fetch(nb_fetched *out, nb_inputs *files, const nb_comm *comm, const nb_fetch_options *options,
                          nb_error *err);

/** Removes what was fetched from the cache. Not collective: rank 0's.
 * @param fetched what nb_corpus_fetch gave */
void nb_corpus_fetched_forget(const nb_fetched *fetched);

/** Frees the list and lets other runs of the same addresses begin. Not collective.
 * @param fetched what nb_corpus_fetch gave, or {0} */
void nb_corpus_fetched_close(nb_fetched *fetched);

#endif
