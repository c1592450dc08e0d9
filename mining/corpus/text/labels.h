/* ID label files: one class name a line, the line number less one is the class number. */
#ifndef NB_MINING_CORPUS_TEXT_LABELS_H
#define NB_MINING_CORPUS_TEXT_LABELS_H

#include "mining/corpus/text/normalise.h"

enum { NB_LABEL_BYTES_MAX = 1024, NB_LABEL_LINE_MAX = 8192, NB_LABELS_MAX = 1 << 20 };

/* Reads the labels of a UTF-8 text file into *labels (appended to {0}, freed by the caller with nb_strings_free), in
 * their order, normalised like texts of a corpus: trimmed, white space collapsed, form C; case and underscores stay.
 *
 * NB_ERR_INPUT, with file and line: no label at all, a blank line, a control character, a label over NB_LABEL_BYTES_MAX
 * bytes, a line over NB_LABEL_LINE_MAX bytes, more than NB_LABELS_MAX lines, or a label equal to one before it but for
 * case, white space and underscores (both lines are named). *labels is {0} on failure. */
nb_status nb_labels_read(nb_strings *labels, const char *path, nb_error *err);

/* Finds texts that equal one of a list but for case, white space and underscores. */
typedef struct nb_matcher {
    nb_normaliser normaliser;
    nb_label_set set;
} nb_matcher;

/* Entries that normalise to nothing match nothing; equal ones count once. Close with nb_matcher_close, which takes {0}
 * too. */
nb_status nb_matcher_open(nb_matcher *m, const nb_strings *list, nb_error *err);
bool nb_matcher_has(nb_matcher *m, const char *text, size_t len);
void nb_matcher_close(nb_matcher *m);

#endif
