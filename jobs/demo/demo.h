/* The demo world: a small, complete set of inputs for every command, made from nothing.
 *
 *   labels.txt                         the ID label set, one label a line
 *   id-train.txt id-test.txt ...       image lists, "path label" a line; paths count from the list's folder
 *   images/SPLIT/CLASS/NNN.png         the pictures, 64 x 64 (wild ones without CLASS)
 *   captions.tsv                       a header, then path and caption of every picture
 *   corpus/noun.demo.txt adj.demo.txt  candidate texts, tagged by file name
 *   model/                             a CLIP checkpoint with random weights in Hugging Face layout
 *   README.txt                         what all of it is; written last, so a folder without it is not complete */
#ifndef NB_DEMO_DEMO_H
#define NB_DEMO_DEMO_H

#include "common/base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Makes the world in `directory`, which is created with its parents. Every byte depends on the seed alone (and on the
 * versions of libpng, zlib and the C library's mathematics); the names of the files do not depend even on that.
 * NB_ERR_USAGE when the directory exists and is not empty, unless force: then files of the same names are overwritten
 * and others are left alone. Not collective: one rank calls it. */
nb_status nb_demo_make(const char *directory, uint64_t seed, bool force, const nb_log *log, nb_error *err);

#endif
