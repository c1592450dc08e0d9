// clang-format off
/** @file
 * The state of an interrupted training, a safetensors file:
 *
 *     tensor         type              what it holds
 *     ------------------------------------------------------------------------------------------------
 *     weights        F32 [parameters]  all parameters, in the layout of the model's arena
 *     m, v           F32 [parameters]  the optimiser's first and second moments, laid out alike
 *     about          U8 [bytes]        JSON, a text:
 *       format       1
 *       step         steps taken
 *       configuration  lines "key=value": what a run that continues must share
 *       log          tune.tsv so far
 *       digest       SHA-256 over the lines "NAME SHA-256" of weights, m and v
 *
 * It is written under another name and renamed, so a full disk or a killed run leaves the one before. Any number of
 * ranks may continue. */
// clang-format on
#ifndef NB_MINING_TUNING_STATE_H
#define NB_MINING_TUNING_STATE_H

#include "mining/tuning/trainer.h"

/** Writes the state. Collective: all ranks get the same status; rank 0 writes.
 * @param path the file
 * @param trainer between two steps
 * @param configuration rank 0's: lines "key=value"
 * @param log rank 0's: tune.tsv so far
 * @return NB_OK; NB_ERR_IO when it cannot be written; NB_ERR_LIMIT without memory. */
nb_status nb_tune_state_save(const char *path, const nb_trainer *trainer, const char *configuration, const char *log,
                             nb_error *err);

/** Puts a state into the trainer. Collective: all ranks get the same status; rank 0 reads.
 * @param path the file
 * @param trainer of the same model and plan
 * @param configuration rank 0's: lines "key=value"
 * @param log rank 0's is appended to
 * @return NB_OK; NB_ERR_USAGE naming the first line of the configuration that differs; NB_ERR_INPUT for a file that is
 * missing or no state of this model; NB_ERR_VERIFY for a damaged one; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT
 * without memory. After NB_ERR_USAGE, NB_ERR_INPUT and NB_ERR_VERIFY the trainer is as before. */
nb_status nb_tune_state_load(const char *path, nb_trainer *trainer, const char *configuration, nb_buffer *log,
                             nb_error *err);

#endif
