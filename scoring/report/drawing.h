/**
 * @file
 * A drawing: lines, areas, dots and words, kept as a list and written as SVG or, through cairo, as PNG, so that both
 * show the same.
 *
 * Units are pixels, the origin is at the top left. Adding to a drawing never fails at once: the first failure is kept
 * and reported by nb_drawing_end, so that code that draws reads as a drawing.
 */
#ifndef NB_SCORING_REPORT_DRAWING_H
#define NB_SCORING_REPORT_DRAWING_H

#include "common/base/memory.h"

/** What a mark is drawn with; a colour on light and another on dark ground. From NB_INK_ID on: series. */
typedef enum nb_ink { NB_INK_TEXT, NB_INK_MUTED, NB_INK_GRID, NB_INK_ID, NB_INK_OOD } nb_ink;
enum { NB_INK_SERIES = 8 }; /* OOD inks; series beyond begin again */
/** The ink of OOD set i. */
nb_ink nb_ink_of_set(size_t i);

typedef enum nb_anchor { NB_ANCHOR_START, NB_ANCHOR_MIDDLE, NB_ANCHOR_END } nb_anchor;

typedef struct nb_point {
    double x, y;
} nb_point;

typedef struct nb_mark nb_mark;

/** Start from nb_drawing_begin; owns everything in it. */
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

/** Begins an empty drawing of so many pixels; title is copied. nb_drawing_free frees it. */
void nb_drawing_begin(nb_drawing *d, double width, double height, const char *title);
/** Draws a line through points [count], copied; width in pixels. */
void nb_drawing_line(nb_drawing *d, nb_ink ink, double width, bool dashed, const nb_point *points, size_t count);
/** Fills the polygon of points [count], copied; alpha within [0, 1]. */
void nb_drawing_area(nb_drawing *d, nb_ink ink, double alpha, const nb_point *points, size_t count);
/** Draws a dot; radius in pixels. */
void nb_drawing_dot(nb_drawing *d, nb_ink ink, double radius, nb_point at);
/** How a text is written. */
typedef struct nb_text_style {
    nb_ink ink;
    double size; /**< of the letters */
    bool bold;
    nb_anchor anchor;
    bool upwards; /**< a quarter to the left, reading from bottom to top */
} nb_text_style;
/** Writes a text.
 * @param at where the baseline begins, has its middle or ends, as the anchor says */
void nb_drawing_text(nb_drawing *d, nb_text_style style, nb_point at, const char *text);
/** The first failure, if there was one.
 * @return NB_OK, or the first failure: NB_ERR_LIMIT when memory was out */
nb_status nb_drawing_end(nb_drawing *d, nb_error *err);
/** Frees what a drawing holds; takes {0}. */
void nb_drawing_free(nb_drawing *d);

/** About how wide a text is.
 * @param size of the letters, in pixels */
double nb_text_width(const char *text, double size);

/** Appends an <svg> element. Standalone: a whole SVG file with its own colours for light and dark; else the page's
 * style (nb_drawing_style) colours it.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_drawing_svg(const nb_drawing *d, bool standalone, nb_buffer *out, nb_error *err);
/** The CSS rules of the inks.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_drawing_style(nb_buffer *out, nb_error *err);
/** Writes a PNG of `scale` pixels a unit on white ground; errors as nb_file_write.
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
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
/** "#rrggbb" of an ink. */
const char *nb_ink_colour(nb_ink ink, bool dark);

#endif
