#include "common/linear/exact/inter_modal.h"

#include "common/base/memory.h"
#include "common/linear/exact/exact.h"

#include <stdlib.h>

nb_status nb_inter_modal_create(nb_inter_modal *m, const double *labels, const double *prototypes, size_t label_count,
                                size_t d, nb_error *err)
{
    size_t padded = nb_exact_padded(label_count);
    nb_status status;
    *m = (nb_inter_modal){.label_count = label_count, .d = d};
    NB_TRY_NEW(m->transposed, padded * d);
    NB_TRY_NEW(m->reference, label_count);
    NB_TRY_NEW(m->products, padded);
    nb_exact_transpose(m->transposed, prototypes, label_count, d);
    for (size_t c = 0; c < label_count; c++) {
        nb_exact_products(m->products, labels + c * d, 1, m->transposed, d, padded);
        m->reference[c] = m->products[c];
    }
done:
    return status;
}

void nb_inter_modal_destroy(nb_inter_modal *m)
{
    free(m->transposed);
    free(m->reference);
    free(m->products);
    *m = (nb_inter_modal){0};
}

double nb_inter_modal_margin(nb_inter_modal *m, const double *row, bool *rejected)
{
    double sum = 0;
    nb_exact_products(m->products, row, 1, m->transposed, m->d, nb_exact_padded(m->label_count));
    *rejected = false;
    for (size_t c = 0; c < m->label_count; c++) {
        double gap = m->reference[c] - m->products[c];
        *rejected = *rejected || gap <= 0;
        sum += gap;
    }
    return sum / (double)m->label_count;
}
