/** @file
 * The page of an index of banks. */
#ifndef NB_JOBS_PUBLISH_SITE_H
#define NB_JOBS_PUBLISH_SITE_H

#include "common/transfer/index.h"

/** Writes a page that shows and searches an index: one HTML file that loads nothing.
 * @param out appended to
 * @param index the index
 * @param base its address; NULL when the page lies beside it
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_site_render(nb_buffer *out, const nb_index *index, const nb_url *base, nb_error *err);

#endif
