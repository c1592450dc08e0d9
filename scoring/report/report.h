/**
 * @file
 * The report of an evaluation: the figures of every OOD set, of groups of sets and of their mean, over one run or
 * several, with deviations and intervals where they were asked for.
 *
 * A run is one complete set of scores: one seed, one checkpoint. Lines of a report come in this order: the OOD sets as
 * they were given, the groups in the order of their first set, the mean over all sets.
 */
#ifndef NB_SCORING_REPORT_H
#define NB_SCORING_REPORT_H

#include "common/base/memory.h"
#include "scoring/metrics.h"

/** One number of the report, a fraction. */
typedef struct nb_figure {
    double value;     /**< the mean over the runs */
    double deviation; /**< standard deviation over the runs (divisor: runs - 1); NaN for one run */
    double low, high; /**< bootstrap interval of the value; NaN without */
} nb_figure;

/** What a line is of. */
typedef enum nb_line_kind { NB_LINE_SET, NB_LINE_GROUP, NB_LINE_MEAN } nb_line_kind;

/** What a bank knows of an OOD set: negatives that name its classes, and figures without them. */
typedef struct nb_leak {
    size_t set;                /**< its number */
    size_t names;              /**< classes of the set that were named */
    nb_strings equal, nearest; /**< negatives equal to a name; others that are the nearest one of a name */
    bool embedded;             /**< `nearest` was looked for */
    nb_metrics with;           /**< by the whole bank */
    nb_metrics without_equal;  /**< by the bank without `equal` */
    nb_metrics without_either; /**< by the bank without both; as without_equal where not embedded */
} nb_leak;

/** A report. Start from nb_report_begin; owns everything in it. */
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
    double *published;   /**< [line_count, NB_METRIC_COUNT] what a paper reports, fractions; NaN: nothing. NULL: none */
    nb_leak *leaks;      /**< [leak_count] of sets whose classes were named; NULL: none */
    size_t leak_count;
    const char *published_from; /**< where that stands; borrowed; may be NULL */
} nb_report;

/** Makes an empty report over OOD sets.
 * @param out freed by the caller with nb_report_free; {0} on failure
 * @param names [n] of the sets; copied
 * @param groups [n] "" for a set in no group; copied
 * @return NB_OK; NB_ERR_INPUT for no sets, for a name or group that is empty, not UTF-8 or has control characters, and
 * for a name given twice; NB_ERR_LIMIT when memory is out */
nb_status nb_report_begin(nb_report *out, const nb_strings *names, const nb_strings *groups, nb_error *err);

/** Frees a report.
 * @param report a report or {0} */
void nb_report_free(nb_report *report);

/** Adds a run.
 * @param report not settled
 * @param rows [set_count] the metrics of the sets
 * @param accuracy of the ID images; NaN: no labels
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_report_add_run(nb_report *report, const nb_metrics *rows, double accuracy, nb_error *err);

/** Fills the figures' values and deviations once all runs are there.
 * @param report the report
 * @return NB_OK; NB_ERR_INPUT without runs; NB_ERR_LIMIT when memory is out */
nb_status nb_report_settle(nb_report *report, nb_error *err);

/** The metrics of all lines from those of the sets.
 * @param report says which sets are in which group
 * @param rows [set_count]
 * @param lines [line_count] filled */
void nb_report_lines(const nb_report *report, const nb_metrics *rows, nb_metrics *lines);

/** What a line is of.
 * @param report the report
 * @param line its number
 * @return the kind */
nb_line_kind nb_report_kind(const nb_report *report, size_t line);

/** What a line is called.
 * @param report the report
 * @param line its number
 * @return "SUN"; of a group its name; "mean" */
const char *nb_report_name(const nb_report *report, size_t line);

/** How many sets a group's line is the mean of.
 * @param report the report
 * @param group its number
 * @return sets */
size_t nb_report_group_size(const nb_report *report, size_t group);

/** A figure of a line.
 * @param report settled
 * @param line its number
 * @param metric of nb_metric_key
 * @return the figure */
const nb_figure *nb_report_figure(const nb_report *report, size_t line, size_t metric);

/** The line of a name.
 * @param report the report
 * @param name of a set, else of a group, or "mean"
 * @return its number; SIZE_MAX for none */
size_t nb_report_find(const nb_report *report, const char *name);

/** Puts a published figure beside ours.
 * @param report begun
 * @param line its number
 * @param metric of nb_metric_key
 * @param value a fraction
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_report_publish(nb_report *report, size_t line, size_t metric, double value, nb_error *err);

/** A published figure.
 * @param report the report
 * @param line its number
 * @param metric of nb_metric_key
 * @return a fraction; NaN for none */
double nb_report_published(const nb_report *report, size_t line, size_t metric);

/** Writes JSON, fractions in full precision: {"datasets": {NAME: {"auroc", ...}}, "mean": {...}, "id_accuracy"}, and
 * where there are any "groups": {GROUP: {"datasets": [...], "auroc", ...}}, "images", "runs": [...], "deviation",
 * "published" (the figures there are, and "source"), "leakage": {NAME: {"names", "equal", "nearest", "whole",
 * "without_equal", "without_either"}} and "intervals" (the same shape, each figure a number or [low,
 * high]), and "provenance". Unknown accuracy is null.
 * @param report settled
 * @param provenance a JSON text; may be NULL
 * @param path the file
 * @param force replaces a file that is there
 * @return NB_OK, NB_ERR_NUMERIC for a figure that is not finite; NB_ERR_LIMIT when memory is out, or as nb_file_write
 * fails */
nb_status nb_report_json(const nb_report *report, const char *provenance, const char *path, bool force, nb_error *err);

#endif
