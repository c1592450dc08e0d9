/** @file
 * Where the elements of a torch file lie, by the keys of its storages. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_PICKLE_STORAGES_H
#define NB_COMMON_CLIP_CHECKPOINT_PICKLE_STORAGES_H

#include "common/clip/checkpoint/pickle/pickle.h"
#include "common/clip/checkpoint/pickle/zip.h"
#include "common/clip/checkpoint/safetensors.h"

/** Elements that tensors are views of. */
typedef struct nb_storage {
    const char *key;           /**< [key_len], in the pickle */
    size_t key_len;            /**< bytes of the key */
    nb_dtype dtype;            /**< of an element */
    size_t count;              /**< elements */
    const unsigned char *data; /**< [count elements], in the file */
} nb_storage;

/** All storages that a pickle names. */
typedef struct nb_storages {
    nb_storage *list; /**< [count], by key */
    size_t count;     /**< storages */
} nb_storages;

/** Decides about the global names of a torch file.
 * @param name [len] "module\nname"
 * @param len bytes
 * @return what may be done with it */
nb_pickle_use nb_storage_rule(const char *name, size_t len);

/** Lists the storages that the persistent values of a pickle name, each ("storage", type, key, device, count) and, in
 * the old form, None. Data are NULL yet.
 * @param[out] out freed by nb_storages_free, also on failure
 * @param pickle outlives the list
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for a value of another form or two that do not agree about a key, NB_ERR_LIMIT without
 * memory */
nb_status nb_storages_list(nb_storages *out, const nb_pickle *pickle, const char *path, nb_error *err);

/** The storage of a key; NULL when there is none.
 * @param storages by key
 * @param key [len]
 * @param len bytes */
nb_storage *nb_storages_find(const nb_storages *storages, const char *key, size_t len);

/** The storage a persistent value names.
 * @param storages listed from `pickle`
 * @param pickle holds the value
 * @param value PERSISTENT */
const nb_storage *nb_storages_of(const nb_storages *storages, const nb_pickle *pickle, const nb_pickle_value *value);

/** Points a storage at its data, which must be as long as its count says.
 * @param storage listed
 * @param data [bytes]
 * @param bytes there are
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT naming the key */
nb_status nb_storage_place(nb_storage *storage, const unsigned char *data, uint64_t bytes, const char *path,
                           nb_error *err);

/** Frees the list and clears the struct. Takes {0}.
 * @param storages as nb_storages_list left them, or {0} */
void nb_storages_free(nb_storages *storages);

#endif
