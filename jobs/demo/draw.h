/** @file
 * Paints a scene: shapes are inside tests in their own coordinates, edges are smoothed by averaging 4 x 4 samples a
 * pixel. */
#ifndef NB_DEMO_DRAW_H
#define NB_DEMO_DRAW_H

#include "jobs/demo/world.h"

/** Paints a scene. The result depends on the scene alone.
 * @param scene what is painted
 * @param rgb [side, side, 3] filled, rows from the top
 * @param side pixels */
void nb_demo_draw(const nb_demo_scene *scene, uint8_t *rgb, size_t side);

#endif
