/**
 * @file
 * The report as one HTML page that needs nothing beside it: no scripts, no addresses, drawings and thumbnails inside.
 * Whatever comes from a file or a user is escaped.
 */
#ifndef NB_SCORING_REPORT_PAGE_H
#define NB_SCORING_REPORT_PAGE_H

#include "scoring/report/panels.h"

/** Labels and thumbnails shown at most. */
enum { NB_PAGE_CONFUSED = 8, NB_PAGE_THUMBNAILS = 40 };

/** What the page shows; all borrowed. */
typedef struct nb_page {
    const nb_report *report;
    const nb_evaluation *evaluation;
    const nb_panels *panels;
    const nb_confusion *confusion;
    const nb_strings *classes; /**< names of the classes; NULL: not known */
    const nb_bank *bank;       /**< NULL: none was given */
    const char *image_folder;  /**< image names are paths below it; NULL: as they are; thumbnails off when "" */
    const char *scoring;       /**< "score neglabel, temperature 0.01, ..."; may be NULL */
    const char *sweep_note;    /**< said under the drawings about the bank; may be NULL */
    const char *provenance;    /**< JSON */
    const char *made;          /**< when */
} nb_page;

/** Writes the page. Images that cannot be read are left out.
 * @param page what it shows
 * @param path the file
 * @param force replaces a file that is there
 * @param thumbnails becomes how many images are shown; may be NULL
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_file_write fails */
nb_status nb_page_write(const nb_page *page, const char *path, bool force, size_t *thumbnails, nb_error *err);

#endif
