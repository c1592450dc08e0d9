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

static double rho(const nb_score_settings *s, size_t labels, size_t negatives, size_t groups)
{
    size_t of_a_group = negatives / groups;
    return (double)of_a_group * (1 - s->tau) / ((double)labels * s->tau);
}

static nb_status settle(nb_score_settings *s, size_t labels, size_t negatives, nb_error *err)
{
    if (!(s->tau > 0) || !(s->tau <= 1)) {
        return nb_fail(err, NB_ERR_USAGE, "tau %g is not within (0, 1]", s->tau);
    }
    if (rho(s, labels, negatives, negatives) >= 1) {
        nb_fail(err, NB_ERR_USAGE,
                "dnm with tau %g and %zu labels ranks nothing: rho is %.3g even with one negative a group", s->tau,
                labels, rho(s, labels, negatives, negatives));
        return nb_hint(err, "take a larger --tau: more than 1 / (1 + labels)");
    }
    /* rho falls with the group size alone: the smallest G whose groups are small enough */
    while (rho(s, labels, negatives, s->groups) >= 1) {
        s->groups = negatives / (negatives / s->groups) + 1;
    }
    return NB_OK;
}

static void score(const nb_logits *l, nb_score_result *out)
{
    const nb_score_settings *s = l->settings;
    double share = 1 - (double)l->group_size * (1 - s->tau) / ((double)l->label_count * s->tau), sum = 0;
    for (size_t g = 0; g < s->groups; g++) {
        sum += 1 / (share + exp(l->negatives[g] - l->labels) / s->tau);
    }
    out->score = sum / (double)s->groups / (double)l->label_count;
    out->ood = NAN;
}

const nb_score_rule nb_score_dnm = {.name = "dnm",
                                    .defaults = {.temperature = 0.01, .groups = 100, .tau = 0.5},
                                    .uses = NB_USES_TEMPERATURE | NB_USES_NEGATIVES | NB_USES_TAU,
                                    .settle = settle,
                                    .score = score};
