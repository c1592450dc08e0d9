/* A score that the product does not know: the largest logit less `share` of the log-sum-exp over all labels. A table
 * with it stands in place of the product's (tests/support/more_scores.c), and tests/cli/more_scores.sh drives it from
 * the command line. */
#include "scoring/scores/score.h"

#include <math.h>

typedef struct settings {
    nb_score_shared shared;
    double share; /* of the log-sum-exp */
    int sign;     /* of the whole */
} settings;

static void margin_score(const nb_logits *l, nb_score_result *out)
{
    const settings *s = (const void *)l->parameters->block;
    out->score = (s->sign ? -1 : 1) * (l->top - s->share * l->labels);
    out->ood = NAN;
}

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.5"),
    OPT_REAL("share", share, "X", "0.25", 0, 2, "share of the labels' log-sum-exp taken off; {}"),
    OPT_CHOICE("sign", sign, "S", "plus", "plus|minus", "which way is up; {}"),
};

const nb_score_rule nb_score_margin = {.name = "margin",
                                       .source = "a test",
                                       .parameters = parameters,
                                       .parameter_count = sizeof parameters / sizeof *parameters,
                                       .block_size = sizeof(settings),
                                       .score = margin_score};
