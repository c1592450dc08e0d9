/* Conjugated semantic pool (Chen, Gao and Xu, NeurIPS 2024): NegLabel's quantile over nouns and `<adjective>
 * <superclass>` strings (corpus --superclasses); what lies very near to a label comes last, whatever its quantile. */
#include "mining/criteria/label_quantile.h"

static const char *const columns[] = {"csp"};
typedef nb_label_quantile settings;
static const nb_option parameters[] = {NB_LABEL_QUANTILE_ROW, NB_NEAREST_ROW};
const nb_criterion nb_criterion_csp = {.name = "csp",
                                       .source = "CSP, NeurIPS 2024",
                                       .columns = columns,
                                       .column_count = 1,
                                       .smallest = true,
                                       .rejection = &nb_rejection_none,
                                       .fraction = {0.15, 0.15, 0.15},
                                       .of_labels_too = true,
                                       .parameters = NB_METHOD_PARAMETERS(parameters),
                                       .cost = nb_label_quantile_cost,
                                       .open = nb_label_quantile_open,
                                       .close = nb_label_quantile_close,
                                       .tile = nb_label_quantile_tile,
                                       .exact = nb_label_quantile_values};
