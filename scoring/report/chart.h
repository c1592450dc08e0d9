/**
 * @file
 * Charts: axes with ticks and units, series, a legend.
 */
#ifndef NB_SCORING_REPORT_CHART_H
#define NB_SCORING_REPORT_CHART_H

#include "scoring/report/drawing.h"

typedef enum nb_shape { NB_SHAPE_LINE, NB_SHAPE_DOTS, NB_SHAPE_AREA } nb_shape; /* DOTS: a line through dots */

typedef struct nb_series {
    const char *name; /**< NULL: not in the legend */
    nb_ink ink;
    nb_shape shape;
    bool strong, dashed;
    double width;           /**< 0: the usual one */
    const nb_point *points; /**< in the units of the axes */
    size_t count;
} nb_series;

typedef struct nb_axis {
    const char *label; /**< with its unit */
    double low, high;  /**< low < high */
    bool logarithmic;  /**< low > 0 */
} nb_axis;

typedef struct nb_chart {
    const char *title;
    nb_axis x, y;
    const nb_series *series;
    size_t series_count;
    double mark;            /**< a dashed line at this x; NaN: none */
    const char *mark_label; /**< beside it */
} nb_chart;

/** Draws into *out (begun here; the caller frees it). NB_ERR_INTERNAL for an axis without extent.
 * @return NB_OK, as said above, or NB_ERR_LIMIT when memory is out */
nb_status nb_chart_draw(const nb_chart *chart, nb_drawing *out, nb_error *err);

/** Where ticks of an axis stand, at most `most`, rising; returns how many. *digits: decimals their labels need.
 * @param ticks [most] */
size_t nb_chart_ticks(const nb_axis *axis, size_t most, double *ticks, int *digits);

/** One bar of a bar chart, a value in [0, 1]; negative: none. */
typedef struct nb_bar {
    const char *name;
    double value;
    size_t count; /**< what it is a share of */
} nb_bar;

/** A chart of horizontal bars of percentages; all borrowed. */
typedef struct nb_bar_chart {
    const char *title;
    const char *label; /**< of the axis, with its unit */
    nb_ink ink;
    const nb_bar *bars; /**< [count], from top to bottom */
    size_t count;
} nb_bar_chart;

/** Draws the bars into *out (begun here; the caller frees it, also after a failure).
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. Not collective. */
nb_status nb_chart_bars(const nb_bar_chart *chart, nb_drawing *out, nb_error *err);

#endif
