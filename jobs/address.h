/* A file at an http(s):// or s3:// address, for an option that takes one. Nothing here is collective. */
#ifndef NB_JOBS_ADDRESS_H
#define NB_JOBS_ADDRESS_H

#include "jobs/job.h"

/** How an address is called.
 * @param address as a user writes it
 * @param base    the last part of its path, a file's name; freed by the caller; NULL on failure
 * @param shown   the address without what may be secret; freed by the caller; NULL on failure
 * @return NB_OK; NB_ERR_USAGE for what is no address of a file; NB_ERR_LIMIT when memory is out */
nb_status nb_address_names(const char *address, char **base, char **shown, nb_error *err);

/** Fetches a file through the cache, where what an interrupted run left is continued, as by mining/corpus/fetch.h; the
 * cache keeps nothing of it.
 * @param job     whose log hears of it
 * @param parsed  its options: those of transfers (jobs/transfer.h) where it has them
 * @param address the address
 * @param path    where the file goes; nothing may be there
 * @return NB_OK; NB_ERR_NETWORK when the server has no such file or cannot be reached; NB_ERR_USAGE for an address that
 * is none; NB_ERR_IO when cache or file cannot be written; NB_ERR_LIMIT when memory is out */
nb_status nb_address_fetch(const nb_job *job, const nb_parsed *parsed, const char *address, const char *path,
                           nb_error *err);

#endif
