/* What tests of towers do alike: embed in batches, and compare with golden embeddings. */
#ifndef NB_TESTS_TOWER_CHECKS_H
#define NB_TESTS_TOWER_CHECKS_H

#include "common/clip/model/model.h"

/* [count] numbers of a .npy file, freed by the caller. */
float *tower_numbers(const char *path, size_t count);
/* Golden tolerances (golden/README.md) where `exact`, in fp32; else a cosine of 0.999, for bf16. */
void tower_compare(const char *what, const float *got, const float *want, size_t rows, size_t d, bool exact);
/* All texts, `batch` at a time; out: [texts, projection]. */
void tower_embed_texts(const nb_clip *m, const nb_strings *texts, size_t batch, float *out);
/* Images [count, 3, side, side] by an encoder of that batch; out: [count, projection]. */
void tower_embed_images(const nb_clip *m, const float *pixels, size_t count, size_t batch, float *out);

#endif
