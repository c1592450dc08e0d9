/** @file
 * pull --model: a checkpoint folder, file by file. */
#ifndef NB_JOBS_PULL_PULL_MODEL_H
#define NB_JOBS_PULL_PULL_MODEL_H

#include "jobs/transfer.h"

/** What is pulled. All borrowed. */
typedef struct nb_model_pull {
    const char *from, *output; /**< an address or a folder; the folder it becomes */
    bool force;                /**< replace a folder that is there */
    const nb_public_key *keys; /**< [key_count]: SHA256SUMS must be signed by one of them, unless there are none */
    size_t key_count;
    int64_t max_bytes;     /**< of all files that are fetched */
    const nb_cache *cache; /**< in whose folder pulls into one output wait for one another */
} nb_model_pull;

/** Pulls a checkpoint. Not collective. An interrupted pull is continued from OUTPUT.partial.
 * @param job its log
 * @param http for the transfers
 * @param what what is pulled
 * @return NB_OK; NB_ERR_NETWORK when a file cannot be had or the server has no weights;
 * NB_ERR_VERIFY when a digest or the signature does not match, or is missing where one is asked for; NB_ERR_USAGE when
 * the output exists, unless force, or its partial holds files of another checkpoint; NB_ERR_INPUT when what came is no
 * checkpoint that can be read; NB_ERR_IO when the folder cannot be written; NB_ERR_LIMIT over max_bytes or without
 * memory; NB_STOPPED after a request to stop. */
nb_status nb_job_pull_model(const nb_job *job, nb_http *http, const nb_model_pull *what, nb_error *err);

#endif
