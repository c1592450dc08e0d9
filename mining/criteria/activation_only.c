/* The first debiased criterion, kept so that old banks can be made again: how much of the wild images a candidate
 * explains that the ID images do not.
 *
 * Wild images are a mixture, P_wild = tau P_neg + (1 - tau) P_id. With A_wild and A_id the means over the wild and the
 * ID images of the responsibilities r_u(x) (mining/criteria/responsibilities.h), the activation under the true
 * negatives is
 *   A(u) = (A_wild(u) - (1 - tau) A_id(u)) / tau. */
#include "mining/criteria/criterion.h"
#include "mining/criteria/responsibilities.h"

#include <stdlib.h>

typedef struct settings {
    double tau;         /* share of true negatives among the wild images */
    double temperature; /* of the responsibilities */
} settings;

typedef struct state {
    const settings *set;
    nb_responsibilities responsibilities;
} state;

static void activation_only_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        nb_responsibilities_close(&s->responsibilities);
        free(s);
    }
}

static nb_status activation_only_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    state *s = nb_alloc(1, sizeof *s, err);
    nb_status status = nb_comm_agree(e->comm, s ? NB_OK : NB_ERR_LIMIT, err);
    *out = s;
    if (s && status == NB_OK) {
        s->set = parameters;
        status = nb_responsibilities_open(&s->responsibilities, e, s->set->temperature, false, err);
    }
    return status;
}

static nb_status activation_only_tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    state *s = opaque;
    double tau = s->set->tau;
    nb_status status;
    NB_TRY(nb_responsibilities_load(&s->responsibilities, t, err));
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        const nb_image_set *set = &s->responsibilities.sets[i];
        NB_TRY(nb_responsibilities_sum(&s->responsibilities, set, t, values[i], NULL, err));
        for (size_t k = 0; k < t->count; k++) {
            values[i][k] /= (double)set->count;
        }
    }
    for (size_t k = 0; k < t->count; k++) {
        values[2][k] = (values[0][k] - (1 - tau) * values[1][k]) / tau;
    }
done:
    return status;
}

static void activation_only_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    (void)parameters;
    nb_responsibilities_cost(cost, size);
}

static const char *const columns[] = {"activation_wild", "activation_id", "activation"};
static const nb_option parameters[] = {
    OPT_REAL("tau", tau, "TAU", "0.5", 1e-6, 1, "activation-only: share of true negatives among the wild images"),
    OPT_REAL("affinity-temperature", temperature, "T", "0.05", 1e-4, 1e4,
             "activation-only: temperature of the responsibilities"),
};
const nb_criterion nb_criterion_activation_only = {.name = "activation-only",
                                                   .source = "this program, 0.1 and 0.2",
                                                   .columns = columns,
                                                   .column_count = 3,
                                                   .needs_prototypes = true,
                                                   .needs_wild = true,
                                                   .without_wild = &nb_criterion_dnm,
                                                   .rejection = &nb_rejection_interneg,
                                                   .count = 1000,
                                                   .parameters = NB_METHOD_PARAMETERS(parameters),
                                                   .cost = activation_only_cost,
                                                   .open = activation_only_open,
                                                   .close = activation_only_close,
                                                   .tile = activation_only_tile};
