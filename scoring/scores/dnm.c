/* Debiased Negative Mining's score (KDD 2026): NegLabel whose negatives are freed of their ID share. Per group of Q
 * negatives, with S = sum_c exp z_c,
 *
 *   Z = S + Q (mean_b exp y_b - (1 - tau) S / C) / tau = (1 - rho) S + (1 / tau) sum_b exp y_b,
 *   rho = Q (1 - tau) / (C tau),
 *
 * and the score is the mean over groups of S / (C Z): no probability. While rho < 1 it is monotone in NegLabel's score
 * of the group; from rho = 1 on, Z can reach 0 and the ranking collapses. So G is raised until rho < 1. */
#include "scoring/scores/score.h"

#include <math.h>

typedef struct settings {
    nb_score_shared shared;
    double tau; /* share of true negatives among what the bank's negatives stand for */
} settings;

static double dnm_score_rho(double tau, size_t labels, size_t negatives, size_t groups)
{
    size_t size = negatives / groups; /* of a group; the remainder is dropped */
    return (double)size * (1 - tau) / ((double)labels * tau);
}

static nb_status dnm_score_settle(nb_score_parameters *parameters, size_t labels, size_t negatives, char *note,
                                  nb_error *err)
{
    double tau = ((const settings *)(const void *)parameters->block)->tau;
    size_t asked = parameters->shared.groups, groups = asked;
    if (!(tau > 0) || !(tau <= 1)) {
        return nb_fail(err, NB_ERR_USAGE, "tau %g is not within (0, 1]", tau);
    }
    if (dnm_score_rho(tau, labels, negatives, negatives) >= 1) {
        nb_fail(err, NB_ERR_USAGE,
                "dnm with tau %g and %zu labels ranks nothing: rho is %.3g even with one negative a group", tau, labels,
                dnm_score_rho(tau, labels, negatives, negatives));
        return nb_hint(err, "take a larger --tau: more than 1 / (1 + labels)");
    }
    /* rho falls with the group size alone: the smallest G whose groups are small enough */
    while (dnm_score_rho(tau, labels, negatives, groups) >= 1) {
        groups = negatives / (negatives / groups) + 1;
    }
    if (groups != asked) {
        snprintf(note, NB_SCORE_NOTE_BYTES,
                 "groups raised from %zu to %zu: with larger groups rho is not below 1 and dnm ranks nothing", asked,
                 groups);
        parameters->shared.groups = groups;
    }
    return NB_OK;
}

static void dnm_score_value(const nb_logits *l, nb_score_result *out)
{
    const settings *p = (const void *)l->parameters->block;
    size_t groups = p->shared.groups;
    double share = 1 - (double)l->group_size * (1 - p->tau) / ((double)l->label_count * p->tau), sum = 0;
    for (size_t g = 0; g < groups; g++) {
        sum += 1 / (share + exp(l->negatives[g] - l->labels) / p->tau);
    }
    out->score = sum / (double)groups / (double)l->label_count;
    out->ood = NAN;
}

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    NB_SCORE_GROUPS("100"),
    NB_SCORE_SEED,
    OPT_REAL("tau", tau, "TAU", "0.5", 1e-6, 1, "share of true negatives; {} (0.12 suits ViT-B/32)"),
};

const nb_score_rule nb_score_dnm = {.name = "dnm",
                                    .source = "Debiased Negative Mining, KDD 2026",
                                    .negatives = true,
                                    .parameters = parameters,
                                    .parameter_count = sizeof parameters / sizeof *parameters,
                                    .block_size = sizeof(settings),
                                    .settle = dnm_score_settle,
                                    .score = dnm_score_value};
