/** @file
 * From a piece of an input to entries in a sorter. Not collective. */
#ifndef NB_MINING_CORPUS_READ_PIECE_H
#define NB_MINING_CORPUS_READ_PIECE_H

#include "common/base/digest.h"
#include "mining/corpus/plan.h"
#include "mining/corpus/sort/sorter.h"

/** Hears now and then how many bytes of a piece were read; what it returns but NB_OK ends the reading. */
typedef struct nb_corpus_progress {
    nb_progress_callback progress; /**< called with `state` and the bytes so far */
    void *state;
} nb_corpus_progress;

/** Which piece, and where its bytes come from. All borrowed. */
typedef struct nb_corpus_piece {
    const nb_corpus_plan *plan;
    size_t number;                      /**< index into plan->pieces */
    const char *bytes;                  /**< [len] the file's whole content, in memory; NULL: read from the file */
    size_t len;                         /**< bytes */
    const nb_corpus_progress *progress; /**< NULL: none */
} nb_corpus_piece;

/** Reads one piece: its candidates are normalised, and those that are kept go into a sorter. Not collective.
 * @param out takes the entries, each with the place (piece, line in it)
 * @param counts added to
 * @param lines becomes the number of lines that begin in the piece
 * @param what the piece
 * @return NB_OK; NB_ERR_INPUT when the file is missing, has another size than when the plan was made, is damaged, or is
 * not what its format says (file and line are named); NB_ERR_IO when it cannot be read, or no scratch file be written;
 * NB_ERR_LIMIT without memory; NB_STOPPED after a request to stop; what the progress returned. */
nb_status nb_corpus_read_piece(nb_sorter *out, nb_corpus_counts *counts, uint64_t *lines, const nb_corpus_piece *what,
                               nb_error *err);

#endif
