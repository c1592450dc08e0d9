#include "scoring/files/predictions.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool predictions_ends_with(const char *path, const char *end)
{
    size_t a = strlen(path), b = strlen(end);
    return a > b && strcmp(path + a - b, end) == 0;
}

nb_prediction_format nb_predictions_format(const char *name, const char *path)
{
    bool by_name = strcmp(name, "auto") == 0;
    if (by_name ? predictions_ends_with(path, ".jsonl") : strcmp(name, "jsonl") == 0) {
        return NB_PREDICTIONS_JSONL;
    }
    if (by_name ? predictions_ends_with(path, ".h5") || predictions_ends_with(path, ".hdf5")
                : strcmp(name, "hdf5") == 0) {
        return NB_PREDICTIONS_HDF5;
    }
    return NB_PREDICTIONS_TSV;
}

/* Refuses what the table's writer refuses. */
static nb_status predictions_check(const nb_scores *s, nb_error *err)
{
    return s->count ? nb_scores_check(s, err) : nb_fail(err, NB_ERR_INPUT, "no scores to write");
}

/* ---- JSON lines ---- */

static json_t *predictions_as_string(const char *text)
{
    json_t *out = json_string(text);
    char *copy = out ? NULL : strdup(text); /* not UTF-8 */
    if (copy) {
        nb_text_sanitise(copy);
        out = json_string(copy);
    }
    free(copy);
    return out;
}

static nb_status predictions_append_row(const nb_scores *s, size_t i, nb_buffer *out, nb_error *err)
{
    json_t *row = json_object();
    char *text = NULL;
    nb_status status;
    json_object_set_new(row, "image", predictions_as_string(nb_strings_get(&s->images, i)));
    json_object_set_new(row, "label", json_integer(s->labels[i]));
    json_object_set_new(row, "class", json_integer(s->classes[i]));
    if (s->class_names) {
        json_object_set_new(row, "class_name", predictions_as_string(nb_scores_class_name(s, i)));
    }
    json_object_set_new(row, "score", json_real(s->score[i]));
    json_object_set_new(row, "ood_score", isnan(s->ood_score[i]) ? json_null() : json_real(s->ood_score[i]));
    if (s->accepted) {
        json_object_set_new(row, "decision", json_string(s->accepted[i] ? "in" : "out"));
    }
    text = json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (!text) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for score row %zu", i + 1);
        goto done;
    }
    nb_buffer_clear(out);
    NB_TRY(nb_buffer_append(out, text, strlen(text), err));
    NB_TRY(nb_buffer_append(out, "\n", 1, err));
done:
    free(text);
    json_decref(row);
    return status;
}

static nb_status predictions_write_jsonl(const nb_scores *s, const char *path, nb_error *err)
{
    nb_buffer line = {0};
    nb_status status = NB_OK;
    FILE *f = fopen(path, "wbx"); /* follows no link */
    if (!f) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot create '%s'", path);
    }
    for (size_t i = 0; i < s->count; i++) {
        NB_TRY(predictions_append_row(s, i, &line, err));
        if (fwrite(line.data, 1, line.len, f) != line.len) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
            goto done;
        }
    }
done:
    if (fclose(f) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
    }
    nb_buffer_free(&line);
    return status;
}

/* ---- HDF5 ---- */

typedef const char *(*text_of)(const nb_scores *s, size_t i);

static const char *predictions_image_name(const nb_scores *s, size_t i)
{
    return nb_strings_get(&s->images, i);
}

static const char *predictions_comment(const nb_scores *s, size_t i)
{
    return nb_strings_get(&s->comments, i);
}

/* Strings of variable length, as h5py and others read them at once; nb_h5_put_strings is for our own reader. */
static nb_status predictions_put_texts(hid_t file, const char *name, const nb_scores *s, size_t count, text_of text,
                                       nb_error *err)
{
    const char **texts = NULL;
    hsize_t dims = count;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &dims, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    nb_status status;
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Pset_obj_track_times(how, false); /* the same rows give the same bytes */
    NB_TRY_NEW(texts, count);
    for (size_t i = 0; i < count; i++) {
        texts[i] = text(s, i);
    }
    dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) < 0) {
        status = nb_fail(err, NB_ERR_IO, "HDF5 cannot write the strings '%s'", name);
    }
done:
    if (dataset >= 0) {
        H5Dclose(dataset);
    }
    H5Pclose(how);
    H5Sclose(space);
    H5Tclose(type);
    free(texts);
    return status;
}

static nb_status predictions_put_all(hid_t file, const nb_scores *s, nb_error *err)
{
    size_t n = s->count;
    nb_status status;
    NB_TRY(predictions_put_texts(file, "image", s, n, predictions_image_name, err));
    NB_TRY(nb_h5_put_vector(file, "label", (nb_h5_values){H5T_STD_I32LE, H5T_NATIVE_INT32, n, s->labels},
                            NB_H5_CONTIGUOUS, err));
    NB_TRY(nb_h5_put_vector(file, "class", (nb_h5_values){H5T_STD_I32LE, H5T_NATIVE_INT32, n, s->classes},
                            NB_H5_CONTIGUOUS, err));
    NB_TRY(nb_h5_put_vector(file, "score", (nb_h5_values){H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, n, s->score},
                            NB_H5_CONTIGUOUS, err));
    NB_TRY(nb_h5_put_vector(file, "ood_score", (nb_h5_values){H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, n, s->ood_score},
                            NB_H5_CONTIGUOUS, err));
    if (s->class_names) {
        NB_TRY(predictions_put_texts(file, "class_name", s, n, nb_scores_class_name, err));
    }
    if (s->accepted) {
        NB_TRY(nb_h5_put_vector(file, "decision", (nb_h5_values){H5T_STD_U8LE, H5T_NATIVE_UINT8, n, s->accepted},
                                NB_H5_CONTIGUOUS, err));
    }
    if (s->comments.count) {
        NB_TRY(predictions_put_texts(file, "comments", s, s->comments.count, predictions_comment, err));
    }
done:
    return status;
}

static nb_status predictions_write_hdf5(const nb_scores *s, const char *path, nb_error *err)
{
    hid_t file = -1;
    nb_digest digest;
    nb_status status;
    NB_TRY(nb_h5_create(&file, path, NB_PREDICTIONS_KIND, NB_PREDICTIONS_VERSION, err));
    NB_TRY(predictions_put_all(file, s, err));
    NB_TRY(nb_h5_save(&file, path, err));
    NB_TRY(nb_seal_write(path, NB_PREDICTIONS_KIND, 0, 0, &digest, err));
done:
    nb_h5_close(&file);
    return status;
}

nb_status nb_predictions_write(const nb_scores *s, nb_prediction_format format, const char *path, bool force,
                               nb_error *err)
{
    nb_output out = {0};
    nb_status status;
    if (format == NB_PREDICTIONS_TSV) {
        return nb_scores_write(s, path, force, err);
    }
    NB_TRY(predictions_check(s, err));
    NB_TRY(nb_output_begin(&out, path, force, err));
    NB_TRY(format == NB_PREDICTIONS_JSONL ? predictions_write_jsonl(s, out.partial, err)
                                          : predictions_write_hdf5(s, out.partial, err));
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    return status;
}
