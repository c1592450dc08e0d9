/**
 * @file
 * The digests a bank holds of its datasets: the part of the format (scoring/bank/bank.h) that writer and reader share.
 * A list is a JSON object, dataset name to SHA-256 in hex.
 */
#ifndef NB_SCORING_BANK_BANK_DIGESTS_H
#define NB_SCORING_BANK_BANK_DIGESTS_H

#include "common/base/digest.h"

#include <jansson.h>
#include <stdbool.h>

/** Notes the digest of a dataset's elements.
 * @param list added to
 * @param name the dataset's
 * @param data [bytes] the elements as stored, before packing
 * @param bytes of them all
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_digests_add(json_t *list, const char *name, const void *data, size_t bytes, nb_error *err);

/** Makes the dataset "digests".
 * @param list of all datasets
 * @param text freed by the caller; NULL after a failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_digests_text(const json_t *list, char **text, nb_error *err);

/** Reads it back.
 * @param list a new reference, the caller's; NULL after a failure
 * @param all the digest over the list, checked; "" where the text is of a bank older than the final format, whose list
 * need not be complete
 * @param text the dataset
 * @return NB_OK, NB_ERR_INPUT when it is malformed, NB_ERR_VERIFY when `all` does not match, or NB_ERR_LIMIT when
 * memory is out */
nb_status nb_bank_digests_parse(json_t **list, nb_digest *all, const char *text, nb_error *err);

/** Compares a dataset's elements with their digest.
 * @param list of the bank
 * @param must a digest must be there
 * @param name the dataset's
 * @param data [bytes] the elements as stored, after unpacking
 * @param bytes of them all
 * @return NB_OK, or NB_ERR_VERIFY when they do not match, or there is no digest and `must` is set */
nb_status nb_bank_digests_check(const json_t *list, bool must, const char *name, const void *data, size_t bytes,
                                nb_error *err);

#endif
