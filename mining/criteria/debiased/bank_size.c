#include "mining/criteria/debiased/bank_size.h"

#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(NB_SIZE_SMALLEST % NB_DRAFT_BLOCK == 0, "sizes end with a block");

/* 1000, 2000, 4000, ... and all. */
static size_t bank_size_grid(size_t *sizes, size_t count)
{
    size_t steps = 0;
    for (size_t size = NB_SIZE_SMALLEST; size < count && steps + 1 < NB_SIZE_STEPS_MAX; size *= 2) {
        sizes[steps++] = size;
    }
    sizes[steps++] = count;
    return steps;
}

/* How many of sorted[count] are under x. */
static size_t bank_size_count_below(const double *sorted, size_t count, double x)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Ranks of scores[count] among sorted[id_count]. */
static void bank_size_rank(double *ranks, const double *scores, size_t count, const double *sorted, size_t id_count)
{
    for (size_t x = 0; x < count; x++) {
        ranks[x] = (double)bank_size_count_below(sorted, id_count, scores[x]) / (double)id_count;
    }
}

static double bank_size_mean_change(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t x = 0; x < count; x++) {
        sum += fabs(a[x] - b[x]);
    }
    return count ? sum / (double)count : NAN;
}

/* Moves the scores of ID images that have a class to the front, those without one being no evidence of what ID is;
 * returns how many they are. */
static size_t bank_size_keep_classed(const nb_image_set *id, double *scores)
{
    size_t kept = 0;
    for (size_t x = 0; x < id->count; x++) {
        if (id->store->labels[x] >= 0) {
            scores[kept++] = scores[x];
        }
    }
    return kept;
}

/* scores[NB_IMAGE_SETS][steps, images]: fills in how far both sets move from each size to the next. */
static nb_status bank_size_compare(nb_bank_findings *out, const nb_responsibilities *r, double *const *scores,
                                   nb_error *err)
{
    const nb_image_set *id = &r->sets[NB_ID_SET];
    double *sorted = NULL, *ranks[NB_IMAGE_SETS][2] = {{NULL}};
    nb_status status;
    NB_TRY_NEW(sorted, id->count + 1);
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        for (size_t k = 0; k < 2; k++) {
            NB_TRY_NEW(ranks[set][k], r->sets[set].count + 1);
        }
    }
    for (size_t step = 0; step < out->size_count; step++) {
        double moves[NB_IMAGE_SETS], *of_id = scores[NB_ID_SET] + step * id->count;
        size_t id_count = bank_size_keep_classed(id, of_id);
        memcpy(sorted, of_id, id_count * sizeof *sorted);
        qsort(sorted, id_count, sizeof *sorted, nb_ascending);
        for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
            size_t stored = r->sets[set].count, count = set == NB_ID_SET ? id_count : stored;
            bank_size_rank(ranks[set][step % 2], scores[set] + step * stored, count, sorted, id_count);
            moves[set] = bank_size_mean_change(ranks[set][0], ranks[set][1], count);
        }
        if (step) {
            out->sizes[step - 1].id_moves = moves[NB_ID_SET];
            out->sizes[step - 1].wild_moves = moves[NB_WILD_SET];
        }
    }
done:
    free(sorted);
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        free(ranks[set][0]);
        free(ranks[set][1]);
    }
    return status;
}

nb_status nb_bank_size_choose(nb_bank_findings *out, size_t *kept, const nb_bank_draft *draft, double tolerance,
                              nb_error *err)
{
    const nb_responsibilities *r = draft->responsibilities;
    size_t sizes[NB_SIZE_STEPS_MAX], steps = bank_size_grid(sizes, draft->count);
    double *scores[NB_IMAGE_SETS] = {NULL};
    nb_status status = NB_OK;
    out->size_count = steps;
    out->tolerance = tolerance;
    for (size_t i = 0; i < steps; i++) {
        out->sizes[i] = (nb_size_step){sizes[i], (double)NAN, (double)NAN};
    }
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        NB_TRY_NEW(scores[set], steps * r->sets[set].count + 1);
    }
done:
    status = nb_comm_agree(r->evidence->comm, status, err);
    if (status == NB_OK && steps > 1) {
        status = nb_draft_scores(draft, sizes, steps, scores, err);
        status =
            status == NB_OK ? nb_comm_agree(r->evidence->comm, bank_size_compare(out, r, scores, err), err) : status;
    }
    size_t chosen = 0;
    while (chosen + 1 < steps &&
           (out->sizes[chosen].id_moves >= tolerance || out->sizes[chosen].wild_moves >= tolerance)) {
        chosen++;
    }
    *kept = sizes[chosen];
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        free(scores[set]);
    }
    return status;
}
