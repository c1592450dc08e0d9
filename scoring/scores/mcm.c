/* Maximum concept matching (Ming et al., NeurIPS 2022): the largest softmax probability over the ID labels. */
#include "common/linear/reference/kernels.h"
#include "scoring/scores/score.h"

#include <math.h>

static void mcm_score(const nb_logits *l, nb_score_result *out)
{
    double gap = l->top - l->others;
    out->score = exp(-nb_softplus(-gap));
    out->ood = exp(-nb_softplus(gap));
}

typedef struct settings {
    nb_score_shared shared;
} settings;

static const nb_option parameters[] = {NB_SCORE_TEMPERATURE("1")};

const nb_score_rule nb_score_mcm = {.name = "mcm",
                                    .source = "Ming et al., NeurIPS 2022",
                                    .parameters = parameters,
                                    .parameter_count = sizeof parameters / sizeof *parameters,
                                    .block_size = sizeof(settings),
                                    .score = mcm_score};
