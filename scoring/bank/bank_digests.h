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
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_digests_add(json_t *list, const char *name, const void *data, size_t bytes, nb_error *err);
/** The dataset "digests", freed by the caller.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_digests_text(const json_t *list, char **text, nb_error *err);

/** Reads it back: *list is a new reference, *all is checked against the list; "" where the text is of a bank older than
 * the final format, whose list need not be complete. NB_ERR_INPUT when it is malformed, NB_ERR_VERIFY when `all` does
 * not match.
 * @return NB_OK, as said above, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_digests_parse(json_t **list, nb_digest *all, const char *text, nb_error *err);
/** NB_ERR_VERIFY when the elements do not match their digest, or there is none and `must` is set.
 * @return NB_OK or as said above */
nb_status nb_bank_digests_check(const json_t *list, bool must, const char *name, const void *data, size_t bytes,
                                nb_error *err);

#endif
