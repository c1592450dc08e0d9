/** @file
 * What `inspect` says of a bank. */
#ifndef NB_JOBS_INSPECT_INSPECT_BANK_H
#define NB_JOBS_INSPECT_INSPECT_BANK_H

#include "scoring/bank/bank.h"

#include <jansson.h>

/** Adds precision, sizes, suggestion, calibration and source of a bank. Not collective.
 * @param bank open
 * @param info added to */
void nb_describe_bank(const nb_bank *bank, json_t *info);

#endif
