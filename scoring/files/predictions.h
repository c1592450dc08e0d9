/* clang-format off */
/**
 * @file
 * Predictions in the form their reader wants: the table of scoring/files/score_file.h, JSON lines, or HDF5.
 *
 * JSON lines, an object a row, keys in this order:
 *
 *   image        string; bytes that are not UTF-8 become '?'
 *   label        integer
 *   class        integer
 *   class_name   string; absent where names are not known
 *   score        number, 17 digits
 *   ood_score    number, 17 digits; null where the score is no probability
 *   decision     "in" or "out"; absent where no threshold is known
 *
 * HDF5, kind "scores", format 1, sealed (common/store/seal.h) and readable by any HDF5 program without plugins. Datasets
 * are contiguous, one entry a row of the table:
 *
 *   image        strings of variable length, UTF-8 [count]
 *   label        i32 [count]
 *   class        i32 [count]
 *   score        f64 [count]
 *   ood_score    f64 [count], NaN where the score is no probability
 *   class_name   strings of variable length [count] (absent where names are not known)
 *   decision     u8 [count], 1 in-distribution (absent where no threshold is known)
 *   comments     strings of variable length [lines], the comment lines (absent where there are none)
 */
/* clang-format on */
#ifndef NB_SCORING_FILES_PREDICTIONS_H
#define NB_SCORING_FILES_PREDICTIONS_H

#include "scoring/files/score_file.h"

/** A form of a score file. */
typedef enum nb_prediction_format {
    NB_PREDICTIONS_TSV,
    NB_PREDICTIONS_JSONL,
    NB_PREDICTIONS_HDF5
} nb_prediction_format;
#define NB_PREDICTION_FORMATS "tsv|jsonl|hdf5"

#define NB_PREDICTIONS_KIND "scores" /* of the HDF5 form */
enum { NB_PREDICTIONS_VERSION = 1 };

/** Finds a format by its name.
 * @param name of NB_PREDICTION_FORMATS; "auto": as the path ends, .jsonl or .h5 or .hdf5, else tsv
 * @param path of the file
 * @return the format; tsv for another name */
nb_prediction_format nb_predictions_format(const char *name, const char *path);

/** Writes the rows.
 * @param scores the rows
 * @param format the form
 * @param path the file
 * @param force replaces a file that is there
 * @return as nb_scores_write for the table; else NB_OK, NB_ERR_INPUT for no rows and for numbers that no score file may
 * have, NB_ERR_IO, NB_ERR_LIMIT when memory is out, or as nb_output_begin fails */
nb_status nb_predictions_write(const nb_scores *scores, nb_prediction_format format, const char *path, bool force,
                               nb_error *err);

/** Reads the HDF5 form, but for class names and decisions.
 * @param out freed by nb_scores_free; empty after a failure
 * @param path the file
 * @return NB_OK, NB_ERR_VERIFY when its seal is broken, NB_ERR_INPUT for what is no such file or has numbers that no
 * score file may have, NB_ERR_IO, or NB_ERR_LIMIT when memory is out */
nb_status nb_predictions_read(nb_scores *out, const char *path, nb_error *err);

/** Reads the HDF5 form or, when the file does not begin like one, the table (nb_scores_read).
 * @param out {0} before; freed by nb_scores_free
 * @param path the file
 * @return as nb_predictions_read, nb_scores_read and nb_file_check */
nb_status nb_predictions_read_any(nb_scores *out, const char *path, nb_error *err);

#endif
