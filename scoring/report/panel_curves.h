/**
 * @file
 * The charts of an evaluation's keys: histograms and curves.
 */
#ifndef NB_SCORING_REPORT_PANEL_CURVES_H
#define NB_SCORING_REPORT_PANEL_CURVES_H

#include "scoring/report/panels.h"

/** Adds a histogram of the ID images' keys beside each OOD set's.
 * @param out appended to
 * @param e the images
 * @param r the names of the sets
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_scores(nb_panels *out, const nb_evaluation *e, const nb_report *r, nb_error *err);

/** Adds ROC and both precision-recall curves.
 * @param out appended to
 * @param e the images
 * @param r the names of the sets
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_curves(nb_panels *out, const nb_evaluation *e, const nb_report *r, nb_error *err);

#endif
