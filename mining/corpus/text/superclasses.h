/** @file
 * Superclasses behind adjectives (CSP, NeurIPS 2024): "striped" and "pattern" give "striped pattern". Each adjective is
 * joined with all superclasses, or with the one that the release draws for it. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_TEXT_SUPERCLASSES_H
#define NB_MINING_CORPUS_TEXT_SUPERCLASSES_H

#include "common/base/tag.h"
#include "mining/corpus/text/normalise.h"

/** Superclasses at most. */
enum { NB_SUPERCLASSES_MAX = 1000 };

/** The superclasses, and what was drawn. */
typedef struct nb_superclasses {
    nb_strings names; /**< in their order; none: adjectives stay as they are */
    nb_label_set
        words;       /**< all words of the inputs in the order in which they were first seen; none: nothing is drawn */
    uint32_t *drawn; /**< [words] the superclass of an adjective; NB_SUPERCLASSES_MAX of any other word */
} nb_superclasses;

/** The superclasses of the paper, or those of a file, one a line.
 * @param names appended to; freed by the caller, also after a failure
 * @param choice "default", or a path
 * @return NB_OK; NB_ERR_INPUT for a file that is missing, empty or too long, or a line that is no text; NB_ERR_LIMIT
 * without memory. */
nb_status nb_superclasses_read(nb_strings *names, const char *choice, nb_error *err);

/** Draws a superclass for each adjective as the release does: Python's random.seed(seed), then one random.choice a word
 * that was not seen before, in the order of the words. A word that is both is what it was first.
 * @param s with its names
 * @param words canonical texts, also repeated ones
 * @param tags [words] nb_tag
 * @param seed of the draw
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_superclasses_draw(nb_superclasses *s, const nb_strings *words, const uint8_t *tags, uint64_t seed,
                               nb_error *err);

/** Which superclasses a text is joined with.
 * @param s the superclasses
 * @param n holds the canonical text
 * @param tag its tag
 * @param first becomes the first one's number
 * @param count becomes how many follow from there on; 0: it stays as it is
 * @return false when there is no such text: the word counts with another tag */
bool nb_superclasses_of(const nb_superclasses *s, const nb_normaliser *n, nb_tag tag, size_t *first, size_t *count);

/** Frees what it holds.
 * @param s emptied */
void nb_superclasses_close(nb_superclasses *s);

#endif
