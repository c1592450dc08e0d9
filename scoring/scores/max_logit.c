/* The largest logit max_c z_c (Hendrycks et al., ICML 2022), at T = 1 the largest cosine. No probability. */
#include "scoring/scores/score.h"

#include <math.h>

static void max_logit_score(const nb_logits *l, nb_score_result *out)
{
    out->score = l->top;
    out->ood = NAN;
}

typedef struct settings {
    nb_score_shared shared;
} settings;

static const nb_option parameters[] = {NB_SCORE_TEMPERATURE("1")};

const nb_score_rule nb_score_max_logit = {.name = "max-logit",
                                          .source = "Hendrycks et al., ICML 2022",
                                          .parameters = parameters,
                                          .parameter_count = sizeof parameters / sizeof *parameters,
                                          .block_size = sizeof(settings),
                                          .score = max_logit_score};
