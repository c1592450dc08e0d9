/**
 * @file
 * The images that `score` scores: rows of stores, one behind the other, or images embedded on the way.
 */
#ifndef NB_JOBS_SCORE_SCORE_IMAGES_H
#define NB_JOBS_SCORE_SCORE_IMAGES_H

#include "jobs/job.h"
#include "mining/corpus/text/class_numbers.h"
#include "mining/embed/embed.h"
#include "mining/embed/shared_model.h"
#include "mining/images/image_inputs.h"
#include "scoring/bank/bank.h"

/** What the command line says; borrowed. */
typedef struct nb_score_sources {
    nb_strings stores, inputs;
    const char *model, *labels_from, *precision;
    bool allow_mismatch; /**< images of another checkpoint than the bank's are a warning, not an error */
    const char *output;  /**< what comes through a pipe is kept beside it, or for "-" in $TMPDIR, until all is scored */
} nb_score_sources;

/** The images, opened. Owns everything in it. */
typedef struct nb_score_images {
    size_t count, d;
    size_t tile; /**< images of a tile, the unit that ranks share: its rows must be asked for as a whole */
    nb_strings names;
    int32_t *labels; /**< [count], -1 unknown */
    nb_store *stores;
    size_t *begin; /**< [store_count + 1] */
    size_t store_count;
    char *spool;     /**< see nb_image_sources */
    bool own_folder; /**< spool lies in a folder that was made for it */
    nb_image_sources sources;
    nb_image_inputs inputs;
    nb_model model;
    nb_image_embedder embedder;
} nb_score_images;

/** Opens what the sources name for scoring with a bank. Collective.
 * @param out closed by nb_score_images_close, also after a failure
 * @param job its log, communicator and engine
 * @param sources what the command line says
 * @param bank the images are scored with; not kept
 * @return NB_OK, NB_ERR_USAGE unless it is either stores or a model with inputs, NB_ERR_INPUT when widths differ or the
 * bank and the images come from checkpoints that are both known and differ, or as opening stores, checkpoint and images
 * fails; the same on all ranks */
nb_status nb_score_images_open(nb_score_images *out, nb_job *job, const nb_score_sources *sources, const nb_bank *bank,
                               nb_error *err);

/** Closes the images. Collective.
 * @param images {0} afterwards; takes {0} */
void nb_score_images_close(nb_score_images *images);

/** Compares the checkpoint that made a file with the bank's. Not collective.
 * @param job its log takes the warning
 * @param bank the bank
 * @param path the file, for the message
 * @param checkpoint that made it; an unknown one ("") passes
 * @param allow another one is a warning, not an error
 * @return NB_OK, or NB_ERR_INPUT for another checkpoint */
nb_status nb_score_check_checkpoint(const nb_job *job, const nb_bank *bank, const char *path,
                                    const nb_digest *checkpoint, bool allow, nb_error *err);

/** Compares the engine that embeds images with that of the bank's texts (nb_engines_clash). Not collective.
 * @param job its log takes the warning
 * @param bank the bank
 * @param path the store or the checkpoint, for the message
 * @param engine as provenance has it; an unknown one ("") passes
 * @param allow another precision is a warning, not an error
 * @return NB_OK, or NB_ERR_INPUT where int8 meets another precision */
nb_status nb_score_check_engine(const nb_job *job, const nb_bank *bank, const char *path, const char *engine,
                                bool allow, nb_error *err);

/** The same of the checkpoint and the engine that made a store, which must be as wide as the bank too. Not collective.
 * @param job its log takes the warning
 * @param bank the bank
 * @param store open
 * @param allow another checkpoint is a warning, not an error; another width is never allowed
 * @return NB_OK or NB_ERR_INPUT */
nb_status nb_score_check_store(const nb_job *job, const nb_bank *bank, const nb_store *store, bool allow,
                               nb_error *err);

/** Gives the images of a store the class numbers of the bank, by the names of their classes. Not collective.
 * @param job its log takes the warning
 * @param bank the bank
 * @param store open; its labels are replaced
 * @param strangers what becomes of a class that is no label of the bank
 * @return as nb_class_numbers_match */
nb_status nb_score_match_store(const nb_job *job, const nb_bank *bank, nb_store *store, nb_class_strangers strangers,
                               nb_error *err);

/** Reads or embeds rows of one tile, normalised. For stores any rows will do. Not collective.
 * @param images open
 * @param begin first row
 * @param count rows; those of embedded images lie in one tile
 * @param out [count, d] filled
 * @return NB_OK, or as nb_image_rows or nb_image_embedder_tile and nb_score_normalise fail */
nb_status nb_score_images_rows(nb_score_images *images, size_t begin, size_t count, float *out, nb_error *err);

#endif
