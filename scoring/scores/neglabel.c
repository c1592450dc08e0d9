/* NegLabel (Jiang et al., ICLR 2024), grouped: per group the share of the ID labels in the softmax over labels and the
 * group's negatives; the mean over groups. */
#include "common/linear/kernels.h"
#include "scoring/scores/score.h"

#include <math.h>

static void score(const nb_logits *l, nb_score_result *out)
{
    size_t size = l->negative_count / l->groups;
    double labels = nb_log_sum_exp(l->z, l->label_count), in = 0, ood = 0;
    for (size_t g = 0; g < l->groups; g++) {
        double gap = labels - nb_log_sum_exp(l->y + g * size, size);
        in += exp(-nb_softplus(-gap));
        ood += exp(-nb_softplus(gap));
    }
    out->score = in / (double)l->groups;
    out->ood = ood / (double)l->groups;
}

const nb_score_rule nb_score_neglabel = {
    .name = "neglabel", .temperature = 0.01, .needs_negatives = true, .score = score};
