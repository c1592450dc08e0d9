/**
 * @file
 * Names from anywhere, made harmless for the languages of a report. Bytes that are not UTF-8 and control characters
 * become U+FFFD, in LaTeX '?'.
 */
#ifndef NB_SCORING_REPORT_ESCAPE_H
#define NB_SCORING_REPORT_ESCAPE_H

#include "common/base/memory.h"

/** For HTML and SVG, in text and inside quoted attributes.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_escape_markup(nb_buffer *out, const char *text, nb_error *err);
/** For Markdown, in a cell of a table.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_escape_markdown(nb_buffer *out, const char *text, nb_error *err);
/** For LaTeX, in text.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_escape_latex(nb_buffer *out, const char *text, nb_error *err);
/** A quoted field when it needs quotes.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_escape_csv(nb_buffer *out, const char *text, nb_error *err);

/** Terminal columns of a text: wide characters take two, combining marks none. */
size_t nb_display_width(const char *text);
/** The beginning of a text that is no wider than `width` columns, with an ellipsis where something is missing.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_shorten(nb_buffer *out, const char *text, size_t width, nb_error *err);

#endif
