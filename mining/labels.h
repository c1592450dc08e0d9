/* ID label files: one class name a line, the line number less one is the class number. */
#ifndef NB_MINING_LABELS_H
#define NB_MINING_LABELS_H

#include "common/base/memory.h"

enum { NB_LABEL_BYTES_MAX = 1024, NB_LABEL_LINE_MAX = 8192, NB_LABELS_MAX = 1 << 20 };

/* Reads the labels of a UTF-8 text file into *labels (appended to {0}, freed by the caller with nb_strings_free), in
 * their order, normalised like texts of a corpus: trimmed, white space collapsed, form C; case and underscores stay.
 *
 * NB_ERR_INPUT, with file and line: no label at all, a blank line, a control character, a label over NB_LABEL_BYTES_MAX
 * bytes, a line over NB_LABEL_LINE_MAX bytes, more than NB_LABELS_MAX lines, or a label equal to one before it but for
 * case, white space and underscores (both lines are named). *labels is {0} on failure. */
nb_status nb_labels_read(nb_strings *labels, const char *path, nb_error *err);

/* matched[i] = 1 for every text that equals a label but for case, white space and underscores; matched is
 * [texts->count], zero elsewhere. */
nb_status nb_labels_match(const nb_strings *labels, const nb_strings *texts, uint8_t *matched, nb_error *err);

#endif
