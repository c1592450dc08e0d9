/**
 * @file
 * What the files of the public library share; none of it is visible outside.
 */
#ifndef NB_SCORING_NEGBANK_INTERNAL_H
#define NB_SCORING_NEGBANK_INTERNAL_H

#include "common/base/status.h"
#include "scoring/negbank.h"

#include <pthread.h>

/** Held while HDF5 works, which keeps state of its own for the whole process and is built without locks. */
extern pthread_mutex_t negbank_hdf5_lock;

/** Hands a failure over to the caller: its message, and its hint for negbank_hint.
 * @param status of what was done
 * @param err its failure
 * @param message [size] receives the message with the hint, "" on success; may be NULL
 * @param size of message
 * @return the code to return */
int negbank_report(nb_status status, const nb_error *err, char *message, size_t size);

#endif
