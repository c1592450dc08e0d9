#include "mining/criteria/debiased/measured_proxies.h"

#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 }; /* candidates at a time */

/* What a block needs. */
typedef struct scratch {
    double *texts;      /* [BLOCK, d] */
    double *images;     /* [NB_AFFINITY_IMAGES, d] */
    double *transposed; /* [d, NB_AFFINITY_IMAGES] */
    double *terms;      /* [BLOCK, NB_AFFINITY_IMAGES] responsibilities */
    double *part;       /* [BLOCK, d] */
} scratch;

static void measured_free(scratch *s)
{
    free(s->texts);
    free(s->images);
    free(s->transposed);
    free(s->terms);
    free(s->part);
}

static nb_status measured_prepare(scratch *s, size_t d, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(s->texts, BLOCK * d);
    NB_TRY_NEW(s->images, NB_AFFINITY_IMAGES * d);
    NB_TRY_NEW(s->transposed, NB_AFFINITY_IMAGES * d);
    NB_TRY_NEW(s->terms, (size_t)BLOCK * NB_AFFINITY_IMAGES);
    NB_TRY_NEW(s->part, BLOCK * d);
done:
    return status;
}

/* Adds factor times the moments of `count` texts over the images of a set to out [count, d]. */
static nb_status measured_add_set(const nb_responsibilities *r, scratch *s, const nb_image_set *set, double factor,
                                  nb_double_matrix out, nb_error *err)
{
    size_t d = r->evidence->d, count = out.rows;
    double *sums = (double *)(uintptr_t)out.data;
    nb_status status = NB_OK;
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t images = nb_image_set_tile(set, x);
        NB_TRY(nb_store_rows(set->store, x, images, s->images, err));
        nb_dgemm_nt(1 / r->temperature, nb_double_matrix_of(s->texts, count, d),
                    nb_double_matrix_of(s->images, images, d), s->terms, images);
        for (size_t i = 0; i < images; i++) {
            double shift = set->log_partition[x + i] - (set->log_weight ? set->log_weight[x + i] : 0);
            for (size_t k = 0; k < count; k++) {
                s->terms[k * images + i] = exp(s->terms[k * images + i] - shift);
            }
            for (size_t k = 0; k < d; k++) {
                s->transposed[k * images + i] = s->images[i * d + k];
            }
        }
        nb_dgemm_nt(factor, nb_double_matrix_of(s->terms, count, images), nb_double_matrix_of(s->transposed, d, images),
                    s->part, d);
        for (size_t k = 0; k < count * d; k++) {
            sums[k] += s->part[k];
        }
    }
done:
    return status;
}

static nb_status measured_block(const nb_responsibilities *r, scratch *s, double n, const uint64_t *ids,
                                nb_double_matrix out, nb_error *err)
{
    size_t d = r->evidence->d;
    nb_status status = NB_OK;
    for (size_t i = 0; i < out.rows; i++) {
        NB_TRY(nb_store_rows(r->evidence->candidates->store, (size_t)ids[i], 1, s->texts + i * d, err));
    }
    NB_TRY(measured_add_set(r, s, &r->sets[NB_WILD_SET], 1, out, err));
    NB_TRY(measured_add_set(r, s, &r->sets[NB_ID_SET], -n, out, err));
    for (size_t i = 0; i < out.rows; i++) {
        double *row = (double *)(uintptr_t)out.data + i * d, norm = nb_normalise_row(row, row, d);
        if (!(norm > 0) || !isfinite(norm)) {
            memset(row, 0, d * sizeof *row);
        }
    }
done:
    return status;
}

nb_status nb_measured_proxies(const nb_responsibilities *r, double n, const uint64_t *ids, size_t count, double *out,
                              nb_error *err)
{
    const nb_comm *comm = r->evidence->comm;
    size_t d = r->evidence->d;
    scratch s = {0};
    nb_status status;
    memset(out, 0, count * d * sizeof *out);
    NB_TRY(measured_prepare(&s, d, err));
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t some = count - at < BLOCK ? count - at : BLOCK;
        if (nb_comm_owns(comm, at / BLOCK)) {
            NB_TRY(measured_block(r, &s, n, ids + at, nb_double_matrix_of(out + at * d, some, d), err));
        }
    }
done:
    status = nb_comm_agree(comm, status, err);
    if (status == NB_OK && count) { /* of every number all ranks but one have 0 */
        status = nb_comm_sum(comm, (uint64_t *)(void *)out, count * d, err);
    }
    measured_free(&s);
    return status;
}
