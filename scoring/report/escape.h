/**
 * @file
 * Names from anywhere, made harmless for the languages of a report. Bytes that are not UTF-8 and control characters
 * become U+FFFD, in LaTeX '?'.
 */
#ifndef NB_SCORING_REPORT_ESCAPE_H
#define NB_SCORING_REPORT_ESCAPE_H

#include "common/base/memory.h"

/** Appends a text for HTML and SVG, in text and inside quoted attributes.
 * @param out appended to
 * @param text the text
 * @return NB_OK, or NB_ERR_LIMIT when memory is out or over the limit of `out` */
nb_status nb_escape_markup(nb_buffer *out, const char *text, nb_error *err);

/** The same for Markdown.
 * @param out appended to
 * @param text the text
 * @return as nb_escape_markup */
nb_status nb_escape_markdown(nb_buffer *out, const char *text, nb_error *err);

/** The same for LaTeX.
 * @param out appended to
 * @param text the text
 * @return as nb_escape_markup */
nb_status nb_escape_latex(nb_buffer *out, const char *text, nb_error *err);

/** The same for CSV: a quoted field when it needs quotes.
 * @param out appended to
 * @param text the text
 * @return as nb_escape_markup */
nb_status nb_escape_csv(nb_buffer *out, const char *text, nb_error *err);

/** Terminal columns of a text: wide characters take two, combining marks none.
 * @param text UTF-8
 * @return columns */
size_t nb_display_width(const char *text);

/** Appends the beginning of a text, with an ellipsis where something is missing.
 * @param out appended to
 * @param text the text; what is not UTF-8 becomes U+FFFD
 * @param width columns at most
 * @return as nb_escape_markup */
nb_status nb_shorten(nb_buffer *out, const char *text, size_t width, nb_error *err);

#endif
