/* Maximum concept matching (Ming et al., NeurIPS 2022): the largest softmax probability over the ID labels. */
#include "common/linear/reference/kernels.h"
#include "scoring/scores/score.h"

#include <math.h>

static void score(const nb_logits *l, nb_score_result *out)
{
    double gap = l->top - l->others;
    out->score = exp(-nb_softplus(-gap));
    out->ood = exp(-nb_softplus(gap));
}

const nb_score_rule nb_score_mcm = {
    .name = "mcm", .defaults = {.temperature = 1}, .uses = NB_USES_TEMPERATURE, .score = score};
