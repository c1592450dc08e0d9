/**
 * @file
 * The part of eval that reads what papers report, to stand beside our figures.
 */
#ifndef NB_JOBS_EVAL_EVAL_PUBLISHED_H
#define NB_JOBS_EVAL_EVAL_PUBLISHED_H

#include "scoring/report/report.h"

/** Puts published figures into a report. Not collective.
 * @param report begun
 * @param words of --published: "NAME:FIGURE=X,FIGURE=X", X in percent
 * @param from where they stand; borrowed by the report; may be NULL
 * @return NB_OK; NB_ERR_USAGE for a word that is not of this form, names no line of the report or no figure, is no
 * number from 0 to 100 or says a figure again; NB_ERR_LIMIT when memory is out */
nb_status nb_eval_published_read(nb_report *report, const nb_strings *words, const char *from, nb_error *err);

#endif
