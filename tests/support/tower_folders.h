/* The tiny checkpoints of golden/towers, one a kind of tower, as folders that can be opened. A program that opens them
 * has support/tower_folders.c among its own files: its table of families stands in place of the product's. */
#ifndef NB_TESTS_TOWER_FOLDERS_H
#define NB_TESTS_TOWER_FOLDERS_H

#include "common/base/memory.h"

enum { TOWER_TEXTS = 24 };

extern const char *const tower_families[];
extern const size_t tower_family_count;

/* golden/towers/FAMILY/FILE */
const char *tower_golden(const char *family, const char *file);
/* A family's checkpoint in a fresh folder, with the vocabulary that all of them share. */
const char *tower_folder(const char *family);
/* The texts that are embedded, TOWER_TEXTS of them. */
void tower_texts(nb_strings *texts);

#endif
