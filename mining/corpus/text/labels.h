/** @file
 * ID label files: one class name a line, the line number less one is the class number. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_TEXT_LABELS_H
#define NB_MINING_CORPUS_TEXT_LABELS_H

#include "common/base/log.h"
#include "mining/corpus/text/normalise.h"

/** Bytes of a label and of a line at most; labels at most. */
enum { NB_LABEL_BYTES_MAX = 1024, NB_LABEL_LINE_MAX = 8192, NB_LABELS_MAX = 1 << 20 };

/** Forms of label files that are refused: what stands beside the names would become part of them. */
typedef enum nb_label_form {
    NB_LABELS_PLAIN,    /**< a name a line */
    NB_LABELS_COMMENT,  /**< a line begins with '#' */
    NB_LABELS_JSON,     /**< an array or object */
    NB_LABELS_NUMBERED, /**< all lines, but for one above them, have numbers in front or behind */
    NB_LABELS_WORDNET,  /**< all lines begin with WordNet numbers ("n01440764 tench") */
    NB_LABELS_TABLE,    /**< a line holds a tab between words */
    NB_LABELS_QUOTED,   /**< most lines stand in quotes, with a comma or not */
    NB_LABELS_LISTED    /**< most lines end in a comma or semicolon, or all begin with "- " */
} nb_label_form;

/** The form of a label file.
 * @param lines of the file
 * @param line  becomes the first line, from 0, that shows it
 * @return the form */
nb_label_form nb_label_form_of(const nb_strings *lines, size_t *line);

/** Refuses another form than NB_LABELS_PLAIN.
 * @param lines of the file
 * @param path  of it, for the message
 * @return NB_OK, or NB_ERR_INPUT with file, line and what to do. */
nb_status nb_labels_check_form(const nb_strings *lines, const char *path, nb_error *err);

/** Reads the labels of a UTF-8 text file, normalised like texts of a corpus: trimmed, white space collapsed, form C;
 * case and underscores stay.
 * @param labels becomes the labels in their order, to be freed with nb_strings_free; {0} on failure
 * @param path the file
 * @param log takes a warning of labels equal to one before them but for case, white space and underscores, which are
 * classes of their own (of the ImageNet names in use two stand there twice), and of lines that are all numbers, WordNet
 * numbers all begin like "001." or end with numbers from 0 on
 * @return NB_OK; NB_ERR_INPUT, with file and line, when it is missing or for no label at all, another form than
 * NB_LABELS_PLAIN, a blank line, a control character, what is not UTF-8, a label over NB_LABEL_BYTES_MAX bytes, a line
 * over NB_LABEL_LINE_MAX bytes, or more than NB_LABELS_MAX lines; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT
 * without memory. */
nb_status nb_labels_read(nb_strings *labels, const char *path, const nb_log *log, nb_error *err);

/** Finds texts that equal one of a list but for case, white space and underscores. */
typedef struct nb_matcher {
    nb_normaliser normaliser;
    nb_label_set set;
} nb_matcher;

/** Makes a matcher. Texts that normalise to nothing match nothing; equal ones count once.
 * @param m close with nb_matcher_close; {0} on failure
 * @param list the texts, which are copied
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_matcher_open(nb_matcher *m, const nb_strings *list, nb_error *err);

/** Whether the list has a text.
 * @param m the matcher; its working memory is used
 * @param text [len] the text
 * @param len bytes
 * @return true when it does */
bool nb_matcher_has(nb_matcher *m, const char *text, size_t len);

/** Frees a matcher.
 * @param m a matcher or {0} */
void nb_matcher_close(nb_matcher *m);

#endif
