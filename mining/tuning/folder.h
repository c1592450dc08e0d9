/** @file
 * The folder a training writes: OUT.partial until it is complete, then OUT. Nothing here is collective: rank 0's. */
#ifndef NB_MINING_TUNING_FOLDER_H
#define NB_MINING_TUNING_FOLDER_H

#include "common/base/memory.h"

/** Its names; owned. */
typedef struct nb_tune_folder {
    char *path, *partial;  /**< OUT, OUT.partial */
    char *state, *weights; /**< state.safetensors and model.safetensors in OUT.partial */
    char *stray;           /**< state.safetensors in OUT, where it is of no use */
} nb_tune_folder;

/** Makes the names, and nothing else.
 * @param out freed by the caller with nb_tune_folder_close, also after a failure
 * @param output OUT; a '/' at its end does not count
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_tune_folder_open(nb_tune_folder *out, const char *output, nb_error *err);

/** Frees the names.
 * @param folder names or {0} */
void nb_tune_folder_close(nb_tune_folder *folder);

/** Makes OUT.partial unless it is there.
 * @param folder the names
 * @param keep false: a state an interrupted run left there is removed
 * @return NB_OK, or NB_ERR_IO when it cannot be made, or the state not be removed. */
nb_status nb_tune_folder_begin(const nb_tune_folder *folder, bool keep, nb_error *err);

/** Whether OUT is there and no interrupted run has still to replace it: none left its state or weights in OUT.partial.
 * @param folder the names
 * @return true when it is */
bool nb_tune_folder_complete(const nb_tune_folder *folder);

/** Gives the partial its name; where OUT is there already its files of the same names are replaced, model.safetensors
 * last.
 *
 * Only then, all of it being on the disk, the state is removed: a run that is killed here either finds it in
 * OUT.partial or has left OUT whole, perhaps with the state in it, which nobody reads.
 * @param folder the names
 * @return NB_OK; NB_ERR_IO when files cannot be renamed, synced or removed; NB_ERR_LIMIT without memory. */
nb_status nb_tune_folder_commit(const nb_tune_folder *folder, nb_error *err);

/** Removes what a run that was killed in its commit left beside or in OUT, which is whole.
 * @param folder the names
 * @return NB_OK; NB_ERR_IO when it cannot be removed; NB_ERR_LIMIT without memory. */
nb_status nb_tune_folder_clean(const nb_tune_folder *folder, nb_error *err);

#endif
