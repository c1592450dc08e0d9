#include "common/clip/towers/rotary.h"

#include "common/base/memory.h"

#include <math.h>
#include <stdlib.h>

nb_status nb_rotary_create(nb_rotary *r, const nb_tower_config *c, size_t rows, nb_error *err)
{
    size_t first = !c->no_class_token, side = 1, frequencies = c->width / c->heads / 4;
    nb_status status = NB_OK;
    *r = (nb_rotary){0};
    if (!c->rotary || !frequencies) {
        return NB_OK;
    }
    while ((side + 1) * (side + 1) <= rows - first) {
        side++;
    }
    r->rows = rows;
    r->pairs = 2 * frequencies;
    NB_TRY_NEW(r->cosines, rows * r->pairs);
    NB_TRY_NEW(r->sines, rows * r->pairs);
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < r->pairs; i++) {
            double angle = 0;
            if (row >= first) {
                bool by_row = (i < frequencies) != c->rotary_columns_first;
                size_t place = by_row ? (row - first) / side : (row - first) % side;
                angle = (double)(place + c->rotary_first) * (double)c->rotary / (double)side *
                        pow(10000, -(double)(i % frequencies) / (double)frequencies);
            }
            r->cosines[row * r->pairs + i] = (float)cos(angle);
            r->sines[row * r->pairs + i] = (float)sin(angle);
        }
    }
done:
    if (status != NB_OK) {
        nb_rotary_destroy(r);
    }
    return status;
}

void nb_rotary_destroy(nb_rotary *r)
{
    free(r->cosines);
    free(r->sines);
    *r = (nb_rotary){0};
}
