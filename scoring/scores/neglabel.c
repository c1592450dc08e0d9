/* NegLabel (Jiang et al., ICLR 2024), grouped: per group the share of the ID labels in the softmax over labels and the
 * group's negatives; the mean over groups. */
#include "scoring/scores/neglabel.h"

#include <math.h>

static void neglabel_score_value(const nb_logits *l, nb_score_result *out)
{
    size_t groups = l->parameters->shared.groups;
    double in = 0, ood = 0;
    for (size_t g = 0; g < groups; g++) {
        double gap = l->labels - l->negatives[g], e = exp(-fabs(gap)), large = 1 / (1 + e), small = e / (1 + e);
        in += gap > 0 ? large : small;
        ood += gap > 0 ? small : large;
    }
    out->score = in / (double)groups;
    out->ood = ood / (double)groups;
}

typedef struct settings {
    nb_score_shared shared;
} settings;

static const nb_option parameters[] = {NB_SCORE_TEMPERATURE("0.01"), NB_SCORE_GROUPS("100"), NB_SCORE_SEED};

const nb_score_rule nb_score_neglabel = {.name = "neglabel",
                                         .source = "Jiang et al., ICLR 2024",
                                         .negatives = true,
                                         .parameters = parameters,
                                         .parameter_count = sizeof parameters / sizeof *parameters,
                                         .block_size = sizeof(settings),
                                         .score = neglabel_score_value};
