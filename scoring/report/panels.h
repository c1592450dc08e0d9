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

typedef enum nb_section { NB_SECTION_SCORES, NB_SECTION_CURVES, NB_SECTION_BANK, NB_SECTION_CLASSES } nb_section;

typedef struct nb_panel {
    nb_section section;
    char *file; /**< "roc": [a-z0-9-], without suffix */
    char *caption;
    nb_drawing drawing;
} nb_panel;

/** Start from {0}. */
typedef struct nb_panels {
    nb_panel *items;
    size_t count, cap;
} nb_panels;

/** Frees all panels; takes {0}. */
void nb_panels_free(nb_panels *panels);

/** A histogram of the ID images' keys beside each OOD set's.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_scores(nb_panels *out, const nb_evaluation *e, const nb_report *r, nb_error *err);
/** ROC and both precision-recall curves.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_curves(nb_panels *out, const nb_evaluation *e, const nb_report *r, nb_error *err);
/** AUROC and FPR95 against bank size and groups. Sweeps of fewer than two values, and flat ones, give none.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_bank(nb_panels *out, const nb_sweep *sizes, const nb_sweep *groups, const nb_report *r,
                         nb_error *err);
/** ID accuracy by class: all classes with images up to 40, else the 40 lowest. names may be NULL.
 * @param names [classes] of the ID classes
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panels_classes(nb_panels *out, const nb_confusion *confusion, const nb_strings *names, nb_error *err);

/** Room for one more; NULL without memory. The name is made a file name.
 * @param file copied */
nb_panel *nb_panels_add(nb_panels *out, nb_section section, const char *file, nb_error *err);
/** Sets the caption of a panel.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_panel_caption(nb_panel *panel, nb_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** "class 7", or its name.
 * @param names NULL: no names are known
 * @param buffer scratch that the result may lie in */
const char *nb_class_name(const nb_strings *names, size_t label, char buffer[32]);

/** Writes every panel to FOLDER/FILE.svg and FOLDER/FILE.png; makes the folder.
 * @return NB_OK, NB_ERR_IO when the folder cannot be made, NB_ERR_LIMIT when memory is out, or as nb_file_write fails
 */
nb_status nb_panels_write(const nb_panels *panels, const char *folder, bool force, nb_error *err);

#endif
