/** @file
 * What mining by the debiased criterion finds out about its images: told in the log, and recorded in the bank as
 * `findings` (scoring/FORMATS.md). */
#ifndef NB_MINING_CRITERIA_DEBIASED_FINDINGS_H
#define NB_MINING_CRITERIA_DEBIASED_FINDINGS_H

#include "common/base/log.h"
#include "mining/criteria/criterion.h"

/** How far the images of a run can be trusted. */
typedef struct nb_debiased_findings {
    size_t candidates;    /**< that competed */
    size_t id_images;     /**< labelled images */
    size_t wild_images;   /**< 0: none were given */
    double id_share;      /**< share of ID images among the wild ones, 0 to 1 */
    double covered;       /**< share of what ID images are mistaken for that lies on negatives with evidence, 0 to 1 */
    size_t with_evidence; /**< candidates that have evidence */
    size_t chosen;        /**< negatives before the size was chosen */
    size_t measured;      /**< negatives of the bank with a measured proxy */
} nb_debiased_findings;

/** Logs them: the shares, the sizes compared; a warning where wild images are absent, few, or mostly ID, with what that
 * means for the bank. Not collective.
 * @param log where to
 * @param found what was found
 * @param outcome the sizes compared and the one chosen */
void nb_debiased_say(const nb_log *log, const nb_debiased_findings *found, const nb_criterion_outcome *outcome);

/** Sets outcome->findings. Not collective.
 * @param found what was found
 * @param outcome has the sizes compared
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_debiased_write(const nb_debiased_findings *found, nb_criterion_outcome *outcome, nb_error *err);

#endif
