/** @file
 * The table that says of every candidate what became of it. */
#ifndef NB_MINING_SELECT_EXPLAIN_H
#define NB_MINING_SELECT_EXPLAIN_H

#include "mining/select/mine.h"

/** Writes the explain table: id, text (escaped as in score files), tag, status, position (row of the bank, from 0), the
 * columns; rows by id. Not collective: rank 0's.
 * @param mined what nb_mine found
 * @param texts the candidates
 * @param path the file
 * @param force replace a file that is there
 * @return NB_ERR_LIMIT without memory; NB_ERR_IO or NB_ERR_VERIFY when the ledger or the texts cannot be read; else as
 * nb_output_begin. */
nb_status nb_mined_explain(const nb_mined *mined, nb_store *texts, const char *path, bool force, nb_error *err);

#endif
