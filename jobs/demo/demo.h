// clang-format off
/** @file
 * The demo world: a small, complete set of inputs for every command, made from nothing.
 *
 *   labels.txt                         the ID label set, one label a line
 *   id-train.txt id-test.txt ...       image lists, "path label" a line; paths count from the list's folder
 *   images/SPLIT/CLASS/NNN.png         the pictures, 64 x 64 (wild ones without CLASS)
 *   captions.tsv                       a header, then path and caption of every picture
 *   train.tar                          on request: training pictures with captions (training.h), 48 x 48
 *   corpus/noun.demo.txt adj.demo.txt  candidate texts, tagged by file name
 *   model/                             a CLIP checkpoint in Hugging Face layout, trained on such pictures, or with
 *                                      random weights
 *   README.txt                         what all of it is; written last, so a folder without it is not complete */
// clang-format on
#ifndef NB_DEMO_DEMO_H
#define NB_DEMO_DEMO_H

#include "common/base/log.h"

#include <stdbool.h>
#include <stdint.h>

/** What is made. */
typedef struct nb_demo_plan {
    uint64_t seed;
    size_t scale;        /**< pictures of every split, in times the usual number; at least 1 */
    size_t training;     /**< pictures in train.tar; 0: there is none */
    bool random_weights; /**< model/ knows nothing */
    bool force;          /**< files of the same names are overwritten, others are left alone */
} nb_demo_plan;

/** Makes the world in a directory, which is created with its parents. Every byte depends on the plan alone (and on the
 * versions of libpng, zlib and the C library's mathematics); the names of the files do not depend on the seed.
 * Not collective: one rank calls it.
 * @param directory where
 * @param plan what is made
 * @param log progress
 * @return NB_OK; NB_ERR_USAGE when the directory exists and is not empty, unless force; NB_ERR_IO when it cannot be
 * written; NB_ERR_LIMIT without memory. */
nb_status nb_demo_make(const char *directory, const nb_demo_plan *plan, const nb_log *log, nb_error *err);

#endif
