/**
 * @file
 * A report as a table: on the screen, in Markdown, LaTeX and CSV.
 */
#ifndef NB_SCORING_REPORT_TABLES_H
#define NB_SCORING_REPORT_TABLES_H

#include "scoring/report/report.h"

#include <stdio.h>

/** Prints a table of percentages: a row per line, the ID accuracy ("unknown" without labels); then, where there are
 * any, the deviations over the runs, the intervals, what is published and what leaks. Columns align by displayed width.
 * @param report settled
 * @param out where to
 * @return NB_OK; NB_ERR_IO when it cannot be written; NB_ERR_LIMIT when memory is out */
nb_status nb_report_table(const nb_report *report, FILE *out, nb_error *err);

/** Writes the table in percent as Markdown.
 * @param report settled
 * @param path the file
 * @param force replaces a file that is there
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
nb_status nb_report_markdown(const nb_report *report, const char *path, bool force, nb_error *err);

/** The same as LaTeX, which wants \\usepackage{booktabs}.
 * @param report settled
 * @param path the file
 * @param force replaces a file that is there
 * @return as nb_report_markdown */
nb_status nb_report_latex(const nb_report *report, const char *path, bool force, nb_error *err);

/** One number a row, fractions with 17 digits: kind,name,group,metric,value,deviation,low,high,id_images,ood_images.
 * @param report settled
 * @param path the file
 * @param force replaces a file that is there
 * @return as nb_report_markdown */
nb_status nb_report_csv(const nb_report *report, const char *path, bool force, nb_error *err);

#endif
