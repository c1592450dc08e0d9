/**
 * @file
 * The parameters of scores by name, and where their values come from when nobody gives them: what the bank suggests
 * (its temperature and groups for the score it suggests; its seed and tau for every score that has them), else what was
 * published with the score. No function here is collective or keeps state.
 */
#ifndef NB_SCORING_PARAMETERS_H
#define NB_SCORING_PARAMETERS_H

#include "scoring/scores/score.h"

/** Fills in the values published with a score.
 * @param out the score with its parameters
 * @param rule the score
 * @return NB_OK, or NB_ERR_INTERNAL when the score's table is at odds with itself: a default that is no value, a block
 * or a list too large */
nb_status nb_score_published(nb_score_parameters *out, const nb_score_rule *rule, nb_error *err);

/** Fills in the values a score has unless somebody says otherwise.
 * @param out the score with its parameters
 * @param origin by the number of the parameter where its value comes from: "the bank", "published default" or "one
 * negative a group" (the published number of groups is more than the bank has negatives)
 * @param bank what it suggests comes first
 * @param rule the score
 * @return as nb_score_published */
nb_status nb_parameters_default(nb_score_parameters *out, const char *origin[NB_SCORE_PARAMETERS_MAX],
                                const nb_bank *bank, const nb_score_rule *rule, nb_error *err);

/** Whether a bank may suggest a value for parameters of a name.
 * @param name the name
 * @return true when it may */
bool nb_parameter_of_banks(const char *name);

/** The row of a score's parameter.
 * @param rule the score
 * @param name of the parameter
 * @return NULL when the score has none of that name */
const nb_option *nb_parameter_find(const nb_score_rule *rule, const char *name);

/** Sets one parameter from text.
 * @param parameters the score with its parameters
 * @param row one of parameters->rule
 * @param text the value
 * @return NB_OK, or NB_ERR_USAGE naming parameter and text when it is no such value or out of bounds */
nb_status nb_parameter_set(nb_score_parameters *parameters, const nb_option *row, const char *text, nb_error *err);

/** Appends the value of one parameter as nb_parameter_set takes it: "5", "sample", "none" for no seed, "on".
 * @param out appended to
 * @param parameters the score with its parameters
 * @param row one of parameters->rule
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_parameter_format(nb_buffer *out, const nb_score_parameters *parameters, const nb_option *row,
                              nb_error *err);

/** Sets parameters from text.
 * @param parameters the score with its parameters
 * @param text "name=value,name=value"
 * @return NB_OK, or NB_ERR_USAGE for a name that is none or that the score does not use, and for a bad value; what
 * stands before it is set */
nb_status nb_parameters_parse(nb_score_parameters *parameters, const char *text, nb_error *err);

/** The checkpoint a bank was made with: what its file says, else its record of inputs.
 * @param bank the bank
 * @param out becomes the digest of the checkpoint; "" unknown */
void nb_bank_checkpoint(const nb_bank *bank, nb_digest *out);

/** Compares the checkpoint that made a file with the bank's.
 * @param bank the bank
 * @param path the file, for the message
 * @param checkpoint its checkpoint; an unknown one ("") passes
 * @return NB_OK, or NB_ERR_INPUT naming both when they differ */
nb_status nb_bank_check_checkpoint(const nb_bank *bank, const char *path, const nb_digest *checkpoint, nb_error *err);

/** Whether the bank has a threshold and it was set for the score as a scorer computes it.
 * @param bank the bank
 * @param scorer the scorer
 * @return true when both hold */
bool nb_threshold_holds(const nb_bank *bank, const nb_scorer *scorer);

/** Whether an image is in-distribution by the bank's threshold.
 * @param bank with a threshold
 * @param result of the image
 * @return true when it is */
bool nb_threshold_accepts(const nb_bank *bank, const nb_score_result *result);

#endif
