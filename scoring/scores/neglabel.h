/**
 * @file
 * NegLabel's score, which other scores begin with.
 */
#ifndef NB_SCORING_SCORES_NEGLABEL_H
#define NB_SCORING_SCORES_NEGLABEL_H

#include "scoring/scores/score.h"

extern const nb_score_rule nb_score_neglabel; /**< its block is an nb_score_shared and nothing more */

#endif
