/* The state of an interrupted training: a safetensors file with flat F32 tensors "weights", "m" and "v" (each all
 * parameters, laid out as the model's arena) and a U8 tensor "about", JSON: {"format": 1, "step": steps taken,
 * "configuration": lines "key=value", "log": the log so far, "digest": SHA-256 over weights, m and v}.
 *
 * It is written under another name and renamed, so a full disk or a killed run leaves the one before. Any number of
 * ranks may continue. */
#ifndef NB_MINING_TUNING_STATE_H
#define NB_MINING_TUNING_STATE_H

#include "mining/tuning/trainer.h"

/* Collective. Rank 0 writes; `log` is rank 0's. */
nb_status nb_tune_state_save(const char *path, const nb_trainer *trainer, const char *configuration, const char *log,
                             nb_error *err);

/* Collective. Puts the state into the trainer and appends the log to rank 0's `log`. NB_ERR_USAGE naming the first
 * line of the configuration that differs; NB_ERR_INPUT for a file that is no state of this model; NB_ERR_VERIFY for a
 * damaged one. */
nb_status nb_tune_state_load(const char *path, nb_trainer *trainer, const char *configuration, nb_buffer *log,
                             nb_error *err);

#endif
