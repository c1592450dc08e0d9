/* The negative free energy T ln sum_c exp z_c (Liu et al., NeurIPS 2020) over the ID labels. No probability. */
#include "scoring/scores/score.h"

#include <math.h>

static void score(const nb_logits *l, nb_score_result *out)
{
    out->score = l->settings->temperature * l->labels;
    out->ood = NAN;
}

const nb_score_rule nb_score_energy = {
    .name = "energy", .defaults = {.temperature = 0.01}, .uses = NB_USES_TEMPERATURE, .score = score};
