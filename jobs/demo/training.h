/** @file
 * What a model of the demo world is trained on: pictures of nearly everything in it, with captions as varied as those
 * of the web: a word or two, a prompt, a whole description, a near synonym.
 *
 * The training set is wider than the ID classes, as CLIP's is: all colours with all shapes but the far ones that
 * NB_DEMO_SHAPES_TRAINED leaves out, one to three of them, and the patterns before NB_DEMO_KINDS_TRAINED. Its numbers
 * are drawn from streams of their own: no picture of a split is among them. */
#ifndef NB_DEMO_TRAINING_H
#define NB_DEMO_TRAINING_H

#include "common/base/log.h"
#include "jobs/demo/world.h"

/** A training picture.
 * @param seed of the training set
 * @param i its number, below 2^32
 * @return what it shows */
nb_demo_scene nb_demo_training_scene(uint64_t seed, uint64_t i);

/** Appends the caption of a training picture.
 * @param out appended to
 * @param scene what it shows
 * @param seed, i as for nb_demo_training_scene
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_demo_training_caption(nb_buffer *out, const nb_demo_scene *scene, uint64_t seed, uint64_t i,
                                   nb_error *err);

/** Which training pictures a shard holds: those from 0 to count - 1. */
typedef struct nb_demo_shard {
    uint64_t seed;
    size_t count, side; /**< pictures; pixels a side */
} nb_demo_shard;

/** Writes training pictures and their captions as a shard of the webdataset convention (000000.png, 000000.txt, ...).
 * The same arguments give the same bytes. Not collective.
 * @param path the file
 * @param shard which pictures
 * @param force replace a file that is there
 * @param log progress
 * @return NB_ERR_IO when it cannot be written; NB_ERR_LIMIT without memory; else as nb_output_begin. */
nb_status nb_demo_training_write(const char *path, const nb_demo_shard *shard, bool force, const nb_log *log,
                                 nb_error *err);

#endif
