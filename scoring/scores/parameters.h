/* The parameters of scores by name, and where their values come from when nobody gives them: what the bank suggests
 * (for the score it suggests; its seed and tau for all), else what was published with the score. */
#ifndef NB_SCORING_PARAMETERS_H
#define NB_SCORING_PARAMETERS_H

#include "scoring/scores/score.h"

typedef enum nb_parameter_kind {
    NB_PARAMETER_REAL,  /* double */
    NB_PARAMETER_COUNT, /* size_t */
    NB_PARAMETER_SEED,  /* uint64_t and `seeded` */
    NB_PARAMETER_WORD,  /* an enum, numbered as `words` */
    NB_PARAMETER_FLAG   /* bool */
} nb_parameter_kind;

typedef struct nb_parameter {
    const char *name;
    unsigned uses; /* the bit of nb_score_rule.uses that stands for it */
    nb_parameter_kind kind;
    size_t offset;     /* in nb_score_settings */
    double min, max;   /* of reals and counts */
    const char *words; /* "a|b|c" */
} nb_parameter;

enum { NB_PARAMETER_TOTAL = 14 };
extern const nb_parameter nb_parameters[NB_PARAMETER_TOTAL];

/* The values a score has unless somebody says otherwise, and where each comes from: "the bank", "published default" or
 * "one negative a group" (the published number of groups is more than the bank has negatives). */
void nb_parameters_default(nb_score_settings *out, const char *origin[NB_PARAMETER_TOTAL], const nb_bank *bank,
                           const nb_score_rule *rule);

/* Sets one parameter from text. NB_ERR_USAGE naming it and the value when it is no such value. */
nb_status nb_parameter_set(nb_score_settings *settings, const nb_parameter *parameter, const char *value,
                           nb_error *err);
/* Appends the value as nb_parameter_set takes it: "5", "sample", "none" for no seed, "on". */
nb_status nb_parameter_format(nb_buffer *out, const nb_score_settings *settings, const nb_parameter *parameter,
                              nb_error *err);
/* Sets parameters from "name=value,name=value". NB_ERR_USAGE for a name that is none, or one the rule does not use. */
nb_status nb_parameters_parse(nb_score_settings *settings, const nb_score_rule *rule, const char *text, nb_error *err);

/* The checkpoint a bank was made with: what its file says, else its record of inputs; "" unknown. */
void nb_bank_checkpoint(const nb_bank *bank, nb_digest *out);
/* NB_ERR_INPUT naming both when `path` is of another checkpoint than the bank; an unknown one ("") passes. */
nb_status nb_bank_check_checkpoint(const nb_bank *bank, const char *path, const nb_digest *checkpoint, nb_error *err);

/* True when the bank has a threshold and it was set for the score as this scorer computes it. */
bool nb_threshold_holds(const nb_bank *bank, const nb_scorer *scorer);
/* True when an image of this result is in-distribution by the bank's threshold. */
bool nb_threshold_accepts(const nb_bank *bank, const nb_score_result *result);

#endif
