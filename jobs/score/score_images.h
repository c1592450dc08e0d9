/**
 * @file
 * The images that `score` scores: rows of stores, one behind the other, or images embedded on the way.
 */
#ifndef NB_JOBS_SCORE_SCORE_IMAGES_H
#define NB_JOBS_SCORE_SCORE_IMAGES_H

#include "jobs/job.h"
#include "mining/embed/embed.h"
#include "mining/embed/shared_model.h"
#include "mining/images/image_inputs.h"
#include "scoring/bank/bank.h"

/** What the command line says; borrowed. */
typedef struct nb_score_sources {
    nb_strings stores, inputs;
    const char *model, *labels_from, *precision;
    bool allow_mismatch; /**< images of another checkpoint than the bank's are a warning, not an error */
} nb_score_sources;

typedef struct nb_score_images {
    size_t count, d;
    size_t tile; /**< images of a tile, the unit that ranks share: its rows must be asked for as a whole */
    nb_strings names;
    int32_t *labels; /**< [count], -1 unknown */
    nb_store *stores;
    size_t *begin; /**< [store_count + 1] */
    size_t store_count;
    nb_image_inputs inputs;
    nb_model model;
    nb_image_embedder embedder;
} nb_score_images;

/** Collective. Opens what the sources name for scoring with this bank. NB_ERR_USAGE unless it is either stores or a
 * model with inputs; NB_ERR_INPUT when widths differ, or the bank and the images come from checkpoints that are both
 * known and differ. Close it also after a failure.
 * @return NB_OK, as said above, or as opening stores, checkpoint and images fails; the same on all ranks */
nb_status nb_score_images_open(nb_score_images *out, nb_job *job, const nb_score_sources *sources, const nb_bank *bank,
                               nb_error *err);
/** Collective. */
void nb_score_images_close(nb_score_images *images);

/** NB_ERR_INPUT when `path` is of another checkpoint than the bank; a warning where that is allowed.
 * @return NB_OK or as said above. Not collective. */
nb_status nb_score_check_checkpoint(const nb_job *job, const nb_bank *bank, const char *path,
                                    const nb_digest *checkpoint, bool allow, nb_error *err);

/** The same of the checkpoint that made a store, which must be as wide as the bank too.
 * @return NB_OK or NB_ERR_INPUT. Not collective. */
nb_status nb_score_check_store(const nb_job *job, const nb_bank *bank, const nb_store *store, bool allow,
                               nb_error *err);

/** Rows [begin, begin + count) of one tile, normalised, into out [count, d]. For stores any rows will do.
 * @return NB_OK, or as reading or embedding fails. Not collective. */
nb_status nb_score_images_rows(nb_score_images *images, size_t begin, size_t count, float *out, nb_error *err);

#endif
