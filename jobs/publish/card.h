/** @file
 * The card of a bank that is published. */
#ifndef NB_JOBS_PUBLISH_CARD_H
#define NB_JOBS_PUBLISH_CARD_H

#include "jobs/publish/publication.h"

/** Writes the card, in Markdown. All texts are escaped.
 * @param out appended to
 * @param p the bank
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_card_write(nb_buffer *out, const nb_publication *p, nb_error *err);

#endif
