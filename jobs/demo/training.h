/* What a model of the demo world is trained on: pictures of nearly everything in it, with captions as varied as those
 * of the web: a word or two, a prompt, a whole description, a near synonym.
 *
 * The training set is wider than the ID classes, as CLIP's is: all colours with all shapes but the far ones that
 * NB_DEMO_SHAPES_TRAINED leaves out, one to three of them, and the patterns before NB_DEMO_KINDS_TRAINED. Its numbers
 * are drawn from streams of their own: no picture of a split is among them. */
#ifndef NB_DEMO_TRAINING_H
#define NB_DEMO_TRAINING_H

#include "common/base/log.h"
#include "jobs/demo/world.h"

/** Training picture i < 2^32. */
nb_demo_scene nb_demo_training_scene(uint64_t seed, uint64_t i);

/** Appends the caption of training picture i, which shows this scene.
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_demo_training_caption(nb_buffer *out, const nb_demo_scene *scene, uint64_t seed, uint64_t i,
                                   nb_error *err);

/** Which training pictures go into a shard. */
typedef struct nb_demo_training {
    uint64_t seed; /**< of the pictures and their captions */
    size_t count;  /**< how many */
    size_t side;   /**< pixels of a side */
    bool force;    /**< overwrite the shard */
} nb_demo_training;

/** Writes training pictures and their captions as a shard of the webdataset convention (000000.png, 000000.txt, ...).
 * The same arguments give the same bytes. Not collective.
 * @param path the shard, a tar
 * @return NB_OK; NB_ERR_USAGE when it exists and is not to be overwritten; NB_ERR_IO when it cannot be written;
 *         NB_ERR_LIMIT without memory */
nb_status nb_demo_training_write(const char *path, const nb_demo_training *shard, const nb_log *log, nb_error *err);

#endif
