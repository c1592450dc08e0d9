/* Predictions in the form their reader wants: the table of scoring/files/score_file.h, JSON lines, or HDF5.
 *
 * JSON lines: an object a row with the keys image, label, class, class_name, score, ood_score, decision, as known;
 * numbers with 17 digits, ood_score null where the score is no probability; bytes of names that are not UTF-8 become
 * '?'.
 *
 * HDF5, kind "scores", sealed (common/store/seal.h) and readable by any HDF5 program without plugins: the datasets
 * image and class_name (strings of variable length), label and class (i32), score and ood_score (f64, NaN unknown),
 * decision (u8, 1 in), each [count], and the comment lines as `comments`. */
#ifndef NB_SCORING_FILES_PREDICTIONS_H
#define NB_SCORING_FILES_PREDICTIONS_H

#include "scoring/files/score_file.h"

typedef enum nb_prediction_format {
    NB_PREDICTIONS_TSV,
    NB_PREDICTIONS_JSONL,
    NB_PREDICTIONS_HDF5
} nb_prediction_format;
#define NB_PREDICTION_FORMATS "tsv|jsonl|hdf5"

#define NB_PREDICTIONS_KIND "scores" /* of the HDF5 form */
enum { NB_PREDICTIONS_VERSION = 1 };

/* The format of that name; "auto": as the path ends, .jsonl or .h5 or .hdf5, else tsv. */
nb_prediction_format nb_predictions_format(const char *name, const char *path);

/* Writes the rows; fails as nb_scores_write does. */
nb_status nb_predictions_write(const nb_scores *scores, nb_prediction_format format, const char *path, bool force,
                               nb_error *err);

/* Reads the HDF5 form, but for class names and decisions. NB_ERR_VERIFY when its seal is broken, NB_ERR_INPUT for what
 * is no such file or has numbers that no score file may have. On failure *out is empty. */
nb_status nb_predictions_read(nb_scores *out, const char *path, nb_error *err);
/* Reads the HDF5 form or, when the file does not begin like one, the table (nb_scores_read). */
nb_status nb_predictions_read_any(nb_scores *out, const char *path, nb_error *err);

#endif
