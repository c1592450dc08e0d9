#include "scoring/bank.h"

#include "common/base/tag.h"
#include "common/linear/half.h"
#include "common/linear/kernels.h"
#include "common/store/h5.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Compares what was read with the digest the file holds for it. */
static nb_status check_digest(const json_t *digests, const char *name, const void *data, size_t bytes, nb_error *err)
{
    nb_digest have = nb_digest_bytes(data, bytes);
    const char *want = json_string_value(json_object_get(digests, name));
    if (!want || strcmp(want, have.hex) != 0) {
        return nb_fail(err, NB_ERR_VERIFY, "'%s' does not match its digest", name);
    }
    return NB_OK;
}

/* Reads a matrix as stored, checks its digest, and gives its rows as doubles normalised again. */
static nb_status read_rows(hid_t file, const json_t *digests, const char *name, size_t rows, size_t *width, bool *half,
                           double **out, nb_error *err)
{
    hsize_t dims[2];
    void *raw = NULL;
    hid_t half_type = nb_h5_half_type();
    nb_status status;
    bool is_half;
    NB_TRY(nb_h5_dims(file, name, 2, dims, &is_half, err));
    if (dims[0] != rows || !dims[1] || (*width && dims[1] != *width)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is [%llu, %llu], %zu rows belong there", name,
                         (unsigned long long)dims[0], (unsigned long long)dims[1], rows);
        goto done;
    }
    *width = (size_t)dims[1];
    size_t count = rows * *width;
    /* HDF5 has no native half: the bits come through its own type, unconverted */
    NB_TRY(nb_h5_get(file, name, is_half ? half_type : H5T_NATIVE_FLOAT, is_half ? 2 : 4, 2, dims, &raw, err));
    NB_TRY(check_digest(digests, name, raw, count * (is_half ? 2 : 4), err));
    NB_TRY_NEW(*out, count);
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = (double)(is_half ? nb_half_to_float(((uint16_t *)raw)[i]) : ((float *)raw)[i]);
    }
    for (size_t r = 0; r < rows; r++) {
        double norm = nb_normalise_row(*out + r * *width, *out + r * *width, *width);
        if (!(norm > 0) || !isfinite(norm)) {
            status = nb_fail(err, NB_ERR_INPUT, "row %zu of '%s' has norm %g", r, name, norm);
            goto done;
        }
    }
    if (half) {
        *half = is_half;
    }
done:
    H5Tclose(half_type);
    free(raw);
    return status;
}

static nb_status read_suggested(nb_bank *b, hid_t file, nb_error *err)
{
    char *text = NULL;
    json_t *root = NULL;
    nb_status status;
    NB_TRY(nb_h5_get_text(file, "suggested", &text, err));
    root = json_loads(text, 0, NULL);
    const char *score = json_string_value(json_object_get(root, "score"));
    json_int_t groups = json_integer_value(json_object_get(root, "groups"));
    const json_t *seed = json_object_get(root, "seed");
    b->temperature = json_number_value(json_object_get(root, "temperature"));
    if (!score || groups < 1 || !(b->temperature > 0)) {
        status = nb_fail(err, NB_ERR_INPUT, "'suggested' names no usable score: %.200s", text);
        goto done;
    }
    b->groups = (size_t)groups;
    b->seeded = json_is_integer(seed);
    b->seed = (uint64_t)json_integer_value(seed);
    NB_TRY_NEW(b->score, strlen(score) + 1);
    memcpy(b->score, score, strlen(score) + 1);
done:
    json_decref(root);
    free(text);
    return status;
}

static nb_status read_all(nb_bank *b, hid_t file, const json_t *digests, nb_error *err)
{
    hsize_t m;
    nb_status status;
    NB_TRY(nb_h5_get_strings(file, "labels/names", &b->labels, err));
    NB_TRY(nb_h5_get_strings(file, "negatives/texts", &b->negatives, err));
    b->label_count = b->labels.count;
    b->negative_count = b->negatives.count;
    m = b->negative_count;
    if (!b->label_count || !m) {
        return nb_fail(err, NB_ERR_INPUT, "it has %zu labels and %zu negatives", b->label_count, b->negative_count);
    }
    NB_TRY(read_rows(file, digests, "labels/embeddings", b->label_count, &b->d, NULL, &b->label_rows, err));
    NB_TRY(
        read_rows(file, digests, "negatives/embeddings", b->negative_count, &b->d, &b->half, &b->negative_rows, err));
    if (nb_h5_has(file, "labels/prototypes")) {
        NB_TRY(read_rows(file, digests, "labels/prototypes", b->label_count, &b->d, NULL, &b->prototypes, err));
    }
    NB_TRY(nb_h5_get(file, "negatives/criterion", H5T_NATIVE_DOUBLE, 8, 1, &m, (void **)&b->criterion, err));
    NB_TRY(check_digest(digests, "negatives/criterion", b->criterion, (size_t)m * 8, err));
    NB_TRY(nb_h5_get(file, "negatives/tags", H5T_NATIVE_UINT8, 1, 1, &m, (void **)&b->tags, err));
    NB_TRY(check_digest(digests, "negatives/tags", b->tags, (size_t)m, err));
    for (size_t i = 0; i < b->negative_count; i++) {
        if (b->tags[i] >= NB_TAG_COUNT) {
            return nb_fail(err, NB_ERR_INPUT, "negative %zu has tag %u, which is none", i, b->tags[i]);
        }
    }
    NB_TRY(nb_h5_get(file, "negatives/ids", H5T_NATIVE_UINT64, 8, 1, &m, (void **)&b->ids, err));
    NB_TRY(check_digest(digests, "negatives/ids", b->ids, (size_t)m * 8, err));
    NB_TRY(read_suggested(b, file, err));
    NB_TRY(nb_h5_get_text(file, "provenance", &b->provenance, err));
done:
    return status;
}

nb_status nb_bank_open(nb_bank *b, const char *path, nb_error *err)
{
    nb_seal seal;
    hid_t file = -1;
    char *text = NULL;
    json_t *digests = NULL;
    *b = (nb_bank){.tau = (double)NAN};
    nb_status status = nb_seal_verify(&seal, path, NB_BANK_KIND, err);
    if (status != NB_OK) {
        return status;
    }
    b->digest = seal.digest;
    NB_TRY(nb_h5_open(&file, path, NB_BANK_KIND, NB_BANK_FORMAT, err));
    NB_TRY(nb_h5_get_text(file, "digests", &text, err));
    digests = json_loads(text, 0, NULL);
    NB_TRY(read_all(b, file, digests, err));
done:
    nb_h5_close(&file);
    json_decref(digests);
    free(text);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        nb_bank_close(b);
    }
    return status;
}

void nb_bank_close(nb_bank *b)
{
    if (b) {
        nb_strings_free(&b->labels);
        nb_strings_free(&b->negatives);
        free(b->label_rows);
        free(b->prototypes);
        free(b->negative_rows);
        free(b->criterion);
        free(b->tags);
        free(b->ids);
        free(b->score);
        free(b->visual_rows);
        free(b->visual_criterion);
        free(b->checkpoint);
        free(b->provenance);
        *b = (nb_bank){0};
    }
}
