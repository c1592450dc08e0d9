/* NegLabel (Jiang et al., ICLR 2024): candidates far from all labels, by the 0.95-quantile of the cosines to them. */
#include "mining/criteria/label_quantile.h"

static const char *const columns[] = {"quantile"};
typedef nb_label_quantile settings;
static const nb_option parameters[] = {NB_LABEL_QUANTILE_ROW};
const nb_criterion nb_criterion_neglabel = {.name = "neglabel",
                                            .source = "NegLabel, ICLR 2024",
                                            .columns = columns,
                                            .column_count = 1,
                                            .smallest = true,
                                            .rejection = &nb_rejection_none,
                                            .explained = 1,
                                            .fraction = {0.15, 0.15, 0.15},
                                            .parameters = NB_METHOD_PARAMETERS(parameters),
                                            .cost = nb_label_quantile_cost,
                                            .open = nb_label_quantile_open,
                                            .close = nb_label_quantile_close,
                                            .tile = nb_label_quantile_tile,
                                            .exact = nb_label_quantile_values};
