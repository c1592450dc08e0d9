/** @file
 * `mine --visual`: wild images inverted into visual negatives beside the bank's texts. */
#ifndef NB_JOBS_MINE_MINE_VISUAL_H
#define NB_JOBS_MINE_MINE_VISUAL_H

#include "jobs/mine/mine_inputs.h"
#include "mining/select/select.h"
#include "mining/visual/wild_inversion.h"
#include "scoring/streams/stream.h"

/** The options. */
typedef struct nb_mine_visual_choice {
    int64_t count;      /**< kept at most; 0: none are made */
    int64_t groups;     /**< of the score */
    double theta;       /**< images that score below are inverted */
    const char *method; /**< "interneg" or "tins" */
} nb_mine_visual_choice;

/** Rows of a table whose settings have an nb_mine_visual_choice `visual`. */
#define NB_MINE_VISUAL_OPTIONS                                                                                         \
    OPT_INT("visual", visual.count, "N", "0", 0, 1e7,                                                                  \
            "visual negatives to keep: wild images inverted into the text space; needs --model"),                      \
        OPT_CHOICE("visual-method", visual.method, "METHOD", "interneg", "interneg|tins",                              \
                   "invert from random words by 80 templates, or from the bank's words and away from the prototypes"), \
        OPT_REAL("visual-theta", visual.theta, "THETA", NB_VISUAL_THETA, 0, 1,                                         \
                 "an image is inverted when its neglabel score (tins: its own) by the bank is below; tins: 0.3"),      \
        OPT_INT("visual-groups", visual.groups, "G", "5", 1, 1e9, "groups of negatives of that score")

/** What came of it. */
typedef struct nb_mine_visual {
    nb_visual visual; /**< the same on all ranks */
    nb_strings names; /**< [visual.count] of the images */
} nb_mine_visual;

/** Checks that there is what visual negatives need, if they are asked for. Not collective.
 * @param choice the options
 * @param from what the command line gives
 * @return NB_OK, or NB_ERR_USAGE naming what is missing */
nb_status nb_mine_visual_check(const nb_mine_visual_choice *choice, const nb_mine_sources *from, nb_error *err);

/** Makes visual negatives, if they are asked for. Collective, behind an agreement.
 * @param out       freed with nb_mine_visual_free, also after a failure
 * @param choice the options
 * @param inputs    what the bank was mined from
 * @param selection the mined bank; its lists are read on rank 0
 * @return NB_OK, NB_ERR_INPUT when the checkpoint embeds to another width, or an error of nb_visual_mine; the same on
 *         all ranks */
nb_status nb_mine_visual_make(nb_mine_visual *out, const nb_mine_visual_choice *choice, const nb_mine_inputs *inputs,
                              const nb_selection *selection, nb_error *err);

/** Takes {0}. Not collective.
 * @param visual emptied */
void nb_mine_visual_free(nb_mine_visual *visual);

#endif
