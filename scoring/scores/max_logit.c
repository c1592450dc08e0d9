/* The largest logit max_c z_c (Hendrycks et al., ICML 2022), at T = 1 the largest cosine. No probability. */
#include "scoring/scores/score.h"

#include <math.h>

static void score(const nb_logits *l, nb_score_result *out)
{
    out->score = l->top;
    out->ood = NAN;
}

const nb_score_rule nb_score_max_logit = {
    .name = "max-logit", .defaults = {.temperature = 1}, .uses = NB_USES_TEMPERATURE, .score = score};
