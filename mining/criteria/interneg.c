/* InterNeg (CVPR 2026), the inter-modal criterion: a label's own name scores a_c = cos(q_c, p_c) on its images; the
 * margin of a candidate is how far below that it stays, on average over the classes (the formula:
 * common/linear/exact/inter_modal.h). Its rejection rule takes the same products. */
#include "mining/criteria/rejection/interneg.h"
#include "mining/criteria/criterion.h"

static nb_status interneg_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    nb_interneg *rule = NULL;
    (void)parameters;
    nb_status status = nb_interneg_open(&rule, e, err);
    *out = rule;
    return status;
}

static void interneg_close(void *state)
{
    nb_interneg_close(state);
}

static nb_status interneg_tile(void *state, const nb_text_tile *t, double *const *values, nb_error *err)
{
    return nb_interneg_tile(state, t, values[0], NULL, err);
}

static nb_status interneg_tile_and_reject(void *state, const nb_text_tile *t, double *const *values, uint8_t *rejected,
                                          nb_error *err)
{
    return nb_interneg_tile(state, t, values[0], rejected, err);
}

static nb_status interneg_exact(void *state, const double *rows, size_t count, double *values, nb_error *err)
{
    (void)err;
    nb_interneg_exact(state, rows, count, values);
    return NB_OK;
}

static void interneg_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    (void)parameters;
    nb_interneg_cost(cost, size);
}

static const char *const columns[] = {"margin"};
const nb_criterion nb_criterion_interneg = {.name = "interneg",
                                            .source = "InterNeg, CVPR 2026",
                                            .columns = columns,
                                            .column_count = 1,
                                            .needs_prototypes = true,
                                            .rejection = &nb_rejection_interneg,
                                            .explained = 2,
                                            .count = 2000,
                                            .cost = interneg_cost,
                                            .open = interneg_open,
                                            .close = interneg_close,
                                            .tile = interneg_tile,
                                            .exact = interneg_exact,
                                            .applies = &nb_rejection_interneg,
                                            .tile_and_reject = interneg_tile_and_reject};
