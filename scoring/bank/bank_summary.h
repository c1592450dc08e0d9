/**
 * @file
 * What a bank says of itself: `inspect info`, and negbank_info of the library.
 */
#ifndef NB_SCORING_BANK_BANK_SUMMARY_H
#define NB_SCORING_BANK_BANK_SUMMARY_H

#include "scoring/bank/bank.h"

#include <jansson.h>

/** Adds counts, what nb_describe_bank says, and provenance. Not collective.
 * @param bank open
 * @param info added to
 * @return false where memory was out and something is missing */
bool nb_summarise_bank(const nb_bank *bank, json_t *info);

/** Adds precision, sizes, suggestion, calibration and source of a bank. Not collective.
 * @param bank open
 * @param info added to */
void nb_describe_bank(const nb_bank *bank, json_t *info);

#endif
