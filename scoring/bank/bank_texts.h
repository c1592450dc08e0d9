/**
 * @file
 * The JSON texts of a bank (scoring/bank/bank.h has their keys), both ways; the writer's half and the reader's stand
 * side by side. Texts are freed by the caller. Reading refuses a missing, malformed or unknown key with NB_ERR_INPUT.
 */
#ifndef NB_SCORING_BANK_BANK_TEXTS_H
#define NB_SCORING_BANK_BANK_TEXTS_H

#include "scoring/bank/bank.h"

/** The text of a suggestion.
 * @param suggestion the suggestion
 * @param text freed by the caller; NULL after a failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_suggestion_text(const nb_bank_suggestion *suggestion, char **text, nb_error *err);

/** Reads it back.
 * @param out of no meaning after a failure
 * @param text the dataset "suggested"
 * @param old of a bank older than the final format, which has no tau
 * @return NB_OK or NB_ERR_INPUT */
nb_status nb_bank_suggestion_parse(nb_bank_suggestion *out, const char *text, bool old, nb_error *err);

/** The text of a threshold.
 * @param threshold the threshold
 * @param text freed by the caller; NULL after a failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_threshold_text(const nb_bank_threshold *threshold, char **text, nb_error *err);

/** Reads it back.
 * @param out {0} when it does not say what it should
 * @param text the dataset "calibration"
 * @return NB_OK or NB_ERR_INPUT */
nb_status nb_bank_threshold_parse(nb_bank_threshold *out, const char *text, nb_error *err);

/** What embedded the texts and the labels, as far as it is known; borrowed. */
typedef struct nb_bank_source {
    const char *checkpoint; /**< SHA-256 in hex, or NULL */
    const nb_strings *label_prompts, *text_prompts, *adjective_prompts;
} nb_bank_source;

/** The text of a source.
 * @param source the source
 * @param text freed by the caller; NULL after a failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_source_text(const nb_bank_source *source, char **text, nb_error *err);

/** Reads it back, into the bank's own members.
 * @param bank its checkpoint and prompts are set; closed by the caller, also after a failure
 * @param text the dataset "source"
 * @return NB_OK, NB_ERR_INPUT, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_source_parse(nb_bank *bank, const char *text, nb_error *err);

#endif
