/**
 * @file
 * The report of an evaluation: the figures of every OOD set, of groups of sets and of their mean, over one run or
 * several, with deviations and intervals where they were asked for; and the tables they are written as.
 *
 * A run is one complete set of scores: one seed, one checkpoint. Lines of a report come in this order: the OOD sets as
 * they were given, the groups in the order of their first set, the mean over all sets.
 */
#ifndef NB_SCORING_REPORT_H
#define NB_SCORING_REPORT_H

#include "common/base/memory.h"
#include "scoring/metrics.h"

#include <stdio.h>

/** One number of the report, a fraction. */
typedef struct nb_figure {
    double value;     /**< the mean over the runs */
    double deviation; /**< standard deviation over the runs (divisor: runs - 1); NaN for one run */
    double low, high; /**< bootstrap interval of the value; NaN without */
} nb_figure;

typedef enum nb_line_kind { NB_LINE_SET, NB_LINE_GROUP, NB_LINE_MEAN } nb_line_kind;

/** Start from nb_report_begin; owns everything in it. */
typedef struct nb_report {
    nb_strings names;  /**< [set_count] of the OOD sets */
    nb_strings groups; /**< [group_count] */
    size_t *group_of;  /**< [set_count] index into groups, SIZE_MAX for none */
    size_t set_count, group_count, line_count, run_count;
    nb_metrics *runs;    /**< [run_count, line_count] */
    double *accuracies;  /**< [run_count] NaN: no labels */
    nb_figure *figures;  /**< [line_count, NB_METRIC_COUNT], by nb_report_settle */
    nb_figure accuracy;  /**< ID top-1 accuracy; value NaN: no labels */
    size_t *id_images;   /**< [set_count] images behind each set's figures (of the first run); 0: not said */
    size_t *ood_images;  /**< [set_count] */
    size_t resamples;    /**< of the bootstrap; 0: no intervals */
    double confidence;   /**< 0.95 */
    uint64_t seed;       /**< of the bootstrap */
    const char *ordered; /**< what images were ordered by, for readers; may be NULL */
} nb_report;

/** An empty report over these OOD sets: names [n] and groups [n], "" for a set in no group. NB_ERR_INPUT for no sets,
 * and for a name or group that is empty, not UTF-8 or has control characters, and for a name given twice.
 * @param out freed by nb_report_free, also after a failure
 * @return NB_OK, as said above, or NB_ERR_LIMIT when memory is out */
nb_status nb_report_begin(nb_report *out, const nb_strings *names, const nb_strings *groups, nb_error *err);
/** Frees what a report holds; takes {0}. */
void nb_report_free(nb_report *report);

/** Adds a run: the metrics of the sets [set_count] and the ID accuracy (NaN: no labels).
 * @param rows copied
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_report_add_run(nb_report *report, const nb_metrics *rows, double accuracy, nb_error *err);
/** Fills the figures' values and deviations once all runs are there. NB_ERR_INPUT without runs.
 * @return NB_OK, as said above, or NB_ERR_LIMIT when memory is out */
nb_status nb_report_settle(nb_report *report, nb_error *err);

/** The metrics of all lines [line_count] from those of the sets [set_count]. */
void nb_report_lines(const nb_report *report, const nb_metrics *rows, nb_metrics *lines);

/** What a line is of. */
nb_line_kind nb_report_kind(const nb_report *report, size_t line);
/** "SUN"; of a group its name; "mean".
 * @return a text of the report */
const char *nb_report_name(const nb_report *report, size_t line);
/** The sets that a group's line is the mean of. */
size_t nb_report_group_size(const nb_report *report, size_t group);
/** One figure of a settled report, which owns it. */
const nb_figure *nb_report_figure(const nb_report *report, size_t line, size_t metric);

/** Prints a table of percentages: a row per line, the ID accuracy ("unknown" without labels); then, where there are
 * any, the deviations over the runs and the intervals. Columns align by displayed width.
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or NB_ERR_IO */
nb_status nb_report_table(const nb_report *report, FILE *out, nb_error *err);

/** Tables as files, in percent; errors as nb_file_write. LaTeX wants \usepackage{booktabs}.
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
nb_status nb_report_markdown(const nb_report *report, const char *path, bool force, nb_error *err);
/** As nb_report_markdown, in LaTeX.
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
nb_status nb_report_latex(const nb_report *report, const char *path, bool force, nb_error *err);
/** One number a row, fractions with 17 digits: kind,name,group,metric,value,deviation,low,high,id_images,ood_images.
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
nb_status nb_report_csv(const nb_report *report, const char *path, bool force, nb_error *err);

/** Writes JSON, fractions in full precision: {"datasets": {NAME: {"auroc", ...}}, "mean": {...}, "id_accuracy"}, and
 * where there are any "groups": {GROUP: {"datasets": [...], "auroc", ...}}, "images", "runs": [...], "deviation" and
 * "intervals" (the same shape, each figure a number or [low, high]), and "provenance" (a JSON text, may be NULL).
 * Unknown accuracy is null. NB_ERR_NUMERIC for a figure that is not finite.
 * @return NB_OK, as said above, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
nb_status nb_report_json(const nb_report *report, const char *provenance, const char *path, bool force, nb_error *err);

#endif
