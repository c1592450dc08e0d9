/**
 * @file
 * Figures of merit of out-of-distribution detection, with the tie rules of the code the published tables come from.
 *
 * Everything depends only on the order of the keys: for each distinct key, how many ID and how many OOD images reach
 * it. "In" figures take ID as the positive class and walk from the highest key down, "out" figures take OOD as the
 * positive class and walk from the lowest key up.
 */
#ifndef NB_SCORING_METRICS_H
#define NB_SCORING_METRICS_H

#include "common/base/status.h"

#include <stdint.h>

/** All are fractions in [0, 1]. */
typedef struct nb_metrics {
    /** Probability that an ID image has a higher key than an OOD image, ties counting half. */
    double auroc;
    /** Share of OOD images accepted at the threshold whose ID recall is nearest to 0.95; among equally near ones the
     * lowest threshold (fpr_and_fdr_at_recall of NegLabel, used by DNM and CMA). */
    double fpr95_id_positive;
    /** Share of ID images rejected at the first threshold where OOD recall reaches 0.95, on the curve of scikit-learn's
     * roc_curve with drop_intermediate, which skips inner points of straight runs (OpenOOD, AdaNeg, InterNeg). */
    double fpr95_ood_positive;
    /** Area under precision over recall by trapezoids, from recall 0 with precision 1 (OpenOOD). */
    double aupr_in, aupr_out;
    /** Sum over thresholds of the recall gained times the precision there (average_precision_score). */
    double average_precision_in, average_precision_out;
} nb_metrics;

/** Computes all metrics. O(n log n) time, about 40 bytes an image.
 * @param out the metrics; untouched after a failure
 * @param id [id_count] keys of the ID images, higher meaning more in-distribution; infinities are ordinary keys
 * @param id_count at least 1
 * @param ood [ood_count] keys of the OOD images
 * @param ood_count at least 1
 * @return NB_OK, NB_ERR_INPUT when either count is 0, NB_ERR_NUMERIC naming the row when a key is not a number, or
 * NB_ERR_LIMIT when 2 * id_count * ood_count exceeds 64 bits or memory is out */
nb_status nb_metrics_compute(nb_metrics *out, const double *id, size_t id_count, const double *ood, size_t ood_count,
                             nb_error *err);

/** The images of two sets in the order of their keys: sorted once, counted again and again with other weights. */
typedef struct nb_ranking {
    size_t id_count, ood_count, step_count;
    double *keys;                 /**< [step_count] the distinct keys, highest first */
    uint32_t *id_step, *ood_step; /**< [id_count], [ood_count] where each image stands in keys */
} nb_ranking;

/** How many ID and how many OOD images have one key. */
typedef struct nb_step {
    size_t id, ood;
} nb_step;

/** Ranks images by their keys.
 * @param out destroyed by the caller with nb_ranking_destroy
 * @param id [id_count] keys of the ID images
 * @param id_count at least 1
 * @param ood [ood_count] keys of the OOD images
 * @param ood_count at least 1
 * @return as nb_metrics_compute */
nb_status nb_ranking_create(nb_ranking *out, const double *id, size_t id_count, const double *ood, size_t ood_count,
                            nb_error *err);

/** Frees what a ranking holds.
 * @param ranking a ranking or {0} */
void nb_ranking_destroy(nb_ranking *ranking);

/** Counts the images of every key.
 * @param ranking the order of the images
 * @param id_weight [id_count] how often each ID image counts; NULL: once
 * @param ood_weight [ood_count] how often each OOD image counts; NULL: once
 * @param steps [step_count] filled */
void nb_ranking_count(const nb_ranking *ranking, const uint32_t *id_weight, const uint32_t *ood_weight, nb_step *steps);

/** The metrics of counted images. O(count).
 * @param out the metrics
 * @param steps [count], highest key first, with at least one ID and one OOD image in all. Steps without images are
 * passed over and moved out: the array is scratch afterwards
 * @param count steps */
void nb_metrics_of_steps(nb_metrics *out, nb_step *steps, size_t count);

/** The plain mean of each metric.
 * @param out the means; all NaN for a count of 0
 * @param rows [count]
 * @param count rows */
void nb_metrics_mean(nb_metrics *out, const nb_metrics *rows, size_t count);

/** The metrics one by one, for tables: i in [0, NB_METRIC_COUNT), in the order of the struct. */
enum { NB_METRIC_COUNT = 7 };

/** The name of a metric in files.
 * @param i of the metric
 * @return "fpr95_id_positive", say; static */
const char *nb_metric_key(size_t i);

/** The name of a metric on screen.
 * @param i of the metric
 * @return "FPR95 id-positive", say; static */
const char *nb_metric_title(size_t i);

/** The value of one metric.
 * @param m the metrics
 * @param i of the metric
 * @return the value */
double nb_metric_get(const nb_metrics *m, size_t i);

/** Sets one metric.
 * @param m the metrics
 * @param i of the metric
 * @param value its value */
void nb_metric_set(nb_metrics *m, size_t i, double value);

#endif
