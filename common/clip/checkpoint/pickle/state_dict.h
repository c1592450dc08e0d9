/** @file
 * The state dict in a pickle: names and the values that stand for tensors. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_PICKLE_STATE_DICT_H
#define NB_COMMON_CLIP_CHECKPOINT_PICKLE_STATE_DICT_H

#include "common/clip/checkpoint/pickle/pickle.h"

/** Named values. */
typedef struct nb_state_dict {
    nb_strings names; /**< of the tensors */
    uint32_t *values; /**< [names.count]: calls of a tensor's rebuilder */
    size_t capacity;  /**< of the values */
    bool scripted;    /**< they are attributes of a module of torch.jit.save */
} nb_state_dict;

/** Finds the state dict: the root itself, what it has under "state_dict", or the attributes of a scripted module.
 * @param[out] out freed by nb_state_dict_free, also on failure
 * @param pickle what was read
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT naming what is no state dict, the entry that is no tensor, or a name without the
 * prefix "module." that the first one has; NB_ERR_LIMIT over a limit or without memory */
nb_status nb_state_dict_find(nb_state_dict *out, const nb_pickle *pickle, const char *path, nb_error *err);

/** Frees names and values and clears the struct. Takes {0}.
 * @param state as nb_state_dict_find left it, or {0} */
void nb_state_dict_free(nb_state_dict *state);

#endif
