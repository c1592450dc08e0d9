/**
 * @file
 * The charts of a report, each with a name for its file and a caption.
 */
#ifndef NB_SCORING_REPORT_PANELS_H
#define NB_SCORING_REPORT_PANELS_H

#include "scoring/report/confusion.h"
#include "scoring/report/drawing.h"
#include "scoring/report/evaluation.h"
#include "scoring/report/size_sweep.h"

/** Where a chart stands on the page. */
typedef enum nb_section { NB_SECTION_SCORES, NB_SECTION_CURVES, NB_SECTION_BANK, NB_SECTION_CLASSES } nb_section;

/** A chart. */
typedef struct nb_panel {
    nb_section section;
    char *file; /**< "roc": [a-z0-9-], without suffix */
    char *caption;
    nb_drawing drawing;
} nb_panel;

/** All charts. Start from {0}. */
typedef struct nb_panels {
    nb_panel *items;
    size_t count, cap;
} nb_panels;

/** Frees charts.
 * @param panels charts or {0} */
void nb_panels_free(nb_panels *panels);

/** Adds AUROC and FPR95 against bank size and groups. Sweeps of fewer than two values, and flat ones, give none.
 * @param out appended to
 * @param sizes, groups the sweeps
 * @param r the names of the sets
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_bank(nb_panels *out, const nb_sweep *sizes, const nb_sweep *groups, const nb_report *r,
                         nb_error *err);

/** Adds ID accuracy by class: all classes with images up to 40, else the 40 lowest.
 * @param out appended to
 * @param confusion from nb_confusion_find
 * @param names of the classes; may be NULL
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_classes(nb_panels *out, const nb_confusion *confusion, const nb_strings *names, nb_error *err);

/** Adds an empty chart.
 * @param out appended to
 * @param section where it stands
 * @param file a name, which is made a file name
 * @return the chart, valid until the next is added; NULL when memory is out */
nb_panel *nb_panels_add(nb_panels *out, nb_section section, const char *file, nb_error *err);

/** Sets a chart's caption.
 * @param panel the chart
 * @param format, ... as printf
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panel_caption(nb_panel *panel, nb_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** What a class is called.
 * @param names of the classes; may be NULL
 * @param label the class
 * @param buffer scratch that the result may lie in
 * @return its name, or "class 7" */
const char *nb_class_name(const nb_strings *names, size_t label, char buffer[32]);

/** Writes every chart to FOLDER/FILE.svg and FOLDER/FILE.png.
 * @param panels the charts
 * @param folder made unless it is there
 * @param force replaces files that are there
 * @return NB_OK, or as nb_make_directories, nb_drawing_svg, nb_file_write and nb_drawing_png fail */
nb_status nb_panels_write(const nb_panels *panels, const char *folder, bool force, nb_error *err);

#endif
