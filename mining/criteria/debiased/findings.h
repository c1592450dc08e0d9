/** @file
 * What mining by the debiased criterion found out about its images, told in the log. */
#ifndef NB_MINING_CRITERIA_DEBIASED_FINDINGS_H
#define NB_MINING_CRITERIA_DEBIASED_FINDINGS_H

#include "common/base/log.h"
#include "scoring/bank/bank_findings.h"

/** Logs findings: the shares, the sizes compared; a warning where wild images are absent, few, or mostly ID, with what
 * that means for the bank. Not collective.
 * @param log where to
 * @param found what was found
 * @param kept the size chosen */
void nb_debiased_say(const nb_log *log, const nb_bank_findings *found, size_t kept);

#endif
