/** @file
 * What is said about a bank where it is published: its card, its entry in an index, and the page made of an index. */
#ifndef NB_JOBS_PUBLICATION_H
#define NB_JOBS_PUBLICATION_H

#include "common/transfer/index.h"
#include "scoring/bank/bank.h"

/** A bank to be published. Start from {0}; strings are borrowed and NULL where they are not known. */
typedef struct nb_publication {
    const nb_bank *bank;
    json_t *provenance; /**< owned: of the bank */
    json_t *metrics;    /**< owned: what `eval -o` wrote, or NULL */
    const char *name, *version, *file, *address, *corpus, *licence, *cite;
    const char *public_key; /**< of the signature */
    size_t bytes;
    nb_digest digest; /**< of the file */
} nb_publication;

/** Parses the bank's provenance and an evaluation.
 * @param p its bank is set; provenance and metrics are filled in, freed by the caller with nb_publication_free
 * @param metrics a file that `eval -o` wrote; NULL: none
 * @return NB_OK; NB_ERR_INPUT when it is no evaluation; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory.
 */
nb_status nb_publication_read(nb_publication *p, const char *metrics, nb_error *err);

/** Frees what was parsed.
 * @param p from nb_publication_read, or {0} */
void nb_publication_free(nb_publication *p);

/** A figure of the evaluation's mean.
 * @param p the bank
 * @param figure "auroc", "fpr95_id_positive"
 * @return its value, NaN without */
double nb_publication_mean(const nb_publication *p, const char *figure);

/** The SHA-256 of an input of the bank.
 * @param p the bank
 * @param role "texts", "model"
 * @return in hexadecimal, "" without */
const char *nb_publication_input(const nb_publication *p, const char *role);

/** An option the bank was mined with.
 * @param p the bank
 * @param name of the option
 * @return its value as text, "" without, NULL without memory; freed by the caller */
char *nb_publication_option(const nb_publication *p, const char *name);

/** Makes the entry of the index (common/transfer/index.h); labels up to 64 KiB of them.
 * @param out becomes the entry, which the caller owns
 * @param p the bank
 * @return NB_OK, or NB_ERR_LIMIT without memory or for a text that is not UTF-8. */
nb_status nb_entry_make(json_t **out, const nb_publication *p, nb_error *err);

#endif
