/** @file
 * The map from a text to where its images lie, learnt from the ID classes: their label texts q_c and their images'
 * prototypes p_c. With rows X = q_c - mean q and Y = p_c - mean p it is
 *
 *     G = gain I + (X'X + ridge I)^-1 X'(Y - X),     v(e) = unit(mean p + (e - mean q) G).
 */
#ifndef NB_MINING_CRITERIA_DEBIASED_TEXT_IMAGE_MAP_H
#define NB_MINING_CRITERIA_DEBIASED_TEXT_IMAGE_MAP_H

#include "mining/criteria/evidence.h"
#include "scoring/bank/bank_proxies.h"

/** Learns the map: sets map, text_mean and image_mean. Not collective; the same bits whatever the ranks.
 * @param out their owner, freed by the caller, also after a failure
 * @param evidence has prototypes
 * @param gain, ridge of the formula, ridge over 0
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_text_image_map(nb_bank_proxies *out, const nb_evidence *evidence, double gain, double ridge,
                            nb_error *err);

#endif
