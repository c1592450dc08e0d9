/**
 * @file
 * Charts: axes with ticks and units, series, a legend.
 */
#ifndef NB_SCORING_REPORT_CHART_H
#define NB_SCORING_REPORT_CHART_H

#include "scoring/report/drawing.h"

/** How a series is drawn; DOTS: a line through dots. */
typedef enum nb_shape { NB_SHAPE_LINE, NB_SHAPE_DOTS, NB_SHAPE_AREA } nb_shape;

/** A series. Borrows name and points. */
typedef struct nb_series {
    const char *name; /**< NULL: not in the legend */
    nb_ink ink;
    nb_shape shape;
    bool strong, dashed;
    double width;           /**< 0: the usual one */
    const nb_point *points; /**< in the units of the axes */
    size_t count;
} nb_series;

/** An axis. */
typedef struct nb_axis {
    const char *label; /**< with its unit */
    double low, high;  /**< low < high */
    bool logarithmic;  /**< low > 0 */
} nb_axis;

/** A chart. All borrowed. */
typedef struct nb_chart {
    const char *title;
    nb_axis x, y;
    const nb_series *series;
    size_t series_count;
    double mark;            /**< a dashed line at this x; NaN: none */
    const char *mark_label; /**< beside it */
} nb_chart;

/** Draws a chart.
 * @param chart what is drawn
 * @param out begun here; freed by the caller with nb_drawing_free, also after a failure
 * @return NB_OK; NB_ERR_INTERNAL for an axis without extent; NB_ERR_LIMIT when memory is out */
nb_status nb_chart_draw(const nb_chart *chart, nb_drawing *out, nb_error *err);

/** Where the ticks of an axis stand.
 * @param axis the axis
 * @param most ticks at most
 * @param ticks [most] filled, rising
 * @param digits becomes the decimals their labels need
 * @return how many */
size_t nb_chart_ticks(const nb_axis *axis, size_t most, double *ticks, int *digits);

/** One bar of a bar chart, a value in [0, 1]; negative: none. */
typedef struct nb_bar {
    const char *name;
    double value;
    size_t count; /**< what it is a share of */
} nb_bar;

/** Horizontal bars of percentages. All borrowed. */
typedef struct nb_bar_chart {
    const char *title;
    const char *label; /**< of the axis, with its unit */
    nb_ink ink;
    const nb_bar *bars; /**< [count], from top to bottom */
    size_t count;
} nb_bar_chart;

/** Draws bars.
 * @param chart what is drawn
 * @param out begun here; freed by the caller with nb_drawing_free, also after a failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_chart_bars(const nb_bar_chart *chart, nb_drawing *out, nb_error *err);

#endif
