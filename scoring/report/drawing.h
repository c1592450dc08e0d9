/**
 * @file
 * A drawing: lines, areas, dots and words, kept as a list and written as SVG or, through cairo, as PNG, so that both
 * show the same.
 *
 * Units are pixels, the origin is at the top left. Adding to a drawing never fails at once: the first failure is kept
 * and returned by nb_drawing_end, so that code that draws reads as a drawing.
 */
#ifndef NB_SCORING_REPORT_DRAWING_H
#define NB_SCORING_REPORT_DRAWING_H

#include "common/base/memory.h"

/** What a mark is drawn with; a colour on light and another on dark ground. From NB_INK_ID on: series. */
typedef enum nb_ink { NB_INK_TEXT, NB_INK_MUTED, NB_INK_GRID, NB_INK_ID, NB_INK_OOD } nb_ink;
enum { NB_INK_SERIES = 8 }; /**< OOD inks; series beyond begin again */

/** The ink of an OOD set.
 * @param i its number
 * @return the ink */
nb_ink nb_ink_of_set(size_t i);

/** Which part of a text stands at its point. */
typedef enum nb_anchor { NB_ANCHOR_START, NB_ANCHOR_MIDDLE, NB_ANCHOR_END } nb_anchor;

/** A point, in pixels or in the units of a chart's axes. */
typedef struct nb_point {
    double x, y;
} nb_point;

/** A mark; below. */
typedef struct nb_mark nb_mark;

/** A drawing. Start from nb_drawing_begin; owns everything in it. */
typedef struct nb_drawing {
    double width, height;
    char *title; /**< what is seen, in words: the accessible name */
    nb_mark *marks;
    nb_point *points;
    nb_strings texts;
    size_t mark_count, mark_cap, point_count, point_cap;
    nb_status status;
    nb_error error;
} nb_drawing;

/** Begins a drawing.
 * @param d freed by the caller with nb_drawing_free
 * @param width, height pixels
 * @param title what is seen, in words; copied */
void nb_drawing_begin(nb_drawing *d, double width, double height, const char *title);

/** Adds a line.
 * @param d the drawing
 * @param ink, width, dashed how it is drawn; width in pixels
 * @param points [count] copied
 * @param count points */
void nb_drawing_line(nb_drawing *d, nb_ink ink, double width, bool dashed, const nb_point *points, size_t count);

/** Adds a filled area.
 * @param d the drawing
 * @param ink, alpha how it is filled; alpha 1: opaque
 * @param points [count] its corners; copied
 * @param count points */
void nb_drawing_area(nb_drawing *d, nb_ink ink, double alpha, const nb_point *points, size_t count);

/** Adds a dot.
 * @param d the drawing
 * @param ink, radius how it is drawn; radius in pixels
 * @param at its centre */
void nb_drawing_dot(nb_drawing *d, nb_ink ink, double radius, nb_point at);

/** How a text is drawn. */
typedef struct nb_text_style {
    nb_ink ink;
    double size; /**< pixels */
    bool bold;
    nb_anchor anchor;
    bool upwards; /**< rotated by a quarter, reading from bottom to top */
} nb_text_style;

/** Adds a text.
 * @param d the drawing
 * @param style how it is drawn
 * @param at where the baseline begins, has its middle or ends
 * @param text copied; what is not UTF-8 becomes U+FFFD */
void nb_drawing_text(nb_drawing *d, nb_text_style style, nb_point at, const char *text);

/** Whether all marks were added.
 * @param d the drawing
 * @return NB_OK, or the first failure: NB_ERR_LIMIT when memory is out */
nb_status nb_drawing_end(nb_drawing *d, nb_error *err);

/** Frees a drawing.
 * @param d a drawing or {0} */
void nb_drawing_free(nb_drawing *d);

/** About how wide a text is.
 * @param text the text
 * @param size pixels
 * @return pixels */
double nb_text_width(const char *text, double size);

/** Appends an SVG element.
 * @param d the drawing
 * @param standalone a whole SVG file with its own colours for light and dark; else the page's style (nb_drawing_style)
 * colours it
 * @param out appended to
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_drawing_svg(const nb_drawing *d, bool standalone, nb_buffer *out, nb_error *err);

/** Appends the CSS rules of the inks.
 * @param out appended to
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_drawing_style(nb_buffer *out, nb_error *err);

/** Writes a PNG on white ground.
 * @param d the drawing
 * @param scale pixels a unit
 * @param path the file
 * @param force replaces a file that is there
 * @return NB_OK, NB_ERR_LIMIT when memory is out, NB_ERR_INTERNAL when cairo fails, or as nb_file_write fails */
nb_status nb_drawing_png(const nb_drawing *d, double scale, const char *path, bool force, nb_error *err);

/** For the writers: one mark. */
struct nb_mark {
    enum { NB_MARK_LINE, NB_MARK_AREA, NB_MARK_DOT, NB_MARK_TEXT } kind;
    nb_ink ink;
    double measure; /**< width of a line, alpha of an area, radius of a dot, size of a text */
    bool dashed, bold, upwards;
    nb_anchor anchor;
    size_t first, count; /**< its points */
    size_t text;
};

/** The colour of an ink.
 * @param ink the ink
 * @param dark on dark ground
 * @return "#rrggbb" */
const char *nb_ink_colour(nb_ink ink, bool dark);

#endif
