/* The negative free energy T ln sum_c exp z_c (Liu et al., NeurIPS 2020) over the ID labels. No probability. */
#include "scoring/scores/score.h"

#include <math.h>

static void energy_score(const nb_logits *l, nb_score_result *out)
{
    out->score = l->parameters->shared.temperature * l->labels;
    out->ood = NAN;
}

typedef struct settings {
    nb_score_shared shared;
} settings;

static const nb_option parameters[] = {NB_SCORE_TEMPERATURE("0.01")};

const nb_score_rule nb_score_energy = {.name = "energy",
                                       .source = "Liu et al., NeurIPS 2020",
                                       .parameters = parameters,
                                       .parameter_count = sizeof parameters / sizeof *parameters,
                                       .block_size = sizeof(settings),
                                       .score = energy_score};
