/** @file
 * Class numbers of images whose classes have names, brought into the order of a label file or of a bank. Nothing here
 * is collective. */
#ifndef NB_MINING_CORPUS_TEXT_CLASS_NUMBERS_H
#define NB_MINING_CORPUS_TEXT_CLASS_NUMBERS_H

#include "mining/corpus/text/labels.h"

/** The class numbers of a set of images. */
typedef struct nb_class_numbers {
    const char *path;        /**< where they come from, for messages */
    const nb_strings *names; /**< of its classes, in the order of its own numbers; empty where it has none */
    int32_t *numbers;        /**< [count], -1 unknown; NULL: none */
    size_t count;
} nb_class_numbers;

/** What becomes of a class that is no label. */
typedef enum nb_class_strangers {
    NB_STRANGERS_REFUSED, /**< ID images: an error */
    NB_STRANGERS_ALONE,   /**< images that may be OOD: -1 with a warning where no class is a label; else an error */
    NB_STRANGERS_ALLOWED  /**< OOD images: -1 */
} nb_class_strangers;

/** Gives images the numbers that the labels have: a class is the label of its name, equal but for case, white space and
 * underscores. Labels that no class has stay without images. Where no class is a label and all of them are whole
 * numbers below the number of labels, these are the numbers of the labels. Without names the numbers stay as they are.
 * @param images whose numbers are replaced
 * @param labels in their order
 * @param strangers what becomes of a class that is no label
 * @param log takes warnings
 * @return NB_OK; NB_ERR_INPUT, with some names of both sides, for a class that is no label, or may be several; or
 * NB_ERR_LIMIT without memory. */
nb_status nb_class_numbers_match(const nb_class_numbers *images, const nb_strings *labels, nb_class_strangers strangers,
                                 const nb_log *log, nb_error *err);

#endif
