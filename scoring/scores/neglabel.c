/* NegLabel (Jiang et al., ICLR 2024), grouped: per group the share of the ID labels in the softmax over labels and the
 * group's negatives; the mean over groups. */
#include "scoring/scores/score.h"

#include <math.h>

static void score(const nb_logits *l, nb_score_result *out)
{
    size_t groups = l->settings->groups;
    double in = 0, ood = 0;
    for (size_t g = 0; g < groups; g++) {
        double gap = l->labels - l->negatives[g], e = exp(-fabs(gap)), large = 1 / (1 + e), small = e / (1 + e);
        in += gap > 0 ? large : small;
        ood += gap > 0 ? small : large;
    }
    out->score = in / (double)groups;
    out->ood = ood / (double)groups;
}

const nb_score_rule nb_score_neglabel = {.name = "neglabel",
                                         .defaults = {.temperature = 0.01, .groups = 100},
                                         .uses = NB_USES_TEMPERATURE | NB_USES_NEGATIVES,
                                         .score = score};
