/* Score files in HDF5, read back: scoring/files/predictions.h. */
#include "scoring/files/predictions.h"

#include "common/base/file.h"
#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Strings of variable length being read, with the bytes they may still take: a file cannot hold more than its size, but
 * a made-up one can name the same bytes again and again. */
typedef struct texts {
    hid_t dataset, type, file_space, one;
    const char *name;
    uint64_t left;
} texts;

static nb_status predictions_refuse(const texts *t, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "dataset '%s' is no list of strings as score files have it", t->name);
}

static nb_status predictions_open_texts(texts *t, hid_t file, size_t *count, nb_error *err)
{
    hsize_t dims = 0;
    t->dataset = H5Dopen2(file, t->name, H5P_DEFAULT);
    if (t->dataset < 0) {
        return nb_fail(err, NB_ERR_INPUT, "it has no dataset '%s'", t->name);
    }
    hid_t have = H5Dget_type(t->dataset), how = H5Dget_create_plist(t->dataset);
    bool good = H5Tis_variable_str(have) > 0 && H5Pget_layout(how) == H5D_CONTIGUOUS && H5Pget_external_count(how) == 0;
    H5Tclose(have);
    H5Pclose(how);
    t->file_space = H5Dget_space(t->dataset);
    if (!good || H5Sget_simple_extent_ndims(t->file_space) != 1 ||
        H5Sget_simple_extent_dims(t->file_space, &dims, NULL) != 1 ||
        dims > t->left) { /* every reference takes bytes of the file */
        return predictions_refuse(t, err);
    }
    *count = (size_t)dims;
    t->type = H5Tcopy(H5T_C_S1);
    H5Tset_size(t->type, H5T_VARIABLE);
    H5Tset_cset(t->type, H5T_CSET_UTF8);
    dims = 1;
    t->one = H5Screate_simple(1, &dims, NULL);
    return NB_OK;
}

static void predictions_close_texts(texts *t)
{
    if (t->one >= 0) {
        H5Sclose(t->one);
        H5Tclose(t->type);
    }
    if (t->dataset >= 0) {
        H5Sclose(t->file_space);
        H5Dclose(t->dataset);
    }
}

static nb_status predictions_push_text(texts *t, size_t i, nb_strings *out, nb_error *err)
{
    hsize_t start = i, length = 1;
    char *text = NULL;
    nb_status status;
    if (H5Sselect_hyperslab(t->file_space, H5S_SELECT_SET, &start, NULL, &length, NULL) < 0 ||
        H5Dread(t->dataset, t->type, t->one, t->file_space, H5P_DEFAULT, &text) < 0) {
        return predictions_refuse(t, err);
    }
    size_t len = text ? strlen(text) : 0;
    status = len > t->left || len > NB_SCORE_LINE_MAX ? predictions_refuse(t, err)
                                                      : nb_strings_push(out, text ? text : "", len, err);
    t->left -= status == NB_OK ? len : 0;
    H5Dvlen_reclaim(t->type, t->one, H5P_DEFAULT, (void *)&text);
    return status;
}

static nb_status predictions_read_texts(hid_t file, const char *name, uint64_t bytes, nb_strings *out, nb_error *err)
{
    texts t = {.dataset = -1, .one = -1, .name = name, .left = bytes};
    size_t count = 0;
    nb_status status = predictions_open_texts(&t, file, &count, err);
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        status = predictions_push_text(&t, i, out, err);
    }
    predictions_close_texts(&t);
    return status;
}

/* A vector of exactly `count` numbers. */
static nb_status predictions_read_numbers(hid_t file, const char *name, hid_t type, size_t count, void **out,
                                          nb_error *err)
{
    hsize_t dims = count;
    return nb_h5_get(file, name, &(nb_h5_array){.memory = type, .rank = 1, .dims = &dims}, out, err);
}

static nb_status predictions_read_all(nb_scores *s, hid_t file, uint64_t bytes, nb_error *err)
{
    nb_status status;
    NB_TRY(predictions_read_texts(file, "image", bytes, &s->images, err));
    size_t n = s->images.count;
    NB_TRY(predictions_read_numbers(file, "label", H5T_NATIVE_INT32, n, (void **)&s->labels, err));
    NB_TRY(predictions_read_numbers(file, "class", H5T_NATIVE_INT32, n, (void **)&s->classes, err));
    NB_TRY(predictions_read_numbers(file, "score", H5T_NATIVE_DOUBLE, n, (void **)&s->score, err));
    NB_TRY(predictions_read_numbers(file, "ood_score", H5T_NATIVE_DOUBLE, n, (void **)&s->ood_score, err));
    if (nb_h5_has(file, "comments")) {
        NB_TRY(predictions_read_texts(file, "comments", bytes, &s->comments, err));
    }
    nb_scores_set_kind(s);
    s->count = n;
    if (!n) {
        status = nb_fail(err, NB_ERR_INPUT, "it has no rows");
        goto done;
    }
    NB_TRY(nb_scores_check(s, err));
done:
    return status;
}

nb_status nb_predictions_read(nb_scores *out, const char *path, nb_error *err)
{
    nb_seal seal;
    hid_t file = -1;
    nb_status status;
    *out = (nb_scores){0};
    NB_TRY(nb_seal_verify(&seal, path, NB_PREDICTIONS_KIND, err));
    NB_TRY(nb_h5_open(&file, path, NB_PREDICTIONS_KIND, NB_PREDICTIONS_VERSION, err));
    status = predictions_read_all(out, file, seal.size, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
    }
done:
    nb_h5_close(&file);
    if (status != NB_OK) {
        nb_scores_free(out);
        *out = (nb_scores){0};
    }
    return status;
}

/* True for a seal, or HDF5 without one. */
static bool predictions_is_hdf5(const char *path)
{
    static const char *const heads[] = {"NEGBANK\n", "\x89HDF\r\n\x1a\n"};
    char head[8] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) {
        fclose(file);
    }
    return got == sizeof head && (memcmp(head, heads[0], got) == 0 || memcmp(head, heads[1], got) == 0);
}

nb_status nb_predictions_read_any(nb_scores *out, const char *path, nb_error *err)
{
    nb_status status = nb_file_check(path, err); /* a pipe would wait for whoever writes into it */
    if (status != NB_OK) {
        return status;
    }
    return predictions_is_hdf5(path) ? nb_predictions_read(out, path, err) : nb_scores_read(out, path, err);
}
