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

/* Training picture i < 2^32. */
nb_demo_scene nb_demo_training_scene(uint64_t seed, uint64_t i);

/* Appends the caption of training picture i, which shows this scene. */
nb_status nb_demo_training_caption(nb_buffer *out, const nb_demo_scene *scene, uint64_t seed, uint64_t i,
                                   nb_error *err);

/* Writes `count` training pictures, side x side, and their captions as a shard of the webdataset convention
 * (000000.png, 000000.txt, ...). The same arguments give the same bytes. Errors as nb_output_begin's. */
nb_status nb_demo_training_write(const char *path, uint64_t seed, size_t count, size_t side, bool force,
                                 const nb_log *log, nb_error *err);

#endif
