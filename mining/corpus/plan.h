/** @file
 * What is to be read for a corpus, and what that will take. */
#ifndef NB_CORPUS_PLAN_H
#define NB_CORPUS_PLAN_H

#include "common/base/log.h"
#include "common/parallel/comm.h"
#include "mining/corpus/corpus.h"
#include "mining/corpus/corpus_inputs.h"
#include "mining/corpus/fetch.h"
#include "mining/corpus/formats/source.h"
#include "mining/corpus/text/superclasses.h"
#include "mining/corpus/wordnet/database.h"

/** What a corpus is to hold; the same on all ranks. */
typedef struct nb_corpus_settings {
    nb_source_choice choice;         /**< NULLs: "auto", "by-file", no column, no key */
    size_t max_bytes;                /**< of a normalised text; 0: NB_TEXT_BYTES_DEFAULT, at most NB_TEXT_BYTES_MAX */
    const nb_strings *excluded;      /**< labels that are no candidates, whatever their case; NULL: none. Copied. */
    const nb_fetch_options *fetch;   /**< for inputs that are addresses; NULL: there are none */
    const nb_renames *given;         /**< names of what came through pipes (corpus_inputs.h); NULL: nothing did */
    uint64_t skip, limit;            /**< texts to pass over and to keep, in canonical order; limit 0: all */
    const nb_strings *superclasses;  /**< what adjectives are joined with; NULL: they stay as they are. Copied. */
    bool draw;                       /**< one superclass an adjective, as CSP's release draws it, else all */
    uint64_t draw_seed;              /**< of that draw */
    const nb_wordnet_rules *wordnet; /**< words to leave out by what WordNet says of them; NULL: none */
    const nb_log *log;               /**< for a word on them; NULL: silent */
} nb_corpus_settings;

/** A piece of an input: the lines (of Parquet: the row groups) that begin in bytes [begin, end), or all of it (end
 * UINT64_MAX). */
typedef struct nb_piece {
    uint32_t input; /**< its number, from 0 */
    uint64_t begin, end;
} nb_piece;

/** What is read. Not changed by reading. */
typedef struct nb_corpus_plan {
    nb_corpus_settings settings; /**< with the defaults filled in; strings borrowed, excluded NULL */
    nb_inputs files;             /**< without addresses, but on rank 0 */
    nb_fetched fetched;
    nb_source *inputs; /**< [count] */
    size_t count;
    nb_piece *pieces;   /**< [piece_count] ordered by (input, begin). Fixed by the files alone. */
    size_t piece_count; /**< at most NB_PIECES_MAX */
    uint64_t bytes;     /**< of all inputs */
    nb_label_set excluded;
    nb_superclasses superclasses;
    nb_lexnames excluded_lexnames; /**< word lists named after them are left out whole */
    nb_wordnet *wordnet;           /**< what other words are looked up in; NULL: they are not */
} nb_corpus_plan;

/** Finds and inspects the inputs (corpus_inputs.h, formats/source.h) and cuts them into pieces. Collective: rank 0
 * looks at them, the others learn of them; all get the same status.
 * @param plan becomes the plan, close with nb_corpus_plan_close; {0} on failure
 * @param comm the ranks that will build the corpus
 * @param words rank 0's: paths, patterns, addresses, "@FILE"
 * @param manifest rank 0's: a path, or NULL
 * @param settings the same on all ranks
 * @return NB_OK; NB_ERR_USAGE without inputs, with a wrong setting, or with a column or key that no input has;
 * NB_ERR_INPUT for a bad file or an excluded label that is no text; NB_ERR_IO when a file cannot be read; NB_ERR_LIMIT
 * without memory or for too many inputs; else as nb_corpus_fetch. */
nb_status nb_corpus_plan_open(nb_corpus_plan *plan, const nb_comm *comm, const nb_strings *words, const char *manifest,
                              const nb_corpus_settings *settings, nb_error *err);

/** Frees a plan. Not collective.
 * @param plan a plan or {0} */
void nb_corpus_plan_close(nb_corpus_plan *plan);

/** Removes from the cache what was fetched: the corpus is there. Not collective: rank 0's.
 * @param plan the plan */
void nb_corpus_plan_forget(const nb_corpus_plan *plan);

/** The order in which work is taken: the heaviest first, so that what is left at the end is small. Not collective; the
 * same on all ranks.
 * @param order becomes [piece_count + count] numbers of pieces and, from piece_count on, of each input's SHA-256; the
 * caller frees it, also after a failure
 * @param plan the plan
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_corpus_order(size_t **order, const nb_corpus_plan *plan, nb_error *err);

/** What a build will take. */
typedef struct nb_corpus_estimate {
    uint64_t memory;  /**< bytes a rank at most: the memory option and NB_CORPUS_OVERHEAD */
    uint64_t scratch; /**< bytes a rank at most, about; 0 when memory suffices */
    uint64_t sent;    /**< bytes between ranks, about */
} nb_corpus_estimate;

/** Beside --memory a rank holds MPI and HDF5, buffers for reading, packing and merging, and 8 bytes a piece. What a
 * file asks for comes on top: the window of zstd or xz; of Parquet the footer, and a page, packed and not, and a
 * dictionary, each as large as the file has them. */
enum { NB_CORPUS_OVERHEAD = 160 << 20, NB_CORPUS_MEMORY_MIN = 1 << 20 };
#define NB_CORPUS_MEMORY_DEFAULT ((uint64_t)1 << 30)

/** What a build will take, before it begins. Not collective.
 *
 * With T bytes of unpacked text in L lines and P ranks of one speed, entries take E = T + 11 L bytes. A rank
 * sorts 16 bytes a line beside them in half of its memory; what does not fit is spilled once, sent on, spilled again by
 * who receives it, and once more when merged, each step freeing the one before: at most 2 E / P at once (one step more
 * when runs are so many that they are merged in turns). A share (P - 1) / P of the entries is sent.
 * @param text T, bytes
 * @param lines L
 * @param size P, ranks
 * @param memory the memory option, bytes a rank
 * @return the estimate */
nb_corpus_estimate nb_corpus_estimate_of(uint64_t text, uint64_t lines, int size, uint64_t memory);

#endif
