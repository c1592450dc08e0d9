#include "mining/criteria/evidence.h"

#include "common/base/text.h"
#include "common/linear/reference/kernels.h"

#include <stdlib.h>
#include <string.h>

void nb_mining_cost_labels(nb_mining_cost *cost, const nb_mining_size *size)
{
    cost->products += 2 * size->candidates * size->labels * size->width;
    cost->memory += size->labels * size->width * 16 + 4.0 * NB_AFFINITY_TEXTS * size->labels;
}

nb_status nb_evidence_rows(nb_store *store, double **rows, nb_error *err)
{
    size_t n = (size_t)store->plan.count, d = (size_t)store->plan.width;
    *rows = n > SIZE_MAX / d ? NULL : nb_alloc_aligned(n * d, sizeof **rows, err);
    if (!*rows) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for %zu rows of '%s'", n, store->path);
    }
    nb_status status = nb_store_rows(store, 0, n, *rows, err);
    if (status != NB_OK) {
        free(*rows);
        *rows = NULL;
    }
    return status;
}

nb_status nb_evidence_check_labels(const nb_store *store, const nb_strings *labels, nb_error *err)
{
    if (store->plan.count != labels->count) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has %llu label embeddings, the label file has %zu labels", store->path,
                (unsigned long long)store->plan.count, labels->count);
        return nb_hint(err, "embed the label file itself: one row a label, in its order");
    }
    for (size_t c = 0; c < labels->count; c++) {
        const char *name = nb_strings_get(&store->names, c), *label = nb_strings_get(labels, c);
        int64_t number;
        if (strcmp(name, label) != 0 && !(nb_parse_int(name, &number) && number == (int64_t)c)) {
            nb_fail(err, NB_ERR_INPUT, "label %zu is '%s', but row %zu of '%s' is '%s'", c, label, c, store->path,
                    name);
            return nb_hint(err, "label embeddings must be in the order of the label file");
        }
    }
    return NB_OK;
}

static nb_status evidence_check_class(const nb_store *images, size_t image, size_t classes, nb_error *err)
{
    int32_t c = images->labels[image];
    if (c < 0 || (size_t)c < classes) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "image '%s' of '%s' has class %d, the label file has %zu labels",
            nb_strings_get(&images->names, image), images->path, c, classes);
    return nb_hint(err, "classes are numbered from 0 in the order of the label file");
}

/* sums [C, d] of the images of each class, held [C] how many. */
static nb_status evidence_sum_classes(nb_store *images, size_t classes, double *sums, size_t *held, nb_error *err)
{
    enum { PART = 256 };
    size_t d = (size_t)images->plan.width, n = (size_t)images->plan.count;
    double *rows;
    nb_status status;
    NB_TRY_NEW(rows, PART * d);
    for (size_t at = 0; at < n; at += PART) {
        size_t count = n - at < PART ? n - at : PART;
        NB_TRY(nb_store_rows(images, at, count, rows, err));
        for (size_t i = 0; i < count; i++) {
            int32_t c = images->labels[at + i];
            NB_TRY(evidence_check_class(images, at + i, classes, err));
            for (size_t k = 0; c >= 0 && k < d; k++) {
                sums[(size_t)c * d + k] += rows[i * d + k];
            }
            if (c >= 0) {
                held[c]++;
            }
        }
    }
done:
    free(rows);
    return status;
}

nb_status nb_evidence_prototypes(nb_store *images, const nb_strings *labels, double **out, nb_error *err)
{
    size_t d = (size_t)images->plan.width, classes = labels->count;
    size_t *held = NULL;
    nb_status status = NB_OK;
    *out = NULL;
    if (!images->labels) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has no labels, ID images need them", images->path);
        return nb_hint(err, "embed with --labels-from folder or list, or import with --labels");
    }
    NB_TRY_NEW(*out, classes * d);
    NB_TRY_NEW(held, classes);
    NB_TRY(evidence_sum_classes(images, classes, *out, held, err));
    for (size_t c = 0; c < classes; c++) {
        if (!(nb_normalise_row(*out + c * d, *out + c * d, d) > 0)) {
            status = nb_fail(err, NB_ERR_INPUT, "class %zu ('%s') has no image in '%s'", c, nb_strings_get(labels, c),
                             images->path);
            goto done;
        }
    }
done:
    free(held);
    if (status != NB_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}
