/* The tiny checkpoints of golden/towers, one a kind of tower, as folders that can be opened. A program that opens them
 * has support/tower_folders.c among its own files: its table of families stands in place of the product's. */
#ifndef NB_TESTS_TOWER_FOLDERS_H
#define NB_TESTS_TOWER_FOLDERS_H

#include "common/base/memory.h"

#include <stddef.h>

enum { TOWER_TEXTS = 24 };

extern const char *const tower_families[];
extern const size_t tower_family_count;

/* Those of image towers with convolutions (bench/convolutions.py). */
extern const char *const convolution_families[];
extern const size_t convolution_family_count;
enum { CONVOLUTION_IMAGES = 3 };

/* The images of a side that they are embedded of, [CONVOLUTION_IMAGES, 3, side, side], freed by the caller. */
float *convolution_pixels(size_t side);

/* golden/towers/FAMILY/FILE */
const char *tower_golden(const char *family, const char *file);
/* A family's checkpoint in a fresh folder, with the vocabulary that all of them share. */
const char *tower_folder(const char *family);
/* The texts that are embedded, TOWER_TEXTS of them. */
void tower_texts(nb_strings *texts);

#endif
