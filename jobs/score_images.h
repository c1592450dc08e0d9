/* The images that `score` scores: rows of stores, one behind the other, or images embedded on the way. */
#ifndef NB_JOBS_SCORE_IMAGES_H
#define NB_JOBS_SCORE_IMAGES_H

#include "jobs/job.h"
#include "mining/embed.h"
#include "mining/images/inputs.h"
#include "mining/model.h"
#include "scoring/bank.h"

/* What the command line says; borrowed. */
typedef struct nb_score_sources {
    nb_strings stores, inputs;
    const char *model, *labels_from, *precision;
    bool allow_mismatch; /* images of another checkpoint than the bank's are a warning, not an error */
} nb_score_sources;

typedef struct nb_score_images {
    size_t count, d;
    size_t tile; /* images of a tile, the unit that ranks share: its rows must be asked for as a whole */
    nb_strings names;
    int32_t *labels; /* [count], -1 unknown */
    nb_store *stores;
    size_t *begin; /* [store_count + 1] */
    size_t store_count;
    nb_image_inputs inputs;
    nb_model model;
    nb_image_embedder embedder;
} nb_score_images;

/* Collective. Opens what the sources name for scoring with this bank. NB_ERR_USAGE unless it is either stores or a
 * model with inputs; NB_ERR_INPUT when widths differ, or the bank and the images come from checkpoints that are both
 * known and differ. Close it also after a failure. */
nb_status nb_score_images_open(nb_score_images *out, nb_job *job, const nb_score_sources *sources, const nb_bank *bank,
                               nb_error *err);
/* Collective. */
void nb_score_images_close(nb_score_images *images);

/* Rows [begin, begin + count) of one tile, normalised, into out [count, d]. For stores any rows will do. */
nb_status nb_score_images_rows(nb_score_images *images, size_t begin, size_t count, float *out, nb_error *err);

/* A stream order from a file: row numbers, counted from 0, when every line is one (or an .npy vector of integers), else
 * image names. order [names->count], freed by the caller, lists every image exactly once: NB_ERR_INPUT naming file and
 * line for an unknown name or number, one that comes twice, a name that several images have; and when images are left
 * out. */
nb_status nb_score_order_read(size_t **order, const char *path, const nb_strings *names, nb_error *err);

#endif
