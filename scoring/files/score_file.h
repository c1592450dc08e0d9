/* clang-format off */
/**
 * @file
 * Score files: what `score` writes and `eval` reads. Text; lines end in LF, CRLF is read too, and a line has at most
 * NB_SCORE_LINE_MAX bytes.
 * @verbatim
 *   # any number of comment lines: provenance
 *   image <tab> label <tab> class <tab> score <tab> ood_score <tab> class_name <tab> decision
 *   cats/1.jpg <tab> 3 <tab> 3 <tab> 0.998 <tab> 0.00199999 <tab> Abyssinian <tab> in
 *
 *   image        the image's name; backslash, tab, line feed and carriage return are written \\ \t \n \r, any other
 *                byte but NUL stands for itself, so that every file name survives
 *   label        the true ID class, -1 unknown or OOD
 *   class        the predicted ID class, -1 where none was predicted
 *   score        %.9g, finite; higher means more in-distribution
 *   ood_score    %.9g, of a probability 1 - score without cancellation; of a log-odd 1 / (1 + exp score), and then a
 *                comment line "# values log-odds" says so; nan in all rows where the score is neither
 *   class_name   the name of `class`; where names are known, for people and scripts, not read
 *   decision     in or out by a threshold; where one is known, for people and scripts, not read
 * @endverbatim
 * Columns are found by the names in the header line, in any order; further columns are ignored. After the header line a
 * '#' begins an image name like any other byte.
 */
/* clang-format on */
#ifndef NB_SCORING_FILES_SCORE_FILE_H
#define NB_SCORING_FILES_SCORE_FILE_H

#include "common/base/memory.h"

enum { NB_SCORE_LINE_MAX = 1 << 20 }; /* bytes of one line of a score file */

/** The comment of files whose scores are log-odds. */
#define NB_SCORES_LOG_ODDS "values log-odds"

/** The rows of a score file, in file order. Start from {0}; owns everything in it. */
typedef struct nb_scores {
    nb_strings images; /**< [count] names as they are, not escaped */
    int32_t *labels;   /**< [count] the true ID class, -1 unknown or OOD */
    int32_t *classes;  /**< [count] the predicted ID class, -1 where none was predicted */
    double *score;     /**< [count] finite, higher means more in-distribution */
    double *ood_score; /**< [count] 1 - score without cancellation, or NaN in all rows: the score is no probability */
    bool log_odds; /**< scores are log-odds: they are keys themselves; what is written needs NB_SCORES_LOG_ODDS among
                        its comments */
    size_t count;
    /** For writing only: names of the ID classes, borrowed, and whether a threshold takes each image for ID [count]. A
     * column each, absent where NULL. */
    const nb_strings *class_names;
    uint8_t *accepted;
    nb_strings comments; /**< the comment lines without the '#' and the blank behind it */
} nb_scores;

/** Reads a score file.
 * @param out freed by nb_scores_free; empty after a failure
 * @param path the file
 * @return NB_OK, NB_ERR_INPUT with file and line for a missing column, a wrong number of fields, a malformed number, a
 * label or class below -1, a score that is not finite, a negative ood_score, unless it is a log-odd a negative score
 * beside an ood_score or both of them 0, ood_score given in some rows only, a bad escape, a NUL byte, a line over
 * NB_SCORE_LINE_MAX, and for a file without rows; NB_ERR_IO, or NB_ERR_LIMIT when memory is out */
nb_status nb_scores_read(nb_scores *out, const char *path, nb_error *err);

/** Reads a score file from memory.
 * @param out freed by nb_scores_free; empty after a failure
 * @param name stands for the file in messages
 * @param bytes [len]; not kept
 * @param len bytes
 * @return as nb_scores_read */
nb_status nb_scores_parse(nb_scores *out, const char *name, const char *bytes, size_t len, nb_error *err);

/** Writes a score file with scores->comments above it (a comment of several lines becomes several). Refuses what
 * nb_scores_read would refuse.
 * @param scores the rows
 * @param path the file
 * @param force replaces a file that is there
 * @return NB_OK, NB_ERR_NUMERIC for the numbers, NB_ERR_INPUT for a name or comment too long or with a NUL byte and for
 * no rows, NB_ERR_IO, NB_ERR_LIMIT when memory is out, or as nb_output_begin fails */
nb_status nb_scores_write(const nb_scores *scores, const char *path, bool force, nb_error *err);

/** Appends a name as it stands in a score file.
 * @param out appended to
 * @param name [len]
 * @param len bytes
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_score_escape(nb_buffer *out, const char *name, size_t len, nb_error *err);

/** Frees what a table holds.
 * @param scores a table or {0} */
void nb_scores_free(nb_scores *scores);

/** The name of a row's class.
 * @param scores the table
 * @param i the row
 * @return the name, borrowed; "" where the row has none; NULL without class_names */
const char *nb_scores_class_name(const nb_scores *scores, size_t i);

/** Whether the rows carry ood_score, so that their keys are log-odds. Keys of files that differ in this do not compare.
 * @param scores the table
 * @return true when they do; false without rows */
bool nb_scores_have_odds(const nb_scores *scores);

/** Sets log_odds as the comments say.
 * @param scores a table with its comments */
void nb_scores_set_kind(nb_scores *scores);

/** Refuses numbers that no score file may have.
 * @param scores the table
 * @return NB_OK, or NB_ERR_INPUT naming the row */
nb_status nb_scores_check(const nb_scores *scores, nb_error *err);

/** The keys metrics order images by: ln(score) - ln(ood_score), so that scores near 1 stay apart, with -inf for score 0
 * and +inf for ood_score 0; the score itself where it is a log-odd or ood_score is NaN.
 * @param scores the table
 * @param as_released the score alone, rounded to single precision, as the published code orders
 * @param keys [count] filled
 * @return NB_OK, or NB_ERR_INPUT naming the row for numbers nb_scores_read would refuse */
nb_status nb_scores_keys(const nb_scores *scores, bool as_released, double *keys, nb_error *err);

/** The ID accuracy.
 * @param scores the table
 * @return the share of the rows with label >= 0 whose class is the label; NaN when there are none */
double nb_scores_accuracy(const nb_scores *scores);

#endif
