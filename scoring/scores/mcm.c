/* Maximum concept matching (Ming et al., NeurIPS 2022): the largest softmax probability over the ID labels. */
#include "common/linear/kernels.h"
#include "scoring/scores/score.h"

#include <math.h>

static void score(const nb_logits *l, nb_score_result *out)
{
    size_t best = 0;
    double others = 0;
    for (size_t c = 1; c < l->label_count; c++) {
        best = l->z[c] > l->z[best] ? c : best;
    }
    for (size_t c = 0; c < l->label_count; c++) {
        others += c == best ? 0 : exp(l->z[c] - l->z[best]);
    }
    out->score = 1 / (1 + others);
    out->ood = others / (1 + others);
}

const nb_score_rule nb_score_mcm = {.name = "mcm", .temperature = 1, .score = score};
