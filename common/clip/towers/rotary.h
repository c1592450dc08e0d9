/** @file
 * Rotary positions of an image tower, as the timm library lays them out for EVA-02 (Fang et al.: EVA-02, 2023): a head
 * is cut into pairs of numbers; the first half of the pairs is turned by the patch's row times a frequency, the second
 * half by its column times the same, or the two exchanged. Frequency i of n is 10000^(-i / n). Rows and columns are
 * counted from 0, or 1, and stretched to the grid that the positions were made for. The class token is not turned.
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOWERS_ROTARY_H
#define NB_COMMON_CLIP_TOWERS_ROTARY_H

#include "common/clip/checkpoint/config.h"

/** Cosines and sines of one sequence. */
typedef struct nb_rotary {
    float *cosines, *sines; /**< [rows, pairs] */
    size_t rows, pairs;     /**< rows of a sequence; half the numbers of a head */
} nb_rotary;

/** Computes them.
 * @param[out] out freed by nb_rotary_destroy; {0} on failure and where the tower has none
 * @param config its rotary and the two behind it, width, heads (a head is a multiple of 4 numbers) and class token are
 * read
 * @param rows of a sequence: a square of patches and, where the tower has one, the class token before them
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_rotary_create(nb_rotary *out, const nb_tower_config *config, size_t rows, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param rotary as nb_rotary_create left it, or {0} */
void nb_rotary_destroy(nb_rotary *rotary);

#endif
