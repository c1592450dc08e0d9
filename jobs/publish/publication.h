/* What is said about a bank where it is published: its card, its entry in an index, and the page made of an index. */
#ifndef NB_JOBS_PUBLICATION_H
#define NB_JOBS_PUBLICATION_H

#include "common/transfer/index.h"
#include "scoring/bank/bank.h"

/** Start from {0}; strings are borrowed and NULL where they are not known. */
typedef struct nb_publication {
    const nb_bank *bank;
    json_t *provenance; /**< owned: of the bank */
    json_t *metrics;    /**< owned: what `eval -o` wrote, or NULL */
    const char *name, *version, *file, *address, *corpus, *licence, *cite;
    const char *public_key; /**< of the signature */
    size_t bytes;
    nb_digest digest; /**< of the file */
} nb_publication;

/** Parses the bank's provenance and an evaluation. Not collective.
 * @param metrics what `eval -o` wrote; may be NULL
 * @return NB_OK; NB_ERR_INPUT when `metrics` is no evaluation; NB_ERR_LIMIT without memory */
nb_status nb_publication_read(nb_publication *p, const char *metrics, nb_error *err);

/** Frees what nb_publication_read made. Not collective. */
void nb_publication_free(nb_publication *p);

/** A figure of the evaluation's mean ("auroc", "fpr95_id_positive"). Not collective.
 * @return NaN without */
double nb_publication_mean(const nb_publication *p, const char *figure);

/** The SHA-256 of an input of the bank by its role ("texts", "model"). Not collective.
 * @return "" without; the publication owns it */
const char *nb_publication_input(const nb_publication *p, const char *role);

/** An option the bank was mined with, as text. Not collective.
 * @return "" without; the caller frees it; NULL without memory */
char *nb_publication_option(const nb_publication *p, const char *name);

/** Appends the card, in Markdown, all texts escaped. Not collective.
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_card_write(nb_buffer *out, const nb_publication *p, nb_error *err);

/** Makes the entry of the index (common/transfer/index.h), with up to 64 KiB of labels. Not collective.
 * @param out receives the entry; the caller owns it
 * @return NB_OK; NB_ERR_LIMIT without memory or for a text that is not UTF-8 */
nb_status nb_entry_make(json_t **out, const nb_publication *p, nb_error *err);

/** Appends a page that shows and searches an index: one HTML file that loads nothing. Not collective.
 * @param base the index's address, NULL when the page lies beside the index
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_site_render(nb_buffer *out, const nb_index *index, const nb_url *base, nb_error *err);

#endif
