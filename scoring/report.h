/* The evaluation of one ID score file against several OOD sets, as a table on screen and as JSON. */
#ifndef NB_SCORING_REPORT_H
#define NB_SCORING_REPORT_H

#include "common/base/memory.h"
#include "scoring/metrics.h"

#include <stdio.h>

/* Start from {0} with id_accuracy set to NaN or a figure; owns names and rows. */
typedef struct nb_report {
    nb_strings names; /* [count] the OOD sets, UTF-8 */
    nb_metrics *rows; /* [count] */
    size_t count;
    nb_metrics mean;    /* over the rows */
    double id_accuracy; /* top-1 on the ID images, in [0, 1]; NaN unknown */
} nb_report;

/* Appends an OOD set and renews the mean. NB_ERR_INPUT when the name is empty, not UTF-8 or already there. */
nb_status nb_report_add(nb_report *report, const char *name, const nb_metrics *metrics, nb_error *err);

/* Prints the table: one line an OOD set, the mean, the ID accuracy; in percent with two decimals, columns aligned by
 * display width. NB_ERR_INPUT without rows, NB_ERR_IO when writing fails. */
nb_status nb_report_table(const nb_report *report, FILE *out, nb_error *err);

/* Writes {"datasets": {NAME: {"auroc": ...}, ...}, "mean": {...}, "id_accuracy": ...}: fractions in [0, 1] with 17
 * significant digits, datasets in their order, id_accuracy null when unknown. NB_ERR_INPUT without rows,
 * NB_ERR_NUMERIC for a metric that is not finite, else as nb_file_write. */
nb_status nb_report_json(const nb_report *report, const char *path, bool force, nb_error *err);

void nb_report_free(nb_report *report);

#endif
