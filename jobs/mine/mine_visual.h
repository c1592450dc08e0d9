/* `mine --visual`: wild images inverted into visual negatives beside the bank's texts. */
#ifndef NB_JOBS_MINE_MINE_VISUAL_H
#define NB_JOBS_MINE_MINE_VISUAL_H

#include "jobs/job.h"
#include "mining/select/select.h"
#include "mining/visual/wild_inversion.h"

typedef struct nb_mine_visual_choice {
    int64_t count, groups;
    double theta;
} nb_mine_visual_choice;

/* `set` has an nb_mine_visual_choice `visual`. */
#define NB_MINE_VISUAL_OPTIONS(set)                                                                                    \
    {.name = "visual",                                                                                                 \
     .type = NB_OPTION_INT,                                                                                            \
     .offset = offsetof(set, visual.count),                                                                            \
     .fallback = "0",                                                                                                  \
     .value = "N",                                                                                                     \
     .max = 1e7,                                                                                                       \
     .help = "visual negatives to keep: wild images inverted into the text space; needs --model"},                     \
        {.name = "visual-theta",                                                                                       \
         .type = NB_OPTION_REAL,                                                                                       \
         .offset = offsetof(set, visual.theta),                                                                        \
         .fallback = "0.35",                                                                                           \
         .value = "THETA",                                                                                             \
         .max = 1,                                                                                                     \
         .help = "an image is inverted when its neglabel score by the bank is below"},                                 \
    {                                                                                                                  \
        .name = "visual-groups", .type = NB_OPTION_INT, .offset = offsetof(set, visual.groups), .fallback = "5",       \
        .value = "G", .min = 1, .max = 1e9, .help = "groups of negatives of that score"                                \
    }

/* What came of it. names [visual.count]: the images. */
typedef struct nb_mine_visual {
    nb_visual visual;
    nb_strings names;
} nb_mine_visual;

/* NB_ERR_USAGE when visual negatives are asked for without what they need; each may be NULL. */
nb_status nb_mine_visual_check(const nb_mine_visual_choice *choice, const char *model, const char *id_images,
                               const char *wild_images, nb_error *err);

/* Collective, behind an agreement. Nothing, where none are asked for. The selection's lists are read on rank 0. */
nb_status nb_mine_visual_make(nb_mine_visual *out, nb_job *job, const nb_mine_visual_choice *choice, const char *model,
                              const nb_evidence *evidence, const nb_selection *selection, nb_error *err);
/* Takes {0}. */
void nb_mine_visual_free(nb_mine_visual *visual);

#endif
